// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The header (RFC 8489 §5):
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+---------------------------+-------------------------------+
//   |0 0|  message type             |  message length (after this   |
//   |   |  M11..M7 C1 M6..M4 C0 M3..|  header, multiple of 4)       |
//   +-+-+---------------------------+-------------------------------+
//   |                    magic cookie 0x2112A442                    |
//   +---------------------------------------------------------------+
//   |                  transaction id (96 bits)                     |
//   +---------------------------------------------------------------+
// and every attribute (§14):
//   +-------------------------------+-------------------------------+
//   |  type                         |  length without padding       |
//   +-------------------------------+-------------------------------+
//   |  value, padded to a multiple of 4 bytes                       |
//   +---------------------------------------------------------------+
#include "wire/ice/stun.h"

#include <algorithm>

#include "wire/ice/stun_crc32.h"

namespace confab::wire {
namespace {

constexpr std::size_t kAttributeHeaderSize = 4;
// What the 16-bit length field, a multiple of 4, can say.
constexpr std::size_t kMaxMessageSize = kStunHeaderSize + 0xFFFC;
constexpr std::uint32_t kFingerprintXor = 0x5354'554E;  // RFC 8489 §14.7
constexpr std::uint8_t kFamilyV4 = 1;
constexpr std::uint8_t kFamilyV6 = 2;

constexpr std::size_t padded(std::size_t size) {
    return (size + 3) & ~std::size_t{3};
}

constexpr std::uint16_t pack_type(StunClass c, StunMethod m) {
    const auto method = static_cast<unsigned>(m);
    const auto cls = static_cast<unsigned>(c);
    return static_cast<std::uint16_t>(((method & 0xF80) << 2) | ((method & 0x070) << 1) |
                                      (method & 0x00F) | ((cls & 2) << 7) | ((cls & 1) << 4));
}
constexpr StunClass class_of(std::uint16_t type) {
    return static_cast<StunClass>(((type >> 7) & 2) | ((type >> 4) & 1));
}
constexpr StunMethod method_of(std::uint16_t type) {
    return static_cast<StunMethod>(((type >> 2) & 0xF80) | ((type >> 1) & 0x070) | (type & 0x00F));
}
static_assert(pack_type(StunClass::kError, StunMethod::kCreatePermission) == 0x0118);
static_assert(method_of(pack_type(StunClass::kSuccess, static_cast<StunMethod>(0xABC))) ==
              static_cast<StunMethod>(0xABC));

// The 16 bytes an address is XORed with: cookie, then transaction id (RFC 8489 §14.2).
std::array<std::uint8_t, 16> xor_mask(BytesView transaction_id) {
    std::array<std::uint8_t, 16> mask{};
    store_be32(mask.data(), kStunMagicCookie);
    std::copy(transaction_id.begin(), transaction_id.end(), mask.begin() + 4);
    return mask;
}

// (XOR-)MAPPED-ADDRESS (§14.1, §14.2):
//   +---------------+---------------+-------------------------------+
//   |  0            |  family       |  port (^ top of the cookie)   |
//   +---------------+---------------+-------------------------------+
//   |  address, 4 or 16 bytes (^ mask)                              |
//   +---------------------------------------------------------------+
std::optional<SocketAddress> read_address(BytesView value,
                                          const std::array<std::uint8_t, 16>& mask) {
    ByteReader reader(value);
    reader.skip(1);
    const std::uint8_t family = reader.u8();
    const auto port = static_cast<std::uint16_t>(reader.u16() ^ load_be16(mask.data()));
    const BytesView raw = reader.rest();
    const std::size_t expected = family == kFamilyV4 ? 4 : family == kFamilyV6 ? 16 : 0;
    if (!reader.ok() || expected == 0 || raw.size() != expected) return std::nullopt;
    std::array<std::uint8_t, 16> plain{};
    for (std::size_t i = 0; i < raw.size(); ++i)
        plain[i] = static_cast<std::uint8_t>(raw[i] ^ mask[i]);
    const BytesView bytes = BytesView(plain).first(raw.size());
    return SocketAddress{expected == 4 ? IpAddress::v4_bytes(bytes) : IpAddress::v6_bytes(bytes),
                         port};
}

// Returns the bytes used of `out` (20 at most).
std::size_t write_address(const SocketAddress& address, const std::array<std::uint8_t, 16>& mask,
                          BytesSpan out) {
    ByteWriter writer(out);
    writer.u8(0);
    writer.u8(address.ip.is_v4() ? kFamilyV4 : kFamilyV6);
    writer.u16(static_cast<std::uint16_t>(address.port ^ load_be16(mask.data())));
    const BytesView raw = address.ip.bytes();
    for (std::size_t i = 0; i < raw.size(); ++i)
        writer.u8(static_cast<std::uint8_t>(raw[i] ^ mask[i]));
    return writer.size();
}

constexpr std::array<std::uint8_t, 16> kNoMask{};

}  // namespace

bool looks_like_stun(BytesView packet) {
    return packet.size() >= kStunHeaderSize && packet[0] < 4 &&
           load_be32(&packet[4]) == kStunMagicCookie;
}

std::optional<StunAttribute> StunAttributeReader::next() {
    if (!ok_ || position_ >= message_.size()) return std::nullopt;
    ByteReader reader(message_.subspan(position_));
    const auto type = static_cast<StunAttr>(reader.u16());
    const std::size_t size = reader.u16();
    const BytesView value = reader.bytes(size);
    reader.skip(padded(size) - size);
    if (!reader.ok()) {
        ok_ = false;
        return std::nullopt;
    }
    const StunAttribute attribute{type, value, position_};
    position_ += reader.position();
    return attribute;
}

StunMessage::StunMessage(BytesView message)
    : message_(message),
      class_(class_of(load_be16(message.data()))),
      method_(method_of(load_be16(message.data()))) {}

Result<StunMessage, StunError> StunMessage::parse(BytesView datagram) {
    if (datagram.size() < kStunHeaderSize) return fail(StunError::kTooShort);
    if (!looks_like_stun(datagram)) return fail(StunError::kNotStun);
    const std::size_t length = load_be16(&datagram[2]);
    if (length % 4 != 0 || length != datagram.size() - kStunHeaderSize)
        return fail(StunError::kBadLength);
    StunAttributeReader walk(datagram);
    while (walk.next()) {
    }
    if (!walk.ok()) return fail(StunError::kBadAttribute);
    return StunMessage(datagram);
}

StunTransactionId StunMessage::transaction_id() const {
    StunTransactionId id;
    std::copy_n(message_.begin() + 8, id.size(), id.begin());
    return id;
}

std::optional<BytesView> StunMessage::find(StunAttr type) const {
    StunAttributeReader walk = attributes();
    bool is_protected = true;
    while (const auto attribute = walk.next()) {
        if (attribute->type == type && (is_protected || type == StunAttr::kFingerprint))
            return attribute->value;
        if (attribute->type == StunAttr::kMessageIntegrity) is_protected = false;
    }
    return std::nullopt;
}

std::optional<std::uint32_t> StunMessage::u32(StunAttr type) const {
    const auto value = find(type);
    if (!value || value->size() != 4) return std::nullopt;
    return load_be32(value->data());
}

std::optional<std::uint64_t> StunMessage::u64(StunAttr type) const {
    const auto value = find(type);
    if (!value || value->size() != 8) return std::nullopt;
    return load_be64(value->data());
}

std::optional<std::string_view> StunMessage::text(StunAttr type) const {
    const auto value = find(type);
    if (!value) return std::nullopt;
    return as_text(*value);
}

std::optional<SocketAddress> StunMessage::xor_address(StunAttr type) const {
    const auto value = find(type);
    if (!value) return std::nullopt;
    return read_address(*value, xor_mask(message_.subspan(8, 12)));
}

std::optional<SocketAddress> StunMessage::xor_address(const StunAttribute& attribute) const {
    return read_address(attribute.value, xor_mask(message_.subspan(8, 12)));
}

std::optional<SocketAddress> StunMessage::address(StunAttr type) const {
    const auto value = find(type);
    if (!value) return std::nullopt;
    return read_address(*value, kNoMask);
}

// ERROR-CODE (§14.8): 21 bits reserved, 3 bits class (hundreds), 8 bits number, UTF-8 reason.
std::optional<StunErrorCode> StunMessage::error_code() const {
    const auto value = find(StunAttr::kErrorCode);
    if (!value || value->size() < 4) return std::nullopt;
    const unsigned hundreds = (*value)[2] & 7;
    const unsigned number = (*value)[3];
    if (hundreds < 3 || hundreds > 6 || number > 99) return std::nullopt;
    return StunErrorCode{static_cast<std::uint16_t>(hundreds * 100 + number),
                         as_text(value->subspan(4))};
}

std::optional<StunIntegrityInput> StunMessage::integrity_input() const {
    StunAttributeReader walk = attributes();
    while (const auto attribute = walk.next()) {
        if (attribute->type != StunAttr::kMessageIntegrity) continue;
        if (attribute->value.size() != kStunIntegritySize) return std::nullopt;
        StunIntegrityInput input;
        std::copy_n(message_.begin(), kStunHeaderSize, input.header.begin());
        const std::size_t end = attribute->offset + kAttributeHeaderSize + kStunIntegritySize;
        store_be16(&input.header[2], static_cast<std::uint16_t>(end - kStunHeaderSize));
        input.body = message_.subspan(kStunHeaderSize, attribute->offset - kStunHeaderSize);
        input.mac = attribute->value;
        return input;
    }
    return std::nullopt;
}

StunFingerprint StunMessage::fingerprint() const {
    StunAttributeReader walk = attributes();
    while (const auto attribute = walk.next()) {
        if (attribute->type != StunAttr::kFingerprint) continue;
        // It must be the last attribute, so the length field needs no adjustment (§14.7).
        const bool is_last =
            attribute->value.size() == 4 && attribute->offset + 8 == message_.size();
        if (!is_last) return StunFingerprint::kInvalid;
        const std::uint32_t expected = crc32(message_.first(attribute->offset)) ^ kFingerprintXor;
        return load_be32(attribute->value.data()) == expected ? StunFingerprint::kValid
                                                              : StunFingerprint::kInvalid;
    }
    return StunFingerprint::kAbsent;
}

StunBuilder::StunBuilder(BytesSpan buffer, StunClass message_class, StunMethod method,
                         const StunTransactionId& transaction_id)
    : writer_(buffer.first(std::min(buffer.size(), kMaxMessageSize))),
      transaction_id_(transaction_id) {
    writer_.u16(pack_type(message_class, method));
    writer_.u16(0);
    writer_.u32(kStunMagicCookie);
    writer_.bytes(transaction_id);
}

StunBuilder& StunBuilder::bytes(StunAttr type, BytesView value) {
    writer_.u16(static_cast<std::uint16_t>(type));
    writer_.u16(static_cast<std::uint16_t>(value.size()));
    writer_.bytes(value);
    writer_.zeros(padded(value.size()) - value.size());
    return *this;
}

StunBuilder& StunBuilder::u32(StunAttr type, std::uint32_t value) {
    std::array<std::uint8_t, 4> raw;
    store_be32(raw.data(), value);
    return bytes(type, raw);
}

StunBuilder& StunBuilder::u64(StunAttr type, std::uint64_t value) {
    std::array<std::uint8_t, 8> raw;
    store_be64(raw.data(), value);
    return bytes(type, raw);
}

StunBuilder& StunBuilder::xor_address(StunAttr type, const SocketAddress& address) {
    std::array<std::uint8_t, 20> raw{};
    const std::size_t size = write_address(address, xor_mask(transaction_id_), raw);
    return bytes(type, BytesView(raw).first(size));
}

StunBuilder& StunBuilder::address(StunAttr type, const SocketAddress& address) {
    std::array<std::uint8_t, 20> raw{};
    const std::size_t size = write_address(address, kNoMask, raw);
    return bytes(type, BytesView(raw).first(size));
}

StunBuilder& StunBuilder::error_code(std::uint16_t code, std::string_view reason) {
    constexpr std::size_t kMaxReason = 128;
    std::array<std::uint8_t, 4 + kMaxReason> raw{};
    const BytesView text = as_bytes(reason.substr(0, kMaxReason));
    raw[2] = static_cast<std::uint8_t>(code / 100);
    raw[3] = static_cast<std::uint8_t>(code % 100);
    std::copy(text.begin(), text.end(), raw.begin() + 4);
    return bytes(StunAttr::kErrorCode, BytesView(raw).first(4 + text.size()));
}

StunBuilder& StunBuilder::unknown_attributes(std::span<const std::uint16_t> types) {
    constexpr std::size_t kMaxNamed = 16;  // enough to tell; a request may carry thousands
    std::array<std::uint8_t, 2 * kMaxNamed> raw{};
    const std::size_t count = std::min(types.size(), kMaxNamed);
    for (std::size_t i = 0; i < count; ++i)
        store_be16(&raw[2 * i], types[i]);
    return bytes(StunAttr::kUnknownAttributes, BytesView(raw).first(2 * count));
}

void StunBuilder::set_length(std::size_t pending) {
    if (!writer_.ok()) return;
    const std::size_t length = writer_.size() - kStunHeaderSize + pending;
    store_be16(&writer_.buffer()[2], static_cast<std::uint16_t>(length));
}

BytesView StunBuilder::integrity_input() {
    set_length(kAttributeHeaderSize + kStunIntegritySize);
    return writer_.ok() ? BytesView(writer_.written()) : BytesView{};
}

StunBuilder& StunBuilder::add_integrity(BytesView mac) {
    return bytes(StunAttr::kMessageIntegrity, mac);
}

StunBuilder& StunBuilder::add_fingerprint() {
    set_length(kAttributeHeaderSize + 4);
    const std::uint32_t crc = writer_.ok() ? crc32(writer_.written()) : 0;
    return u32(StunAttr::kFingerprint, crc ^ kFingerprintXor);
}

BytesView StunBuilder::finish() {
    set_length(0);
    return writer_.ok() ? BytesView(writer_.written()) : BytesView{};
}

}  // namespace confab::wire
