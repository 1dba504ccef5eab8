// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The limit of open files (RLIMIT_NOFILE): every connection costs one. Its soft half, 1 024 on most
// systems, is there for programs that use select(); it is ours to raise.
#pragma once

#include <cstddef>

namespace confab::app {

inline constexpr std::size_t kMaxFileLimit = 1'048'576;  // more is not asked for
inline constexpr const char* kFileLimitRemedy =
    "ulimit -Hn 65536 before the start, or LimitNOFILE=65536 in the systemd unit";

// Raises the soft limit to the hard one; says in the log what it is, and warns when it is low.
// Gives the limit.
std::size_t raise_file_limit();

// How many HTTP connections may be taken when there are `files` descriptors: what is configured,
// but a quarter of the files stays for media over TCP, webhooks and ourselves. At least 16.
std::size_t connection_limit(std::size_t configured, std::size_t files);

}  // namespace confab::app
