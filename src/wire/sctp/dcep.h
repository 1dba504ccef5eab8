// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The Data Channel Establishment Protocol (RFC 8832 §5) and the payload protocol identifiers of
// data channels (RFC 8831 §8).
//
//   | Message Type=3|  Channel Type |            Priority           |
//   |                    Reliability Parameter                      |
//   |         Label Length          |       Protocol Length         |
//   |  Label …                      |  Protocol …                   |
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace confab::wire::dcep {

enum class Ppid : std::uint32_t {
    kControl = 50,
    kString = 51,
    kBinaryPartial = 52,  // deprecated, accepted as binary
    kBinary = 53,
    kStringPartial = 54,  // deprecated, accepted as string
    kStringEmpty = 56,    // one zero byte on the wire
    kBinaryEmpty = 57,
};

enum class MessageType : std::uint8_t { kAck = 0x02, kOpen = 0x03 };

// Bit 7 of the channel type is "unordered"; the low bits say what the parameter means.
enum class Reliability : std::uint8_t { kReliable = 0, kMaxRetransmits = 1, kMaxLifetimeMs = 2 };

struct Open {
    bool ordered = true;
    Reliability reliability = Reliability::kReliable;
    std::uint32_t parameter = 0;  // retransmissions or milliseconds; 0 when reliable
    std::uint16_t priority = 0;
    std::string_view label;
    std::string_view protocol;
};

enum class Error : std::uint8_t { kTooShort, kUnknownMessage, kUnknownChannelType, kBadLength };

// The type of a control message.
Result<MessageType, Error> parse_type(BytesView message);
// Label and protocol are views into `message` and are not checked for UTF-8.
Result<Open, Error> parse_open(BytesView message);
// Label and protocol are cut at 65535 bytes.
Bytes make_open(const Open& open);
Bytes make_ack();

}  // namespace confab::wire::dcep
