// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Numbers and strings with a meaning (07 TYP-01): a room name can not be passed for a room sid.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace confab {

template <typename Tag, typename T>
class Tagged {
  public:
    using Value = T;
    constexpr Tagged() = default;
    explicit constexpr Tagged(T value) : value_(std::move(value)) {}
    constexpr const T& value() const { return value_; }
    constexpr bool operator==(const Tagged&) const = default;
    // An arbitrary but fixed order, for ordered containers only.
    constexpr auto operator<=>(const Tagged&) const = default;

  private:
    T value_{};
};

using Ssrc = Tagged<struct SsrcTag, std::uint32_t>;
using PayloadType = Tagged<struct PayloadTypeTag, std::uint8_t>;
using Mid = Tagged<struct MidTag, std::string>;
using Rid = Tagged<struct RidTag, std::string>;
using RoomName = Tagged<struct RoomNameTag, std::string>;
using RoomSid = Tagged<struct RoomSidTag, std::string>;
using ParticipantSid = Tagged<struct ParticipantSidTag, std::string>;
using Identity = Tagged<struct IdentityTag, std::string>;
using TrackSid = Tagged<struct TrackSidTag, std::string>;

}  // namespace confab

template <typename Tag, typename T>
struct std::hash<confab::Tagged<Tag, T>> {
    std::size_t operator()(const confab::Tagged<Tag, T>& v) const noexcept {
        return std::hash<T>{}(v.value());
    }
};
