// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Requests and answers of RE-CONFIG (RFC 6525 §5.1.2, §5.2.1 to §5.2.7).
#include "rtc/sctp/stream_resets.h"

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
    request_->in_progress = false;
    request_->send = true;
    request_->deadline = now + rto;
    return silent;
}

void StreamResets::answer(std::uint32_t sequence, ResetResult result) {
    if (answers_.size() < kMaxAnswers) answers_.push_back({sequence, result});
}

StreamResets::Action StreamResets::handle_request(const wire::sctp::ResetRequestView& request,
                                                  std::int64_t last_tsn, std::int64_t cumulative) {
    const std::uint32_t sequence = request.request_sequence;
    if (sequence + 1 == expected_) {  // seen before, our answer was lost or said "in progress"
        answer(sequence, deferred_ ? ResetResult::kInProgress : last_result_);
        return Action::kAnswered;
    }
    if (sequence != expected_ || deferred_) {
        answer(sequence, sequence == expected_ ? ResetResult::kAlreadyInProgress
                                               : ResetResult::kBadSequenceNumber);
        return Action::kAnswered;
    }
    ++expected_;
    if (request.type == wire::sctp::kParamOutgoingReset && last_tsn > cumulative) {
        Deferred deferred{sequence, last_tsn, {}};
        for (std::size_t i = 0; i < request.stream_count(); ++i)
            deferred.streams.push_back(request.stream(i));
        deferred_ = std::move(deferred);
        answer(sequence, ResetResult::kInProgress);
        return Action::kAnswered;
    }
    const bool known = request.type == wire::sctp::kParamOutgoingReset ||
                       request.type == wire::sctp::kParamIncomingReset;
    last_result_ = known ? ResetResult::kPerformed : ResetResult::kDenied;
    answer(sequence, last_result_);
    if (!known) return Action::kAnswered;
    return request.type == wire::sctp::kParamOutgoingReset ? Action::kResetIncoming
                                                           : Action::kResetOutgoing;
}

std::optional<std::vector<std::uint16_t>> StreamResets::take_deferred(std::int64_t cumulative) {
    if (!deferred_ || deferred_->last_tsn > cumulative) return std::nullopt;
    last_result_ = ResetResult::kPerformed;
    answer(deferred_->sequence, last_result_);
    std::vector<std::uint16_t> streams = std::move(deferred_->streams);
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
