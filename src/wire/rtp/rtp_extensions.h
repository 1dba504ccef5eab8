// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RTP header extensions: the one-byte and two-byte forms of RFC 8285 §4.2 and §4.3 and the values
// of those that 02 §2.2 lists. Which form is written follows 02 SDP-11.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "wire/rtp/rtp.h"

namespace confab::wire {

inline constexpr std::uint16_t kOneByteProfile = 0xBEDE;
inline constexpr std::uint16_t kTwoByteProfile = 0x1000;  // the lowest 4 bits are appbits

struct ExtensionElement {
    std::uint8_t id = 0;  // 1–14 or 1–255
    BytesView data;       // empty only in the two-byte form
};

// Iterates one block, skipping padding. Stops at id 15, and at id 0 with a length, of the one-byte
// form (RFC 8285 §4.2) and at an element that reaches beyond the block; elements before stay valid.
class ExtensionReader {
  public:
    ExtensionReader(std::uint16_t profile, BytesView block);
    explicit ExtensionReader(const RtpHeader& header)
        : ExtensionReader(header.extension_profile, header.extension) {}

    std::optional<ExtensionElement> next();
    // False after a truncated element.
    bool ok() const { return ok_; }

  private:
    enum class Form : std::uint8_t { kNone, kOneByte, kTwoByte };
    std::optional<ExtensionElement> next_one_byte();
    std::optional<ExtensionElement> next_two_byte();
    std::optional<ExtensionElement> take(std::uint8_t id, std::size_t size);

    BytesView rest_;
    Form form_ = Form::kNone;
    bool ok_ = true;
};

// First element with this id; nullopt when absent or id is 0.
std::optional<BytesView> find_extension(const RtpPacketView& packet, std::uint8_t id);

// ---------------------------------------------------------------- values

struct AudioLevel {  // RFC 6464
    bool voice_activity = false;
    std::uint8_t level = 127;  // −dBov, 0 loudest
};
struct AbsCaptureTime {  // NTP of the capture, and the offset of the capturer's clock
    std::uint64_t capture_ntp = 0;
    std::optional<std::int64_t> clock_offset;  // signed 32.32 seconds
};
struct PlayoutDelay {  // units of 10 ms, 12 bits each
    std::uint16_t min = 0;
    std::uint16_t max = 0;
};

// nullopt when the size or content does not fit.
std::optional<AudioLevel> read_audio_level(BytesView data);
std::optional<std::uint32_t> read_abs_send_time(BytesView data);  // 6.18 seconds, 24 bits
std::optional<std::uint16_t> read_transport_sequence(BytesView data);
std::optional<AbsCaptureTime> read_abs_capture_time(BytesView data);
std::optional<PlayoutDelay> read_playout_delay(BytesView data);
// mid (RFC 9143 §15): a token of 1–16 characters; rid (RFC 8852 §3): 1–16 letters and digits.
std::optional<std::string_view> read_mid(BytesView data);
std::optional<std::string_view> read_rid(BytesView data);

// NTP >> 14, 24 bits (02 FWD-09).
std::uint32_t to_abs_send_time(NtpTime time);

// Stamps a value in place, for what is written last; `at` has 3 bytes.
void store_abs_send_time(BytesSpan at, std::uint32_t value);

// ---------------------------------------------------------------- writing

// Collects elements, then writes one block. Values given as views must outlive write(); typed ones
// are kept inside. Elements with id 0 (not negotiated) and beyond kMaxElements are left out.
class ExtensionWriter {
  public:
    static constexpr std::size_t kMaxElements = 12;

    ExtensionWriter() = default;
    ExtensionWriter(const ExtensionWriter&) = delete;
    ExtensionWriter& operator=(const ExtensionWriter&) = delete;

    void add(std::uint8_t id, BytesView data);  // at most 255 bytes
    void add_audio_level(std::uint8_t id, AudioLevel value);
    void add_abs_send_time(std::uint8_t id, std::uint32_t value);
    void add_transport_sequence(std::uint8_t id, std::uint16_t value);
    void add_abs_capture_time(std::uint8_t id, AbsCaptureTime value);

    bool empty() const { return count_ == 0; }
    // One-byte unless an element cannot be expressed in it: more than 16 bytes, none, or id > 14.
    bool two_byte() const;
    // Bytes of the whole block, its 4-byte header and padding included; 0 when empty.
    std::size_t size() const;
    // Writes nothing when empty. false when the writer had no room.
    bool write(ByteWriter& out);
    // After write(): where in the writer's buffer the value of this id begins.
    std::optional<std::size_t> value_offset(std::uint8_t id) const;

  private:
    struct Element {
        std::uint8_t id = 0;
        BytesView data;
        std::size_t offset = 0;
    };
    void add_small(std::uint8_t id, BytesView data);

    std::array<Element, kMaxElements> elements_{};
    std::array<std::array<std::uint8_t, 16>, kMaxElements> small_{};
    std::size_t count_ = 0;
    bool written_ = false;
};

}  // namespace confab::wire
