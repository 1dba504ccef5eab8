// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "base/cidr.h"

#include "base/text.h"

namespace confab {

std::optional<Cidr> Cidr::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == text.npos) return std::nullopt;
    const auto base = IpAddress::parse(text.substr(0, slash));
    const auto prefix = parse_decimal<unsigned>(text.substr(slash + 1));
    if (!base || !prefix || *prefix > base->bytes().size() * 8) return std::nullopt;
    return Cidr{*base, *prefix};
}

bool Cidr::contains(const IpAddress& address) const {
    if (address.family() != base.family()) return false;
    const BytesView a = address.bytes();
    const BytesView b = base.bytes();
    for (unsigned bit = 0; bit < prefix; bit += 8) {
        const unsigned kept = prefix - bit >= 8 ? 8 : prefix - bit;
        const unsigned mask = (0xFF00U >> kept) & 0xFFU;
        if (((a[bit / 8] ^ b[bit / 8]) & mask) != 0) return false;
    }
    return true;
}

}  // namespace confab
