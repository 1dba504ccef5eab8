// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How waiting packets become datagrams (02 DES-10, DES-12, DES-22, PAC-01).
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "sfu/peer/downlink.h"
#include "sfu/peer/send/frame_run.h"
#include "sfu/peer/send/lent_octets.h"

namespace confab::sfu {
namespace {

constexpr std::uint8_t kPaddingBit = 0x20;  // RFC 3550 §5.1

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
        lent.emplace(own, load_be64(packet.prefix.data()), prefix);
        return {own - prefix, size};
    }
    std::copy(body.begin(), body.end(), text.begin() + static_cast<std::ptrdiff_t>(prefix));
    return text.first(size);
}

}  // namespace

class Downlink::Flush {
  public:
    // Of one that has keys and a path.
    Flush(Downlink& of, SendTime at, srtp::BatchEncryptor& encryptor, SendBatch& batch)
        : of_(of),
          srtp_(*of.transport_.srtp_sender()),
          at_(at),
          encryptor_(encryptor),
          batch_(batch) {}

    // True when the batch has no room for more.
    bool queue(Queue which);

  private:
    // The padding of the next packets that leave, all zero where lengths are not levelled; the
    // number of them.
    std::size_t level(Queue which, std::span<std::uint8_t> padding) const;
    // Of the frame that is next, if it can leave that way: how many packets.
    std::size_t frame(SendQueue& waiting, std::span<const std::uint8_t> padding);
    // The size of its datagram, 0 if there is none.
    std::size_t build(const LeavingPacket& leaving);
    std::uint8_t* in_slot(const LeavingPacket& leaving, BytesView body) const;
    // The body with the packet's padding behind it; `copy` is where it may be put together.
    BytesView padded(const LeavingPacket& leaving, BytesView body, BytesSpan copy) const;

    std::uint32_t abs_send_time() const {
        return static_cast<std::uint32_t>(at_.ntp.value() >> 14) & 0xFFFFFF;
    }
    // Pictures, as far as the pacer goes.
    bool may_leave() const { return of_.hurries_ || of_.pacer_.may_send(at_.now); }
    struct SentAs {
        std::uint8_t probe = 0;
        bool sound = false;
        bool repeat = false;
    };
    // With the next transport-wide number.
    void note_sent(std::size_t size, SentAs as) {
        if (of_.history_)
            of_.history_->push({at_.now, of_.transport_sequence_, static_cast<std::uint16_t>(size),
                                as.probe, as.sound, as.repeat});
        ++of_.transport_sequence_;
    }
    // It was written at the batch's reserve().
    void commit(std::size_t size, Worth worth) {
        if (std::exchange(more_, true))
            batch_.commit_more(size, worth);
        else
            batch_.commit(*of_.transport_.path(), size, worth);
        ++of_.counters_.rtp_out;
        of_.counters_.rtp_bytes_out += size;
    }

    Downlink& of_;
    srtp::SendContext& srtp_;
    SendTime at_;
    srtp::BatchEncryptor& encryptor_;
    SendBatch& batch_;
    bool more_ = false;  // the datagram before is one of these
};

// Where the body begins in its slot, if as many octets before it are there to be lent. Only where
// it is encrypted on its way out at once (DES-22): not later, when they are another's.
std::uint8_t* Downlink::Flush::in_slot(const LeavingPacket& leaving, BytesView body) const {
    if (body.empty() || leaving.slot.empty() || !srtp::is_aead(srtp_.profile())) return nullptr;
    const BytesSpan slot = leaving.slot;
    const auto at = static_cast<std::size_t>(body.data() - slot.data());
    return at >= LentOctets::kRoom && at + body.size() <= slot.size() ? &slot[at] : nullptr;
}

// Behind the body are the octets that were the publisher's tag or padding, and nobody's now: with
// them in the packet's own slot it need not be copied. Not where it is encrypted later, perhaps
// behind another subscriber's padding.
BytesView Downlink::Flush::padded(const LeavingPacket& leaving, BytesView body,
                                  BytesSpan copy) const {
    const std::size_t size = body.size() + leaving.padding;
    const auto fill = [&](BytesSpan whole) {
        std::fill(whole.end() - leaving.padding, whole.end(), std::uint8_t{0});
        whole.back() = leaving.padding;
        return BytesView(whole);
    };
    const bool joined = body.data() == copy.data();
    if (!joined && srtp::is_aead(srtp_.profile())) {
        const BytesSpan slot = leaving.slot;
        const auto at = static_cast<std::size_t>(body.data() - slot.data());
        if (at + size <= slot.size()) return fill(slot.subspan(at, size));
    }
    if (size > copy.size()) return {};
    if (!joined) std::copy(body.begin(), body.end(), copy.begin());
    return fill(copy.first(size));
}

