// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/client/client.h"

#include <algorithm>
#include <array>
#include <utility>

namespace confab::sim {
namespace {

constexpr std::array<std::string_view, 3> kRids{"q", "h", "f"};
constexpr std::uint16_t kFirstPort = 5000;
// DefaultReconnectPolicy of livekit-client.
constexpr std::array<std::int64_t, 10> kRetryMs{0,    300,  1200, 2700, 4800,
                                                7000, 7000, 7000, 7000, 7000};
// After which a resume, or a join, whose connections do not come up is not waited for any longer.
constexpr Duration kPeerTimeout = Duration::seconds(15);

}  // namespace

Client::Client(ClientConfig config, srtp::Engine& engine, Rng rng, Report& report,
               Numbers next_number)
    : config_(std::move(config)),
      engine_(engine),
      rng_(rng),
      report_(report),
      next_number_(std::move(next_number)),
      data_(config_.name, config_.person, config_.rules) {}

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
    data_.forget();
    data_.set_speaker(next_number_());
    asked_data_.clear();
    ++generation_;
    for (OwnTrack& track : tracks_)
        track.number = next_number_();
    for (std::uint32_t& track : data_tracks_)
        track = next_number_();
    if (!open_to_all_) set_access(false);
    phase_ = Phase::kOpening;
    open_ = session_->start(now);
}

void Client::start(Timestamp now) {
    new_session(now);
}

// ---------------------------------------------------------------- signalling

void Client::retry(Timestamp now, bool anew) {
    if (phase_ == Phase::kGone || phase_ == Phase::kWaiting) {
        anew_ = anew_ || anew;
        return;
    }
    anew_ = anew_ || anew || !was_in_;
    session_->signal_closed();
    close_ = true;
    give_up_at_ = Timestamp::never();
    if (attempts_ >= kRetryMs.size()) {
        phase_ = Phase::kGone;
        return;
    }
    phase_ = Phase::kWaiting;
    retry_at_ = now + Duration::millis(kRetryMs[attempts_++]);
}

void Client::wire_message(Timestamp now, std::string_view message) {
    if (!session_->handle_signal(now, message))
        report_.violation(now, name() + ": signal that can not be read");
    if (phase_ == Phase::kOpening && session_->signal_open()) {
        phase_ = Phase::kIn;
        was_in_ = true;
    }
    check_roster(now);
    ask_for_data();
    drain(now);
}

void Client::wire_closed(Timestamp now) {
    close_ = false;
    if (phase_ == Phase::kIn || phase_ == Phase::kOpening) retry(now, false);
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
            phase_ = Phase::kGone;
            close_ = true;
    }
}

void Client::take(Timestamp now, const client::Event& event) {
    if (const auto* joined = std::get_if<client::Joined>(&event)) {
        give_up_at_ = now + kPeerTimeout;
        ++(joined->resumed ? resumes_ : rejoins_);
        if (joined->resumed) return;
        for (const OwnTrack& track : tracks_)
            publish_track(track);
        publish_data_again();
    } else if (const auto* left = std::get_if<client::Left>(&event)) {
        take_left(now, left->leave);
    } else if (std::holds_alternative<client::SignalTimedOut>(event)) {
        retry(now, false);
    } else if (const auto* changed = std::get_if<client::ConnectionChanged>(&event)) {
        if (changed->state == peer::TransportState::kFailed && phase_ == Phase::kIn)
            retry(now, false);
    } else if (const auto* data = std::get_if<client::DataArrived>(&event)) {
        for (const std::string& by :
             {data->packet.participant_identity(), data->packet.user().participant_identity()})
            if (config_.invisible.contains(by))
                report_.violation(now, name() + ": a message names hidden " + by);
        data_.take(now, data->reliable ? DataKind::kReliable : DataKind::kLossy, 0,
                   as_bytes(data->packet.user().payload()), report_);
    } else if (const auto* packet = std::get_if<client::DataTrackArrived>(&event)) {
        take_data_track(now, *packet);
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

// Once all is up the attempts are forgotten; a session that does not come up is given up.
void Client::check_connections(Timestamp now) {
    if (give_up_at_.is_never() || phase_ != Phase::kIn) return;
    if (session_->settled()) {
        give_up_at_ = Timestamp::never();
        attempts_ = 0;
    } else if (now >= give_up_at_) {
        retry(now, true);
    }
}

void Client::check_roster(Timestamp now) {
    for (const auto& info : session_->roster().others())
        if (config_.invisible.contains(info->identity()))
            report_.violation(now, name() + ": is told of hidden " + info->identity());
}

// ---------------------------------------------------------------- what it does

void Client::publish(MediaKind kind, std::size_t layers, bool obstinate) {
    OwnTrack track;
    track.number = next_number_();
    track.kind = kind;
    track.layers = kind == MediaKind::kVideo ? std::clamp<std::size_t>(layers, 1, 3) : 1;
    track.obstinate = obstinate;
    tracks_.push_back(track);
    publish_track(track);
}

void Client::publish_track(const OwnTrack& own) {
    client::PublishOptions options;
    client::TrackPlan& plan = options.plan;
    const bool video = own.kind == MediaKind::kVideo;
    plan.number = own.number;
    plan.kind = own.kind;
    plan.sends_while_muted = own.obstinate;
    plan.announce_ssrcs = own.layers == 1 && rng_.below(4) == 0;
    if (config_.light) {
        plan.frames_per_second = 5;
        plan.audio_frame_ms = 100;
    }
    for (std::size_t i = 0; i < own.layers; ++i) {
        client::LayerPlan layer;
        if (own.layers > 1) layer.rid = kRids[i];
        layer.ssrc = rng_.u32() | 1;
        if (video) layer.rtx_ssrc = rng_.u32() | 1;
        layer.width = static_cast<std::uint16_t>(320 << i);
        layer.height = static_cast<std::uint16_t>(180 << i);
        layer.packets_per_frame = config_.light ? 1 : static_cast<std::uint8_t>(1 + i);
        plan.layers.push_back(std::move(layer));
    }
    options.cid = own.cid();
    options.source = video ? livekit::CAMERA : livekit::MICROPHONE;
    session_->tracks().publish(std::move(options));
    if (own.muted) session_->tracks().set_muted(own.cid(), true);
}

void Client::unpublish() {
    if (tracks_.empty()) return;
    session_->tracks().unpublish(tracks_.back().cid());
    tracks_.pop_back();
}

void Client::set_muted(std::size_t index, bool muted) {
    if (tracks_.empty()) return;
    OwnTrack& track = tracks_[index % tracks_.size()];
    if (track.muted == muted) return;
    track.muted = muted;
    session_->tracks().set_muted(track.cid(), muted);
}

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

void Client::leave() {
    session_->leave();
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
    if (now >= retry_at_) {
        retry_at_ = Timestamp::never();
        if (phase_ == Phase::kWaiting) {
            if (std::exchange(anew_, false)) {
                was_in_ = false;
                new_session(now);
            } else {
                phase_ = Phase::kOpening;
                open_ = session_->resume(now, livekit::RR_SIGNAL_DISCONNECTED);
            }
        }
    }
    session_->handle_timeout(now);
    subscriber_->handle_timeout(now, report_);
    drain(now);
    check_connections(now);
}

Timestamp Client::next_deadline() const {
    Timestamp deadline = earlier(session_->next_deadline(), subscriber_->next_deadline());
    if (phase_ == Phase::kIn) deadline = earlier(deadline, give_up_at_);
    return earlier(deadline, retry_at_);
}

}  // namespace confab::sim
