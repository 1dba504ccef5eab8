// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Limits of the API (01 ROOM-07 and section 7.1, limit.*). 0 = unlimited; lengths in bytes of
// UTF-8.
#pragma once

#include <cstddef>

namespace confab::api {

struct ApiLimits {
    std::size_t max_room_name_length = 256;
    std::size_t max_participant_identity_length = 256;
    std::size_t max_participant_name_length = 256;
    std::size_t max_metadata_size = 512 * 1024;
    std::size_t max_attributes_size = 64 * 1024;
    std::size_t max_api_request_body_size = 10 * 1024 * 1024;
};

constexpr bool exceeds(std::size_t size, std::size_t limit) {
    return limit != 0 && size > limit;
}

// Sum of the lengths of keys and values.
template <typename Map>
std::size_t attributes_size(const Map& attributes) {
    std::size_t size = 0;
    for (const auto& [key, value] : attributes)
        size += key.size() + value.size();
    return size;
}

}  // namespace confab::api