std::size_t Downlink::Flush::build(const LeavingPacket& leaving) {
    const BytesSpan out = batch_.reserve();
    SendStamps stamps;
    stamps.abs_send_time = abs_send_time();
    stamps.transport_sequence = of_.transport_sequence_;
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
    const std::size_t size = encryptor_.submit(
        srtp_, {out, rtp_header, body, static_cast<std::uint64_t>(leaving.packet->sequence)});
    if (size == 0) return 0;
    if (leaving.extensions->transport_cc != 0)
        note_sent(size, {leaving.probe, leaving.sound, leaving.packet->rtx && leaving.probe == 0});
    commit(size, leaving.sound ? Worth::kFirst : Worth::kPicture);
    if (leaving.padding > 0) ++of_.counters_.rtp_levelled;
    if (leaving.packet->rtx) {
        ++of_.counters_.rtx_out;
        of_.counters_.rtx_bytes_out += size;
    }
    return size;
}

// What leaves of the frame that is next, as long as the pacer and the batch take it. Its packets
// are those that take() and build() make.
std::size_t Downlink::Flush::frame(SendQueue& waiting, std::span<const std::uint8_t> padding) {
    const PendingPacket* const next = waiting.next_frame();
    if (next == nullptr || next->count() < 2 || !srtp::is_aead(srtp_.profile())) return 0;
    FrameRun run(*next, abs_send_time(), srtp_);
    if (!run.possible()) return 0;
    const std::size_t most = std::min({next->count(), padding.size(), batch_.room()});
    const bool numbered = next->extensions->transport_cc != 0;
    std::size_t count = 0, bodies = 0;
    for (; count < most && may_leave(); ++count) {
        bodies += run.body_size();
        const std::size_t size =
            run.build(padding[count], of_.transport_sequence_, batch_.reserve());
        of_.pacer_.sent(at_.now, size);
        if (size == 0) continue;
        if (numbered) note_sent(size, {next->probe, next->sound, false});
        commit(size, Worth::kPicture);
        if (padding[count] > 0) ++of_.counters_.rtp_levelled;
    }
    waiting.take_of_frame(count, bodies);
    return count;
}

// Runs are of one destination, whatever the stream.
std::size_t Downlink::Flush::level(Queue which, std::span<std::uint8_t> padding) const {
    const SendQueue& queue = of_.queue(which);
    const std::size_t count = std::min(padding.size(), queue.size());
    const bool wanted =
        which == Queue::kPictures ? of_.levels_ : which == Queue::kFirst && of_.sound_levels_;
    if (!wanted || count < 2 || of_.bandwidth_->deficient()) {
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

bool Downlink::Flush::queue(Queue which) {
    SendQueue& waiting = of_.queue(which);
    const bool paced = which == Queue::kPictures;
    if (paced) of_.pacer_.set_rate(of_.bandwidth_->pacing_rate(), waiting.bytes());
    // A frame that is cut by the end of a batch takes two sends.
    if (!batch_.empty() && !batch_.has_room_for(std::min(waiting.size(), kWhole))) return true;
    std::array<std::uint8_t, SendBatch::kMaxSegments> padding;
    std::size_t levelled = 0;
    std::size_t next = 0;
    while (!waiting.empty() && (!paced || may_leave())) {
        if (!batch_.has_room()) return true;
        if (next == levelled) {
            levelled = level(which, padding);
            next = 0;
        }
        if (paced) {
            const auto ahead = std::span(padding).subspan(next, levelled - next);
            const std::size_t of_frame = frame(waiting, ahead);
            next += of_frame;
            if (of_frame > 0) continue;
        }
        LeavingPacket leaving = waiting.take();
        leaving.padding = padding[next++];
        of_.pacer_.sent(at_.now, build(leaving));
    }
    return false;
}

bool Downlink::flush(SendTime at, srtp::BatchEncryptor& encryptor, SendBatch& batch) {
    if (transport_.srtp_sender() == nullptr || !transport_.path().has_value()) {
        for (SendQueue& waiting : queues_)
            waiting.take_all();
    } else {
        // The port hears of those of a full batch with the rest.
        Flush to(*this, at, encryptor, batch);
        for (const Queue which : {Queue::kFirst, Queue::kPictures, Queue::kProbes})
            if (to.queue(which)) return true;
        // What nothing depends on yet may be told with the next feedback.
        constexpr std::size_t kMany = SendHistory::kLeastPackets / 2;
        const bool paced = bandwidth_->pacing_rate() < kUnlimitedCapacity;
        if (paced || (history_ && history_->untold() >= kMany)) tell_sent();
    }
    // Nothing is under way where each packet is encrypted at once (AEAD).
    if (encryptor.pending() == 0) release_flushed();
    return false;
}

}  // namespace confab::sfu
