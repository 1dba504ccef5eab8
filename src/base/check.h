// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Three levels of assertion (07 ERR-04).
//   CONFAB_CHECK   memory safety; always on; aborts the process.
//   CONFAB_BUG_IF  an impossible state of our own; aborts in every build but release, where it is
//                  counted under its id and yields true, so that the caller closes the owning
//                  session or room, never the process.
//   CONFAB_DCHECK  debug, simulator and fuzz builds only; may be costly.
// No byte from a peer may reach any of them.
#pragma once

#include <cstdint>

namespace confab {

[[noreturn]] void check_failed(const char* expression, const char* file, int line);

// Counts an impossible state; aborts unless built with CONFAB_RELEASE. Always returns true.
bool report_bug(const char* id, const char* expression, const char* file, int line);

// Impossible states counted since the start, for the metric confab_bug_total.
std::uint64_t bug_count();

}  // namespace confab

#define CONFAB_CHECK(condition)             \
    (static_cast<bool>(condition) ? void(0) \
                                  : ::confab::check_failed(#condition, __FILE__, __LINE__))

#define CONFAB_BUG_IF(condition, id) \
    (static_cast<bool>(condition) && ::confab::report_bug(id, #condition, __FILE__, __LINE__))

#ifdef CONFAB_RELEASE
#define CONFAB_DCHECK(condition) void(sizeof(static_cast<bool>(condition)))
#else
#define CONFAB_DCHECK(condition) CONFAB_CHECK(condition)
#endif
