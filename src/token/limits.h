// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The limits of what participants and callers say about themselves and about rooms (01 ROOM-07 and
// section 7.1, limit.*). 0 = unlimited; lengths in bytes of UTF-8.
#pragma once

#include <cstddef>

namespace confab::token {

struct Limits {
    std::size_t room_name = 256;
    std::size_t identity = 256;
    std::size_t participant_name = 256;
    std::size_t metadata = 512 * 1024;
    std::size_t attributes = 64 * 1024;
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

// The same after changes, of which those to nothing take their key away.
template <typename Map>
std::size_t attributes_size_after(const Map& attributes, const Map& changes) {
    std::size_t size = attributes_size(attributes);
    for (const auto& [key, value] : changes) {
        const auto before = attributes.find(key);
        if (before != attributes.end()) size -= key.size() + before->second.size();
        if (!value.empty()) size += key.size() + value.size();
    }
    return size;
}

}  // namespace confab::token
