// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/negotiation.h"

#include <utility>

namespace confab::client {

Negotiation::Negotiation(OfferSize size, Connections& connections, SignalLink& link)
    : connections_(connections),
      link_(link),
      builder_(size, connections.single() ? kReceivingSections : 0) {}

// ---------------------------------------------------------------- our offers

livekit::SessionDescription Negotiation::offer() {
    livekit::SessionDescription result;
    last_offer_ = builder_.offer(connections_.publisher().local());
    result.set_type("offer");
    result.set_sdp(last_offer_);
    result.set_id(++offers_);
    offer_wanted_ = false;
    return result;
}

// One at a time, as a peer connection has it (RFC 8829 §3.2).
void Negotiation::want_offer() {
    offer_wanted_ = true;
    if (link_.is_open() && offers_ == answers_) send_offer();
}

void Negotiation::send_offer() {
    livekit::SignalRequest request;
    *request.mutable_offer() = offer();
    link_.send(request);
}

void Negotiation::restart_ice(Timestamp now) {
    connections_.publisher().restart_ice(now);
    want_offer();
}

std::optional<sdp::Description> Negotiation::take_answer(
    Timestamp now, const livekit::SessionDescription& answer) {
    auto parsed = sdp::parse(answer.sdp());
    if (!parsed || answer.id() > offers_) {
        ++bad_;
        return std::nullopt;
    }
    // Of an offer that died with its WebSocket: its credentials are not those of our newest.
    if (answer.id() != 0 && answer.id() != offers_) {
        ++stale_answers_;
        return std::nullopt;
    }
    answers_ = offers_;
    connections_.publisher().set_remote(now, *parsed, true);
    if (connections_.single()) last_answer_ = answer.sdp();
    trickle(Target::kPublisher);
    return std::move(*parsed);
}

void Negotiation::go_on() {
    second_offer();
    if (offer_wanted_ && offers_ == answers_) send_offer();
}

// livekit-client offers again once its only connection is up (recorded).
void Negotiation::second_offer() {
    if (!connections_.single() || second_offer_ || answers_ == 0) return;
    if (!connections_.publisher().connected()) return;
    second_offer_ = true;
    want_offer();
}

void Negotiation::take_requirement(const livekit::MediaSectionsRequirement& requirement) {
    const std::size_t wanted =
        std::size_t{requirement.num_audios()} + std::size_t{requirement.num_videos()};
    if (builder_.sections() + wanted > kMaxSections) {
        ++bad_;
        return;
    }
    builder_.add_receiving(requirement.num_audios(), requirement.num_videos());
    want_offer();
}

// Once in each generation of ICE.
void Negotiation::trickle(Target target) {
    const Connection& connection = *connections_.find(target);
    std::string& before = trickled_[static_cast<std::size_t>(target)];
    if (std::exchange(before, connection.local().ufrag) == connection.local().ufrag) return;
    livekit::SignalRequest request;
    request.mutable_trickle()->set_candidateinit(connection.candidate_init());
    request.mutable_trickle()->set_target(target == Target::kPublisher ? livekit::PUBLISHER
                                                                       : livekit::SUBSCRIBER);
    link_.send(request);
}

// ---------------------------------------------------------------- the server's

std::optional<sdp::Description> Negotiation::take_offer(
    Timestamp now, const livekit::SessionDescription& offered) {
    auto parsed = sdp::parse(offered.sdp());
    if (!parsed || connections_.single() || parsed->sections.empty()) {
        ++bad_;
        return std::nullopt;
    }
    Connection* subscriber = connections_.find(Target::kSubscriber);
    // Other credentials: the server restarts ICE, and so do we (RFC 8839 §4.4.1.1.1).
    const std::string& ufrag = parsed->sections.front().ufrag;
    if (subscriber == nullptr)
        subscriber = &connections_.open_subscriber(parsed->ice_lite ? ice::Role::kControlling
                                                                    : ice::Role::kControlled);
    else if (subscriber->remote_credentials().ufrag != ufrag)
        subscriber->restart_ice(now);
    last_remote_offer_ = offered.sdp();
    last_answer_ = answer_to(*parsed, subscriber->local());
    livekit::SignalRequest request;
    request.mutable_answer()->set_type("answer");
    request.mutable_answer()->set_sdp(last_answer_);
    request.mutable_answer()->set_id(offered.id());
    link_.send(request);
    subscriber->set_remote(now, *parsed, false);
    trickle(Target::kSubscriber);
    return std::move(*parsed);
}

std::optional<Target> Negotiation::take_trickle(Timestamp now,
                                                const livekit::TrickleRequest& trickle) {
    const auto line = candidate_of(trickle.candidateinit());
    const bool to_subscriber = !connections_.single() && trickle.target() == livekit::SUBSCRIBER;
    const Target target = to_subscriber ? Target::kSubscriber : Target::kPublisher;
    Connection* connection = connections_.find(target);
    if (!line || connection == nullptr) return std::nullopt;
    connection->add_candidate(now, *line);
    return target;
}

// ---------------------------------------------------------------- what it knows

bool Negotiation::settled() const {
    return offers_ == answers_ && !offer_wanted_ && (!connections_.single() || second_offer_);
}

void Negotiation::describe(livekit::SyncState& state) const {
    const auto set = [](livekit::SessionDescription& to, const char* type, const std::string& sdp) {
        to.set_type(type);
        to.set_sdp(sdp);
    };
    const std::string& offer = connections_.single() ? last_offer_ : last_remote_offer_;
    if (!offer.empty()) set(*state.mutable_offer(), "offer", offer);
    if (!last_answer_.empty()) set(*state.mutable_answer(), "answer", last_answer_);
}

}  // namespace confab::client
