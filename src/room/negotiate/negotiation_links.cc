// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Negotiation: connections are made, come up and fail (01 SIG-81, SIG-145).
#include <utility>

#include "room/negotiate/negotiation.h"

namespace confab::room {
namespace {

// Whatever ICE does: only a new connection helps.
bool is_final(sfu::PeerFailure failure) {
    return failure == sfu::PeerFailure::kDtls || failure == sfu::PeerFailure::kFingerprint ||
           failure == sfu::PeerFailure::kNone;
}

std::string_view to_text(sfu::PeerFailure failure) {
    switch (failure) {
        case sfu::PeerFailure::kNone:
            return "disconnected";
        case sfu::PeerFailure::kIce:
            return "ice";
        case sfu::PeerFailure::kDtls:
            return "dtls";
        case sfu::PeerFailure::kFingerprint:
            return "fingerprint";
        case sfu::PeerFailure::kStalled:
            return "stalled";
    }
    return "unknown";
}

}  // namespace

void Negotiation::add(const Participant& p, const JoinParams& params) {
    Links& l = members_[p.number];
    l.single = params.single_connection;
    l.subscriber_primary =
        !l.single && p.traits.gates.subscriber_primary && p.info.permission().can_subscribe();
    l.disable_ice_lite = params.disable_ice_lite;
    l.allow_pause = params.subscriber_allow_pause;
    l.ice = chosen_.find(p.identity(), scope_->now());
    // It may be another client.
    const ClientGates& gates = p.traits.gates;
    if (l.ice == IcePreference::kTcp && !gates.ice_tcp) l.ice = IcePreference::kAny;
    if (l.ice == IcePreference::kTls && !gates.turn_tls) l.ice = IcePreference::kAny;
    l.ice_inherited = l.ice != IcePreference::kAny;
}

void Negotiation::remove(const Participant& p) {
    const Links& l = links(p);
    // What did not work for a whole session is not tried again for ever.
    const bool worked = l.ever_up() || !l.ice_inherited;
    if (l.ice != IcePreference::kAny)
        chosen_.keep(p.identity(), worked ? l.ice : IcePreference::kAny, scope_->now());
    for (const PeerLink* link : {l.publisher.get(), l.subscriber.get()})
        if (link != nullptr) scope_->media.peers.erase(link->id());
    removed_.push_back(p.number);
}

Links Negotiation::take(const Participant& p) {
    auto taken = members_.extract(p.number);
    for (const PeerLink* link : {taken.mapped().publisher.get(), taken.mapped().subscriber.get()})
        if (link != nullptr) scope_->media.peers.erase(link->id());
    return std::move(taken.mapped());
}

void Negotiation::put(Participant& p, Links links) {
    const Links& l = members_[p.number] = std::move(links);
    for (const PeerLink* link : links_of(*this, p))
        scope_->media.peers[link->id()] = {room_, &p, {}};
    if (l.ice != IcePreference::kAny) set_ice(p, l.ice);
    // Sections ended without a word to the client.
    if (PeerLink* down = l.downstream()) down->timer.request_after(scope_->now(), {});
}

void Negotiation::finish_turn() {
    for (const std::uint64_t number : std::exchange(removed_, {}))
        members_.erase(number);
}

// ---------------------------------------------------------------- made

PeerLinkConfig Negotiation::link_config(const Participant& p) const {
    const Links& l = links(p);
    PeerLinkConfig config;
    config.worker = p.worker;
    config.ice_lite = scope_->config.media.ice_lite && !p.traits.firefox && !l.disable_ice_lite &&
                      p.client.protocol() > 5;
    config.tcp_only = l.tcp_only() || scope_->config.force_tcp;
    config.ice_limit = l.ice_limit();
    // Firefox has no streams in step, and would play one later than the other.
    const bool in_step = settings_.sync_streams && p.traits.gates.sync_streams;
    config.playout_delay = settings_.playout_delay && !(settings_.sync_streams && p.traits.firefox);
    config.allow_pause = l.allow_pause;
    config.client = p.traits.sdp;
    if (all_profiles_.contains(p.identity())) config.client.takes_gcm = false;
    if (in_step && !p.traits.firefox) config.client.reuses_transceivers = false;
    config.codecs = settings_.codecs;
    return config;
}

void Negotiation::enter(Participant& p, const PeerLink& link) {
    scope_->media.peers[link.id()] = {room_, &p, {}};
    host_->link_added(p);
    scope_->out.observe(PeerReached{link.target(), PeerStep::kStarted});
}

PeerLink& Negotiation::ensure_publisher(Participant& p) {
    Links& l = links(p);
    if (!l.publisher) {
        PeerLinkConfig config = link_config(p);
        config.single = l.single;
        l.publisher = std::make_unique<PeerLink>(*scope_, std::move(config));
        enter(p, *l.publisher);
    }
    return *l.publisher;
}

PeerLink& Negotiation::ensure_downstream(Participant& p) {
    Links& l = links(p);
    if (l.single) return ensure_publisher(p);
    if (!l.subscriber) {
        PeerLinkConfig config = link_config(p);
        config.target = livekit::SUBSCRIBER;
        config.offers = true;
        config.application = l.subscriber_primary;
        l.subscriber = std::make_unique<PeerLink>(*scope_, std::move(config));
        enter(p, *l.subscriber);
        if (l.subscriber_primary)
            scope_->out.command(p.worker, sfu::OpenDataChannels{l.subscriber->id(),
                                                                scope_->config.enable_data_tracks});
    }
    return *l.subscriber;
}

// ---------------------------------------------------------------- up and down

LinkNews Negotiation::handle_peer_state(const Participant& p, const sfu::PeerStateChanged& event) {
    Links& l = links(p);
    PeerLink* link = l.find(event.peer);
    if (link == nullptr) return {};
    LinkNews news;
    news.primary = link == l.primary();
    news.publisher = link == l.publisher.get();
    switch (event.state) {
        case sfu::PeerState::kConnecting:
            break;
        case sfu::PeerState::kDisconnected:
            link->went_down();
            break;
        case sfu::PeerState::kReconnected:
            link->came_up(event.type);
            news.up = true;
            // Over another transport it begins to live anew.
            if (std::exchange(link->failed, false) && l.ice != IcePreference::kAny)
                link->connected_at = scope_->now();
            break;
        case sfu::PeerState::kFailed:
            link_failed(p, *link, event.failure);
            news.failure =
                is_final(event.failure) ? LinkNews::Failure::kHandshake : LinkNews::Failure::kPath;
            break;
        case sfu::PeerState::kConnected:
            link->came_up(event.type);
            news.up = true;
            link->connected_at = scope_->now();
            news.first = !std::exchange(link->ever_connected, true);
            break;
    }
    if (news.up && l.all_up()) l.switched_at.reset();
    if (!news.first) return news;
    scope_->out.observe(PeerReached{link->target(), PeerStep::kIceConnected});
    scope_->out.observe(PeerReached{link->target(), PeerStep::kConnected});
    scope_->out.observe(OperationDone{Operation::kPeerConnection, {}});
    note_established(p, *link);
    return news;
}

void Negotiation::link_failed(const Participant& p, PeerLink& link, sfu::PeerFailure failure) {
    link.went_down();
    // A restart that never came up did not live at all.
    const bool came_up = link.ever_connected && !std::exchange(link.failed, true);
    links(p).lived = came_up ? scope_->now() - link.connected_at : Duration::zero();
    // It is what the last switch led to, or what was tried again, and no news of the outage before.
    if (link.tried) links(p).switched_at.reset();
    const bool had_ice = failure != sfu::PeerFailure::kNone && failure != sfu::PeerFailure::kIce;
    if (!link.ever_connected && had_ice)
        scope_->out.observe(PeerReached{link.target(), PeerStep::kIceConnected});
    scope_->out.observe(OperationDone{Operation::kPeerConnection, to_text(failure)});
    // It may be that it does not take GCM after all: next time it may choose (DES-23).
    if (failure == sfu::PeerFailure::kDtls && !link.ever_connected && p.traits.sdp.takes_gcm &&
        all_profiles_.size() < kMaxRemembered)
        all_profiles_.insert(p.identity());
}

// Media flows, and data may: the channels are open or not wanted.
void Negotiation::note_established(const Participant& p, PeerLink& link) {
    const Links& l = links(p);
    if (link.established || !link.ever_connected) return;
    if (&link == l.primary() && !l.data_ready) return;
    link.established = true;
    scope_->out.observe(PeerReached{link.target(), PeerStep::kFullyEstablished});
}

void Negotiation::data_ready(const Participant& p) {
    Links& l = links(p);
    l.data_ready = true;
    if (PeerLink* link = l.primary()) note_established(p, *link);
}

std::vector<PeerLink*> links_of(const Negotiation& all, const Participant& p) {
    std::vector<PeerLink*> result;
    for (const auto* link : {&all.links(p).publisher, &all.links(p).subscriber})
        if (*link) result.push_back(link->get());
    return result;
}

}  // namespace confab::room
