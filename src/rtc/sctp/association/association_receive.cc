// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DATA, FORWARD-TSN, RE-CONFIG and HEARTBEAT from the peer (RFC 9260 §6.2, §8.3; RFC 3758 §3.6;
// RFC 6525 §5.2).
#include <algorithm>

#include "rtc/sctp/association/association.h"
#include "rtc/sctp/limits.h"

namespace confab::sctp {

using wire::sctp::ChunkType;
using wire::sctp::ChunkView;

bool Association::receiving() const {
    return state_ == State::kEstablished || state_ == State::kShutdownPending ||
           state_ == State::kShutdownSent;
}

std::size_t Association::receive_bytes() const {
    return reassembly_.held_bytes() + events_.bytes();
}

std::uint32_t Association::window() const {
    const std::size_t used = receive_bytes();
    return used < config_.a_rwnd ? static_cast<std::uint32_t>(config_.a_rwnd - used) : 0;
}

void Association::handle_data(const ChunkView& chunk) {
    if (!receiving()) return;
    const auto data = wire::sctp::parse_data(chunk);
    if (!data) {
        if (data.error() == wire::sctp::ParseError::kNoUserData)
            fail_with(AbortReason::kProtocolViolation, wire::sctp::Cause::kNoUserData);
        return;
    }
    packet_has_data_ = true;
    immediate_sack_ = immediate_sack_ || data->immediate || state_ == State::kShutdownSent;
    const std::int64_t tsn = tracker_.unwrap(data->tsn);
    const auto verdict = tracker_.classify(tsn);
    if (verdict == RxTracker::Verdict::kDuplicate) return tracker_.note_duplicate(tsn);

    // A full window refuses, except what completes the messages that fill it. A peer that fills
    // it with what can never be completed goes beyond the hard limit and is cut off.
    const std::size_t used = receive_bytes() + data->payload.size() + kItemOverhead;
    const bool completes = tsn == tracker_.cumulative() + 1 && reassembly_.held_bytes() > 0;
    if (verdict == RxTracker::Verdict::kRefused || (used > config_.a_rwnd && !completes)) {
        ++counters_.chunks_refused;
        return tracker_.request_sack();
    }
    if (used > config_.a_rwnd + config_.max_message_size + kMaxFragments * kItemOverhead)
        return fail_with(AbortReason::kOutOfResource, wire::sctp::Cause::kOutOfResource);
    tracker_.accept(tsn);
    if (data->stream >= config_.streams) {
        ++counters_.chunks_refused;
    } else if (!reassembly_.add(tsn, *data, events_)) {
        reset_stream(now_, data->stream, true);  // DC-05: that stream only
    }
    handle_deferred_reset();
}

void Association::handle_forward_tsn(const ChunkView& chunk) {
    if (!receiving()) return;
    const auto forward = wire::sctp::parse_forward_tsn(chunk);
    if (!forward) return;
    packet_has_data_ = true;
    immediate_sack_ = true;  // RFC 3758 §3.6
    const std::int64_t tsn = tracker_.unwrap(forward->new_cumulative_tsn);
    if (tsn > tracker_.cumulative() + kMaxForwardJump) {
        ++counters_.chunks_refused;
        return;
    }
    if (!tracker_.forward(tsn)) return;
    reassembly_.forward(tsn, *forward, events_);
    handle_deferred_reset();
}

void Association::handle_deferred_reset() {
    if (const auto streams = resets_.take_deferred(tracker_.cumulative()))
        reassembly_.reset(*streams, events_);
}

void Association::handle_re_config(const ChunkView& chunk) {
    if (state_ != State::kEstablished) return;
    const auto view = wire::sctp::parse_re_config(chunk);
    if (!view) return;
    if (view->response) {
        if (const auto outcome = resets_.handle_response(*view->response)) {
            errors_ = 0;
            for (const std::uint16_t stream : outcome->streams) {
                queue_.reset_done(stream, outcome->performed);
                events_.push(StreamResetDone{stream, outcome->performed});
            }
        }
    }
    for (const auto& request : view->requests)
        if (request) reset_requested_streams(*request);
}

void Association::reset_requested_streams(const wire::sctp::ResetRequestView& request) {
    std::vector<std::uint16_t> streams;
    streams.reserve(request.stream_count());
    for (std::size_t i = 0; i < request.stream_count(); ++i)
        streams.push_back(request.stream(i));
    switch (
        resets_.handle_request(request, tracker_.unwrap(request.last_tsn), tracker_.cumulative())) {
        case StreamResets::Action::kAnswered:
            return;
        case StreamResets::Action::kResetIncoming:
            return reassembly_.reset(streams, events_);
        case StreamResets::Action::kResetOutgoing:
            // Only streams that we ever used: a long list costs nothing.
            for (const std::uint16_t stream : queue_.known_streams())
                if (streams.empty() ||
                    std::find(streams.begin(), streams.end(), stream) != streams.end())
                    reset_stream(now_, stream);
            return;
    }
}

void Association::handle_heartbeat(const ChunkView& chunk) {
    if (state_ == State::kIdle || state_ == State::kCookieWait) return;
    if (chunk.value.size() > kMaxHeartbeatInfo) return;
    heartbeat_ = to_vector(chunk.value);
    heartbeat_due_ = true;
}

}  // namespace confab::sctp
