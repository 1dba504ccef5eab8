// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/link/link_outbox.h"

#include <type_traits>

#include "base/check.h"

namespace confab::sfu {
namespace {

LinkOutbox::Subject subject_of(const LinkBody& body) {
    const auto part = std::visit(
        [](const auto& m) -> std::uint64_t {
            using T = std::decay_t<decltype(m)>;
            if constexpr (std::is_same_v<T, LinkReport>) return m.stream;
            if constexpr (std::is_same_v<T, LinkKeyFrame>) return m.spatial;
            return 0;
        },
        body);
    const auto what = std::visit(
        [](const auto& m) -> std::uint64_t {
            if constexpr (std::is_same_v<std::decay_t<decltype(m)>, LinkPathProved>)
                return std::hash<ice::Path>{}(m.path);
            else if constexpr (std::is_same_v<std::decay_t<decltype(m)>, LinkData> ||
                               std::is_same_v<std::decay_t<decltype(m)>, LinkDatagram>)
                return 0;  // never waits here
            else if constexpr (std::is_same_v<std::decay_t<decltype(m)>, LinkArrived>)
                return m.peer.value();
            else
                return m.receiver.value();
        },
        body);
    return {body.index(), what, part};
}

}  // namespace

LinkOutbox::LinkOutbox(ShardLinks& links, WorkerIndex self, std::size_t workers)
    : links_(links), self_(self), queues_(workers) {}

bool LinkOutbox::send(WorkerIndex to, const LinkBody& body, BytesView bytes) {
    return links_.push(to, LinkMessage{self_, body}, bytes);
}

bool LinkOutbox::push_packet(WorkerIndex to, const LinkPacket& packet, BytesView bytes) {
    if (to < queues_.size() && flush(to) && send(to, packet, bytes)) return true;
    ++dropped_;
    return false;
}

void LinkOutbox::push(WorkerIndex to, const LinkBody& body) {
    if (to >= queues_.size()) return;
    if (flush(to) && send(to, body, {})) return;
    Queue& queue = queues_[to];
    const Subject subject = subject_of(body);
    if (const auto older = queue.by_subject.find(subject); older != queue.by_subject.end()) {
        *older->second = body;
        queue.messages.splice(queue.messages.end(), queue.messages, older->second);
        return;
    }
    if (queue.messages.size() >= kMaxWaiting) {
        ++dropped_;
        return;
    }
    queue.messages.push_back(body);
    queue.by_subject[subject] = std::prev(queue.messages.end());
    ++waiting_;
}

bool LinkOutbox::flush(WorkerIndex to) {
    Queue& queue = queues_[to];
    while (!queue.messages.empty()) {
        if (!send(to, queue.messages.front(), {})) return false;
        queue.by_subject.erase(subject_of(queue.messages.front()));
        queue.messages.pop_front();
        --waiting_;
        CONFAB_DCHECK(queue.by_subject.size() == queue.messages.size());
    }
    return true;
}

bool LinkOutbox::flush() {
    for (std::size_t to = 0; waiting_ > 0 && to < queues_.size(); ++to)
        (void)flush(static_cast<WorkerIndex>(to));
    return waiting_ > 0;
}

}  // namespace confab::sfu
