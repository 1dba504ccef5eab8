// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RFC 3550 §5.1, RFC 8285 §4.2 and §4.3, 02 FWD-08, FWD-09.
#include "sfu/forward/forwarded_packet.h"

#include <algorithm>
#include <cstring>

#include "wire/video/packet_trailer.h"

namespace confab::sfu {
namespace {

constexpr std::size_t kFixedHeader = 12;
constexpr std::size_t kMaxOneByteValue = 16;
constexpr std::uint8_t kMaxOneByteId = 14;

//  0                   1                   2
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |S|E| template  |         frame number          |  always
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |T|A|D|F|C|  mask (count bits, if A)  | custom … |  only if anything of it is there
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
constexpr std::size_t kMandatoryBytes = 3;
constexpr unsigned kFlagBits = 5;
constexpr std::uint8_t kActivePresent = 0x40;

bool has_mask(BytesView dd) {
    return dd.size() > kMandatoryBytes && (dd[3] & kActivePresent) != 0;
}

// Writes bits from the highest down, in whole bytes; end() pads the last one with zeros.
class BitWriter {
  public:
    explicit BitWriter(std::uint8_t* out) : out_(out) {}
    void put(std::uint32_t value, unsigned bits) {  // bits ≤ 32, value fits them
        pending_ = (pending_ << bits) | value;
        for (count_ += bits; count_ >= 8;) {
            count_ -= 8;
            *out_++ = static_cast<std::uint8_t>(pending_ >> count_);
        }
    }
    void end() {
        if (count_ > 0) put(0, 8 - count_);
    }

