// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The decision on one packet for one subscriber, waiting to be sent, and the RTP header made from
// it (02 §10.7, FWD-09). Headers are built, never patched: 12 bytes, our own extension block, the
// codec's descriptor. What follows is taken from the source packet unchanged and is encrypted out
// of place behind it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

enum class DescriptorMode : std::uint8_t {
    kNone,     // no dependency descriptor on this packet
    kAsIs,     // as received but for the frame number
    kSetMask,  // with our mask of active decode targets
};

struct ForwardedPacket {
    static constexpr std::uint16_t kToEnd = 0xFFFF;

    std::int64_t sequence = 0;           // SRTP index of the SSRC; the wire takes the low 16 bits
    std::uint64_t abs_capture_time = 0;  // NTP, if has_abs_capture_time
    std::uint32_t timestamp = 0;
    std::uint32_t ssrc = 0;
    std::uint32_t dd_mask = 0;
    std::uint16_t dd_frame_number = 0;
    std::uint16_t payload_offset = 0;     // source payload bytes left out, replaced by `prefix`
    std::uint16_t payload_size = kToEnd;  // source payload bytes used
    std::uint8_t payload_type = 0;
    std::uint8_t prefix_size = 0;
    std::uint8_t dd_target_count = 0;
    DescriptorMode dd_mode = DescriptorMode::kNone;
    bool marker = false;
    bool rtx = false;         // a copy: on the RTX stream or, for audio, the same again
    bool may_repeat = false;  // its number may go again, with these octets and no others (TRAP-14)
    bool has_abs_capture_time = false;
    bool padding = false;  // P: the body is padding and nothing else
    bool has_playout_delay = false;
    std::array<std::uint8_t, 3> playout_delay{};  // as on the wire
    std::array<std::uint8_t, 8> prefix{};         // RTX: original number; VP8: descriptor

    // The bytes of the source's payload that go behind the header.
    BytesView body(BytesView source_payload) const;
};

// Leaves out the trailer that the source's payload ends in, if it does (02 IN-42).
void strip_packet_trailer(ForwardedPacket& packet, BytesView source_payload);

// What is stamped when a packet really leaves (02 PAC-01).
struct SendStamps {
    std::uint32_t abs_send_time = 0;  // 24 bits
    std::uint16_t transport_sequence = 0;
};

// Longest result of build_header() when the dependency descriptor has its greatest length.
inline constexpr std::size_t kMaxForwardedHeader = 12 + 4 + 2 + 255 + 3 * 10 + 5 + 3 + 8;

// Bytes build_header() will write; `source_dd` as there.
std::size_t header_size(const ForwardedPacket& packet, const SendExtensions& ids,
                        BytesView source_dd);
// Writes header, extensions and prefix; returns the size, 0 if `out` is too small.
// `source_dd` is the dependency descriptor as received, ignored unless dd_mode asks for it.
std::size_t build_header(const ForwardedPacket& packet, const SendExtensions& ids,
                         SendStamps stamps, const BytesView& source_dd, BytesSpan out);

// The headers of a frame's packets, of which marker and numbers differ and nothing else: made once
// for each subscriber (02 DES-44).
class FrameHeader {
  public:
    static constexpr std::size_t kRoom = 24;

    // Like that of `first`; without a size if it has more than what is stamped.
    FrameHeader(const ForwardedPacket& first, const SendExtensions& ids, SendStamps stamps);
    // Without a prefix.
    std::size_t size() const { return size_; }
    // One is written to `out`, where kRoom octets are: what is behind its size is undefined.
    void write(std::uint8_t* out, std::int64_t sequence, bool marker, bool padding,
               std::uint16_t transport_sequence) const {
        const std::uint64_t flags = std::uint64_t{padding} << 61 | std::uint64_t{marker} << 55;
        const std::uint64_t number = std::uint64_t{static_cast<std::uint16_t>(sequence)} << 32;
        store_be128(out, words_[0] | flags | number, words_[1]);
        const std::uint64_t stamp = transport_sequence & transport_mask_;
        store_be64(out + 16, words_[2] | stamp << transport_shift_);
    }

  private:
    std::array<std::uint64_t, 3> words_{};  // without what differs
    std::size_t size_ = 0;
    std::uint16_t transport_mask_ = 0;  // 0: without transport-wide numbers
    std::uint8_t transport_shift_ = 0;
};

// Bytes of a dependency descriptor without structure once it carries a mask.
std::size_t masked_descriptor_size(BytesView original, std::uint8_t target_count);
// Copies a descriptor without structure, with a mask and another frame number; all else stays bit
// for bit. Returns the size, 0 if the original is too short or `out` too small.
std::size_t write_masked_descriptor(BytesView original, std::uint8_t target_count,
                                    std::uint32_t mask, std::uint16_t frame_number, BytesSpan out);

}  // namespace confab::sfu
