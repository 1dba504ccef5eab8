// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Session: its parts, packets, time and events.
#include "client/session/session.h"

namespace confab::client {

Session::Session(SessionConfig config, Rng rng)
    : config_(std::move(config)),
      rng_(rng),
      link_(config_.wall_at_zero),
      connections_({config_.single, config_.crypto, config_.fingerprint, config_.addresses,
                    config_.profiles},
                   rng_),
      media_(connections_.publisher(), config_.wall_at_zero, rng_.fork()),
      negotiation_(config_.offer_size, connections_, link_),
      tracks_(link_, negotiation_, media_),
      subscriptions_(config_.auto_subscribe, link_),
      data_(connections_.publisher(), link_) {
    if (!config_.participants) config_.participants = std::make_shared<ParticipantPool>();
}

// ---------------------------------------------------------------- events

void Session::emit(Event event) {
    if (events_.size() >= kMaxEvents) {
        ++counters_.dropped_events;
        return;
    }
    events_.push_back(std::move(event));
}

std::optional<Event> Session::poll_event() {
    if (events_.empty()) return std::nullopt;
    std::optional<Event> event(std::move(events_.front()));
    events_.pop_front();
    return event;
}

// ---------------------------------------------------------------- packets

peer::Transport::Media Session::handle_packet(Timestamp now, Target target, const ice::Path& path,
                                              BytesSpan datagram) {
    using Kind = peer::Transport::Media::Kind;
    Connection* connection = connections_.find(target);
    if (connection == nullptr) return {};
    const auto media = connection->transport().handle_packet(now, path, datagram);
    if (media.kind == Kind::kRtcp && target == Target::kPublisher) {
        wire::RtcpReader reader(media.packet);
        while (const auto block = reader.next())
            media_.handle_block(now, *block);
    }
    if (media.kind == Kind::kNone) drain(target);
    return media;
}

void Session::drain(Target target) {
    Connection& connection = *connections_.find(target);
    while (auto event = connection.poll_event()) {
        if (const auto* state = std::get_if<peer::StateChanged>(&*event)) {
            emit(ConnectionChanged{target, state->state});
            if (target == Target::kPublisher) negotiation_.second_offer();
        } else if (const auto* message = std::get_if<peer::MessageReceived>(&*event)) {
            auto arrived = data_.take(connection.label_of(message->channel), message->payload);
            if (!arrived) continue;
            std::visit([this](auto& data) { emit(std::move(data)); }, *arrived);
        }
    }
}

// ---------------------------------------------------------------- time

void Session::handle_timeout(Timestamp now) {
    for (const Target target : {Target::kPublisher, Target::kSubscriber}) {
        Connection* connection = connections_.find(target);
        if (connection == nullptr) continue;
        peer::Transport& transport = connection->transport();
        if (now >= transport.next_deadline()) transport.handle_timeout(now);
        drain(target);
    }
    media_.handle_timeout(now);
    if (link_.handle_timeout(now)) emit(SignalTimedOut{});
}

Timestamp Session::next_deadline() const {
    return earlier(earlier(media_.next_deadline(), link_.next_deadline()),
                   connections_.next_deadline());
}

// ---------------------------------------------------------------- what a person does

void Session::leave() {
    livekit::SignalRequest request;
    request.mutable_leave()->set_reason(livekit::CLIENT_INITIATED);
    link_.send(request);
}

// ---------------------------------------------------------------- what it knows

SessionCounters Session::counters() const {
    SessionCounters all = counters_;
    all.bad_signals += negotiation_.bad() + data_.unreadable();
    all.repeated_data = data_.repeated();
    all.dropped_signals = link_.dropped();
    all.stale_answers = negotiation_.stale_answers();
    all.unpublished = tracks_.ended();
    return all;
}

}  // namespace confab::client
