// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/client/subscriber.h"

#include <array>

namespace confab::sim {
namespace {
constexpr std::size_t kMaxCompound = 1100;
constexpr std::size_t kMaxNacks = 100;
}  // namespace

StreamChecker& Subscriber::add(Timestamp now, const SubscriptionPlan& plan) {
    if (StreamChecker* same = find(plan.track); same != nullptr && same->plan() == plan)
        return *same;
    remove(now, plan.track);
    auto stream = std::make_unique<StreamChecker>(name_, plan);
    StreamChecker& added = *stream;
    streams_[plan.track] = std::move(stream);
    by_ssrc_[plan.ssrc] = &added;
    if (plan.rtx_ssrc != 0) by_ssrc_[plan.rtx_ssrc] = &added;
    if (next_tick_.is_never()) next_tick_ = Timestamp{};
    return added;
}

void Subscriber::remove(Timestamp now, std::uint32_t track) {
    const auto found = streams_.find(track);
    if (found == streams_.end()) return;
    const SubscriptionPlan& plan = found->second->plan();
    for (const std::uint32_t ssrc : {plan.ssrc, plan.rtx_ssrc}) {
        if (ssrc == 0) continue;
        ended_[ssrc] = now;
        by_ssrc_.erase(ssrc);
    }
    next_pli_.erase(track);
    streams_.erase(found);
}

StreamChecker* Subscriber::find(std::uint32_t track) {
    const auto found = streams_.find(track);
    return found == streams_.end() ? nullptr : found->second.get();
}

// ---------------------------------------------------------------- input

StreamChecker* Subscriber::by_ssrc(Timestamp now, std::uint32_t ssrc, bool at_server,
                                   Report& report) {
    const auto found = by_ssrc_.find(ssrc);
    if (found != by_ssrc_.end()) return found->second;
    ++counters_.unknown_ssrc;
    const auto ended = ended_.find(ssrc);
    if (ended == ended_.end())
        report.violation(now, name_ + ": SSRC that nobody announced");
    else if (at_server && now - ended->second > kAfterEnd)
        report.violation(now, name_ + ": packet of a stream that ended long ago");
    return nullptr;
}

void Subscriber::note_sent(Timestamp now, BytesView datagram, Report& report) {
    const auto header = wire::peek_rtp(datagram);
    if (!header || datagram.size() < wire::kRtpFixedHeaderSize)
        return report.violation(now, name_ + ": RTP that can not be read");
    if (StreamChecker* stream = by_ssrc(now, header->ssrc, true, report))
        stream->sent(now, *header, load_be32(datagram.data() + 4), report);
}

void Subscriber::receive(Timestamp now, BytesView packet, Report& report) {
    const auto view = wire::parse_rtp(packet);
    if (!view) return report.violation(now, name_ + ": RTP that can not be read");
    if (StreamChecker* stream = by_ssrc(now, view->header.ssrc, false, report))
        stream->receive(now, *view, report);
}

void Subscriber::handle_block(Timestamp now, const wire::RtcpBlock& block, Report& report) {
    const auto sender_report = wire::parse_sender_report(block);
    if (!sender_report) return;
    ++counters_.sender_reports;
    if (StreamChecker* stream = by_ssrc(now, sender_report->ssrc, false, report))
        stream->stats().received_sender_report(now, sender_report->ntp);
}

// ---------------------------------------------------------------- feedback

void Subscriber::send_loss_feedback(Timestamp now) {
    for (const auto& [track, stream] : streams_) {
        std::array<std::uint8_t, kMaxCompound> buffer;
        ByteWriter out(buffer);
        std::array<std::uint16_t, kMaxNacks> missing;
        // Only video has RTX here; a lost audio frame is concealed.
        const std::size_t count = stream->is_video() ? stream->collect_nacks(now, missing) : 0;
        if (count > 0) {
            (void)wire::write_nack(out, own_ssrc_, stream->plan().ssrc,
                                   std::span(missing).first(count));
            ++counters_.nacks;
        }
        if (stream->wants_key_frame() && now >= next_pli_[track]) {
            next_pli_[track] = now + kPliInterval;
            (void)wire::write_pli(out, {own_ssrc_, stream->plan().ssrc});
            ++counters_.plis;
        }
        if (out.size() > 0 && out.ok()) connection_->send_rtcp(out.written());
    }
}

void Subscriber::send_reports(Timestamp now) {
    std::array<std::uint8_t, kMaxCompound> buffer;
    ByteWriter out(buffer);
    std::array<wire::ReportBlock, wire::kMaxReportBlocks> blocks;
    std::size_t count = 0;
    for (const auto& [track, stream] : streams_) {
        if (!stream->stats().started() || count == blocks.size()) continue;
        const rtp::ReceptionReport r = stream->stats().report(now);
        blocks[count++] = {stream->plan().ssrc, r.fraction_lost, r.cumulative_lost,
                           r.highest_sequence,  r.jitter,        r.last_sr,
                           r.delay_since_sr};
    }
    if (count > 0)
        (void)wire::write_receiver_report(out, own_ssrc_, std::span(blocks).first(count));
    if (bandwidth_ > 0) (void)wire::write_remb(out, own_ssrc_, bandwidth_, {});
    if (out.size() > 0 && out.ok()) connection_->send_rtcp(out.written());
}

void Subscriber::handle_timeout(Timestamp now, Report& report) {
    if (now < next_tick_) return;
    next_tick_ = streams_.empty() ? Timestamp::never() : now + kTick;
    for (const auto& [track, stream] : streams_)
        stream->handle_timeout(now, report);
    if (connection_ == nullptr) return;
    send_loss_feedback(now);
    if (now < next_report_) return;
    next_report_ = now + kReportInterval;
    send_reports(now);
}

}  // namespace confab::sim
