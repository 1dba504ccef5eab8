// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Numbers with a meaning (07 TYP-01): a payload type can not be passed for an SSRC.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
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

}  // namespace confab

template <typename Tag, typename T>
struct std::hash<confab::Tagged<Tag, T>> {
    std::size_t operator()(const confab::Tagged<Tag, T>& v) const noexcept {
        return std::hash<T>{}(v.value());
    }
};
