// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/client/client.h"

#include <algorithm>
#include <utility>

namespace confab::sim {
namespace {
constexpr std::uint16_t kFirstPort = 5000;
}  // namespace

Client::Client(ClientConfig config, srtp::Engine& engine, Rng rng, Report& report,
               const Numbers& next_number)
    : config_(std::move(config)),
      engine_(engine),
      rng_(rng),
      report_(report),
      tracks_(config_.light, rng_, next_number),
      messages_(DataChecker(config_.name, config_.person, config_.rules), config_.auto_data, report,
                next_number) {}

void Client::new_session(Timestamp now) {
    client::SessionConfig config;
    config.single = config_.single;
    config.crypto = {&engine_, nullptr, true};
    config.fingerprint = "AA:BB";  // nobody asks: keys are simulated
    for (std::size_t i = 0; i < client::kTargets; ++i)
        config.addresses[i] = {config_.address, static_cast<std::uint16_t>(kFirstPort + i)};
    config.wall_at_zero = config_.wall_at_zero;
    config.auto_subscribe_data = config_.auto_data;
    session_ = std::make_unique<client::Session>(std::move(config), rng_.fork());
    repeated_ = 0;
    subscriber_ = std::make_unique<Subscriber>(config_.name, rng_.u32() | 1);
    ++generation_;
    messages_.new_speaker();
    tracks_.begin(session_->tracks());
    messages_.begin(*session_);
    open_ = session_->start(now);
}

// ---------------------------------------------------------------- signalling

void Client::retry(Timestamp now, bool anew) {
    if (!attempts_.lost(now, anew)) return;
    session_->signal_closed();
    close_ = true;
}

void Client::wire_message(Timestamp now, std::string_view message) {
    if (!session_->handle_signal(now, message))
        report_.violation(now, name() + ": signal that can not be read");
    if (phase() == Phase::kOpening && session_->signal_open()) attempts_.opened();
    check_roster(now);
    messages_.ask_for_tracks();
    drain(now);
}

void Client::wire_closed(Timestamp now) {
    retry(now, false);
    close_ = false;
}

void Client::wire_refused(Timestamp now) {
    retry(now, true);
    close_ = false;
}

void Client::take_left(Timestamp now, const livekit::LeaveRequest& leave) {
    switch (leave.action()) {
        case livekit::LeaveRequest::RESUME:
            return retry(now, false);
        case livekit::LeaveRequest::RECONNECT:
            return retry(now, true);
        default:
            attempts_.end();
            close_ = true;
    }
}

void Client::take(Timestamp now, const client::Event& event) {
    if (const auto* joined = std::get_if<client::Joined>(&event)) {
        attempts_.joined(now, joined->resumed);
        if (joined->resumed) return;
        tracks_.publish_again();
        messages_.publish_again();
    } else if (const auto* left = std::get_if<client::Left>(&event)) {
        take_left(now, left->leave);
    } else if (std::holds_alternative<client::SignalTimedOut>(event)) {
        retry(now, false);
    } else if (const auto* changed = std::get_if<client::ConnectionChanged>(&event)) {
        if (changed->state == peer::TransportState::kFailed && phase() == Phase::kIn)
            retry(now, false);
    } else if (const auto* data = std::get_if<client::DataArrived>(&event)) {
        check_names(now, *data);
        messages_.take(now, *data);
    } else if (const auto* packet = std::get_if<client::DataTrackArrived>(&event)) {
        messages_.take(now, *packet);
    }
}

void Client::drain(Timestamp now) {
    while (const auto event = session_->poll_event())
        take(now, *event);
    const std::uint64_t repeated = session_->counters().repeated_data;
    if (repeated > std::exchange(repeated_, repeated))
        report_.violation(now, name() + ": a reliable message came again [SIG-121]");
    subscriber_->set_connection(session_->downstream());
}

void Client::check_names(Timestamp now, const client::DataArrived& data) {
    for (const std::string& by :
         {data.packet.participant_identity(), data.packet.user().participant_identity()})
        if (config_.invisible.contains(by))
            report_.violation(now, name() + ": a message names hidden " + by);
}

void Client::check_roster(Timestamp now) {
    for (const auto& info : session_->roster().others())
        if (config_.invisible.contains(info->identity()))
            report_.violation(now, name() + ": is told of hidden " + info->identity());
}

// ---------------------------------------------------------------- what it does

void Client::update_settings(std::size_t subscription, const sfu::DownTrackSettings& wish) {
    const auto& streams = subscriber_->streams();
    if (streams.empty()) return;
    const auto stream =
        std::next(streams.begin(), static_cast<std::ptrdiff_t>(subscription % streams.size()));
    const std::uint32_t number = stream->first;
    livekit::UpdateTrackSettings settings;
    for (const auto& [sid, remote] : session_->subscriptions().streams())
        if (remote.ssrc == stream->second->plan().ssrc) settings.add_track_sids(sid);
    if (settings.track_sids_size() == 0) return;
    settings.set_disabled(!wish.enabled);
    settings.set_quality(static_cast<livekit::VideoQuality>(
        std::min<std::uint8_t>(wish.max_spatial, livekit::HIGH)));
    settings_[number] = wish;
    session_->subscriptions().update_settings(settings);
}

std::optional<std::uint8_t> Client::wanted_layer(std::uint32_t number) const {
    const auto found = settings_.find(number);
    if (found == settings_.end()) return std::uint8_t{2};
    if (!found->second.enabled) return std::nullopt;
    return std::min<std::uint8_t>(2, found->second.max_spatial);
}

bool Client::say(Timestamp now, DataKind kind, std::uint32_t to_person,
                 const std::string& to_identity) {
    return phase() == Phase::kIn && messages_.say(now, kind, to_person, to_identity);
}

void Client::say_on_tracks(Timestamp now) {
    if (phase() == Phase::kIn) messages_.say_on_tracks(now);
}

// ---------------------------------------------------------------- packets

void Client::announce(Timestamp now, const std::vector<SubscriptionPlan>& streams) {
    std::set<std::uint32_t> there;
    for (const SubscriptionPlan& plan : streams)
        there.insert(plan.track);
    std::vector<std::uint32_t> ended;
    for (const auto& [track, stream] : subscriber_->streams())
        if (!there.contains(track)) ended.push_back(track);
    for (const std::uint32_t track : ended)
        subscriber_->remove(now, track);
    for (const SubscriptionPlan& plan : streams)
        (void)subscriber_->add(now, plan);
}

void Client::note_sent(Timestamp now, BytesView datagram) {
    if (wire::is_rtp(datagram)) subscriber_->note_sent(now, datagram, report_);
}

void Client::handle_packet(Timestamp now, client::Target target, const ice::Path& path,
                           BytesSpan datagram) {
    using Kind = peer::Transport::Media::Kind;
    const auto media = session_->handle_packet(now, target, path, datagram);
    if (media.kind == Kind::kRtcp) {
        wire::RtcpReader reader(media.packet);
        while (const auto block = reader.next())
            subscriber_->handle_block(now, *block, report_);
        if (reader.error()) report_.violation(now, name() + ": RTCP that can not be read");
    } else if (media.kind == Kind::kRtp) {
        subscriber_->receive(now, media.packet, report_);
    }
    drain(now);
}

void Client::handle_timeout(Timestamp now) {
    const Attempts::Next next = attempts_.handle_timeout(now);
    if (next == Attempts::Next::kJoin) new_session(now);
    if (next == Attempts::Next::kResume)
        open_ = session_->resume(now, livekit::RR_SIGNAL_DISCONNECTED);
    session_->handle_timeout(now);
    subscriber_->handle_timeout(now, report_);
    drain(now);
    if (attempts_.gives_up(now, session_->settled())) retry(now, true);
}

Timestamp Client::next_deadline() const {
    return earlier(attempts_.next_deadline(),
                   earlier(session_->next_deadline(), subscriber_->next_deadline()));
}

}  // namespace confab::sim
