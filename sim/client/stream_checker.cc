// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/client/stream_checker.h"

#include <utility>

#include "wire/rtp/rtx.h"

namespace confab::sim {
namespace {
// A command takes this long to every shard, by the queues of the world.
constexpr Duration kCommandGrace = Duration::millis(30);
constexpr std::size_t kMaxForbidden = 256;
}  // namespace

StreamChecker::StreamChecker(std::string owner, const SubscriptionPlan& plan)
    : name_(owner + " track " + std::to_string(plan.track)),
      plan_(plan),
      log_(name_, false),
      repair_log_(name_ + " RTX", true),
      stats_(client::clock_rate(plan.kind)),
      video_(name_, plan.track) {}

void StreamChecker::allow_from(Timestamp until) {
    for (Span& span : forbidden_)
        span.until = std::min(span.until, until);
    if (forbidden_.size() > kMaxForbidden) forbidden_.erase(forbidden_.begin());
}

bool StreamChecker::wants_key_frame() const {
    return is_video() && log_.packets() > 0 && video_.broken();
}

StreamChecker::Seen StreamChecker::take_seen() {
    return std::exchange(seen_, {});
}

// ---------------------------------------------------------------- what left the server

void StreamChecker::sent(Timestamp now, const wire::RtpPeek& header, std::uint32_t timestamp,
                         Report& report) {
    const bool repair = header.ssrc != plan_.ssrc;
    const std::uint8_t expected = repair ? plan_.rtx_payload_type : plan_.payload_type;
    if (header.payload_type != expected)
        report.violation(now, name_ + ": payload type " + std::to_string(header.payload_type));
    (repair ? repair_log_ : log_).sent(now, header.sequence, timestamp, report);
}

// ---------------------------------------------------------------- what arrives

void StreamChecker::receive(Timestamp now, const wire::RtpPacketView& packet, Report& report) {
    if (packet.header.ssrc == plan_.ssrc) {
        ++counters_.packets;
        const std::int64_t sequence = sequence_.peek(packet.header.sequence);
        if (sequence_.started() && sequence > sequence_.highest() + 1)
            nack_.add_gap(now, sequence_.highest() + 1, sequence);
        sequence_.unwrap(packet.header.sequence);
        (void)nack_.received(sequence);
        stats_.received(now, sequence, time_.unwrap(packet.header.timestamp), packet.packet.size());
        return hold(now, sequence, packet, packet.payload, report);
    }
    const auto repaired = wire::parse_rtx(packet.payload);
    if (!repaired) return;  // padding
    ++counters_.repaired;
    // An RTX packet that overtakes its stream's first one can not be placed yet.
    if (!sequence_.started()) return;
    const std::int64_t sequence = sequence_.peek(repaired->original_sequence);
    (void)nack_.received(sequence);
    hold(now, sequence, packet, repaired->payload, report);
}

void StreamChecker::hold(Timestamp now, std::int64_t sequence, const wire::RtpPacketView& packet,
                         BytesView payload, Report& report) {
    const auto added = buffer_.add(
        {sequence, packet.header.timestamp, packet.header.marker, true, now, to_vector(payload)});
    // The original and its repair must be the same.
    if (added == client::JitterBuffer::Added::kConflict)
        report.violation(now, name_ + ": repair of number " + std::to_string(sequence) +
                                  " differs from the packet");
    advance(now, report);
}

void StreamChecker::advance(Timestamp now, Report& report) {
    if (!buffer_.started() && log_.first()) buffer_.start(*log_.first());
    while (const auto packet = buffer_.pop(now))
        take(now, *packet, report);
}

void StreamChecker::handle_timeout(Timestamp now, Report& report) {
    advance(now, report);
}

// ---------------------------------------------------------------- in order

void StreamChecker::take(Timestamp now, const Held& held, Report& report) {
    const std::int64_t sequence = held.sequence;
    hole_ = hole_ || !held.contiguous;
    if (held.payload.empty()) return video_.skip();
    const bool contiguous = !std::exchange(hole_, false);
    if (!is_video()) return take_audio(now, sequence, held, contiguous, report);
    const auto before = video_.counters();
    video_.take(now, {sequence, held.timestamp, held.marker, contiguous, held.payload}, report);
    if (video_.counters().frames == before.frames) return;
    check_content(now, sequence, *video_.last_frame(), report);
}

void StreamChecker::take_audio(Timestamp now, std::int64_t sequence, const Held& held,
                               bool contiguous, Report& report) {
    const auto stamp = client::read_stamp(held.payload);
    if (!stamp) {
        ++counters_.silence;
        return;
    }
    if (stamp->track != plan_.track) report.violation(now, name_ + ": packet of another track");
    if (contiguous && last_audio_ && stamp->frame <= last_audio_->frame)
        report.violation(now, name_ + ": audio frame " + std::to_string(stamp->frame) + " behind " +
                                  std::to_string(last_audio_->frame));
    last_audio_ = stamp;
    check_content(now, sequence, *stamp, report);
}

void StreamChecker::check_content(Timestamp now, std::int64_t sequence, const MediaStamp& stamp,
                                  Report& report) {
    last_content_ = now;
    seen_.layer = std::max(seen_.layer, int{stamp.layer});
    seen_.temporal = std::max(seen_.temporal, int{stamp.temporal});
    const auto sent_at = log_.sent_at(sequence);
    if (!sent_at) return;
    for (const Span& span : forbidden_)
        if (*sent_at >= span.from + kCommandGrace && *sent_at < span.until)
            report.violation(now, name_ + ": content left the server " +
                                      std::to_string((*sent_at - span.from).ms()) +
                                      " ms after it was muted or refused");
}

}  // namespace confab::sim
