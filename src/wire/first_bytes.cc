// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/first_bytes.h"

#include "wire/ice/channel_data.h"
#include "wire/ice/stun.h"

namespace confab::wire {
namespace {

constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kTlsMajor = 3;
constexpr std::size_t kFrameHeader = 2;  // RFC 4571 §2
constexpr std::size_t kTypeAndLength = 4;

bool is_letter(std::uint8_t byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

// Whether it may be the begin of a STUN message, as far as it goes: type, length, cookie.
bool may_be_stun(BytesView start) {
    if (!start.empty() && (start[0] & 0xC0) != 0) return false;
    if (start.size() >= kTypeAndLength && load_be16(&start[2]) % 4 != 0) return false;
    for (std::size_t i = kTypeAndLength; i < start.size() && i < kTypeAndLength + 4; ++i)
        if (start[i] != static_cast<std::uint8_t>(kStunMagicCookie >> (8 * (7 - i)))) return false;
    return true;
}
bool is_stun(BytesView start) {
    return start.size() >= kTypeAndLength + 4 && may_be_stun(start);
}

// A frame that holds exactly one STUN message.
bool may_be_framed_stun(BytesView start) {
    if (start.size() < kFrameHeader) return true;
    const std::size_t frame = load_be16(start.data());
    const BytesView inside = start.subspan(kFrameHeader);
    if (frame < kStunHeaderSize || !may_be_stun(inside)) return false;
    return inside.size() < kTypeAndLength || frame == kStunHeaderSize + load_be16(&inside[2]);
}

bool may_be_tls(BytesView start) {
    return start[0] == kHandshakeRecord && (start.size() < 2 || start[1] == kTlsMajor);
}

}  // namespace

FirstBytes first_bytes(BytesView start) {
    if (start.empty()) return FirstBytes::kMore;
    if (is_letter(start[0])) return FirstBytes::kHttp;
    const bool tls = may_be_tls(start);
    if (tls && start.size() >= 2) return FirstBytes::kTls;
    const bool turn = may_be_stun(start);
    const bool framed = may_be_framed_stun(start);
    if (turn && is_stun(start)) return FirstBytes::kTurn;
    if (framed && start.size() >= kFirstBytes) return FirstBytes::kIceTcp;
    return tls || turn || framed ? FirstBytes::kMore : FirstBytes::kUnknown;
}

bool is_for_turn(BytesView datagram) {
    if (datagram.empty()) return false;
    // Of RFC 7983's table; DTLS, RTP and RTCP are outside of both.
    if (datagram[0] >= 64 && datagram[0] <= 79) return true;
    if (!looks_like_stun(datagram)) return false;
    const auto message = StunMessage::parse(datagram);
    if (!message) return false;
    const StunClass kind = message->message_class();
    if (kind != StunClass::kRequest && kind != StunClass::kIndication) return false;
    switch (message->method()) {
        case StunMethod::kBinding:
            return kind == StunClass::kRequest && !message->has(StunAttr::kUsername);
        case StunMethod::kAllocate:
        case StunMethod::kRefresh:
        case StunMethod::kSend:
        case StunMethod::kCreatePermission:
        case StunMethod::kChannelBind:
            return true;
        default:
            return false;
    }
}

}  // namespace confab::wire
