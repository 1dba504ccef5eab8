// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Negotiation: connections are made, come up, fail and change their transport (01 SIG-81, SIG-145;
// 02 ICE-15).
#include <utility>

#include "room/negotiate/negotiation.h"

namespace confab::room {
namespace {

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
    const auto known = remembered_ice_.find(p.identity());
    if (known != remembered_ice_.end()) l.ice = known->second;
}

void Negotiation::remove(const Participant& p) {
    const Links& l = links(p);
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
    for (const PeerLink* link : {l.publisher.get(), l.subscriber.get()})
        if (link != nullptr) scope_->media.peers[link->id()] = {room_, &p, {}};
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
    config.tcp_only = l.tcp_only();
    config.playout_delay = settings_.playout_delay;
    config.allow_pause = l.allow_pause;
    config.client = p.traits.sdp;
    if (all_profiles_.contains(p.identity())) config.client.takes_gcm = false;
    if (settings_.sync_streams && p.traits.gates.sync_streams)
        config.client.reuses_transceivers = false;
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
            link->connected = false;
            break;
        case sfu::PeerState::kReconnected:
            link->connected = news.up = true;
            break;
        case sfu::PeerState::kFailed:
            link_failed(p, *link, event.failure);
            news.failure = event.failure == sfu::PeerFailure::kIce ? LinkNews::Failure::kIce
                                                                   : LinkNews::Failure::kHandshake;
            break;
        case sfu::PeerState::kConnected:
            link->connected = news.up = true;
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
    link.connected = false;
    const bool had_ice =
        failure == sfu::PeerFailure::kDtls || failure == sfu::PeerFailure::kFingerprint;
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

// ---------------------------------------------------------------- the transport

void Negotiation::set_ice(const Participant& p, IcePreference preference) {
    Links& l = links(p);
    l.ice = preference;
    if (l.publisher) l.publisher->set_tcp_only(l.tcp_only());
    if (remembered_ice_.size() < kMaxRemembered || remembered_ice_.contains(p.identity()))
        remembered_ice_[p.identity()] = preference;
}

void Negotiation::try_other_transport(Participant& p) {
    Links& l = links(p);
    if (l.switched_at && scope_->now() - *l.switched_at < kSwitchTime) return;
    l.switched_at = scope_->now();
    const auto& workers = scope_->config.media.workers;
    const bool has_tcp = p.worker < workers.size() && !workers[p.worker].tcp.empty();
    const bool to_tcp = l.ice == IcePreference::kAny && has_tcp && p.traits.gates.ice_tcp;
    set_ice(p, to_tcp ? IcePreference::kTcp : IcePreference::kAny);
}

void Negotiation::restart(Participant& p) {
    const Links& l = links(p);
    if (!l.subscriber) return;
    NegotiationTimer& timer = l.subscriber->timer;
    if (l.subscriber->has_remote()) {
        l.subscriber->restart_ice(l.tcp_only());
    } else if (timer.outstanding()) {
        timer.abandon();  // the first offer, or its answer, died with the connection
    } else {
        return;
    }
    request(p, true);
}

void Negotiation::prefer(Participant& p, IcePreference preference) {
    set_ice(p, preference);
    const Links& l = links(p);
    if (l.subscriber && l.subscriber->has_remote()) l.subscriber->restart_ice(l.tcp_only());
    request(p, true);
}

}  // namespace confab::room
