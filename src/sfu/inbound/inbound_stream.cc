// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/inbound_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "wire/rtp/rtp_extensions.h"
#include "wire/rtp/rtx.h"

namespace confab::sfu {
namespace {
rtp::AudioLevelOptions level_options(const AudioLevelConfig& config) {
    return {config.active_level, config.min_percentile, config.update_interval,
            config.smooth_intervals};
}
std::uint32_t clock_rate_of(const AddReceiver& receiver) {
    const std::uint32_t fallback = receiver.kind == MediaKind::kVideo ? 90'000 : 48'000;
    const std::uint32_t rate = receiver.codecs.empty() ? 0 : receiver.codecs.front().clock_rate;
    return rate == 0 ? fallback : rate;
}
}  // namespace

StreamEnd no_end(const AddReceiver& receiver) {
    const std::uint32_t rate = clock_rate_of(receiver);
    return {0, rtp::ReceptionStats(rate), TimeLine(rate), 0};
}

InboundStream::InboundStream(const AddReceiver& receiver, const ReceiveLayer& layer, Ssrc ssrc)
    : receiver_(receiver),
      layer_(layer),
      ssrc_(ssrc),
      timestamp_(clock_rate_of(receiver)),
      pli_(receiver.pli_throttle[std::min<std::size_t>(layer.spatial, 2)]),
      stats_(clock_rate_of(receiver)),
      audio_level_(level_options(receiver.audio_level)) {}

void InboundStream::follow(std::unique_ptr<StreamEnd> before) {
    CONFAB_DCHECK(!started_);
    before_ = std::move(before);
    if (!before_) return;
    timestamp_ = before_->timestamp;
    time_shift_ = before_->time_shift;
    key_frame_wanted_ = receiver_.kind == MediaKind::kVideo;
}

std::unique_ptr<StreamEnd> InboundStream::end() const {
    if (before_) return std::make_unique<StreamEnd>(*before_);
    if (!started_) return nullptr;
    const auto next = compactor_.map(sequence_.highest() + 1);
    return std::make_unique<StreamEnd>(
        StreamEnd{next.value_or(sequence_.highest() + 1), stats_, timestamp_, time_shift_});
}

// Whether the packet, at this position of the line, is the first that goes on.
bool InboundStream::take_over(MediaPacket& packet, std::int64_t position) {
    if (receiver_.kind == MediaKind::kVideo) {
        // Behind a late one the packets that need it were let go already.
        if (packet.late && packet.key_frame) key_frame_wanted_ = true;
        if (packet.late || !packet.key_frame) return false;
    }
    compactor_.begin(position, before_->next);
    packet.sequence = before_->next;
    before_.reset();
    return true;
}

const ReceiveCodec* InboundStream::find_codec(std::uint8_t payload_type) const {
    for (const ReceiveCodec& codec : receiver_.codecs)
        if (codec.pt.value() == payload_type) return &codec;
    return nullptr;
}

// Upstream forwards only the first codec (IN-12). Differs from upstream: plain Opus behind a RED
// answer is forwarded as Opus, because otherwise such a publisher is silent (TRAP-35).
bool InboundStream::is_forwardable(const ReceiveCodec& codec) const {
    const Codec first = receiver_.codecs.front().codec;
    return codec.codec == first || (first == Codec::kRed && codec.codec == Codec::kOpus);
}

bool InboundStream::asks_for_losses() const {
    const ReceiveCodec* codec = receiver_.codecs.empty() ? nullptr : &receiver_.codecs.front();
    return codec != nullptr && codec->nack && codec->codec != Codec::kRed;
}

InboundStream::Arrival InboundStream::note_arrival(Timestamp now, const wire::RtpHeader& header) {
    constexpr auto kSize = static_cast<std::int64_t>(kWindow);
    const auto bit = [](std::int64_t s) { return static_cast<std::size_t>(s) % kWindow; };
    if (!sequence_.started()) return Arrival::kNew;
    const std::int64_t sequence = sequence_.peek(header.sequence);
    const std::int64_t highest = sequence_.highest();
    if (sequence_.is_used_ahead(header.sequence) &&
        timestamp_.peek(now, header.timestamp) < timestamp_.highest())
        return Arrival::kRepeated;
    if (sequence <= highest) {
        if (highest - sequence >= kSize) return Arrival::kRepeated;  // too old to know
        if (seen_[bit(sequence)] || sequence_.expects(header.sequence)) return Arrival::kRepeated;
        return Arrival::kLate;
    }
    if (sequence - highest >= kSize)
        seen_.reset();
    else
        for (std::int64_t s = highest + 1; s <= sequence; ++s)
            seen_.reset(bit(s));
    if (sequence > highest + 1) note_gap(now, highest + 1, header);
    return Arrival::kNew;
}

// Numbers from `first` on did not come before the packet with this header. After an outage they are
// more than can be asked for, or older than what senders keep: pictures go on with a key frame,
// before the decoders of all subscribers have found out. Of the few that are lost elsewhere only
// what repair gives up takes a key frame: libwebrtc's decoders wait three seconds for it.
void InboundStream::note_gap(Timestamp now, std::int64_t first, const wire::RtpHeader& header) {
    if (asks_for_losses()) nack_.add_gap(now, first, sequence_.peek(header.sequence));
    if (receiver_.kind != MediaKind::kVideo) return;
    const auto lost = sequence_.peek(header.sequence) - first;
    const auto media_time = timestamp_.peek(now, header.timestamp) - timestamp_.highest();
    const bool is_long = media_time >= clock_rate_of(receiver_);
    if (lost > static_cast<std::int64_t>(rtp::NackTracker::kMaxMissing) ||
        (is_long && (lost > kFewLost || !asks_for_losses())))
        key_frame_wanted_ = true;
    else if (asks_for_losses())
        repair_awaited_ = true;
}

// The publisher began to count anew (RFC 3550 appendix A.1). For what comes behind here it goes on:
// the next numbers, and the time by the clock unless the publisher's own went on.
bool InboundStream::restarts(Timestamp now, const wire::RtpHeader& header) {
    const std::int64_t before = sequence_.highest();
    const std::int64_t timestamp = timestamp_.peek(now, header.timestamp);
    if (!sequence_.restarts(header.sequence, timestamp > timestamp_.highest())) return false;
    ++counters_.restarts;
    // The packet before this one passed for a stray: it is asked for.
    const std::int64_t sequence = sequence_.peek(header.sequence);
    const std::int64_t first = asks_for_losses() ? sequence - 1 : sequence;
    seen_.reset();
    nack_.clear();
    nack_.add_gap(now, first, sequence);
    compactor_.exclude(before + 1, first - before - 1);
    stats_.skip(first - before - 1);
    sender_report_.reset();
    keep_time(now, timestamp, stats_);
    // It lost its head, if it began with a key frame.
    key_frame_wanted_ = receiver_.kind == MediaKind::kVideo;
    return true;
}

// The publisher's time goes on behind what came before, or by the clock from here.
void InboundStream::keep_time(Timestamp now, std::int64_t timestamp,
                              const rtp::ReceptionStats& before) {
    const std::int64_t expected = before.timestamp_at(now);
    const std::int64_t shifted = timestamp + time_shift_;
    if (shifted <= before.last_timestamp() || shifted > expected + clock_rate_of(receiver_))
        time_shift_ += expected - shifted;
}

void InboundStream::follow_time(Timestamp now, std::uint32_t timestamp) {
    keep_time(now, timestamp_.peek(now, timestamp), before_->stats);
    const std::int64_t place = timestamp_.peek(now, timestamp) + time_shift_;
    // Compared from here on with its own packets' time only.
    timestamp_ = TimeLine(clock_rate_of(receiver_));
    time_shift_ = place - timestamp_.peek(now, timestamp);
}

void InboundStream::read_extensions(const wire::RtpPacketView& view, MediaPacket& packet) const {
    const ReceiveExtensions& ids = receiver_.extensions;
    wire::ExtensionReader reader(view.header);
    while (const auto element = reader.next()) {
        if (element->id == ids.audio_level) {
            if (const auto level = wire::read_audio_level(element->data))
                packet.audio_level = level->level;
        } else if (element->id == ids.dependency_descriptor) {
            packet.dd_bytes = element->data;
        } else if (element->id == ids.abs_capture_time) {
            if (const auto time = wire::read_abs_capture_time(element->data)) {
                packet.abs_capture_time = time->capture_ntp;
                packet.has_abs_capture_time = true;
            }
        }
    }
}

void InboundStream::observe_level(Timestamp now, const MediaPacket& packet,
                                  const ReceiveCodec& codec) {
    if (receiver_.extensions.audio_level == 0 || packet.late) return;
    const std::int64_t step = packet.timestamp - last_level_timestamp_;
    const std::uint32_t rate = codec.clock_rate == 0 ? 48'000 : codec.clock_rate;
    if (last_level_timestamp_ != 0)
        audio_level_.observe(now, packet.audio_level,
                             Duration::micros(step * 1'000'000 / static_cast<std::int64_t>(rate)));
    last_level_timestamp_ = packet.timestamp;
}

std::optional<InboundStream::Place> InboundStream::place(Timestamp now,
                                                         const wire::RtpPacketView& view,
                                                         bool repaired) {
    const bool padding_only = view.payload.empty();
    // A stream never starts on a repaired or padding-only packet (IN-03, TRAP-08).
    if (!started_ && (repaired || padding_only)) return std::nullopt;
    // What was never sent by the stream itself can not be repaired: RTX that was taken for ours
    // without a name must not drag the stream away.
    if (repaired && sequence_.peek(view.header.sequence) > sequence_.highest() + kMaxRepairAhead) {
        ++counters_.malformed;
        return std::nullopt;
    }
    Arrival arrival = note_arrival(now, view.header);
    if (arrival == Arrival::kRepeated) {
        if (repaired || padding_only || !restarts(now, view.header)) {
            ++counters_.duplicates;
            return std::nullopt;
        }
        arrival = Arrival::kNew;
    }
    if (!started_ && before_) follow_time(now, view.header.timestamp);
    started_ = true;
    sequence_.take(view.header.sequence);
    const std::int64_t sequence = sequence_.peek(view.header.sequence);
    seen_.set(static_cast<std::size_t>(sequence) % kWindow);
    const bool was_missing = arrival == Arrival::kLate && nack_.received(sequence);
    if (repaired && was_missing) ++counters_.repaired;
    return Place{sequence, arrival == Arrival::kLate};
}

bool InboundStream::read_payload(MediaPacket& packet) {
    wire::FrameSize size;
    const ParseOptions options{receiver_.mode, layer_.spatial, receiver_.encrypted};
    if (!parse_payload(options, dependency_, packet, size)) {
        ++counters_.malformed;
        return false;
    }
    if (size.known()) frame_size_ = size;
    if (packet.key_frame) {
        pli_.key_frame_received();
        key_frame_wanted_ = false;
        repair_awaited_ = false;
    }
    last_codec_ = packet.codec;
    return true;
}

std::optional<MediaPacket> InboundStream::accept(Timestamp now, const wire::RtpPacketView& view,
                                                 const ReceiveCodec& codec, bool repaired) {
    const auto placed = place(now, view, repaired);
    if (!placed) return std::nullopt;
    const bool padding_only = view.payload.empty();
    MediaPacket packet;
    packet.timestamp = timestamp_.unwrap(now, view.header.timestamp) + time_shift_;
    stats_.received(now, placed->sequence, packet.timestamp, view.packet.size());
    round_.bytes += view.packet.size();
    if (padding_only && !placed->late) {
        compactor_.exclude(placed->sequence);
        ++counters_.padding_only;
        return std::nullopt;
    }
    const auto compacted = compactor_.map(placed->sequence);
    if (!compacted) {
        ++counters_.too_late;
        return std::nullopt;
    }
    packet.sequence = *compacted;
    packet.spatial = layer_.spatial;  // padding has no payload that would tell
    packet.codec = codec.codec;
    packet.marker = view.header.marker;
    packet.late = placed->late;
    if (packet.late && !repaired) ++counters_.out_of_order;
    if (packet.marker && !padding_only) ++round_.frames;
    packet.padding_only = padding_only;
    packet.arrival = now;
    packet.payload = view.payload;
    read_extensions(view, packet);
    if (receiver_.kind == MediaKind::kAudio) observe_level(now, packet, codec);
    if (!is_forwardable(codec)) {
        ++counters_.wrong_codec;
        return std::nullopt;
    }
    if (!padding_only && !read_payload(packet)) return std::nullopt;
    if (before_ && (padding_only || !take_over(packet, placed->sequence))) return std::nullopt;
    return packet;
}

std::optional<MediaPacket> InboundStream::receive(Timestamp now, const wire::RtpPacketView& view) {
    const ReceiveCodec* codec = find_codec(view.header.payload_type);
    if (codec == nullptr) {
        ++counters_.wrong_codec;
        return std::nullopt;
    }
    const bool first = !started_;
    auto packet = accept(now, view, *codec, false);
    if (first && started_ && receiver_.kind == MediaKind::kVideo) pli_.start_seeder(now);
    return packet;
}

std::optional<MediaPacket> InboundStream::receive_rtx(Timestamp now,
                                                      const wire::RtpPacketView& view,
                                                      BytesSpan bytes) {
    const auto codec =
        std::find_if(receiver_.codecs.begin(), receiver_.codecs.end(), [&](const ReceiveCodec& c) {
            return c.rtx_pt && c.rtx_pt->value() == view.header.payload_type;
        });
    const auto rtx = wire::parse_rtx(view.payload);
    // Padding and probes made of an OSN alone repair nothing (IN-03, IN-52).
    if (codec == receiver_.codecs.end() || !rtx || rtx->payload.empty()) {
        ++counters_.padding_only;
        return std::nullopt;
    }
    const std::size_t header_size = view.header.header_size;
    std::memmove(bytes.data() + wire::kRtxOsnSize, bytes.data(), header_size);
    BytesSpan original = bytes.subspan(wire::kRtxOsnSize);
    wire::set_rtp_sequence(original, rtx->original_sequence);
    wire::set_rtp_ssrc(original, ssrc_.value());
    original[1] = static_cast<std::uint8_t>((original[1] & 0x80) | codec->pt.value());
    const auto restored = wire::parse_rtp(original);
    if (!restored) {
        ++counters_.malformed;
        return std::nullopt;
    }
    return accept(now, *restored, *codec, true);
}

void InboundStream::receive_sender_report(Timestamp now, const wire::SenderReport& report) {
    if (report.ntp.is_zero()) return;
    // Out of order or standing still (IN-06).
    if (sender_report_ && report.ntp <= sender_report_->ntp) return;
    stats_.received_sender_report(now, report.ntp);
    sender_report_ =
        SenderReportInfo{report.ntp, timestamp_.peek(now, report.rtp_time) + time_shift_, now};
}

void InboundStream::set_muted(bool muted) {
    if (muted) nack_.clear();
}

std::size_t InboundStream::write_nack(Timestamp now, ByteWriter& out) {
    std::array<std::uint16_t, rtp::NackTracker::kMaxMissing> list;
    const std::size_t count = nack_.collect(now, list);
    // By too many tries, or as more was lost than the list takes.
    const std::uint64_t before = std::exchange(given_up_, nack_.abandoned());
    if (repair_awaited_ && given_up_ > before) key_frame_wanted_ = true;
    repair_awaited_ = repair_awaited_ && !key_frame_wanted_ && nack_.missing() > 0;
    if (count == 0) return 0;
    counters_.nacks += count;
    const bool written =
        wire::write_nack(out, ssrc_.value(), ssrc_.value(), std::span(list).first(count));
    return written ? count : 0;
}

Duration InboundStream::pli_interval() const {
    return receiver_.pli_throttle[std::min<std::size_t>(layer_.spatial, 2)];
}

Timestamp InboundStream::next_deadline() const {
    const Timestamp wanted = key_frame_wanted_ ? pli_allowed_ : Timestamp::never();
    return earlier(wanted, pli_.next_deadline());
}

bool InboundStream::write_pli(Timestamp now, ByteWriter& out) {
    if (receiver_.kind != MediaKind::kVideo) return false;
    if (key_frame_wanted_ && now >= pli_allowed_) {
        key_frame_wanted_ = false;
        pli_.request();
    }
    if (!pli_.poll(now)) return false;
    pli_allowed_ = now + pli_interval();
    ++counters_.plis;
    return wire::write_pli(out, {ssrc_.value(), ssrc_.value()});
}

StreamRound InboundStream::take_round() {
    const rtp::ReceptionWindow window = stats_.window();
    StreamRound round = std::exchange(round_, {});
    round.packets = window.expected;
    round.lost = window.lost;
    round.out_of_order = counters_.out_of_order - out_of_order_told_;
    out_of_order_told_ = counters_.out_of_order;
    return round;
}

std::optional<wire::ReportBlock> InboundStream::report_block(Timestamp now) {
    if (!stats_.started()) return std::nullopt;
    const rtp::ReceptionReport report = stats_.report(now);
    round_.jitter = Duration::micros(std::int64_t{report.jitter} * 1'000'000 /
                                     std::int64_t{clock_rate_of(receiver_)});
    wire::ReportBlock block;
    block.ssrc = ssrc_.value();
    block.fraction_lost = report.fraction_lost;
    block.cumulative_lost = report.cumulative_lost;
    // Unwrapped numbers begin in the second cycle, those of a report in the first.
    block.highest_sequence = report.highest_sequence - 0x1'0000U;
    block.jitter = report.jitter;
    block.last_sr = report.last_sr;
    block.delay_since_last_sr = report.delay_since_sr;
    return block;
}

}  // namespace confab::sfu
