// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/file_limit.h"

#include <sys/resource.h>

#include <algorithm>

#include "runtime/telemetry/log.h"

namespace confab::app {
namespace {

constexpr std::size_t kLow = 16'384;
constexpr std::size_t kMinConnections = 16;

}  // namespace

std::size_t raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kLow;
    const rlim_t before = limit.rlim_cur;
    const rlim_t wanted = std::min<rlim_t>(limit.rlim_max, kMaxFileLimit);
    if (before < wanted) {
        limit.rlim_cur = wanted;
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
    }
    const auto files = static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, kMaxFileLimit));
    telemetry::log_info("limit of open files", {{"was", before}, {"is", files}});
    if (files < kLow)
        telemetry::log_warn("few files may be open: so many connections at most",
                            {{"files", files},
                             {"connections", connection_limit(files, files)},
                             {"remedy", kFileLimitRemedy}});
    return files;
}

std::size_t connection_limit(std::size_t configured, std::size_t files) {
    return std::max(std::min(configured, files - files / 4), kMinConnections);
}

}  // namespace confab::app
