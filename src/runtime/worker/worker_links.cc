// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/worker_links.h"

#include <algorithm>
#include <utility>

namespace confab::worker {

WorkerLinks::WorkerLinks(sfu::WorkerIndex self, std::vector<std::unique_ptr<WorkerInbox>>& inboxes)
    : self_(self), inboxes_(inboxes), bells_(inboxes.size(), false) {}

PeerSlot* WorkerLinks::claim(sfu::WorkerIndex to) {
    if (to >= inboxes_.size() || to == self_) return nullptr;
    PeerSlot* slot = inboxes_[to]->from_workers[self_]->producer().claim();
    if (slot == nullptr) {
        ++ring_full_;
        bells_[to] = true;
    }
    return slot;
}

void WorkerLinks::publish(sfu::WorkerIndex to) {
    inboxes_[to]->from_workers[self_]->producer().publish();
    bells_[to] = true;
}

bool WorkerLinks::push(sfu::WorkerIndex to, const sfu::LinkMessage& message, BytesView bytes) {
    if (bytes.size() > sfu::PacketPool::kLargeCapacity) return false;
    PeerSlot* slot = claim(to);
    if (slot == nullptr) return false;
    slot->kind = PeerSlot::Kind::kLink;
    slot->link = message;
    slot->size = static_cast<std::uint16_t>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), slot->bytes.begin());
    publish(to);
    return true;
}

bool WorkerLinks::push_datagram(sfu::WorkerIndex to, const ice::Path& path, BytesView bytes,
                                Timestamp arrival) {
    if (bytes.size() > sfu::PacketPool::kLargeCapacity) return false;
    PeerSlot* slot = claim(to);
    if (slot == nullptr) return false;
    slot->kind = PeerSlot::Kind::kDatagram;
    slot->path = path;
    slot->arrival = arrival;
    slot->size = static_cast<std::uint16_t>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), slot->bytes.begin());
    publish(to);
    return true;
}

bool WorkerLinks::push_stream(sfu::WorkerIndex to, TcpHandOver stream) {
    PeerSlot* slot = claim(to);
    if (slot == nullptr) return false;
    slot->kind = PeerSlot::Kind::kStream;
    slot->stream = std::make_unique<TcpHandOver>(std::move(stream));
    publish(to);
    return true;
}

void WorkerLinks::ring_bells() {
    for (std::size_t i = 0; i < bells_.size(); ++i) {
        if (bells_[i]) inboxes_[i]->wakeup.notify();
        bells_[i] = false;
    }
}

}  // namespace confab::worker
