// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Opus in Ogg: pages of segments (RFC 3533 §6), the first two packets are headers (RFC 7845 §5).
#include <algorithm>
#include <array>
#include <optional>

#include "client/media/clip/clip.h"

namespace confab::client {
namespace {

constexpr std::size_t kPageHeader = 27;
constexpr std::uint8_t kContinued = 1;
constexpr std::uint8_t kFirst = 2;
constexpr std::size_t kMaxPacket = 64 * 1024;
constexpr std::uint64_t kSampleRate = 48'000;
constexpr std::uint16_t kPreSkip = 312;

// The polynomial 0x04C11DB7, not reflected, without inversions (RFC 3533 §6).
std::uint32_t checksum(BytesView page) {
    std::uint32_t crc = 0;
    for (const std::uint8_t octet : page) {
        crc ^= static_cast<std::uint32_t>(octet) << 24;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc << 1) ^ ((crc & 0x8000'0000U) != 0 ? 0x04C1'1DB7U : 0U);
    }
    return crc;
}

void put_little(Bytes& out, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
        out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
void put_text(Bytes& out, std::string_view text) {
    for (const char c : text)
        out.push_back(static_cast<std::uint8_t>(c));
}

// Packets of the first stream, over pages.
class PacketReader {
  public:
    // Where the next page begins; nothing: this is none.
    std::optional<std::size_t> take_page(BytesView file, std::size_t at) {
        if (file.size() - at < kPageHeader || as_text(file.subspan(at, 4)) != "OggS")
            return std::nullopt;
        const std::size_t segments = file[at + 26];
        if (file.size() - at < kPageHeader + segments) return std::nullopt;
        const BytesView lacing = file.subspan(at + kPageHeader, segments);
        std::size_t body = at + kPageHeader + segments;
        const bool continued = (file[at + 5] & kContinued) != 0;
        const BytesView serial = file.subspan(at + 14, 4);
        if (serial_.empty()) serial_.assign(serial.begin(), serial.end());
        const bool ours = std::equal(serial.begin(), serial.end(), serial_.begin());
        if (ours && !continued) open_.clear();
        for (const std::uint8_t size : lacing) {
            if (file.size() - body < size) return std::nullopt;  // cut off
            if (ours) take_segment(file.subspan(body, size));
            body += size;
        }
        return body;
    }
    std::vector<Bytes> packets;

  private:
    void take_segment(BytesView segment) {
        if (open_.size() + segment.size() <= kMaxPacket)
            open_.insert(open_.end(), segment.begin(), segment.end());
        if (segment.size() == 255) return;  // goes on
        packets.push_back(std::move(open_));
        open_.clear();
    }
    Bytes serial_;
    Bytes open_;
};

}  // namespace

Duration opus_duration(BytesView packet) {
    if (packet.empty()) return Duration::zero();
    static constexpr std::array<std::int64_t, 4> kSilk{10'000, 20'000, 40'000, 60'000};
    static constexpr std::array<std::int64_t, 4> kCelt{2'500, 5'000, 10'000, 20'000};
    const unsigned config = packet[0] >> 3;
    const std::int64_t frame = config < 12   ? kSilk[config % 4]
                               : config < 16 ? kSilk[config % 2]
                                             : kCelt[config % 4];
    const unsigned code = packet[0] & 3U;
    const unsigned count = code == 0 ? 1 : code < 3 ? 2 : packet.size() > 1 ? packet[1] & 0x3FU : 0;
    return Duration::micros(frame * count);
}

Result<Clip, std::string> read_ogg(BytesView file) {
    PacketReader reader;
    std::size_t at = 0;
    while (at < file.size() && reader.packets.size() < Clip::kMaxFrames) {
        const auto next = reader.take_page(file, at);
        if (!next) break;
        at = *next;
    }
    if (reader.packets.size() < 3 || reader.packets[0].size() < 8 ||
        as_text(BytesView(reader.packets[0]).subspan(0, 8)) != "OpusHead")
        return fail(std::string("is no Ogg file with Opus"));
    Clip clip;
    for (std::size_t i = 2; i < reader.packets.size(); ++i) {
        const Duration duration = opus_duration(reader.packets[i]);
        if (duration > Duration::zero())
            clip.frames.push_back({std::move(reader.packets[i]), true, duration});
    }
    if (clip.frames.empty()) return fail(std::string("has no sound"));
    return clip;
}

namespace {
std::uint64_t samples_of(BytesView packet) {
    return static_cast<std::uint64_t>(opus_duration(packet).us()) * kSampleRate / 1'000'000;
}
}  // namespace

Bytes OggOpusWriter::page(BytesView packet, std::uint8_t flags) {
    Bytes out;
    put_text(out, "OggS");
    out.push_back(0);
    out.push_back(flags);
    put_little(out, samples_, 8);
    put_little(out, serial_, 4);
    put_little(out, sequence_++, 4);
    put_little(out, 0, 4);
    const std::size_t full = packet.size() / 255;
    out.push_back(static_cast<std::uint8_t>(full + 1));
    out.insert(out.end(), full, 255);
    out.push_back(static_cast<std::uint8_t>(packet.size() % 255));
    out.insert(out.end(), packet.begin(), packet.end());
    const std::uint32_t crc = checksum(out);
    for (std::size_t i = 0; i < 4; ++i)
        out[22 + i] = static_cast<std::uint8_t>(crc >> (8 * i));
    return out;
}

Bytes OggOpusWriter::header() {
    Bytes head;
    put_text(head, "OpusHead");
    head.push_back(1);
    head.push_back(2);  // channels
    put_little(head, kPreSkip, 2);
    put_little(head, kSampleRate, 4);
    put_little(head, 0, 3);  // gain, mapping
    Bytes tags;
    put_text(tags, "OpusTags");
    put_little(tags, 6, 4);
    put_text(tags, "confab");
    put_little(tags, 0, 4);
    Bytes out = page(head, kFirst);
    const Bytes second = page(tags, 0);
    out.insert(out.end(), second.begin(), second.end());
    return out;
}

// One frame of no octets is one that is lost (RFC 6716 §3.2.1, RFC 7845 §4.1).
Bytes OggOpusWriter::fill(std::uint64_t missing, std::uint8_t toc) {
    const Bytes nothing{static_cast<std::uint8_t>(toc & 0xFC)};
    const std::uint64_t each = samples_of(nothing);
    Bytes out;
    for (; missing >= each; missing -= each) {
        samples_ += each;
        const Bytes one = page(nothing, 0);
        out.insert(out.end(), one.begin(), one.end());
    }
    return out;
}

Bytes OggOpusWriter::packet(BytesView packet, std::uint64_t at) {
    // A page holds 255 segments; an Opus packet is far smaller.
    if (packet.empty() || packet.size() >= std::size_t{254} * 255) return {};
    const std::uint64_t written = samples_ + left_out_;
    const std::uint64_t missing = at > written ? at - written : 0;
    if (missing > kMaxFill) left_out_ += missing - kMaxFill;
    Bytes out = fill(std::min(missing, kMaxFill), packet[0]);
    samples_ += samples_of(packet);
    const Bytes last = page(packet, 0);
    out.insert(out.end(), last.begin(), last.end());
    return out;
}

}  // namespace confab::client
