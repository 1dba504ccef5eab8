// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/peer/downlink.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/check.h"
#include "sfu/congestion/layer_cost.h"

namespace confab::sfu {
Downlink::Downlink(peer::Transport& transport, PeerCounters& counters,
                   std::unique_ptr<BandwidthPort> bandwidth)
    : transport_(transport), counters_(counters), bandwidth_(std::move(bandwidth)) {}

Downlink::~Downlink() = default;

// ---------------------------------------------------------------- down-tracks

OutboundTrack& Downlink::add(std::unique_ptr<OutboundTrack> track) {
    tracks_.push_back(std::move(track));
    OutboundTrack& added = *tracks_.back();
    added.down_track.share_rtt(rtt_);
    const DownTrackInfo& info = added.down_track.info();
    if (info.video()) {
        demanding_.push_back(&added.down_track);
        shares_.emplace_back();
    }
    by_ssrc_[info.ssrc] = &added;
    if (info.rtx_ssrc != 0) by_ssrc_[info.rtx_ssrc] = &added;
    // Only numbers can be reported on.
    if (added.down_track.extensions().transport_cc != 0 && !history_)
        history_ = std::make_unique<SendHistory>();
    return added;
}

void Downlink::remove(const DownTrack& down_track) {
    for (const std::uint32_t ssrc : {down_track.info().ssrc, down_track.info().rtx_ssrc}) {
        const auto found = by_ssrc_.find(ssrc);
        if (found != by_ssrc_.end() && &found->second->down_track == &down_track)
            by_ssrc_.erase(found);
    }
    // Waiting packets may point into what goes away.
    for (SendQueue& queue : queues_)
        queue.remove(down_track.extensions());
    stop_demanding(down_track);
    std::erase_if(tracks_, [&](const auto& t) { return &t->down_track == &down_track; });
}

void Downlink::stop_demanding(const DownTrack& down_track) {
    const auto demand = std::find(demanding_.begin(), demanding_.end(), &down_track);
    if (demand == demanding_.end()) return;
    CONFAB_CHECK(demanding_.size() == shares_.size());
    shares_.erase(shares_.begin() + (demand - demanding_.begin()));
    demanding_.erase(demand);
}

OutboundTrack* Downlink::find_by_ssrc(std::uint32_t ssrc) {
    const auto found = by_ssrc_.find(ssrc);
    return found == by_ssrc_.end() ? nullptr : found->second;
}

// ---------------------------------------------------------------- sending

bool Downlink::waits(const DownTrack* down_track) const {
    const SendQueue& pictures = queue(Queue::kPictures);
    return down_track == nullptr ? !pictures.empty() : pictures.contains(down_track->extensions());
}

bool Downlink::takes_at_once(std::size_t packets, std::size_t bytes) const {
    const std::uint64_t link = bandwidth_->target_bitrate() / 8 / 2;
    const SendQueue& waiting = queue(Queue::kPictures);
    return waiting.bytes() + bytes <= std::min<std::uint64_t>(kMaxAtOnce, link) &&
           waiting.size() + packets <= kMaxPending / 4;
}

bool Downlink::admits(Queue which, std::size_t packets) {
    if (!transport_.connected()) {
        counters_.dropped_unconnected += packets;
        return false;
    }
    if (queue(which).size() >= kMaxPending) {
        counters_.dropped_full += packets;
        return false;
    }
    return true;
}

bool Downlink::enqueue(PendingPacket&& packet, MediaKind kind) {
    const Queue which = place_of(kind, packet.packet.rtx);
    if (!admits(which, packet.count())) return false;
    packet.probe = probe_;
    packet.sound = kind == MediaKind::kAudio;
    queue(which).push(std::move(packet));
    return true;
}

void Downlink::prefetch(PrefetchStep step) const {
    switch (step) {
        case PrefetchStep::kFar:
            return prefetch_for_write(&queues_, &history_);
        case PrefetchStep::kMiddle:
            if (history_) prefetch_for_write(history_.get(), sizeof(SendHistory));
            return prefetch_for_write(bandwidth_.get());
        case PrefetchStep::kNear:
            if (history_) history_->prefetch_next();
            return queue(Queue::kPictures).prefetch();
    }
}

void Downlink::release_flushed() {
    for (SendQueue& waiting : queues_)
        waiting.release();
}

// ---------------------------------------------------------------- feedback of the subscriber

void Downlink::update_rtt(Duration rtt, Timestamp now) {
    rtt_ = rtt;
    bandwidth_->update_rtt(rtt, now);
}

void Downlink::handle_transport_feedback(Timestamp now, const wire::TransportFeedback& feedback) {
    if (!history_) return;
    tell_sent();
    wire::TransportStatusCursor cursor(feedback);
    std::array<PacketResult, 128> results;
    std::size_t count = 0;
    const auto tell = [&] {
        if (count > 0) bandwidth_->handle_transport_feedback(std::span(results).first(count), now);
        count = 0;
    };
    // A run of losses takes few octets: of more than can be remembered nothing is known.
    for (std::size_t i = 0; i < SendHistory::kMaxPackets; ++i) {
        const auto status = cursor.next();
        if (!status) break;
        const auto result = history_->resolve(status->sequence, status->received);
        if (!result) continue;
        results[count] = *result;
        results[count++].arrival = status->arrival;
        if (count == results.size()) tell();
    }
    tell();
}

// ---------------------------------------------------------------- reports to the subscriber

void Downlink::write_answers(RtcpCompounds& out) {
    constexpr std::size_t kDlrrSize = 24;
    if (!rrtr_) return;
    const std::array entries{*rrtr_};
    const std::uint32_t sender = tracks_.empty() ? 0 : tracks_.front()->down_track.info().ssrc;
    (void)wire::write_dlrr(out.next(kDlrrSize), sender, entries);
    rrtr_.reset();
}

bool Downlink::write_sender_reports(Timestamp now, SendBatch& batch) {
    std::array<std::uint8_t, kMaxCompound> buffer;
    ByteWriter out(buffer);
    std::array<wire::SdesChunk, 8> chunks;
    std::size_t count = 0;
    // Several compounds when there are many tracks: eight reports and their SDES fit one.
    const auto send = [&] {
        if (count == 0) return;
        if (wire::write_sdes(out, std::span(chunks).first(count)) && out.ok())
            send_rtcp(transport_, out.written(), batch);
        out = ByteWriter(buffer);
        count = 0;
    };
    for (; reports_done_ < tracks_.size(); ++reports_done_) {
        if (count == 0 && !batch.has_room()) return false;
        DownTrack& down_track = tracks_[reports_done_]->down_track;
        const auto report = down_track.sender_report(now);
        if (!report || !wire::write_sender_report(out, *report)) continue;
        chunks[count++] = down_track.info().sdes_chunk();
        if (count == chunks.size()) send();
    }
    send();
    reports_done_ = 0;
    next_report_ = now + kSenderReportInterval;
    return true;
}

void Downlink::resume_share(const DownTrack& down_track) {
    const auto demand = std::find(demanding_.begin(), demanding_.end(), &down_track);
    if (demand == demanding_.end()) return;
    shares_[static_cast<std::size_t>(demand - demanding_.begin())] =
        share_before(down_track.demand());
}

bool Downlink::allocate(Timestamp now) {
    tell_sent();
    demands_.clear();
    for (const DownTrack* down_track : demanding_)
        demands_.push_back(down_track->demand());
    const bool moved = std::exchange(moved_here_, false);
    if (!bandwidth_->allocate(demands_, shares_, now) && !moved) return false;
    for (std::size_t i = 0; i < demanding_.size(); ++i)
        demanding_[i]->set_bandwidth(shares_[i].cap, shares_[i].deficient, now);
    return true;
}

void Downlink::start_reports(Timestamp now) {
    if (!tracks_.empty() && next_report_.is_never()) next_report_ = now + kSenderReportInterval;
}

Timestamp Downlink::next_deadline() const {
    const Timestamp reports = tracks_.empty() ? Timestamp::never() : next_report_;
    const Timestamp paced =
        queue(Queue::kPictures).empty() ? Timestamp::never() : pacer_.next_send();
    return earlier(earlier(reports, paced), bandwidth_->next_deadline());
}

}  // namespace confab::sfu
