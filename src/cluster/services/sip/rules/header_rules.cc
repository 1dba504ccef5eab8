// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/rules/header_rules.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"

namespace confab::cluster::services::sip {
namespace {

constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxValue = 1024;

// Those that the service writes itself, and their compact forms. differs from upstream, which
// forgot c, e, f and i (SIP-14).
constexpr std::array<std::string_view, 30> kReserved{"accept",
                                                     "accept-encoding",
                                                     "accept-language",
                                                     "allow",
                                                     "allow-events",
                                                     "c",
                                                     "call-id",
                                                     "contact",
                                                     "content-encoding",
                                                     "content-length",
                                                     "content-type",
                                                     "cseq",
                                                     "e",
                                                     "event",
                                                     "expires",
                                                     "f",
                                                     "from",
                                                     "i",
                                                     "k",
                                                     "l",
                                                     "m",
                                                     "max-forwards",
                                                     "o",
                                                     "r",
                                                     "record-route",
                                                     "refer-to",
                                                     "reply-to",
                                                     "t",
                                                     "u",
                                                     "v"};

bool is_token(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-.!%*_+`'~").find(c) != std::string_view::npos;
}

// As Go's runes are numbered: of UTF-8 only the first octet is looked at.
std::string not_allowed(char c) {
    return "char " + std::to_string(static_cast<unsigned char>(c)) + " not allowed";
}

Fault name_fault(const std::string& name, bool is_sent) {
    if (name.empty()) return "invalid header name: header name cannot be empty";
    if (name.size() > kMaxName)
        return "invalid header name: header name too long (max 255 characters)";
    if (const Fault fault = token_fault(name))
        return "invalid header name: header name " + name +
               " contains invalid characters: " + *fault;
    if (is_sent && std::find(kReserved.begin(), kReserved.end(), to_lower(name)) != kReserved.end())
        return "invalid header name: header name " + name + " not supported";
    return std::nullopt;
}

Fault value_fault(const std::string& name, const std::string& value) {
    const std::string where = "invalid header value for " + name + ": header " + name + ": value";
    if (value.size() > kMaxValue) return where + " too long (max 1024 characters)";
    for (const char c : value) {
        const auto octet = static_cast<unsigned char>(c);
        if ((octet < 0x20 && c != '\t') || octet == 0x7F) return where + ": " + not_allowed(c);
    }
    return std::nullopt;
}

// In one order, so that of two faults always the same one is told.
std::vector<const Texts::value_type*> in_order(const Texts& texts) {
    std::vector<const Texts::value_type*> all;
    all.reserve(texts.size());
    for (const auto& one : texts)
        all.push_back(&one);
    std::sort(all.begin(), all.end(),
              [](const auto* a, const auto* b) { return a->first < b->first; });
    return all;
}

}  // namespace

Fault token_fault(std::string_view text) {
    const auto bad = std::find_if_not(text.begin(), text.end(), is_token);
    if (bad == text.end()) return std::nullopt;
    return not_allowed(*bad);
}

Fault headers_fault(const Texts& headers) {
    for (const auto* header : in_order(headers)) {
        if (auto fault = name_fault(header->first, true)) return fault;
        if (auto fault = value_fault(header->first, header->second)) return fault;
    }
    return std::nullopt;
}

Fault header_keys_fault(const Texts& headers_to_attributes) {
    for (const auto* one : in_order(headers_to_attributes))
        if (auto fault = name_fault(one->first, false)) return fault;
    return std::nullopt;
}

Fault header_values_fault(const Texts& attributes_to_headers) {
    for (const auto* one : in_order(attributes_to_headers))
        if (auto fault = name_fault(one->second, false)) return fault;
    return std::nullopt;
}

}  // namespace confab::cluster::services::sip
