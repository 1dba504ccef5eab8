// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/shard_peer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "rtc/rtp/nack_tracker.h"

namespace confab::sfu {
namespace {
// What fits one datagram beside SRTCP's tag and index (NET-01).
constexpr std::size_t kMaxCompound = 1200 - 24;
}  // namespace

ShardPeer::ShardPeer(PeerId id, const peer::SharedCrypto& crypto, peer::TransportConfig config,
                     const BandwidthOptions& bandwidth, Rng& rng)
    : id_(id),
      transport_(crypto, std::move(config), rng.fork()),
      timer_(static_cast<Timed*>(this)),
      transport_cc_(rng.u32()),
      bandwidth_(bandwidth) {}

// ---------------------------------------------------------------- down-tracks

OutboundTrack& ShardPeer::add_down_track(const AddDownTrack& config, Track& track, Rng& rng,
                                         std::size_t kept) {
    down_tracks_.push_back(std::make_unique<OutboundTrack>(config, track, *this, rng, kept));
    OutboundTrack& added = *down_tracks_.back();
    added.down_track.share_rtt(rtt_);
    if (added.down_track.kind() == MediaKind::kVideo) {
        demanding_.push_back(&added.down_track);
        shares_.emplace_back();
    }
    by_ssrc_[added.down_track.ssrc()] = &added;
    if (added.down_track.rtx_ssrc() != 0) by_ssrc_[added.down_track.rtx_ssrc()] = &added;
    return added;
}

void ShardPeer::remove_down_track(const DownTrack& down_track) {
    for (const std::uint32_t ssrc : {down_track.ssrc(), down_track.rtx_ssrc()}) {
        const auto found = by_ssrc_.find(ssrc);
        if (found != by_ssrc_.end() && &found->second->down_track == &down_track)
            by_ssrc_.erase(found);
    }
    // Waiting packets may point into what goes away.
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(pending_sent_));
    pending_sent_ = 0;
    std::erase_if(pending_,
                  [&](const PendingPacket& p) { return p.extensions == &down_track.extensions(); });
    stop_demanding(down_track);
    std::erase_if(down_tracks_, [&](const auto& t) { return &t->down_track == &down_track; });
}

void ShardPeer::stop_demanding(const DownTrack& down_track) {
    const auto demand = std::find(demanding_.begin(), demanding_.end(), &down_track);
    if (demand == demanding_.end()) return;
    CONFAB_CHECK(demanding_.size() == shares_.size());
    shares_.erase(shares_.begin() + (demand - demanding_.begin()));
    demanding_.erase(demand);
}

OutboundTrack* ShardPeer::find_by_ssrc(std::uint32_t ssrc) {
    const auto found = by_ssrc_.find(ssrc);
    return found == by_ssrc_.end() ? nullptr : found->second;
}

// ---------------------------------------------------------------- data channels

namespace {
DataChannel kind_of_label(const std::string& label) {
    if (label == "_reliable") return DataChannel::kReliable;
    if (label == "_lossy") return DataChannel::kLossy;
    if (label == "_data_track") return DataChannel::kDataTrack;
    return DataChannel::kOther;
}
}  // namespace

void ShardPeer::note_channel(std::uint16_t channel, const std::string& label) {
    const DataChannel kind = kind_of_label(label);
    forget_channel(channel);
    // A label opened again replaces the old channel (DC-10).
    if (kind != DataChannel::kOther)
        std::erase_if(channels_, [&](const Channel& c) { return c.kind == kind; });
    channels_.push_back({channel, kind, label});
}

void ShardPeer::forget_channel(std::uint16_t channel) {
    std::erase_if(channels_, [&](const Channel& c) { return c.id == channel; });
}

DataChannel ShardPeer::channel_kind(std::uint16_t channel) const {
    for (const Channel& c : channels_)
        if (c.id == channel) return c.kind;
    return DataChannel::kOther;
}

std::string ShardPeer::channel_label(std::uint16_t channel) const {
    for (const Channel& c : channels_)
        if (c.id == channel) return c.label;
    return {};
}

std::optional<std::uint16_t> ShardPeer::find_channel(DataChannel kind) const {
    for (const Channel& c : channels_)
        if (c.kind == kind) return c.id;
    return std::nullopt;
}

// ---------------------------------------------------------------- sending

bool ShardPeer::enqueue(PendingPacket&& packet) {
    if (!transport_.connected()) {
        ++counters_.dropped_unconnected;
        return false;
    }
    if (pending_.size() >= kMaxPending) {
        ++counters_.dropped_full;
        return false;
    }
    pending_.push_back(std::move(packet));
    return pending_.size() == 1;
}

