// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Requests and answers of RE-CONFIG (RFC 6525 §5.1.2, §5.2.1 to §5.2.7).
#include "rtc/sctp/stream_resets.h"

#include <algorithm>

#include "rtc/sctp/limits.h"

namespace confab::sctp {

using wire::sctp::ResetResult;

namespace {
constexpr std::size_t kMaxAnswers = 8;  // more requests than answers sent: not answered
}

void StreamResets::start(std::uint32_t last_tsn, Timestamp now, Duration rto,
                         const std::function<bool(std::uint16_t)>& is_drained) {
    if (request_ || wanted_.empty()) return;
    Request request;
    for (auto it = wanted_.begin(); it != wanted_.end();) {
        if (request.streams.size() >= kMaxResetStreams || !is_drained(*it)) {
            ++it;
            continue;
        }
        request.streams.push_back(*it);
        it = wanted_.erase(it);
    }
    if (request.streams.empty()) return;
    request.sequence = next_sequence_++;
    request.last_tsn = last_tsn;
    request.deadline = now + rto;
    request_ = std::move(request);
}

std::optional<StreamResets::Outcome> StreamResets::handle_response(
    const wire::sctp::ResetResponse& response) {
    if (!request_ || response.response_sequence != request_->sequence) return std::nullopt;
    if (response.result == ResetResult::kInProgress ||
        response.result == ResetResult::kAlreadyInProgress) {
        request_->in_progress = true;
        return std::nullopt;
    }
    Outcome outcome;
    outcome.performed =
        response.result == ResetResult::kPerformed || response.result == ResetResult::kNothingToDo;
    outcome.streams = std::move(request_->streams);
    request_.reset();
    return outcome;
}

bool StreamResets::handle_timeout(Timestamp now, Duration rto) {
    if (!request_ || now < request_->deadline) return false;
    const bool silent = !request_->in_progress;
    if (!silent && request_->waited) {
        request_->sequence = next_sequence_++;
        request_->waited = false;
    } else if (!silent) {
        request_->waited = true;
    }
    request_->in_progress = false;
    request_->send = true;
    request_->deadline = now + rto;
    return silent;
}

void StreamResets::answer(std::uint32_t sequence, ResetResult result) {
    if (answers_.size() < kMaxAnswers) answers_.push_back({sequence, result});
}

bool StreamResets::may_defer(const wire::sctp::ResetRequestView& request) const {
    return !deferred_ || (request.type == wire::sctp::kParamOutgoingReset &&
                          deferred_->streams.size() + request.stream_count() <= kMaxTrackedStreams);
}

// No data were sent since.
bool StreamResets::was_done(const wire::sctp::ResetRequestView& request,
                            std::int64_t last_tsn) const {
    if (last_tsn != done_last_tsn_ || request.stream_count() != done_.size()) return false;
    for (std::size_t i = 0; i < request.stream_count(); ++i)
        if (!done_.contains(request.stream(i))) return false;
    return true;
}

// libwebrtc asks again for what waits under the next number, pion closes each stream by a request.
void StreamResets::defer(const wire::sctp::ResetRequestView& request, std::int64_t last_tsn) {
    const bool all = request.stream_count() == 0 || (deferred_ && deferred_->streams.empty());
    if (!deferred_) {
        deferred_ = Deferred{0, last_tsn, {}, {}};
    } else {
        auto& earlier = deferred_->earlier;
        if (earlier.size() + 1 == kMaxAnswers) earlier.erase(earlier.begin());
        earlier.push_back(deferred_->sequence);
    }
    deferred_->sequence = request.request_sequence;
    deferred_->last_tsn = std::max(deferred_->last_tsn, last_tsn);
    for (std::size_t i = 0; i < request.stream_count(); ++i)
        deferred_->streams.insert(request.stream(i));
    if (all) deferred_->streams.clear();
}

StreamResets::Action StreamResets::handle_request(const wire::sctp::ResetRequestView& request,
                                                  std::int64_t last_tsn, std::int64_t cumulative) {
    const std::uint32_t sequence = request.request_sequence;
    const auto waits = [&] {
        const auto& earlier = deferred_->earlier;
        return sequence + 1 == expected_ ||
               std::find(earlier.begin(), earlier.end(), sequence) != earlier.end();
    };
    if (deferred_ ? waits() : sequence + 1 == expected_) {  // seen before, the answer was lost
        answer(sequence, deferred_ ? ResetResult::kInProgress : last_result_);
        return Action::kAnswered;
    }
    if (sequence != expected_) {
        // Ahead of one that was lost or overtaken: both come again, unless this one was answered
        // (pion has several under way).
        if (sequence - expected_ >= kMaxAnswers) answer(sequence, ResetResult::kBadSequenceNumber);
        return Action::kAnswered;
    }
    if (!may_defer(request)) {
        answer(sequence, ResetResult::kAlreadyInProgress);
        return Action::kAnswered;
    }
    ++expected_;
    const bool outgoing = request.type == wire::sctp::kParamOutgoingReset;
    if (outgoing && (deferred_ || last_tsn > cumulative)) {
        defer(request, last_tsn);
        answer(sequence, ResetResult::kInProgress);
        return Action::kAnswered;
    }
    const bool known = outgoing || request.type == wire::sctp::kParamIncomingReset;
    last_result_ = known ? ResetResult::kPerformed : ResetResult::kDenied;
    answer(sequence, last_result_);
    if (!known || (outgoing && was_done(request, last_tsn))) return Action::kAnswered;
    return outgoing ? Action::kResetIncoming : Action::kResetOutgoing;
}

std::optional<std::vector<std::uint16_t>> StreamResets::take_deferred(std::int64_t cumulative) {
    if (!deferred_ || deferred_->last_tsn > cumulative) return std::nullopt;
    last_result_ = ResetResult::kPerformed;
    for (const std::uint32_t sequence : deferred_->earlier)
        answer(sequence, last_result_);
    answer(deferred_->sequence, last_result_);
    std::vector<std::uint16_t> streams(deferred_->streams.begin(), deferred_->streams.end());
    done_last_tsn_ = deferred_->last_tsn;
    done_ = std::move(deferred_->streams);
    deferred_.reset();
    return streams;
}

bool StreamResets::write(wire::sctp::PacketWriter& packet) {
    if (!answers_.empty()) {
        if (!wire::sctp::write_reset_response(packet, answers_.front())) return false;
        answers_.erase(answers_.begin());
        return true;
    }
    if (!request_ || !request_->send) return false;
    if (!wire::sctp::write_outgoing_reset(packet, request_->sequence, expected_ - 1,
                                          request_->last_tsn, request_->streams))
        return false;
    request_->send = false;
    return true;
}

void StreamResets::clear() {
    wanted_.clear();
    request_.reset();
    deferred_.reset();
    answers_ = {};
}

}  // namespace confab::sctp
