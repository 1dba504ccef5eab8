// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The send queue: bounded by bytes, newest message refused when full (02 §6.3).
#include "rtc/sctp/send/send_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "rtc/sctp/limits.h"

namespace confab::sctp {

SendStatus SendQueue::add(Timestamp now, std::uint16_t stream, std::uint32_t ppid,
                          SharedBytes payload, const SendOptions& options) {
    const std::size_t cost = payload.size() + kItemOverhead;
    std::size_t& used = options.lossy() ? lossy_ : reliable_;
    std::size_t limit = options.lossy() ? limits_.lossy : limits_.reliable;
    if (options.control) limit += kControlReserve;
    if (used + cost > limit) return SendStatus::kQueueFull;
    const auto found = streams_.find(stream);
    if (found != streams_.end() && found->second.closing) return SendStatus::kClosed;
    Stream& s = found != streams_.end() ? found->second : streams_[stream];
    used += cost;
    s.buffered += payload.size();
    Message message;
    message.payload = std::move(payload);
    message.ppid = ppid;
    message.options = options;
    if (options.lifetime) message.expires = now + *options.lifetime;
    s.messages.push_back(std::move(message));
    ready_.insert(stream);
    return SendStatus::kOk;
}

std::size_t SendQueue::prepare(Timestamp now, bool keep_expired) {
    // A message not begun is chosen anew each time: it may have expired meanwhile.
    if (current_ && streams_[*current_].messages.front().offset == 0) current_.reset();
    while (!current_ && !ready_.empty()) {
        auto it = ready_.upper_bound(last_served_);
        if (it == ready_.end()) it = ready_.begin();
        const std::uint16_t id = *it;
        Stream& stream = streams_[id];
        if (!keep_expired && now >= stream.messages.front().expires) {
            ++expired_;
            drop_front(id, stream);
            continue;
        }
        current_ = id;
    }
    if (!current_) return 0;
    const Message& message = streams_[*current_].messages.front();
    return message.payload.size() - message.offset;
}

Fragment SendQueue::take(std::size_t max_size) {
    CONFAB_CHECK(current_.has_value() && ready_.contains(*current_));  // prepare() said so
    const std::uint16_t id = *current_;
    Stream& stream = streams_[id];
    Message& message = stream.messages.front();
    last_served_ = id;
    Fragment fragment;
    fragment.begin = message.offset == 0;
    if (fragment.begin && message.options.ordered) message.ssn = stream.next_ssn++;
    fragment.message = message.payload;
    fragment.offset = message.offset;
    fragment.size =
        static_cast<std::uint32_t>(std::min(max_size, message.payload.size() - message.offset));
    fragment.ppid = message.ppid;
    fragment.stream = id;
    fragment.ssn = message.ssn;
    fragment.unordered = !message.options.ordered;
    fragment.lossy = message.options.lossy();
    fragment.max_retransmits = message.options.max_retransmits;
    fragment.expires = message.expires;
    message.offset += fragment.size;
    fragment.end = message.offset == message.payload.size();
    if (fragment.end) {
        stream.messages.pop_front();
        if (stream.messages.empty()) ready_.erase(id);
        current_.reset();
    }
    return fragment;
}

void SendQueue::abandon_current() {
    if (!current_) return;
    drop_front(*current_, streams_[*current_]);
    current_.reset();
}

// Gives back what was never sent of the front message.
void SendQueue::drop_front(std::uint16_t id, Stream& stream) {
    CONFAB_DCHECK(!stream.messages.empty());
    const Message& message = stream.messages.front();
    account_release(id, message.payload.size() - message.offset, kItemOverhead,
                    message.options.lossy());
    stream.messages.pop_front();
    if (stream.messages.empty()) ready_.erase(id);
}

void SendQueue::release(const Fragment& fragment) {
    account_release(fragment.stream, fragment.size, fragment.end ? kItemOverhead : 0,
                    fragment.lossy);
}

void SendQueue::account_release(std::uint16_t id, std::size_t bytes, std::size_t overhead,
                                bool lossy) {
    std::size_t& used = lossy ? lossy_ : reliable_;
    CONFAB_DCHECK(used >= bytes + overhead);
    used -= std::min(used, bytes + overhead);
    const auto it = streams_.find(id);
    if (it == streams_.end()) return;
    Stream& stream = it->second;
    const std::size_t before = stream.buffered;
    CONFAB_DCHECK(before >= bytes);
    stream.buffered -= std::min(stream.buffered, bytes);
    const auto& low = stream.low_threshold;
    if (low && before > *low && stream.buffered <= *low) low_.insert(id);
}

void SendQueue::close_stream(std::uint16_t id, bool discard) {
    Stream& stream = streams_[id];
    stream.closing = true;
    if (!discard) return;
    // A message that is partly sent has to be finished.
    const std::size_t keep = current_ == id && stream.messages.front().offset > 0 ? 1 : 0;
    if (keep == 0 && current_ == id) current_.reset();
    while (stream.messages.size() > keep) {
        const Message& message = stream.messages.back();
        account_release(id, message.payload.size(), kItemOverhead, message.options.lossy());
        stream.messages.pop_back();
    }
    if (stream.messages.empty()) ready_.erase(id);
}

bool SendQueue::drained(std::uint16_t stream) const {
    return !ready_.contains(stream);
}

bool SendQueue::closing(std::uint16_t stream) const {
    const auto it = streams_.find(stream);
    return it != streams_.end() && it->second.closing;
}

void SendQueue::reset_done(std::uint16_t id, bool performed) {
    const auto it = streams_.find(id);
    if (it == streams_.end()) return;
    it->second.closing = false;
    if (!performed) return;
    it->second.next_ssn = 0;
    if (it->second.messages.empty() && it->second.buffered == 0) {
        streams_.erase(it);
        low_.erase(id);
    }
}

std::size_t SendQueue::buffered(std::uint16_t stream) const {
    const auto it = streams_.find(stream);
    return it != streams_.end() ? it->second.buffered : 0;
}

void SendQueue::set_low_threshold(std::uint16_t stream, std::size_t bytes) {
    streams_[stream].low_threshold = bytes;
}

std::vector<std::uint16_t> SendQueue::take_low() {
    std::vector<std::uint16_t> low(low_.begin(), low_.end());
    low_.clear();
    return low;
}

std::vector<std::uint16_t> SendQueue::known_streams() const {
    std::vector<std::uint16_t> ids;
    ids.reserve(streams_.size());
    for (const auto& [id, stream] : streams_)
        ids.push_back(id);
    return ids;
}

void SendQueue::clear() {
    streams_.clear();
    ready_.clear();
    low_.clear();
    current_.reset();
    reliable_ = 0;
    lossy_ = 0;
}

}  // namespace confab::sctp
