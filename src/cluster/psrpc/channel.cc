// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/channel.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace confab::cluster::psrpc {
namespace {

constexpr char kBar = '|';
constexpr std::uint32_t kReplacement = 0xFFFD;

bool is_plain(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

void append_escaped(std::string& out, std::uint32_t code) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const bool is_short = code < 0x10000;
    out += is_short ? "u+" : "U+";
    for (int shift = is_short ? 12 : 28; shift >= 0; shift -= 4)
        out += kDigits[(code >> shift) & 0xF];
}

struct Decoded {
    std::uint32_t code = kReplacement;
    std::size_t size = 1;  // bytes; of what is no UTF-8, one
};

// A code point of more than one byte (RFC 3629 §3): none that fits in fewer, no surrogates.
Decoded decode(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    std::size_t size = 0;
    if (byte(0) >= 0xC2 && byte(0) <= 0xDF) size = 2;
    if (byte(0) >= 0xE0 && byte(0) <= 0xEF) size = 3;
    if (byte(0) >= 0xF0 && byte(0) <= 0xF4) size = 4;
    if (size == 0 || text.size() < size) return {};
    std::uint32_t code = byte(0) & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return {};
        code = code << 6 | (byte(i) & 0x3FU);
    }
    constexpr std::array<std::uint32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (code < kLeast[size] || code > 0x10FFFF || surrogate) return {};
    return {code, size};
}

// An empty topic at the beginning leaves no trace; elsewhere it does: so do others' names.
std::string server_channel(const rpc::Method& method, const rpc::Topic& topic,
                           std::string_view kind) {
    std::string middle;
    for (const std::string& part : topic) {
        if (!middle.empty()) middle += kBar;
        middle += escape(part);
    }
    std::string name = escape(method.service) + kBar + escape(method.name) + kBar;
    if (!middle.empty()) name += middle + kBar;
    return name.append(kind);
}

std::string client_channel(std::string_view service, std::string_view client_id,
                           std::string_view kind) {
    return (escape(service) + kBar + escape(client_id) + kBar).append(kind);
}

}  // namespace

std::string escape(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        std::size_t size = 1;
        if (is_plain(text.front())) {
            out += text.front();
        } else if (static_cast<std::uint8_t>(text.front()) < 0x80) {
            append_escaped(out, static_cast<std::uint8_t>(text.front()));
        } else {
            const Decoded decoded = decode(text);
            append_escaped(out, decoded.code);
            size = decoded.size;
        }
        text.remove_prefix(size);
    }
    return out;
}

std::string request_channel(const rpc::Method& method, const rpc::Topic& topic) {
    return server_channel(method, topic, "REQ");
}
std::string choice_channel(const rpc::Method& method, const rpc::Topic& topic) {
    return server_channel(method, topic, "RCLAIM");
}
std::string stream_channel(const rpc::Method& method, const rpc::Topic& topic) {
    return server_channel(method, topic, "STR");
}
std::string response_channel(std::string_view service, std::string_view client_id) {
    return client_channel(service, client_id, "RES");
}
std::string claim_channel(std::string_view service, std::string_view client_id) {
    return client_channel(service, client_id, "CLAIM");
}
std::string client_stream_channel(std::string_view service, std::string_view client_id) {
    return client_channel(service, client_id, "STR");
}

}  // namespace confab::cluster::psrpc
