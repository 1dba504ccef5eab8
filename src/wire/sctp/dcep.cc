// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DATA_CHANNEL_OPEN and DATA_CHANNEL_ACK (RFC 8832 §5).
#include "wire/sctp/dcep.h"

namespace confab::wire::dcep {
namespace {

constexpr std::size_t kOpenFixed = 12;
constexpr std::size_t kMaxText = 0xFFFF;
constexpr std::uint8_t kUnordered = 0x80;

}  // namespace

Result<MessageType, Error> parse_type(BytesView message) {
    if (message.empty()) return fail(Error::kTooShort);
    const auto type = static_cast<MessageType>(message[0]);
    if (type != MessageType::kAck && type != MessageType::kOpen)
        return fail(Error::kUnknownMessage);
    return type;
}

Result<Open, Error> parse_open(BytesView message) {
    ByteReader reader(message);
    const std::uint8_t type = reader.u8();
    const std::uint8_t channel = reader.u8();
    Open open;
    open.priority = reader.u16();
    open.parameter = reader.u32();
    const std::size_t label = reader.u16();
    const std::size_t protocol = reader.u16();
    if (!reader.ok()) return fail(Error::kTooShort);
    if (type != static_cast<std::uint8_t>(MessageType::kOpen)) return fail(Error::kUnknownMessage);
    const std::uint8_t kind = channel & 0x7F;
    if (kind > static_cast<std::uint8_t>(Reliability::kMaxLifetimeMs))
        return fail(Error::kUnknownChannelType);
    open.ordered = (channel & kUnordered) == 0;
    open.reliability = static_cast<Reliability>(kind);
    if (open.reliability == Reliability::kReliable) open.parameter = 0;  // RFC 8832 §5.1: ignored
    open.label = as_text(reader.bytes(label));
    open.protocol = as_text(reader.bytes(protocol));
    if (!reader.ok() || !reader.at_end()) return fail(Error::kBadLength);
    return open;
}

Bytes make_open(const Open& open) {
    const std::string_view label = open.label.substr(0, kMaxText);
    const std::string_view protocol = open.protocol.substr(0, kMaxText);
    Bytes bytes(kOpenFixed + label.size() + protocol.size());
    ByteWriter writer(bytes);
    writer.u8(static_cast<std::uint8_t>(MessageType::kOpen));
    writer.u8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(open.reliability) |
                                        (open.ordered ? 0 : kUnordered)));
    writer.u16(open.priority);
    writer.u32(open.reliability == Reliability::kReliable ? 0 : open.parameter);
    writer.u16(static_cast<std::uint16_t>(label.size()));
    writer.u16(static_cast<std::uint16_t>(protocol.size()));
    writer.bytes(as_bytes(label));
    writer.bytes(as_bytes(protocol));
    return bytes;
}

Bytes make_ack() {
    return {static_cast<std::uint8_t>(MessageType::kAck)};
}

}  // namespace confab::wire::dcep