  private:
    std::uint8_t* out_;
    std::uint64_t pending_ = 0;
    unsigned count_ = 0;
};

std::size_t sent_dd_size(const ForwardedPacket& p, std::size_t original, bool original_has_mask) {
    if (p.dd_mode != DescriptorMode::kSetMask || original_has_mask) return original;
    // Bits of the original end somewhere in its last byte: one more byte may be needed than exact
    // counting would give; zero bits at the end are allowed (Appendix A.8.2 zero_padding).
    const std::size_t base =
        original <= kMandatoryBytes ? 8 * kMandatoryBytes + kFlagBits : 8 * original;
    return (base + p.dd_target_count + 7) / 8;
}

std::size_t dd_size_for(const ForwardedPacket& p, BytesView dd) {
    if (p.dd_mode == DescriptorMode::kNone || dd.size() < kMandatoryBytes) return 0;
    return sent_dd_size(p, dd.size(), has_mask(dd));
}

// What nearly every packet has: nothing but what is stamped as it leaves, in elements of one form.
bool has_stamps_only(const ForwardedPacket& p, const SendExtensions& ids) {
    return p.dd_mode == DescriptorMode::kNone && !p.has_playout_delay && !p.has_abs_capture_time &&
           ids.abs_send_time <= kMaxOneByteId && ids.transport_cc <= kMaxOneByteId;
}
std::size_t stamps_block(const SendExtensions& ids) {
    const std::size_t words =
        (ids.abs_send_time != 0 ? 1U : 0U) + (ids.transport_cc != 0 ? 1U : 0U);
    return words == 0 ? 0 : 4 + 4 * words;
}
void put_stamps(std::uint8_t* at, const SendExtensions& ids, SendStamps stamps) {
    const std::size_t words = stamps_block(ids) / 4 - 1;
    store_be32(at, 0xBEDE'0000U | static_cast<std::uint32_t>(words));
    at += 4;
    // Each fills a word: three octets behind its head, or two and one of padding.
    if (ids.abs_send_time != 0) {
        store_be32(at, (std::uint32_t{ids.abs_send_time} << 28) | (2U << 24U) |
                           (stamps.abs_send_time & 0xFFFFFF));
        at += 4;
    }
    if (ids.transport_cc != 0)
        store_be32(at, (std::uint32_t{ids.transport_cc} << 28) | (1U << 24U) |
                           (std::uint32_t{stamps.transport_sequence} << 8));
}

void put_fixed(std::uint8_t* at, const ForwardedPacket& p, bool extended) {
    const auto head = static_cast<std::uint32_t>(
        0x8000'0000U | (p.padding ? 0x2000'0000U : 0U) | (extended ? 0x1000'0000U : 0U) |
        (p.marker ? 0x0080'0000U : 0U) | (p.payload_type & 0x7FU) << 16 |
        static_cast<std::uint16_t>(p.sequence));
    store_be64(at, std::uint64_t{head} << 32 | p.timestamp);
    store_be32(at + 8, p.ssrc);
}

// Which extensions a packet carries, decided in one place for size and content.
struct Plan {
    std::size_t dd = 0;
    bool playout = false;
    bool capture = false;
    bool send_time = false;
    bool transport = false;
    bool two_byte = false;

    Plan(const ForwardedPacket& p, const SendExtensions& ids, BytesView source_dd)
        : send_time(ids.abs_send_time != 0), transport(ids.transport_cc != 0) {
        if (ids.dependency_descriptor != 0) dd = dd_size_for(p, source_dd);
        playout = p.has_playout_delay && ids.playout_delay != 0;
        capture = p.has_abs_capture_time && ids.abs_capture_time != 0;
        two_byte = dd > kMaxOneByteValue || (dd > 0 && ids.dependency_descriptor > kMaxOneByteId) ||
                   (playout && ids.playout_delay > kMaxOneByteId) ||
                   (capture && ids.abs_capture_time > kMaxOneByteId) ||
                   (send_time && ids.abs_send_time > kMaxOneByteId) ||
                   (transport && ids.transport_cc > kMaxOneByteId);
    }
    // Of the elements, without the head of the block and its padding.
    std::size_t elements() const {
        const std::size_t head = two_byte ? 2 : 1;
        return (dd > 0 ? head + dd : 0) + (playout ? head + 3 : 0) + (capture ? head + 8 : 0) +
               (send_time ? head + 3 : 0) + (transport ? head + 2 : 0);
    }
    std::size_t block() const {
        const std::size_t size = elements();
        return size == 0 ? 0 : 4 + ((size + 3) & ~std::size_t{3});
    }
};

std::uint8_t* element(std::uint8_t* at, bool two_byte, std::uint8_t id, std::size_t size) {
    if (two_byte) {
        at[0] = id;
        at[1] = static_cast<std::uint8_t>(size);
        return at + 2;
    }
    at[0] = static_cast<std::uint8_t>((std::size_t{id} << 4) | (size - 1));
    return at + 1;
}

std::uint8_t* put_dd(std::uint8_t* at, const ForwardedPacket& p, const Plan& plan, std::uint8_t id,
                     BytesView source) {
    at = element(at, plan.two_byte, id, plan.dd);
    const BytesSpan room(at, plan.dd);
    if (p.dd_mode == DescriptorMode::kSetMask) {
        // Never what the slot held before, whatever the descriptor.
        if (write_masked_descriptor(source, p.dd_target_count, p.dd_mask, p.dd_frame_number,
                                    room) == 0)
            std::fill(room.begin(), room.end(), std::uint8_t{0});
    } else {
        std::copy(source.begin(), source.end(), at);
        store_be16(at + 1, p.dd_frame_number);
    }
    return at + plan.dd;
}

void put_extensions(std::uint8_t* at, const ForwardedPacket& p, const SendExtensions& ids,
                    SendStamps stamps, const Plan& plan, BytesView source_dd) {
    const std::size_t block = plan.block();
    store_be16(at, plan.two_byte ? 0x1000 : 0xBEDE);
    store_be16(at + 2, static_cast<std::uint16_t>(block / 4 - 1));
    std::uint8_t* const end = at + block;
    at += 4;
    if (plan.dd > 0) at = put_dd(at, p, plan, ids.dependency_descriptor, source_dd);
    if (plan.playout) {
        at = element(at, plan.two_byte, ids.playout_delay, 3);
        at = std::copy(p.playout_delay.begin(), p.playout_delay.end(), at);
    }
    if (plan.capture) {
        at = element(at, plan.two_byte, ids.abs_capture_time, 8);
        store_be64(at, p.abs_capture_time);
        at += 8;
    }
    if (plan.send_time) {
        at = element(at, plan.two_byte, ids.abs_send_time, 3);
        at[0] = static_cast<std::uint8_t>(stamps.abs_send_time >> 16);
        store_be16(at + 1, static_cast<std::uint16_t>(stamps.abs_send_time));
        at += 3;
    }
    if (plan.transport) {
        at = element(at, plan.two_byte, ids.transport_cc, 2);
        store_be16(at, stamps.transport_sequence);
        at += 2;
    }
    std::fill(at, end, std::uint8_t{0});
}

}  // namespace

BytesView ForwardedPacket::body(BytesView source_payload) const {
    if (payload_offset >= source_payload.size()) return {};
    const BytesView rest = source_payload.subspan(payload_offset);
    return payload_size < rest.size() ? rest.first(payload_size) : rest;
}

// What reaches into the descriptor, which is made anew, is no trailer.
void strip_packet_trailer(ForwardedPacket& packet, BytesView source_payload) {
    const BytesView body = packet.body(source_payload);
    const std::size_t trailer = wire::packet_trailer_size(body);
    if (trailer > 0) packet.payload_size = static_cast<std::uint16_t>(body.size() - trailer);
}

std::size_t masked_descriptor_size(BytesView original, std::uint8_t target_count) {
    ForwardedPacket p;
    p.dd_mode = DescriptorMode::kSetMask;
    p.dd_target_count = target_count;
    return dd_size_for(p, original);
}

std::size_t write_masked_descriptor(BytesView original, std::uint8_t target_count,
                                    std::uint32_t mask, std::uint16_t frame_number, BytesSpan out) {
    const std::size_t size = masked_descriptor_size(original, target_count);
    if (size == 0 || size > out.size() || target_count > 32) return 0;
    // A mask that does not fit its descriptor: made for another structure.
    if (has_mask(original) && 8 * original.size() < 8 * kMandatoryBytes + kFlagBits + target_count)
        return 0;
    std::memset(out.data(), 0, size);
    out[0] = original[0];
    store_be16(&out[1], frame_number);
    const std::uint32_t kept_mask =
        target_count < 32 ? mask & ((std::uint32_t{1} << target_count) - 1) : mask;
    const std::uint8_t flags = original.size() > kMandatoryBytes ? original[3] : std::uint8_t{0};
    BitWriter writer(&out[kMandatoryBytes]);
    writer.put(static_cast<std::uint32_t>(flags | kActivePresent) >> 3, kFlagBits);
    writer.put(kept_mask, target_count);
    // The rest of the original follows, bit for bit.
    std::size_t from = 8 * kMandatoryBytes + kFlagBits + (has_mask(original) ? target_count : 0U);
    for (; from < 8 * original.size(); from = (from | 7) + 1) {
        const auto bits = static_cast<unsigned>(8 - (from & 7));
        writer.put(original[from >> 3] & ((1U << bits) - 1), bits);
    }
    writer.end();
    return size;
}

std::size_t header_size(const ForwardedPacket& p, const SendExtensions& ids, BytesView source_dd) {
    const std::size_t block =
        has_stamps_only(p, ids) ? stamps_block(ids) : Plan(p, ids, source_dd).block();
    return kFixedHeader + block + p.prefix_size;
}

std::size_t build_header(const ForwardedPacket& p, const SendExtensions& ids, SendStamps stamps,
                         const BytesView& source_dd, BytesSpan out) {
    std::uint8_t* const at = out.data();
    std::size_t block = 0;
    if (has_stamps_only(p, ids)) {
        block = stamps_block(ids);
        if (out.size() < kFixedHeader + block + p.prefix_size) return 0;
        if (block > 0) put_stamps(at + kFixedHeader, ids, stamps);
    } else {
        const Plan plan(p, ids, source_dd);
        block = plan.block();
        if (out.size() < kFixedHeader + block + p.prefix_size || plan.dd > 255) return 0;
        if (block > 0) put_extensions(at + kFixedHeader, p, ids, stamps, plan, source_dd);
    }
    put_fixed(at, p, block > 0);
    // All of it in one store where there is room: what is behind it is written next.
    std::uint8_t* const prefix = at + kFixedHeader + block;
    const std::size_t size = kFixedHeader + block + p.prefix_size;
    if (out.size() >= kFixedHeader + block + p.prefix.size())
        std::memcpy(prefix, p.prefix.data(), p.prefix.size());
    else
        std::copy_n(p.prefix.begin(), p.prefix_size, prefix);
    return size;
}

FrameHeader::FrameHeader(const ForwardedPacket& first, const SendExtensions& ids,
                         SendStamps stamps) {
    if (!has_stamps_only(first, ids)) return;
    std::array<std::uint8_t, kRoom> octets{};
    const std::size_t block = stamps_block(ids);
    stamps.transport_sequence = 0;
    if (block > 0) put_stamps(&octets[kFixedHeader], ids, stamps);
    ForwardedPacket unmarked = first;
    unmarked.sequence = 0;
    unmarked.marker = false;
    put_fixed(octets.data(), unmarked, block > 0);
    for (std::size_t i = 0; i < words_.size(); ++i)
        words_[i] = load_be64(&octets[8 * i]);
    size_ = kFixedHeader + block;
    if (ids.transport_cc == 0) return;
    // The last element: two octets before one of padding.
    transport_mask_ = 0xFFFF;
    transport_shift_ = static_cast<std::uint8_t>(8 * (kRoom - size_) + 8);
}

}  // namespace confab::sfu
