// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/flush_queue.h"

#include <algorithm>

#include "base/prefetch.h"
#include "sfu/peer/together.h"

namespace confab::sfu {

// Flushed and marked again before all others were, it is there twice.
void FlushQueue::forget(const ShardPeer& peer) {
    const auto done = dirty_.begin() + static_cast<std::ptrdiff_t>(flushed_);
    flushed_ -= static_cast<std::size_t>(std::count(dirty_.begin(), done, &peer));
    std::erase(dirty_, &peer);
}

void FlushQueue::reschedule(Timestamp now, ShardPeer& peer) {
    peer.reschedule_needed = false;
    const Timestamp next = earlier(peer.transport().next_deadline(), peer.next_media_deadline());
    wheel_.schedule(peer.timer(), together(now, next));
}

void FlushQueue::drain_transport(ShardPeer& peer, SendBatch& batch) {
    while (batch.has_room()) {
        const auto datagram = peer.transport().poll_transmit();
        if (!datagram) {
            peer.transport_waiting = false;
            return;
        }
        if (datagram->bytes.empty() || datagram->bytes.size() > SendBatch::kMaxDatagram) continue;
        routes_.remember(peer, datagram->path, false);
        const BytesSpan out = batch.reserve();
        std::copy(datagram->bytes.begin(), datagram->bytes.end(), out.begin());
        batch.commit(datagram->path, datagram->bytes.size());
    }
}

// False: the batch is full before all of it was said.
bool FlushQueue::flush(Downlink::SendTime at, ShardPeer& peer, SendBatch& batch) {
    if (peer.transport_waiting) drain_transport(peer, batch);
    if (!batch.has_room()) return false;
    if (peer.feedback_wanted && !peer.write_feedback(at.now, at.ntp, batch)) return false;
    if (!peer.write_sender_reports(at.now, batch)) return false;
    if (peer.downlink().flush(at, encryptor_, batch)) return false;
    if (peer.downlink().waits() || peer.next_media_deadline() <= at.now) {
        peer.update_media_deadline(at.now);
        peer.reschedule_needed = true;
    }
    return batch.has_room();
}

bool FlushQueue::flush(Downlink::SendTime at, SendBatch& batch) {
    const std::size_t first = flushed_;
    while (flushed_ < dirty_.size()) {
        ShardPeer& peer = *dirty_[flushed_];
        prefetch_row(flushed_, dirty_.size(), [this](std::size_t place, PrefetchStep step) {
            dirty_[place]->prefetch(step);
        });
        if (!flush(at, peer, batch)) break;
        peer.is_dirty = false;
        if (peer.reschedule_needed) reschedule(at.now, peer);
        ++flushed_;
    }
    // Packets of counter-mode peers are encrypted together, across subscribers (DES-24).
    const bool under_way = encryptor_.pending() > 0;
    encryptor_.complete_all();
    if (under_way)
        for (std::size_t i = first; i < dirty_.size() && i <= flushed_; ++i)
            dirty_[i]->downlink().release_flushed();
    const bool more = flushed_ < dirty_.size();
    if (!more) {
        dirty_.clear();
        flushed_ = 0;
    }
    return more;
}

}  // namespace confab::sfu
