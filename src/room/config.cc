// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/config.h"

namespace confab::room {

Placement room_affinity(std::size_t workers) {
    return [workers](std::string_view room, std::uint64_t) {
        // FNV-1a: the same room goes to the same worker in every run.
        std::uint64_t hash = 14'695'981'039'346'656'037ULL;
        for (const char c : room) {
            hash ^= static_cast<std::uint8_t>(c);
            hash *= 1'099'511'628'211ULL;
        }
        return static_cast<sfu::WorkerIndex>(workers == 0 ? 0 : hash % workers);
    };
}

Placement round_robin(std::size_t workers) {
    return [workers, next = std::size_t{0}](std::string_view, std::uint64_t) mutable {
        return static_cast<sfu::WorkerIndex>(workers == 0 ? 0 : next++ % workers);
    };
}

}  // namespace confab::room
