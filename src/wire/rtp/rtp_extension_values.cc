// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The values of RTP header extensions.
//
// audio level (RFC 6464 §3)        |V|   level     |                         1 byte
// abs-send-time                    |  seconds, 6.18 fixed point |            3 bytes
// transport-cc sequence            |  sequence     |                         2 bytes
// abs-capture-time                 |  NTP, 64 bits | [offset, 64 bits] |     8 or 16 bytes
// playout-delay                    |  min, 12 bits | max, 12 bits |          3 bytes
#include "wire/rtp/rtp_extensions.h"

namespace confab::wire {
namespace {

constexpr std::size_t kMaxSdesSize = 16;

bool is_letter_or_digit(std::uint8_t c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// token-char of RFC 8866 §9: printable ASCII without separators.
bool is_token_char(std::uint8_t c) {
    constexpr std::string_view kOthers = "!#$%&'*+-.^_`{|}~";
    return is_letter_or_digit(c) || kOthers.find(static_cast<char>(c)) != std::string_view::npos;
}

std::optional<std::string_view> read_text(BytesView data, bool (*allowed)(std::uint8_t)) {
    if (data.empty() || data.size() > kMaxSdesSize) return std::nullopt;
    for (const std::uint8_t c : data)
        if (!allowed(c)) return std::nullopt;
    return as_text(data);
}

}  // namespace

std::optional<AudioLevel> read_audio_level(BytesView data) {
    if (data.empty()) return std::nullopt;
    return AudioLevel{(data[0] & 0x80) != 0, static_cast<std::uint8_t>(data[0] & 0x7F)};
}

std::optional<std::uint32_t> read_abs_send_time(BytesView data) {
    if (data.size() != 3) return std::nullopt;
    return ByteReader(data).u24();
}

std::optional<std::uint16_t> read_transport_sequence(BytesView data) {
    // 4 bytes: version 02 of the extension, with a feedback request behind the sequence number.
    if (data.size() != 2 && data.size() != 4) return std::nullopt;
    return load_be16(data.data());
}

std::optional<AbsCaptureTime> read_abs_capture_time(BytesView data) {
    if (data.size() != 8 && data.size() != 16) return std::nullopt;
    AbsCaptureTime value;
    value.capture_ntp = load_be64(data.data());
    if (data.size() == 16)
        value.clock_offset = static_cast<std::int64_t>(load_be64(data.data() + 8));
    return value;
}

std::optional<PlayoutDelay> read_playout_delay(BytesView data) {
    if (data.size() != 3) return std::nullopt;
    const std::uint32_t bits = ByteReader(data).u24();
    return PlayoutDelay{static_cast<std::uint16_t>(bits >> 12),
                        static_cast<std::uint16_t>(bits & 0xFFF)};
}

std::optional<std::string_view> read_mid(BytesView data) {
    return read_text(data, is_token_char);
}

std::optional<std::string_view> read_rid(BytesView data) {
    return read_text(data, is_letter_or_digit);
}

std::uint32_t to_abs_send_time(NtpTime time) {
    return static_cast<std::uint32_t>(time.value() >> 14) & 0xFFFFFF;
}

void store_abs_send_time(BytesSpan at, std::uint32_t value) {
    ByteWriter(at).u24(value);
}

void ExtensionWriter::add_audio_level(std::uint8_t id, AudioLevel value) {
    const unsigned bits = (value.voice_activity ? 0x80U : 0U) | (value.level & 0x7FU);
    const std::array<std::uint8_t, 1> data{static_cast<std::uint8_t>(bits)};
    add_small(id, data);
}

void ExtensionWriter::add_abs_send_time(std::uint8_t id, std::uint32_t value) {
    std::array<std::uint8_t, 3> data{};
    store_abs_send_time(data, value);
    add_small(id, data);
}

void ExtensionWriter::add_transport_sequence(std::uint8_t id, std::uint16_t value) {
    std::array<std::uint8_t, 2> data{};
    store_be16(data.data(), value);
    add_small(id, data);
}

void ExtensionWriter::add_abs_capture_time(std::uint8_t id, AbsCaptureTime value) {
    std::array<std::uint8_t, 16> data{};
    store_be64(data.data(), value.capture_ntp);
    if (value.clock_offset)
        store_be64(data.data() + 8, static_cast<std::uint64_t>(*value.clock_offset));
    add_small(id, BytesView(data).first(value.clock_offset ? 16 : 8));
}

}  // namespace confab::wire
