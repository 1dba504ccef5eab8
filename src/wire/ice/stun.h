// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// STUN messages (RFC 8489) as views and a builder; methods and attributes are open numbers, so that
// ICE (RFC 8445 §16.1) and TURN (RFC 8656 §17, §18) use the same code.
// No cryptography in here: the reader hands out what MESSAGE-INTEGRITY covers, the builder takes
// the finished HMAC. CRC-32 for FINGERPRINT is our own (wire/ice/stun_crc32.h).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/net_address.h"
#include "base/result.h"

namespace confab::wire {

inline constexpr std::uint32_t kStunMagicCookie = 0x2112'A442;
inline constexpr std::size_t kStunHeaderSize = 20;
inline constexpr std::size_t kStunIntegritySize = 20;  // HMAC-SHA1

enum class StunClass : std::uint8_t { kRequest = 0, kIndication = 1, kSuccess = 2, kError = 3 };

enum class StunMethod : std::uint16_t {
    kBinding = 0x001,
    kAllocate = 0x003,
    kRefresh = 0x004,
    kSend = 0x006,
    kData = 0x007,
    kCreatePermission = 0x008,
    kChannelBind = 0x009,
};

enum class StunAttr : std::uint16_t {
    kMappedAddress = 0x0001,
    kUsername = 0x0006,
    kMessageIntegrity = 0x0008,
    kErrorCode = 0x0009,
    kUnknownAttributes = 0x000A,
    kChannelNumber = 0x000C,
    kLifetime = 0x000D,
    kXorPeerAddress = 0x0012,
    kData = 0x0013,
    kRealm = 0x0014,
    kNonce = 0x0015,
    kXorRelayedAddress = 0x0016,
    kRequestedAddressFamily = 0x0017,
    kEvenPort = 0x0018,
    kRequestedTransport = 0x0019,
    kDontFragment = 0x001A,
    kMessageIntegritySha256 = 0x001C,
    kXorMappedAddress = 0x0020,
    kPriority = 0x0024,
    kUseCandidate = 0x0025,
    kSoftware = 0x8022,
    kAlternateServer = 0x8023,
    kFingerprint = 0x8028,
    kIceControlled = 0x8029,
    kIceControlling = 0x802A,
};

// RFC 8489 §14: a receiver that does not know one of these must refuse a request with 420.
constexpr bool is_comprehension_required(StunAttr type) {
    return static_cast<std::uint16_t>(type) < 0x8000;
}

enum class StunError : std::uint8_t {
    kTooShort,      // less than a header
    kNotStun,       // the two top bits are set, or no magic cookie
    kBadLength,     // the length field and the datagram disagree, or it is no multiple of 4
    kBadAttribute,  // an attribute reaches over the end
};

using StunTransactionId = std::array<std::uint8_t, 12>;

struct StunAttribute {
    StunAttr type{};
    BytesView value;         // without padding
    std::size_t offset = 0;  // of the attribute header within the message
};

// Walks over attributes; ends at the first that is cut off (ok() is false then).
class StunAttributeReader {
  public:
    explicit StunAttributeReader(BytesView message) : message_(message) {}
    std::optional<StunAttribute> next();
    bool ok() const { return ok_; }

  private:
    BytesView message_;
    std::size_t position_ = kStunHeaderSize;
    bool ok_ = true;
};

// What the HMAC of MESSAGE-INTEGRITY covers (RFC 8489 §14.5): HMAC(key, header ‖ body) == mac.
struct StunIntegrityInput {
    std::array<std::uint8_t, kStunHeaderSize> header{};  // its length ends with MESSAGE-INTEGRITY
    BytesView body;                                      // the attributes before MESSAGE-INTEGRITY
    BytesView mac;                                       // the 20 bytes received
};

enum class StunFingerprint : std::uint8_t { kAbsent, kValid, kInvalid };

struct StunErrorCode {
    std::uint16_t code = 0;  // 300 to 699
    std::string_view reason;
};

// True for bytes that can only be STUN on a multiplexed port (RFC 7983 §7 and the cookie).
bool looks_like_stun(BytesView packet);

// A checked view of one whole message; the bytes must outlive it.
class StunMessage {
  public:
    static Result<StunMessage, StunError> parse(BytesView datagram);

    StunClass message_class() const { return class_; }
    StunMethod method() const { return method_; }
    bool is(StunClass c, StunMethod m) const { return class_ == c && method_ == m; }
    StunTransactionId transaction_id() const;
    StunAttributeReader attributes() const { return StunAttributeReader(message_); }

    // The first attribute of this type. What follows MESSAGE-INTEGRITY is not protected and not
    // found, FINGERPRINT apart (RFC 8489 §14.5).
    std::optional<BytesView> find(StunAttr type) const;
    bool has(StunAttr type) const { return find(type).has_value(); }
    // nullopt when absent or of the wrong size.
    std::optional<std::uint32_t> u32(StunAttr type) const;
    std::optional<std::uint64_t> u64(StunAttr type) const;
    std::optional<std::string_view> text(StunAttr type) const;
    std::optional<SocketAddress> xor_address(StunAttr type) const;
    // Of an attribute of this message that may be there several times (XOR-PEER-ADDRESS).
    std::optional<SocketAddress> xor_address(const StunAttribute& attribute) const;
    std::optional<SocketAddress> address(StunAttr type) const;
    std::optional<StunErrorCode> error_code() const;

    // nullopt without a MESSAGE-INTEGRITY of 20 bytes.
    std::optional<StunIntegrityInput> integrity_input() const;
    StunFingerprint fingerprint() const;

  private:
    explicit StunMessage(BytesView message);

    BytesView message_;
    StunClass class_;
    StunMethod method_;
};

// Writes one message into a buffer of the caller. After the first write that does not fit ok() is
// false and finish() gives an empty view. Order: attributes, integrity, fingerprint, finish.
class StunBuilder {
  public:
    StunBuilder(BytesSpan buffer, StunClass message_class, StunMethod method,
                const StunTransactionId& transaction_id);

    StunBuilder& bytes(StunAttr type, BytesView value);
    StunBuilder& text(StunAttr type, std::string_view value) {
        return bytes(type, as_bytes(value));
    }
    StunBuilder& flag(StunAttr type) { return bytes(type, {}); }
    StunBuilder& u32(StunAttr type, std::uint32_t value);
    StunBuilder& u64(StunAttr type, std::uint64_t value);
    StunBuilder& xor_address(StunAttr type, const SocketAddress& address);
    StunBuilder& address(StunAttr type, const SocketAddress& address);
    StunBuilder& error_code(std::uint16_t code, std::string_view reason);
    // The types a 420 answer names (RFC 8489 §14.9).
    StunBuilder& unknown_attributes(std::span<const std::uint16_t> types);

    // The bytes the HMAC is to be computed over; to be followed by add_integrity(mac) at once.
    BytesView integrity_input();
    StunBuilder& add_integrity(BytesView mac);
    StunBuilder& add_fingerprint();
    BytesView finish();
    bool ok() const { return writer_.ok(); }

  private:
    // `pending`: bytes of attributes still to be written which the length field already counts.
    void set_length(std::size_t pending);

    ByteWriter writer_;
    StunTransactionId transaction_id_;
};

}  // namespace confab::wire
