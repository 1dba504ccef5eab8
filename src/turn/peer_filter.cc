// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "turn/peer_filter.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/check.h"

namespace confab::turn {
namespace {

// RFC 6890 and the registries of IANA that follow it.
constexpr std::string_view kRestricted[] = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
    "::/96",         "::ffff:0:0/96",   "64:ff9b:1::/48", "100::/64",       "2001::/23",
    "2001:db8::/32", "3fff::/20",       "5f00::/16",      "fc00::/7",       "fe80::/9",
    "ff00::/8",
};

std::vector<Cidr> restricted_blocks() {
    std::vector<Cidr> blocks;
    for (const std::string_view text : kRestricted) {
        const auto block = Cidr::parse(text);
        CONFAB_CHECK(block.has_value());
        blocks.push_back(*block);
    }
    return blocks;
}

bool contains(const std::vector<Cidr>& blocks, const IpAddress& ip) {
    return std::any_of(blocks.begin(), blocks.end(),
                       [&](const Cidr& block) { return block.contains(ip); });
}

// Where the IPv4 address stands in an address of this block.
struct Embedding {
    Cidr block;
    std::size_t offset = 0;
};

std::vector<Embedding> embeddings() {
    constexpr std::pair<std::string_view, std::size_t> kForms[] = {
        {"::ffff:0:0/96", 12},  // IPv4-mapped, RFC 4291 §2.5.5.2
        {"64:ff9b::/96", 12},   // NAT64, RFC 6052
        {"2002::/16", 2},       // 6to4, RFC 3056
    };
    std::vector<Embedding> result;
    for (const auto& [text, offset] : kForms) {
        const auto block = Cidr::parse(text);
        CONFAB_CHECK(block.has_value());
        result.push_back({*block, offset});
    }
    return result;
}

std::optional<IpAddress> inner_v4(const IpAddress& ip) {
    static const std::vector<Embedding> kForms = embeddings();
    if (!ip.is_v6()) return std::nullopt;
    for (const Embedding& form : kForms)
        if (form.block.contains(ip)) return IpAddress::v4_bytes(ip.bytes().subspan(form.offset, 4));
    return std::nullopt;
}

// A mapped address is the IPv4 address, for the kernel too; the other forms are addresses of their
// own.
IpAddress canonical(const IpAddress& ip) {
    static const std::optional<Cidr> kMapped = Cidr::parse("::ffff:0:0/96");
    return kMapped->contains(ip) ? IpAddress::v4_bytes(ip.bytes().subspan(12, 4)) : ip;
}

}  // namespace

bool is_restricted(const IpAddress& ip) {
    static const std::vector<Cidr> kBlocks = restricted_blocks();
    const IpAddress plain = canonical(ip);
    if (plain.is_none() || contains(kBlocks, plain)) return true;
    const auto inner = inner_v4(plain);
    return inner && contains(kBlocks, *inner);
}

bool PeerFilter::is_denied(const IpAddress& ip) const {
    if (contains(rules_.deny, ip)) return true;
    const auto inner = inner_v4(ip);
    return inner && contains(rules_.deny, *inner);
}

const PeerRules::OwnMedia* PeerFilter::own(const IpAddress& ip) const {
    const auto found = std::find_if(rules_.own_media.begin(), rules_.own_media.end(),
                                    [&](const PeerRules::OwnMedia& own) { return own.ip == ip; });
    return found == rules_.own_media.end() ? nullptr : &*found;
}

bool PeerFilter::allows(const IpAddress& ip) const {
    const IpAddress plain = canonical(ip);
    if (plain.is_none() || is_denied(plain)) return false;
    return contains(rules_.allow_restricted, plain) || own(plain) != nullptr ||
           !is_restricted(plain);
}

bool PeerFilter::allows(const SocketAddress& peer) const {
    const IpAddress plain = canonical(peer.ip);
    if (peer.port == 0 || !allows(plain)) return false;
    const PeerRules::OwnMedia* const ours = own(plain);
    // Whoever lists the address of this host may reach other services of it, and other nodes.
    if (ours == nullptr || contains(rules_.allow_restricted, plain)) return true;
    return std::any_of(ours->ports.begin(), ours->ports.end(), [&](const auto& range) {
        return range.first <= peer.port && peer.port <= range.second;
    });
}

}  // namespace confab::turn
