// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The chunks of the peer: which part takes each, in which states, and what follows for the others
// (RFC 9260 §5, §6, §9; RFC 3758 §3.6; RFC 6525 §5.2).
#include <algorithm>
#include <vector>

#include "rtc/sctp/association/association.h"

namespace confab::sctp {

using wire::sctp::Cause;
using wire::sctp::ChunkType;
using wire::sctp::ChunkView;

void Association::handle_chunk(const ChunkView& chunk, bool& proceed) {
    switch (chunk.type) {
        case ChunkType::kData:
            return handle_data(chunk);
        case ChunkType::kSack:
            return handle_sack(chunk);
        case ChunkType::kForwardTsn:
            return handle_forward_tsn(chunk);
        case ChunkType::kInit:
            return handle_init(chunk);
        case ChunkType::kInitAck:
            return follow(handshake_.handle_init_ack(chunk, now_, path_.rto(), packets_));
        case ChunkType::kCookieEcho:
            return handle_cookie_echo(chunk);
        case ChunkType::kCookieAck:
            return follow(handshake_.handle_cookie_ack());
        case ChunkType::kError:
            return follow(handshake_.handle_error(chunk, now_, path_.rto(), packets_));
        case ChunkType::kHeartbeat:
            return handle_heartbeat(chunk);
        case ChunkType::kReConfig:
            return handle_re_config(chunk);
        case ChunkType::kAbort:
            return close(Aborted{AbortReason::kPeerAbort, wire::sctp::first_cause(chunk)});
        case ChunkType::kShutdown:
            return handle_shutdown(chunk);
        case ChunkType::kShutdownAck:
            if (shutdown_.handle_shutdown_ack(handshake_.peer().tag, packets_)) close(Closed{});
            return;
        case ChunkType::kShutdownComplete:
            if (shutdown_.handle_shutdown_complete()) close(Closed{});
            return;
        case ChunkType::kHeartbeatAck:
            return;
        default:
            proceed = replies_.handle_unknown(chunk);
    }
}

// §9.2: with SHUTDOWN-ACK sent an INIT is discarded, and so is the cookie of one answered before.
void Association::handle_init(const ChunkView& chunk) {
    if (state() == State::kShutdownAckSent) return;
    handshake_.handle_init(chunk, receiver_.window(events_), packets_);
}

void Association::handle_cookie_echo(const ChunkView& chunk) {
    if (state() == State::kShutdownAckSent) return;
    follow(handshake_.handle_cookie_echo(chunk));
}

void Association::follow(const Handshake::Step& step) {
    if (step.peer_known) {
        const Handshake::Peer& peer = handshake_.peer();
        sender_.set_peer(peer.a_rwnd, peer.extensions.forward_tsn);
        receiver_.set_peer_initial_tsn(peer.initial_tsn);
        resets_.set_peer_initial_tsn(peer.initial_tsn);
    }
    if (step.failure) return fail_with(*step.failure);
    if (step.established) {
        sender_.established(now_);
        events_.push(Connected{});
    }
}

void Association::handle_data(const ChunkView& chunk) {
    // Who sends data has taken our cookie: the COOKIE-ACK was lost, and the next one would be asked
    // for only after the timeout, which doubles (as usrsctp takes it; RFC 9260 does not say).
    if (state() == State::kCookieEchoed) follow(handshake_.handle_cookie_ack());
    if (!receiving()) return;
    const auto data = wire::sctp::parse_data(chunk);
    if (!data) {
        if (data.error() == wire::sctp::ParseError::kNoUserData)
            fail_with({AbortReason::kProtocolViolation, Cause::kNoUserData});
        return;
    }
    // §9.2: after our SHUTDOWN each packet is acknowledged at once.
    const bool immediate = shutdown_.phase() == Shutdown::Phase::kSent;
    switch (receiver_.handle_data(*data, immediate, events_)) {
        case DataReceiver::Taken::kNo:
            return;
        case DataReceiver::Taken::kOutOfResource:
            return fail_with({AbortReason::kOutOfResource, Cause::kOutOfResource});
        case DataReceiver::Taken::kMessageTooLarge:
            reset_stream(now_, data->stream, true);  // DC-05: that stream only
            break;
        case DataReceiver::Taken::kYes:
            break;
    }
    handle_deferred_reset();
}

void Association::handle_forward_tsn(const ChunkView& chunk) {
    if (!receiving()) return;
    const auto forward = wire::sctp::parse_forward_tsn(chunk);
    if (forward && receiver_.handle_forward_tsn(*forward, events_)) handle_deferred_reset();
}

void Association::handle_sack(const ChunkView& chunk) {
    if (!sending()) return;
    if (const auto sack = wire::sctp::parse_sack(chunk)) sender_.handle_sack(*sack, now_, path_);
}

void Association::handle_heartbeat(const ChunkView& chunk) {
    if (state() > State::kCookieWait) replies_.handle_heartbeat(chunk);
}

void Association::handle_re_config(const ChunkView& chunk) {
    if (state() != State::kEstablished) return;
    const auto view = wire::sctp::parse_re_config(chunk);
    if (!view) return;
    if (view->response) {
        if (const auto outcome = resets_.handle_response(*view->response)) {
            path_.answered();
            for (const std::uint16_t stream : outcome->streams) {
                sender_.reset_done(stream, outcome->performed);
                events_.push(StreamResetDone{stream, outcome->performed});
            }
        }
    }
    for (const auto& request : view->requests)
        if (request) handle_reset_request(*request);
}

void Association::handle_reset_request(const wire::sctp::ResetRequestView& request) {
    std::vector<std::uint16_t> streams;
    streams.reserve(request.stream_count());
    for (std::size_t i = 0; i < request.stream_count(); ++i)
        streams.push_back(request.stream(i));
    switch (resets_.handle_request(request, receiver_.unwrap(request.last_tsn),
                                   receiver_.cumulative())) {
        case StreamResets::Action::kAnswered:
            return;
        case StreamResets::Action::kResetIncoming:
            return receiver_.reset(streams, events_);
        case StreamResets::Action::kResetOutgoing:
            // Only streams that we ever used: a long list costs nothing.
            for (const std::uint16_t stream : sender_.queue().known_streams())
                if (streams.empty() ||
                    std::find(streams.begin(), streams.end(), stream) != streams.end())
                    reset_stream(now_, stream);
            return;
    }
}

// A reset of the peer that waited for data which has come now (RFC 6525 §5.2.2 E2).
void Association::handle_deferred_reset() {
    if (const auto streams = resets_.take_deferred(receiver_.cumulative()))
        receiver_.reset(*streams, events_);
}

void Association::handle_shutdown(const ChunkView& chunk) {
    const auto tsn = wire::sctp::parse_shutdown(chunk);
    if (!tsn || handshake_.phase() != Handshake::Phase::kDone) return;
    if (sending()) sender_.handle_shutdown(*tsn, now_);
    shutdown_.handle_shutdown();
}

}  // namespace confab::sctp