bool ShardPeer::build(const PendingPacket& pending, NtpTime ntp, srtp::BatchEncryptor& encryptor,
                      SendBatch& batch) {
    const BytesSpan out = batch.reserve();
    SendStamps stamps;
    stamps.abs_send_time = static_cast<std::uint32_t>(ntp.value() >> 14) & 0xFFFFFF;
    stamps.transport_sequence = transport_sequence_;
    const std::size_t header =
        build_header(pending.packet, *pending.extensions, stamps, pending.dd_bytes, out);
    if (header == 0) return false;
    BytesView body = pending.packet.body(pending.payload);
    std::size_t rtp_header = header;
    if (pending.packet.prefix_size > 0) {
        // A rewritten descriptor or an original number stands before the source's bytes: joined
        // here and encrypted in place. Everything else is encrypted on its way (DES-22).
        if (header + body.size() > out.size()) return false;
        std::copy(body.begin(), body.end(), out.begin() + static_cast<std::ptrdiff_t>(header));
        rtp_header -= pending.packet.prefix_size;
        body = BytesView(out).subspan(rtp_header, pending.packet.prefix_size + body.size());
    }
    const std::size_t size = encryptor.submit(
        *transport_.srtp_sender(),
        {out, rtp_header, body, static_cast<std::uint64_t>(pending.packet.sequence)});
    if (size == 0) return false;
    if (pending.extensions->transport_cc != 0) ++transport_sequence_;
    batch.commit(*transport_.path(), size);
    ++counters_.rtp_out;
    counters_.bytes_out += size;
    if (pending.packet.rtx) {
        ++counters_.rtx_out;
        counters_.rtx_bytes_out += size;
    }
    return true;
}

bool ShardPeer::flush(NtpTime ntp, srtp::BatchEncryptor& encryptor, SendBatch& batch) {
    const bool can_send = transport_.srtp_sender() != nullptr && transport_.path().has_value();
    while (can_send && pending_sent_ < pending_.size()) {
        if (!batch.has_room()) return true;
        (void)build(pending_[pending_sent_++], ntp, encryptor, batch);
    }
    pending_sent_ = pending_.size();
    // Nothing is under way where each packet is encrypted at once (AEAD).
    if (encryptor.pending() == 0) release_flushed();
    return false;
}

void ShardPeer::release_flushed() {
    if (pending_sent_ < pending_.size()) return;
    pending_.clear();
    pending_sent_ = 0;
}

void ShardPeer::send_rtcp(BytesView compound, SendBatch& batch) {
    srtp::SendContext* sender = transport_.srtp_sender();
    if (compound.empty() || sender == nullptr || !transport_.path() || !batch.has_room()) return;
    const BytesSpan out = batch.reserve();
    std::copy(compound.begin(), compound.end(), out.begin());
    const std::size_t size = sender->protect_rtcp(out, compound.size());
    if (size > 0) batch.commit(*transport_.path(), size);
}

// ---------------------------------------------------------------- feedback to a publisher

// RTCP packets on their way into datagrams: one that does not fit any more begins the next.
class ShardPeer::Compounds {
  public:
    Compounds(ShardPeer& peer, SendBatch& batch) : peer_(peer), batch_(batch), out_(buffer_) {}

    // Whether the batch takes what is collected and two more: the caller writes one thing only
    // while this is so.
    bool has_room() const { return batch_.has_room_for(3); }
    // Where the next `size` octets at most may be written.
    ByteWriter& next(std::size_t size) {
        if (out_.size() + size > buffer_.size()) send();
        return out_;
    }
    void send() {
        if (out_.size() > 0 && out_.ok()) peer_.send_rtcp(out_.written(), batch_);
        out_ = ByteWriter(buffer_);
    }

  private:
    ShardPeer& peer_;
    SendBatch& batch_;
    std::array<std::uint8_t, kMaxCompound> buffer_;
    ByteWriter out_;
};

namespace {
constexpr std::size_t kMaxNackSize = 12 + 4 * rtp::NackTracker::kMaxMissing;
constexpr std::size_t kPliSize = 12;
constexpr std::size_t kMaxReportSize = 8 + 24 * wire::kMaxReportBlocks;
constexpr std::size_t kRrtrSize = 20;
constexpr std::size_t kDlrrSize = 24;
static_assert(std::max(kMaxNackSize + kPliSize, kMaxReportSize + kRrtrSize) <= kMaxCompound);
}  // namespace

bool ShardPeer::write_loss_feedback(Timestamp now, Compounds& out) {
    for (Receiver* receiver : inbound_.receivers()) {
        for (const auto& stream : receiver->streams()) {
            if (!out.has_room()) return false;
            ByteWriter& writer = out.next(kMaxNackSize + kPliSize);
            if (!receiver->muted()) counters_.nacks_out += stream->write_nack(now, writer);
            if (stream->write_pli(now, writer)) ++counters_.plis_out;
        }
    }
    return true;
}

