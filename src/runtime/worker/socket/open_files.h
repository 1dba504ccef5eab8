// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// As many open files as this process may have, for programs with a socket for each of many clients.
#pragma once

#include <sys/resource.h>

namespace confab::worker {

// The soft limit becomes the hard one (getrlimit(2)).
inline void raise_open_files() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace confab::worker
