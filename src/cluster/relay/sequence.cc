// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/sequence.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace confab::cluster::relay {

void BatchSender::push(std::string message) {
    if (closing_ || failed_) return;
    const bool fits = message.size() <= kMaxMessageBytes &&
                      queue_.size() < settings_.stream_buffer_size &&
                      queued_bytes_ + message.size() <= kMaxQueuedBytes;
    queued_bytes_ += message.size();
    queue_.push_back(std::move(message));
    if (!fits) give_up();
}

std::optional<BatchSender::Transmit> BatchSender::poll_transmit(Timestamp now) {
    if (paused_ || failed_ || drained_ || base_ == end()) return std::nullopt;
    if (sent_to_ && now < resend_at_) return std::nullopt;
    std::vector<std::string_view> batch;
    std::size_t bytes = 0;
    for (const std::string& message : queue_) {
        bytes += message.size();
        if (batch.size() == kMaxBatchMessages || (!batch.empty() && bytes > kMaxBatchBytes)) break;
        batch.push_back(message);
    }
    const bool last = closing_ && batch.size() == queue_.size();
    if (!sent_to_) first_sent_ = now;
    interval_ = sent_to_ ? std::clamp(interval_ * 2, settings_.min_retry_interval,
                                      settings_.max_retry_interval)
                         : settings_.min_retry_interval;
    resend_at_ = earlier(now + interval_, first_sent_ + settings_.retry_timeout);
    sent_to_ = base_ + batch.size() + (last ? 1 : 0);
    return Transmit{encode_batch(kind_, base_, last, batch), *sent_to_};
}

void BatchSender::acknowledge(Timestamp now, std::uint64_t end) {
    if (failed_ || end <= base_) return;
    while (!queue_.empty() && base_ < end) {
        queued_bytes_ -= queue_.front().size();
        queue_.pop_front();
        ++base_;
    }
    if (closing_ && queue_.empty() && base_ < end) drained_ = true;
    if (!sent_to_) return;
    if (*sent_to_ <= end) {
        sent_to_.reset();
        resend_at_ = Timestamp::never();
        return;
    }
    // An earlier, shorter sending has arrived: the longer one is still on its way.
    first_sent_ = now;
    interval_ = settings_.min_retry_interval;
    resend_at_ = now + interval_;
}

void BatchSender::handle_timeout(Timestamp now) {
    if (sent_to_ && !paused_ && !drained_ && now >= first_sent_ + settings_.retry_timeout)
        give_up();
}

void BatchSender::resume(Timestamp now) {
    if (!std::exchange(paused_, false) || !sent_to_) return;
    first_sent_ = now;
    interval_ = Duration::zero();
    resend_at_ = now;
}

void BatchSender::give_up() {
    if (give_up_ == GiveUp::kFail) failed_ = true;
    if (closing_) drained_ = true;
    base_ += queue_.size();
    queue_.clear();
    queued_bytes_ = 0;
    sent_to_.reset();
    resend_at_ = Timestamp::never();
}

Timestamp BatchSender::next_deadline() const {
    if (paused_ || failed_ || drained_ || base_ == end()) return Timestamp::never();
    return sent_to_ ? resend_at_ : Timestamp::micros(0);
}

std::string_view to_text(Fault fault) {
    return fault == Fault::kGap ? "signal message dropped" : "too many signal messages are waiting";
}

Result<void, Fault> BatchReceiver::add(const Batch& batch) {
    if (closed_ || faulty_) return {};
    if (batch.seq > expected_) {
        faulty_ = true;
        return fail(Fault::kGap);
    }
    const std::uint64_t known = expected_ - batch.seq;
    for (std::uint64_t i = known; i < batch.messages.size(); ++i) {
        const std::string_view message = batch.messages[i];
        if (queue_.size() == kMaxReceived || queued_bytes_ + message.size() > kMaxQueuedBytes) {
            faulty_ = true;
            return fail(Fault::kOverflow);
        }
        queued_bytes_ += message.size();
        queue_.emplace_back(message);
        ++expected_;
    }
    // One that is older than what has come since was not the last.
    if (batch.close && known <= batch.messages.size()) closed_ = true;
    return {};
}

std::optional<std::string> BatchReceiver::take() {
    if (queue_.empty()) return std::nullopt;
    std::string message = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= message.size();
    return message;
}

}  // namespace confab::cluster::relay
