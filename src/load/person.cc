// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/person.h"

#include <utility>

#include "load/join_path.h"
#include "wire/rtp/rtp.h"

namespace confab::load {
namespace {

constexpr Duration kTokenLifetime = Duration::seconds(6 * 3600);

}  // namespace

Person::Person(const PersonShared& shared, PersonPlan plan,
               std::array<SocketAddress, client::kTargets> addresses, Rng rng)
    : shared_(shared),
      plan_(std::move(plan)),
      rng_(rng.fork()),
      addresses_(addresses),
      session_(config(addresses), rng.fork()),
      reception_(shared.options.sample),
      watching_(shared.options.layout) {}

client::SessionConfig Person::config(
    const std::array<SocketAddress, client::kTargets>& addresses) const {
    client::SessionConfig config;
    config.single = shared_.options.single;
    config.auto_subscribe = false;
    config.offer_size = client::OfferSize::kBrowser;
    config.crypto = shared_.crypto;
    config.fingerprint = shared_.fingerprint;
    config.addresses = addresses;
    config.wall_at_zero = shared_.wall_at_zero;
    config.participants = shared_.participants;
    return config;
}

// ---------------------------------------------------------------- joining

std::string Person::token(Timestamp now) const {
    token::Grants grants;
    grants.identity = grants.name = plan_.identity;
    token::VideoGrant video;
    video.room_join = true;
    video.room = plan_.room;
    grants.video = std::move(video);
    return token::mint_token(grants, shared_.key, shared_.wall_at_zero + (now - Timestamp{}),
                             kTokenLifetime);
}

std::string Person::open(Timestamp now) {
    note(opened_, now);
    const livekit::JoinRequest request = session_.start(now);
    session_deadline_ = session_.next_deadline();
    return session_.single() ? single_join_path(request, token(now))
                             : double_join_path(request, token(now));
}

void Person::fail(std::string why) {
    if (failure_.empty()) failure_ = std::move(why);
}

// ---------------------------------------------------------------- publishing

void Person::publish() {
    const std::uint32_t number =
        static_cast<std::uint32_t>(plan_.room_index * 1'000'000 + plan_.index * 3);
    const Options& options = shared_.options;
    if (plan_.audio) publish("mic", livekit::MICROPHONE, microphone_plan(number));
    if (plan_.video) publish("cam", livekit::CAMERA, camera_plan(number + 1, options));
    if (plan_.screen) publish("screen", livekit::SCREEN_SHARE, screen_plan(number + 2, options));
}

void Person::publish(const char* cid, livekit::TrackSource source, client::TrackPlan plan) {
    client::PublishOptions options;
    options.cid = cid;
    options.source = source;
    options.plan = std::move(plan);
    for (client::LayerPlan& layer : options.plan.layers) {
        layer.ssrc = rng_.u32() | 1;
        if (options.plan.kind == client::MediaKind::kVideo) layer.rtx_ssrc = rng_.u32() | 1;
    }
    session_.tracks().publish(std::move(options));
}

// ---------------------------------------------------------------- driving

client::Connection* Person::media_connection() {
    return plan_.publishes() && !plan_.subscribes ? session_.upstream() : session_.downstream();
}

void Person::handle_signal(Timestamp now, std::string_view message) {
    (void)session_.handle_signal(now, message);
    after_input(now);
}

bool Person::handle_packet(Timestamp now, Timestamp arrival, client::Target target,
                           const SocketAddress& from, BytesSpan datagram) {
    const bool is_rtp = wire::is_rtp(datagram);
    if (is_rtp) {
        ++counted_;
        if (!reception_.look(arrival, datagram)) return reception_.urgent(now);
    }
    ice::Path path;
    path.local = addresses_[static_cast<std::size_t>(target)];
    path.remote = from;
    const auto media = session_.handle_packet(now, target, path, datagram);
    if (media.kind == peer::Media::Kind::kRtp) {
        reception_.take(now, arrival, media.packet);
        if (!steps_done_) note_steps(now);
        return reception_.urgent(now);
    }
    after_input(now);
    return true;
}

void Person::handle_timeout(Timestamp now) {
    if (client::Connection* const connection = session_.downstream())
        reception_.handle_timeout(now, *connection);
    // Feedback alone is most of what is due, and the session has nothing to do with it.
    if (now < earlier(session_deadline_, earlier(next_turn_, next_data_))) return;
    session_.handle_timeout(now);
    take_turn(now);
    send_data(now);
    after_input(now);
}

Timestamp Person::next_deadline() {
    return earlier(earlier(session_deadline_, reception_.next_deadline()),
                   earlier(next_turn_, next_data_));
}

void Person::after_input(Timestamp now) {
    take_events(now);
    if (!steps_done_) note_steps(now);
    if (plan_.subscribes &&
        std::exchange(roster_seen_, session_.roster().revision()) != session_.roster().revision())
        watch();
    session_deadline_ = session_.next_deadline();
}

void Person::take_events(Timestamp now) {
    while (const auto event = session_.poll_event()) {
        if (std::holds_alternative<client::Joined>(*event)) {
            note(joined_, now);
            publish();
        } else if (const auto* leave = std::get_if<client::Left>(&*event)) {
            left_ = true;
            fail("the server ended the session: " +
                 livekit::DisconnectReason_Name(leave->leave.reason()));
        } else if (std::holds_alternative<client::StreamsChanged>(*event)) {
            reception_.set_streams(session_.subscriptions().streams());
        } else if (std::holds_alternative<client::SignalTimedOut>(*event)) {
            fail("the server does not answer on its signalling connection");
        } else if (const auto* changed = std::get_if<client::SpeakersChanged>(&*event)) {
            speakers_changed(changed->speakers);
        } else if (const auto* data = std::get_if<client::DataArrived>(&*event)) {
            take_data(now, data->packet);
        }
    }
    if (session_.failed()) fail("no media connection (ICE or DTLS failed)");
}

void Person::note_steps(Timestamp now) {
    client::Connection* const connection = media_connection();
    if (connection == nullptr) return;
    if (connection->transport().path()) note(ice_, now);
    if (connection->connected() && !connected_) {
        connected_ = now;
        take_turn(now);
        if (shared_.options.data_rate > 0 && plan_.publishes()) next_data_ = now;
    }
    if (reception_.has_rtp() && counted_ > 0) note(first_rtp_, now);
    if (reception_.decodes()) note(first_decoded_, now);
    steps_done_ = connected_ && (first_decoded_ || !plan_.subscribes);
}

// ---------------------------------------------------------------- results

void Person::add_to(Figures& figures) const {
    figures.received.add(reception_.total());
    figures.latency.merge(reception_.latency());
    figures.settled_latency.merge(reception_.settled_latency());
    figures.decrypted += reception_.decrypted();
    figures.tracks += reception_.flowing();
    figures.expected_tracks += expected_tracks(plan_, shared_.options);
    figures.sent += session_.publisher().counters().packets;
    figures.resent += session_.publisher().counters().resent;
    figures.key_frames += session_.publisher().key_frames();
    figures.data_sent += data_sent_;
    figures.data_received += data_received_;
    figures.data_latency.merge(data_latency_);
    if (connected_) ++figures.joined;
    if (over()) ++figures.errors[failure_];
    const auto add = [&](Histogram& histogram, const Moment& moment) {
        if (moment && opened_) histogram.add(*moment - *opened_);
    };
    add(figures.joins.web_socket, web_socket_);
    add(figures.joins.joined, joined_);
    add(figures.joins.ice, ice_);
    add(figures.joins.connected, connected_);
    add(figures.joins.first_rtp, first_rtp_);
    add(figures.joins.first_key_frame, first_decoded_);
}

PersonRow Person::row() const {
    return {plan_.identity, reception_.flowing(), expected_tracks(plan_, shared_.options),
            reception_.total(), failure_};
}

}  // namespace confab::load
