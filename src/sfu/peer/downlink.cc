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
namespace {

constexpr std::uint8_t kPaddingBit = 0x20;  // RFC 3550 §5.1

// The octets before a body in its own slot, lent to what stands there in one subscriber's packet.
// One load and one store: how many there are differs from packet to packet.
class LentOctets {
  public:
    static constexpr std::size_t kRoom = 8;  // before `end`, whatever the size

    // The first `size` octets of the prefix, 1 to 8.
    LentOctets(std::uint8_t* end, const decltype(ForwardedPacket::prefix)& prefix, std::size_t size)
        : at_(end - kRoom), kept_(load_be64(at_)) {
        static_assert(sizeof prefix == kRoom);
        const std::size_t rest = 64 - 8 * size;
        const std::uint64_t lent = ~std::uint64_t{0} >> rest;
        store_be64(at_, (kept_ & ~lent) | (load_be64(prefix.data()) >> rest));
    }
    ~LentOctets() { store_be64(at_, kept_); }
    LentOctets(const LentOctets&) = delete;
    LentOctets& operator=(const LentOctets&) = delete;

  private:
    std::uint8_t* at_;
    std::uint64_t kept_;
};

// Behind a slice of a payload is more of it, behind packets of our own nothing. And what goes again
// under its number goes alone: without the padding it would be another text with the same nonce.
bool may_pad(const PendingPacket& pending) {
    const ForwardedPacket& p = pending.packet;
    const bool from_source = pending.source || pending.frame;
    return from_source && !p.rtx && !p.may_repeat && p.payload_size == ForwardedPacket::kToEnd;
}

// What `text` begins with, a rewritten descriptor or an original number, and the source's bytes
// behind it: where these are, if they may be there (`own`), else in `text`.
BytesView joined(BytesSpan text, const ForwardedPacket& packet, BytesView body, std::uint8_t* own,
                 std::optional<LentOctets>& lent) {
    const std::size_t prefix = packet.prefix_size;
    const std::size_t size = prefix + body.size();
    if (own != nullptr) {
        lent.emplace(own, packet.prefix, prefix);
        return {own - prefix, size};
    }
    std::copy(body.begin(), body.end(), text.begin() + static_cast<std::ptrdiff_t>(prefix));
    return text.first(size);
}

}  // namespace

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

bool Downlink::enqueue(PendingPacket&& packet, MediaKind kind) {
    if (!transport_.connected()) {
        counters_.dropped_unconnected += packet.count();
        return false;
    }
    // What has numbers of one line stays in one queue: padding and blank frames with the pictures.
    Queue which = queue_of(kind);
    if (packet.packet.rtx) which = probe_ == 0 ? Queue::kFirst : Queue::kProbes;
    if (queue(which).size() >= kMaxPending) {
        counters_.dropped_full += packet.count();
        return false;
    }
    packet.probe = probe_;
    packet.sound = kind == MediaKind::kAudio;
    queue(which).push(std::move(packet));
    return true;
}

// Where the body begins in its slot, if as many octets before it are there to be lent. Only where
// it is encrypted on its way out at once (DES-22): not later, when they are another's.
std::uint8_t* Downlink::in_slot(const LeavingPacket& leaving, BytesView body) const {
    if (body.empty() || leaving.slot.empty() || !srtp::is_aead(transport_.srtp_sender()->profile()))
        return nullptr;
    const BytesSpan slot = leaving.slot;
    const auto at = static_cast<std::size_t>(body.data() - slot.data());
    return at >= LentOctets::kRoom && at + body.size() <= slot.size() ? &slot[at] : nullptr;
}

// Behind the body are the octets that were the publisher's tag or padding, and nobody's now: with
// them in the packet's own slot it need not be copied. Not where it is encrypted later, perhaps
// behind another subscriber's padding.
BytesView Downlink::padded(const LeavingPacket& leaving, BytesView body, BytesSpan copy) const {
    const std::size_t size = body.size() + leaving.padding;
    const auto fill = [&](BytesSpan whole) {
        std::fill(whole.end() - leaving.padding, whole.end(), std::uint8_t{0});
        whole.back() = leaving.padding;
        return BytesView(whole);
    };
    const bool joined = body.data() == copy.data();
    if (!joined && srtp::is_aead(transport_.srtp_sender()->profile())) {
        const BytesSpan slot = leaving.slot;
        const auto at = static_cast<std::size_t>(body.data() - slot.data());
        if (at + size <= slot.size()) return fill(slot.subspan(at, size));
    }
    if (size > copy.size()) return {};
    if (!joined) std::copy(body.begin(), body.end(), copy.begin());
    return fill(copy.first(size));
}

