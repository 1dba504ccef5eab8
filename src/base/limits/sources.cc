// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "base/limits/sources.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace confab {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr std::size_t kNetworkBytes = 8;  // of an IPv6 address

IpAddress plain(const IpAddress& address) {
    if (!address.is_v6()) return address;
    const BytesView bytes = address.bytes();
    if (!std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) return address;
    return IpAddress::v4_bytes(bytes.subspan(kMapped.size()));
}

}  // namespace

IpAddress source_of(const IpAddress& address) {
    const IpAddress source = plain(address);
    if (!source.is_v6()) return source;
    std::array<std::uint8_t, 16> network{};
    std::copy_n(source.bytes().begin(), kNetworkBytes, network.begin());
    return IpAddress::v6_bytes(network);
}

bool is_listed(const std::vector<Cidr>& blocks, const IpAddress& address) {
    const IpAddress one = plain(address);
    return std::any_of(blocks.begin(), blocks.end(),
                       [&](const Cidr& block) { return block.contains(one); });
}

}  // namespace confab
