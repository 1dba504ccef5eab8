// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The list of rooms as a page shows it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "console/requests.h"

namespace confab::console {

struct RoomRow {
    std::string name;
    std::string tenant;
    std::string sid;
    std::uint32_t participants = 0;
    std::uint32_t publishers = 0;
    std::uint32_t tracks = 0;
    std::int64_t created_ms = 0;
    bool recording = false;
    std::string metadata;
};

struct RoomPage {
    std::size_t total = 0;  // that were found
    std::vector<RoomRow> rows;
};

// Those in whose name, sid or tenant the text is, without regard to case (of ASCII letters).
RoomPage page_of(std::vector<RoomRow> rooms, const RoomsQuery& query);

std::string to_json(const RoomPage& page);

}  // namespace confab::console