std::size_t Downlink::build(const LeavingPacket& leaving, SendTime at,
                            srtp::BatchEncryptor& encryptor, SendBatch& batch) {
    const BytesSpan out = batch.reserve();
    SendStamps stamps;
    stamps.abs_send_time = static_cast<std::uint32_t>(at.ntp.value() >> 14) & 0xFFFFFF;
    stamps.transport_sequence = transport_sequence_;
    const std::size_t header =
        build_header(*leaving.packet, *leaving.extensions, stamps, leaving.dd_bytes, out);
    if (header == 0) return 0;
    BytesView body = leaving.packet->body(leaving.payload);
    const std::size_t prefix = leaving.packet->prefix_size;
    const std::size_t rtp_header = header - prefix;
    std::optional<LentOctets> lent;
    if (prefix > 0) {
        const BytesSpan text = out.subspan(rtp_header);
        if (prefix + body.size() + leaving.padding > text.size()) return 0;
        body = joined(text, *leaving.packet, body, in_slot(leaving, body), lent);
    }
    if (leaving.padding > 0) {
        out[0] |= kPaddingBit;
        body = padded(leaving, body, out.subspan(rtp_header));
        if (body.empty()) return 0;
    }
    const std::size_t size = encryptor.submit(
        *transport_.srtp_sender(),
        {out, rtp_header, body, static_cast<std::uint64_t>(leaving.packet->sequence)});
    if (size == 0) return 0;
    if (leaving.extensions->transport_cc != 0) note_sent(leaving, at.now, size);
    batch.commit(*transport_.path(), size, leaving.sound ? Worth::kFirst : Worth::kPicture);
    ++counters_.rtp_out;
    counters_.rtp_bytes_out += size;
    if (leaving.padding > 0) ++counters_.rtp_levelled;
    if (leaving.packet->rtx) {
        ++counters_.rtx_out;
        counters_.rtx_bytes_out += size;
    }
    return size;
}

void Downlink::note_sent(const LeavingPacket& leaving, Timestamp now, std::size_t size) {
    if (history_)
        history_->push({now, transport_sequence_, static_cast<std::uint16_t>(size), leaving.probe,
                        leaving.sound, leaving.packet->rtx && leaving.probe == 0});
    ++transport_sequence_;
}

// Runs are of one destination, whatever the stream.
std::size_t Downlink::level(Queue which, std::span<std::uint8_t> padding) const {
    const SendQueue& queue = this->queue(which);
    const std::size_t count = std::min(padding.size(), queue.size());
    const bool wanted =
        which == Queue::kPictures ? levels_ : which == Queue::kFirst && sound_levels_;
    if (!wanted || count < 2 || bandwidth_->deficient()) {
        std::fill_n(padding.begin(), count, std::uint8_t{0});
        return count;
    }
    const LevelLimits& limits = which == Queue::kPictures ? kPictureLevels : kSoundLevels;
    std::array<LevelledPacket, SendBatch::kMaxSegments> lengths;
    std::size_t at = 0;
    const PendingPacket* before = nullptr;
    std::size_t header = 0;
    queue.look_ahead(count, [&](const PendingPacket& p, BytesView payload) {
        // Headers of a frame are equal.
        if (std::exchange(before, &p) != &p)
            header = header_size(p.packet, *p.extensions, p.dd_bytes);
        lengths[at++] = {static_cast<std::uint32_t>(header + p.packet.body(payload).size()),
                         !may_pad(p), 0};
    });
    sfu::level_lengths(std::span(lengths).first(count), limits);
    for (std::size_t i = 0; i < count; ++i)
        padding[i] = lengths[i].padding;
    return count;
}

bool Downlink::flush(Queue which, SendTime at, srtp::BatchEncryptor& encryptor, SendBatch& batch) {
    SendQueue& waiting = queue(which);
    const bool paced = which == Queue::kPictures;
    if (paced) pacer_.set_rate(bandwidth_->pacing_rate(), waiting.bytes());
    // A frame that is cut by the end of a batch takes two sends.
    if (!batch.empty() && !batch.has_room_for(std::min(waiting.size(), kWhole))) return true;
    std::array<std::uint8_t, SendBatch::kMaxSegments> padding;
    std::size_t levelled = 0;
    std::size_t next = 0;
    while (!waiting.empty() && (!paced || hurries_ || pacer_.may_send(at.now))) {
        if (!batch.has_room()) return true;
        if (next == levelled) {
            levelled = level(which, padding);
            next = 0;
        }
        LeavingPacket leaving = waiting.take();
        leaving.padding = padding[next++];
        pacer_.sent(at.now, build(leaving, at, encryptor, batch));
    }
    return false;
}

bool Downlink::flush(SendTime at, srtp::BatchEncryptor& encryptor, SendBatch& batch) {
    if (transport_.srtp_sender() == nullptr || !transport_.path().has_value()) {
        for (SendQueue& waiting : queues_)
            waiting.take_all();
    } else {
        // The port hears of those of a full batch with the rest.
        for (const Queue which : {Queue::kFirst, Queue::kPictures, Queue::kProbes})
            if (flush(which, at, encryptor, batch)) return true;
        // What nothing depends on yet may be told with the next feedback.
        constexpr std::size_t kMany = SendHistory::kLeastPackets / 2;
        const bool paced = bandwidth_->pacing_rate() < kUnlimitedCapacity;
        if (paced || (history_ && history_->untold() >= kMany)) tell_sent();
    }
    // Nothing is under way where each packet is encrypted at once (AEAD).
    if (encryptor.pending() == 0) release_flushed();
    return false;
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
        const auto sent = history_->resolve(status->sequence, status->received);
        if (!sent) continue;
        results[count++] = {*sent, status->received, status->arrival};
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
