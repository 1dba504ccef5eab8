// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Session: connections, data, time; wishes about what others publish.
#include "client/session/session.h"

#include <algorithm>

namespace confab::client {

Session::Session(SessionConfig config, Rng rng)
    : config_(std::move(config)),
      rng_(rng),
      builder_(config_.offer_size, config_.single ? kReceivingSections : 0) {
    access_.set_all_participants(true);
    if (!config_.participants) config_.participants = std::make_shared<ParticipantPool>();
    publisher_ = open(Target::kPublisher, ice::Role::kControlling, true);
    media_ = std::make_unique<Publisher>(*publisher_, config_.wall_at_zero, rng_.fork());
}

Session::~Session() = default;

std::unique_ptr<Connection> Session::open(Target target, ice::Role role, bool opens_channels) {
    ConnectionConfig config;
    config.crypto = config_.crypto;
    config.local.fingerprint = config_.fingerprint;
    config.role = role;
    config.address = config_.addresses[static_cast<std::size_t>(target)];
    config.opens_channels = opens_channels;
    return std::make_unique<Connection>(std::move(config), rng_.fork());
}

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

bool Session::settled() const {
    const auto ready = [](const std::unique_ptr<Connection>& c) {
        return c && c->connected() && c->channels() >= kChannels;
    };
    if (!joined_ || offers_ != answers_ || offer_wanted_ || !ready(publisher_)) return false;
    return config_.single ? second_offer_ : ready(subscriber_);
}

bool Session::failed() const {
    return publisher_->failed() || (subscriber_ && subscriber_->failed());
}

// ---------------------------------------------------------------- packets

peer::Transport::Media Session::handle_packet(Timestamp now, Target target, const ice::Path& path,
                                              BytesSpan datagram) {
    using Kind = peer::Transport::Media::Kind;
    if (!link(target)) return {};
    const auto media = link(target)->transport().handle_packet(now, path, datagram);
    if (media.kind == Kind::kRtcp && target == Target::kPublisher) {
        wire::RtcpReader reader(media.packet);
        while (const auto block = reader.next())
            media_->handle_block(now, *block);
    }
    if (media.kind == Kind::kNone) drain(now, target);
    return media;
}

void Session::drain(Timestamp now, Target target) {
    Connection& connection = *link(target);
    while (auto event = connection.poll_event()) {
        if (const auto* state = std::get_if<peer::StateChanged>(&*event)) {
            emit(ConnectionChanged{target, state->state});
            if (target == Target::kPublisher) second_offer(now);
        } else if (const auto* message = std::get_if<peer::MessageReceived>(&*event)) {
            take_message(now, target, *message);
        }
    }
}

std::optional<Session::Outgoing> Session::poll_transmit() {
    for (const Target target : {Target::kPublisher, Target::kSubscriber}) {
        if (!link(target)) continue;
        if (auto datagram = link(target)->poll_transmit())
            return Outgoing{target, std::move(*datagram)};
    }
    return std::nullopt;
}

// ---------------------------------------------------------------- time

void Session::handle_timeout(Timestamp now) {
    for (const Target target : {Target::kPublisher, Target::kSubscriber}) {
        if (!link(target)) continue;
        peer::Transport& transport = link(target)->transport();
        if (now >= transport.next_deadline()) transport.handle_timeout(now);
        drain(now, target);
    }
    media_->handle_timeout(now);
    keep_alive(now);
}

Timestamp Session::next_deadline() const {
    Timestamp deadline = earlier(media_->next_deadline(), next_ping_);
    for (const auto* connection : {publisher_.get(), subscriber_.get()})
        if (connection != nullptr)
            deadline = earlier(deadline, connection->transport().next_deadline());
    return deadline;
}

// livekit-client offers again once its only connection is up (recorded).
void Session::second_offer(Timestamp) {
    if (!config_.single || second_offer_ || !publisher_->connected() || answers_ == 0) return;
    second_offer_ = true;
    want_offer();
}

// ---------------------------------------------------------------- what a person does

void Session::subscribe(const std::vector<std::string>& track_sids, bool wanted) {
    livekit::SignalRequest request;
    request.mutable_subscription()->set_subscribe(wanted);
    for (const std::string& sid : track_sids) {
        request.mutable_subscription()->add_track_sids(sid);
        if (wanted == config_.auto_subscribe)
            wishes_.erase(sid);
        else if (wishes_.size() < Roster::kMaxParticipants)
            wishes_[sid] = wanted;
    }
    send(request);
}

void Session::update_settings(const livekit::UpdateTrackSettings& settings) {
    for (const std::string& sid : settings.track_sids())
        if (!settings.disabled())
            disabled_.erase(sid);
        else if (disabled_.size() < Roster::kMaxParticipants)
            disabled_[sid] = true;
    livekit::SignalRequest request;
    *request.mutable_track_setting() = settings;
    send(request);
}

void Session::set_access(const livekit::SubscriptionPermission& access) {
    access_ = access;
    if (signal_open_ && access_told_) send_access();
}

void Session::send_access() {
    access_told_ = true;
    livekit::SignalRequest request;
    *request.mutable_subscription_permission() = access_;
    send(request);
}

void Session::restart_ice(Timestamp now) {
    publisher_->restart_ice(now);
    want_offer();
}

void Session::leave() {
    livekit::SignalRequest request;
    request.mutable_leave()->set_reason(livekit::CLIENT_INITIATED);
    send(request);
}

// ---------------------------------------------------------------- what it knows

void Session::set_streams(RemoteStreams streams) {
    if (streams == streams_) return;
    streams_ = std::move(streams);
    emit(StreamsChanged{});
}

}  // namespace confab::client