// A report has room for 31 streams; more take several, all in one round.
bool ShardPeer::write_reports(Timestamp now, NtpTime ntp, Compounds& out) {
    if (now < next_receiver_report_) return true;
    std::array<wire::ReportBlock, wire::kMaxReportBlocks> blocks;
    std::size_t count = 0;
    bool any = streams_reported_ > 0;
    const auto write = [&] {
        if (count == 0) return;
        // Upstream's sender SSRC is the media SSRC; browsers look only at the blocks (IN-05,
        // IN-07).
        const std::uint32_t sender = blocks[0].ssrc;
        ByteWriter& writer = out.next(kMaxReportSize + kRrtrSize);
        (void)wire::write_receiver_report(writer, sender, std::span(blocks).first(count));
        if (!std::exchange(any, true)) (void)wire::write_rrtr(writer, sender, ntp);
        count = 0;
    };
    std::size_t index = 0;
    for (Receiver* receiver : inbound_.receivers()) {
        const std::uint8_t loss_of_others = receiver->take_worst_loss();
        for (const auto& stream : receiver->streams()) {
            if (index++ < streams_reported_) continue;
            if (!out.has_room()) {
                write();
                return false;
            }
            streams_reported_ = index;
            auto block = stream->report_block(now);
            if (!block) continue;
            block->fraction_lost = std::max(block->fraction_lost, loss_of_others);
            blocks[count++] = *block;
            if (count == blocks.size()) write();
        }
    }
    write();
    streams_reported_ = 0;
    if (any) next_receiver_report_ = now + kReceiverReportInterval;
    return true;
}

bool ShardPeer::write_feedback(Timestamp now, NtpTime ntp, SendBatch& batch) {
    Compounds out(*this, batch);
    const bool complete = write_reports(now, ntp, out) && write_loss_feedback(now, out);
    if (complete && rrtr_) {
        const std::array entries{*rrtr_};
        (void)wire::write_dlrr(out.next(kDlrrSize),
                               down_tracks_.empty() ? 0 : down_tracks_.front()->down_track.ssrc(),
                               entries);
        rrtr_.reset();
    }
    out.send();
    if (!complete) return false;
    feedback_wanted = false;
    if (!transport_cc_.due(now) || !batch.has_room()) return true;
    std::array<std::uint8_t, kMaxCompound> buffer;
    ByteWriter feedback(buffer);
    if (transport_cc_.write(now, feedback) && feedback.ok()) send_rtcp(feedback.written(), batch);
    return true;
}

// ---------------------------------------------------------------- reports to a subscriber

bool ShardPeer::write_sender_reports(Timestamp now, SendBatch& batch) {
    if (now < next_sender_report_) return true;
    std::array<std::uint8_t, kMaxCompound> buffer;
    ByteWriter out(buffer);
    std::array<wire::SdesChunk, 8> chunks;
    std::size_t count = 0;
    // Several compounds when there are many tracks: eight reports and their SDES fit one.
    const auto send = [&] {
        if (count == 0) return;
        if (wire::write_sdes(out, std::span(chunks).first(count)) && out.ok())
            send_rtcp(out.written(), batch);
        out = ByteWriter(buffer);
        count = 0;
    };
    for (; sender_reports_done_ < down_tracks_.size(); ++sender_reports_done_) {
        if (count == 0 && !batch.has_room()) return false;
        DownTrack& down_track = down_tracks_[sender_reports_done_]->down_track;
        const auto report = down_track.sender_report(now);
        if (!report || !wire::write_sender_report(out, *report)) continue;
        chunks[count++] = down_track.sdes_chunk();
        if (count == chunks.size()) send();
    }
    send();
    sender_reports_done_ = 0;
    next_sender_report_ = now + kSenderReportInterval;
    update_media_deadline(now);
    return true;
}

bool ShardPeer::allocate(Timestamp now) {
    demands_.clear();
    for (const DownTrack* down_track : demanding_) {
        const DownTrackSettings& wish = down_track->settings();
        VideoDemand demand;
        demand.source = &down_track->source();
        demand.max = down_track->wish();
        demand.priority = wish.priority;
        demand.muted = !wish.enabled || down_track->source().muted;
        demand.exempt = down_track->screen_share() && down_track->source().max_seen.spatial <= 0;
        demand.packets = down_track->stats().packets;
        demand.nack_repeats = down_track->stats().nack_repeats;
        demands_.push_back(demand);
    }
    if (!bandwidth_.allocate(demands_, shares_, now)) return false;
    for (std::size_t i = 0; i < demanding_.size(); ++i)
        demanding_[i]->set_bandwidth(shares_[i].cap, shares_[i].deficient, now);
    return true;
}

void ShardPeer::update_media_deadline(Timestamp now) {
    Timestamp deadline = Timestamp::never();
    if (!down_tracks_.empty()) {
        if (next_sender_report_.is_never()) next_sender_report_ = now + kSenderReportInterval;
        deadline = next_sender_report_;
        // A publisher's reports and repairs that no packet of it calls forth.
        if (!inbound_.receivers().empty()) deadline = earlier(deadline, now + kTick);
    }
    deadline = earlier(deadline, bandwidth_.next_deadline());
    for (const Receiver* receiver : inbound_.receivers())
        for (const auto& stream : receiver->streams())
            deadline = earlier(deadline, stream->next_deadline());
    next_media_deadline_ = deadline;
}

}  // namespace confab::sfu
