// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace confab {
namespace {
// One counter for the process. Written by several threads in release builds; a lost increment
// would only understate the metric.
std::uint64_t bugs = 0;
}  // namespace

void check_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, expression);
    std::abort();
}

bool report_bug(const char* id, const char* expression, const char* file, int line) {
    __atomic_fetch_add(&bugs, 1, __ATOMIC_RELAXED);
#ifdef CONFAB_RELEASE
    (void)id, (void)expression, (void)file, (void)line;
    return true;
#else
    std::fprintf(stderr, "%s:%d: impossible state %s: %s\n", file, line, id, expression);
    std::abort();
#endif
}

std::uint64_t bug_count() {
    return __atomic_load_n(&bugs, __ATOMIC_RELAXED);
}

}  // namespace confab
