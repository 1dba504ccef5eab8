// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/cluster/slots.h"

#include <charconv>
#include <string>

#include "base/text.h"

namespace confab::redis {
namespace {

std::uint16_t crc16(std::string_view bytes) {
    std::uint32_t crc = 0;
    for (const char c : bytes) {
        crc ^= static_cast<std::uint32_t>(static_cast<unsigned char>(c)) << 8;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc & 0x8000U) != 0 ? (crc << 1) ^ 0x1021U : crc << 1;
        crc &= 0xffffU;
    }
    return static_cast<std::uint16_t>(crc);
}

std::optional<std::uint16_t> read_slot(std::string_view digits) {
    std::uint16_t slot = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), slot);
    if (error != std::errc() || end != digits.data() + digits.size() || slot >= kSlots)
        return std::nullopt;
    return slot;
}

std::optional<SlotRange> read_range(const Value& range, const Address& asked) {
    if (range.items.size() < 3 || range.items[2].items.size() < 2) return std::nullopt;
    const std::int64_t first = range.items[0].integer;
    const std::int64_t last = range.items[1].integer;
    const Value& host = range.items[2].items[0];
    const std::int64_t port = range.items[2].items[1].integer;
    if (first < 0 || last < first || last >= kSlots || port <= 0 || port > 65535)
        return std::nullopt;
    const auto address = host.text.empty() || host.text == "?"
                             ? parse_address("[" + asked.host + "]")
                             : parse_address("[" + host.text + "]");
    if (!address) return std::nullopt;
    return SlotRange{static_cast<std::uint16_t>(first),
                     static_cast<std::uint16_t>(last),
                     {address->host, static_cast<std::uint16_t>(port)}};
}

}  // namespace

std::uint16_t slot_of(std::string_view key) {
    const std::size_t open = key.find('{');
    if (open != std::string_view::npos) {
        const std::size_t close = key.find('}', open + 1);
        if (close != std::string_view::npos && close > open + 1)
            key = key.substr(open + 1, close - open - 1);
    }
    return crc16(key) % kSlots;
}

std::optional<std::uint16_t> slot_of(Words words) {
    if (words.size() < 2) return std::nullopt;
    const bool script =
        equals_ignore_case(words[0], "EVAL") || equals_ignore_case(words[0], "EVALSHA");
    if (!script) return slot_of(words[1]);
    if (words.size() < 4 || words[2] == "0") return std::nullopt;
    return slot_of(words[3]);
}

std::vector<SlotRange> read_slots(const Value& reply, const Address& asked) {
    std::vector<SlotRange> all;
    for (const Value& range : reply.items)
        if (auto read = read_range(range, asked)) all.push_back(*std::move(read));
    return all;
}

std::optional<Redirection> read_redirection(const Value& reply, const Address& asked) {
    const std::string_view code = reply.error_code();
    if (code != "MOVED" && code != "ASK") return std::nullopt;
    const std::string_view rest = std::string_view(reply.text).substr(code.size());
    const std::size_t space = rest.find(' ', 1);
    if (space == std::string_view::npos) return std::nullopt;
    const auto slot = read_slot(rest.substr(1, space - 1));
    // ":6381": the host that was asked. An IPv6 address stands without brackets.
    const std::string_view place = rest.substr(space + 1);
    const std::size_t colon = place.rfind(':');
    if (!slot || colon == std::string_view::npos) return std::nullopt;
    const std::string_view host =
        colon == 0 ? std::string_view(asked.host) : place.substr(0, colon);
    const auto to =
        parse_address("[" + std::string(host) + "]:" + std::string(place.substr(colon + 1)));
    if (!to) return std::nullopt;
    return Redirection{code == "MOVED", *slot, *to};
}

}  // namespace confab::redis
