// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Calls, timers, packets and the end of the association (RFC 9260 §6.10, §8, §9).
#include "rtc/sctp/association/association.h"

#include <algorithm>
#include <utility>

#include "rtc/sctp/limits.h"

namespace confab::sctp {

using wire::sctp::Cause;
using wire::sctp::ChunkType;
using wire::sctp::PacketWriter;

namespace {

Config checked(Config config) {
    config.mtu = std::max(config.mtu, kMinMtu);
    return config;
}

}  // namespace

Association::Association(const Config& config, Rng rng)
    : config_(checked(config)),
      path_(config_),
      packets_(config_),
      handshake_(config_, rng),
      sender_(config_, handshake_.initial_tsn()),
      receiver_(config_),
      resets_(handshake_.initial_tsn()) {}

Association::State Association::state() const {
    if (closed_) return State::kClosed;
    switch (handshake_.phase()) {
        case Handshake::Phase::kIdle:
            return State::kIdle;
        case Handshake::Phase::kCookieWait:
            return State::kCookieWait;
        case Handshake::Phase::kCookieEchoed:
            return State::kCookieEchoed;
        case Handshake::Phase::kDone:
            break;
    }
    switch (shutdown_.phase()) {
        case Shutdown::Phase::kNone:
            break;
        case Shutdown::Phase::kPending:
            return State::kShutdownPending;
        case Shutdown::Phase::kSent:
            return State::kShutdownSent;
        case Shutdown::Phase::kReceived:
            return State::kShutdownReceived;
        case Shutdown::Phase::kAckSent:
            return State::kShutdownAckSent;
    }
    return State::kEstablished;
}

bool Association::sending() const {
    return !closed_ && handshake_.phase() == Handshake::Phase::kDone && shutdown_.may_send();
}

bool Association::receiving() const {
    return !closed_ && handshake_.phase() == Handshake::Phase::kDone && shutdown_.may_receive();
}

void Association::connect(Timestamp now) {
    now_ = now;
    if (!closed_) handshake_.connect(now, path_.rto(), packets_);
}

SendStatus Association::send(Timestamp now, std::uint16_t stream, std::uint32_t ppid,
                             SharedBytes payload, const SendOptions& options) {
    now_ = now;
    const std::size_t size = payload.size();
    SendStatus status = SendStatus::kOk;
    if (state() > State::kEstablished || stream >= config_.streams) {
        status = SendStatus::kClosed;
    } else if (size == 0) {
        status = SendStatus::kEmpty;
    } else if (config_.peer_max_message_size != 0 && size > config_.peer_max_message_size) {
        status = SendStatus::kTooLarge;
    } else {
        status = sender_.send(now, stream, ppid, std::move(payload), options);
    }
    ++(status == SendStatus::kOk ? counters_.messages_sent : counters_.sends_refused);
    return status;
}

bool Association::reset_stream(Timestamp now, std::uint16_t stream, bool discard) {
    now_ = now;
    if (state() != State::kEstablished || !peer_extensions().re_config) return false;
    if (sender_.close_stream(stream, discard)) resets_.want(stream);
    after_input();
    return true;
}

void Association::path_restored(Timestamp now) {
    now_ = now;
    if (closed_) return;
    path_.restored();
    follow(handshake_.retry(now, path_.rto(), packets_));
    if (sending()) sender_.retry(now, path_);
    after_input();
}

void Association::shutdown(Timestamp now) {
    now_ = now;
    if (state() == State::kEstablished) {
        shutdown_.request();
        after_input();
    } else if (state() < State::kEstablished) {
        fail_with({AbortReason::kLocalAbort, Cause::kUserInitiatedAbort});
    }
}

void Association::abort(Timestamp now) {
    now_ = now;
    fail_with({AbortReason::kLocalAbort, Cause::kUserInitiatedAbort});
}

void Association::handle_packet(Timestamp now, BytesView bytes) {
    now_ = now;
    ++counters_.packets_received;
    const auto packet = wire::sctp::parse_packet(bytes);
    if (!packet || packet->header.destination_port != config_.local_port ||
        packet->header.source_port != config_.remote_port || closed_) {
        ++counters_.packets_dropped;
        return;
    }
    wire::sctp::ChunkReader chunks(packet->chunks);
    auto chunk = chunks.next();
    if (!chunk || !handshake_.tag_is_valid(packet->header.verification_tag, *chunk) ||
        (chunk->type == ChunkType::kInit && !chunks.at_end())) {
        ++counters_.packets_dropped;
        return;
    }
    receiver_.begin_packet();
    bool proceed = true;
    for (; chunk && proceed && !closed_; chunk = chunks.next())
        handle_chunk(*chunk, proceed);
    if (!chunks.ok()) ++counters_.packets_dropped;
    receiver_.end_packet(now);
    after_input();
}

// What may become possible after any input.
void Association::after_input() {
    if (closed_) return;
    if (events_.overflowing())
        return fail_with({AbortReason::kOutOfResource, Cause::kOutOfResource});
    for (const std::uint16_t stream : sender_.take_low())
        events_.push(BufferedAmountLow{stream});
    sender_.update_skip();
    if (state() == State::kEstablished)
        resets_.start(sender_.last_assigned_tsn(), now_, path_.rto(),
                      [this](std::uint16_t stream) { return sender_.queue().drained(stream); });
    if (shutdown_.phase() != Shutdown::Phase::kNone && sender_.all_acknowledged())
        shutdown_.advance(now_, path_.rto(), handshake_.peer().tag, packets_);
}

void Association::handle_timeout(Timestamp now) {
    now_ = now;
    if (closed_) return;
    if (now >= handshake_.deadline()) follow(handshake_.handle_timeout(now, path_, packets_));
    if (now >= shutdown_.deadline() && !shutdown_.handle_timeout(now, path_)) fail_path();
    if (now >= sender_.deadline() && !sender_.handle_timeout(now, path_)) fail_path();
    if (now >= resets_.deadline() && resets_.handle_timeout(now, path_.rto())) {
        // An outage lasts as long with a reset under way as without, and counts once.
        path_.back_off(config_.backoff_max);
        if (sender_.deadline().is_never() && !path_.count_data_timeout()) fail_path();
    }
    receiver_.handle_timeout(now);
    if (sending() && sender_.take_stall(now)) events_.push(NoProgress{});
    after_input();
}

Timestamp Association::next_deadline() const {
    const Timestamp at = next_timeout();
    // poll_event() opened the window.
    return receiving() && receiver_.sack_due() ? earlier(at, now_) : at;
}

Timestamp Association::next_timeout() const {
    if (closed_) return Timestamp::never();
    Timestamp at = earlier(earlier(handshake_.deadline(), shutdown_.deadline()),
                           earlier(sender_.deadline(), resets_.deadline()));
    if (receiving()) at = earlier(at, receiver_.deadline());
    if (sending()) at = earlier(at, sender_.stall_deadline());
    return at;
}

std::optional<Event> Association::poll_event() {
    auto event = events_.pop();
    if (!event) return event;
    if (const auto* message = std::get_if<MessageReceived>(&*event)) {
        ++counters_.messages_received;
        counters_.bytes_received += message->payload.size();
        if (receiving()) receiver_.message_taken(events_);
    }
    return event;
}

std::optional<Bytes> Association::poll_transmit() {
    if (auto packet = packets_.pop()) {
        ++counters_.packets_sent;
        return packet;
    }
    if (closed_ || handshake_.phase() != Handshake::Phase::kDone) return std::nullopt;
    PacketWriter packet = packets_.start(handshake_.peer().tag);
    write_control(packet);
    if (sending()) sender_.write_data(now_, path_.rto(), packet);
    // Giving up expired chunks may have made a FORWARD-TSN or a reset due.
    after_input();
    if (packet.empty() && sender_.skip_due()) write_control(packet);
    if (packet.empty()) return std::nullopt;
    ++counters_.packets_sent;
    return packet.finish();
}

void Association::write_control(PacketWriter& packet) {
    handshake_.write_cookie_ack(packet);
    const bool data_follows = sending() && sender_.data_ready();
    if (receiving() && (receiver_.sack_due() || (receiver_.sack_waiting() && data_follows)))
        receiver_.write_sack(events_, packet);
    shutdown_.write(static_cast<std::uint32_t>(receiver_.cumulative()), packet);
    replies_.write_heartbeat_ack(packet);
    if (state() == State::kEstablished) resets_.write(packet);
    if (sending()) sender_.write_forward_tsn(now_, path_.rto(), packet);
    replies_.write_error(packet);
}

void Association::fail_path() {
    fail_with({AbortReason::kTooManyRetransmissions, Cause::kNone});
}

void Association::fail_with(const Aborted& failure) {
    if (closed_) return;
    if (const std::uint32_t tag = handshake_.peer().tag; tag != 0) {
        PacketWriter packet = packets_.start(tag);
        if (wire::sctp::write_with_cause(packet, ChunkType::kAbort, 0, failure.cause, {}))
            packets_.push(packet.finish());
    }
    close(failure);
}

void Association::close(Event event) {
    closed_ = true;
    handshake_.clear();
    shutdown_.clear();
    sender_.clear();
    receiver_.clear();
    resets_.clear();
    replies_.clear();
    events_.push(std::move(event));
}

Association::Snapshot Association::snapshot() const {
    const DataSender::Snapshot sent = sender_.snapshot();
    Snapshot s;
    s.state = state();
    s.cwnd = sent.cwnd;
    s.flight = sent.flight;
    s.peer_rwnd = sent.peer_rwnd;
    s.send_bytes = sent.queued_bytes;
    s.receive_bytes = receiver_.held_bytes(events_);
    s.srtt = path_.srtt();
    s.rto = path_.rto();
    s.retransmissions = sent.retransmissions;
    s.abandoned = sent.abandoned;
    s.counters = counters_;
    s.counters.chunks_refused = receiver_.chunks_refused();
    s.counters.bytes_acked = sent.bytes_acked;
    s.counters.fast_losses = sent.fast_losses;
    s.counters.timeouts = handshake_.timeouts() + sent.timeouts;
    return s;
}

}  // namespace confab::sctp
