// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Negotiation: over which transport connections go, and when they leave it for another one (01
// SIG-89; 02 ICE-15, ICE-16).
#include <algorithm>

#include "room/negotiate/negotiation.h"

namespace confab::room {
namespace {

// Whether its client can relay over TLS.
bool has_tls(const Config& config, const Participant& p) {
    if (!config.ice_servers || !p.traits.gates.turn_tls) return false;
    for (const livekit::ICEServer& server :
         config.ice_servers({p.first_sid(), p.grants.api_key, true}))
        for (const std::string& url : server.urls())
            if (url.starts_with("turns:")) return true;
    return false;
}

// How long the connection lived that a client saw fail. What is older than a young one it may have
// lost for reasons of its own.
std::optional<Duration> reported_life(const Links& l, livekit::ReconnectReason reason,
                                      Timestamp now) {
    const PeerLink* link = nullptr;
    if (reason == livekit::RR_PUBLISHER_FAILED) link = l.publisher.get();
    if (reason == livekit::RR_SUBSCRIBER_FAILED) link = l.downstream();
    if (link == nullptr || !link->ever_connected) return std::nullopt;
    const Duration lived = now - link->connected_at;
    if (lived >= FailureCount::kShortLife) return std::nullopt;
    return lived;
}

// For what begins from now on.
void tell_transport(const Config& config, const Links& l) {
    const bool tcp_only = l.tcp_only() || config.force_tcp;
    for (PeerLink* link : {l.publisher.get(), l.subscriber.get()})
        if (link != nullptr) link->set_transport(tcp_only, l.ice_limit());
}

// The last resort among its connections counts, of one that is down what it was up over. A client
// may have come to it by itself.
sfu::ConnectionType current_type(const Links& l) {
    auto result = sfu::ConnectionType::kUdp;
    for (const PeerLink* link : {l.publisher.get(), l.subscriber.get()})
        if (link != nullptr) result = std::max(result, link->last_type.value_or(result));
    return result;
}

// Of a client that never said how long signalling takes, nothing speaks against TCP.
IcePreference next_transport(const Config& config, const Links& l, const Participant& p) {
    const auto& workers = config.media.workers;
    const bool has_tcp = p.worker < workers.size() && !workers[p.worker].tcp.empty();
    const Duration threshold = config.tcp_fallback_rtt;
    const bool is_near =
        threshold == Duration::zero() || l.signal_rtt.value_or(Duration::zero()) < threshold;
    const bool by_udp =
        l.ice == IcePreference::kAny && current_type(l) == sfu::ConnectionType::kUdp;
    if (by_udp && has_tcp && is_near && p.traits.gates.ice_tcp) return IcePreference::kTcp;
    const bool to_tls = l.ice != IcePreference::kTls && has_tls(config, p);
    return to_tls ? IcePreference::kTls : IcePreference::kAny;
}

}  // namespace

void Negotiation::set_ice(const Participant& p, IcePreference preference) {
    Links& l = links(p);
    l.ice = preference;
    l.ice_inherited = false;
    tell_transport(scope_->config, l);
    chosen_.keep(p.identity(), preference, scope_->now());
}

void Negotiation::try_other_transport(Participant& p, livekit::ReconnectReason reported) {
    Links& l = links(p);
    if (!scope_->config.allow_tcp_fallback || scope_->config.force_tcp) return;
    if (reported != livekit::RR_UNKNOWN) {
        const auto lived = reported_life(l, reported, scope_->now());
        if (!lived) return;
        l.lived = *lived;
    }
    if (l.switched_at && scope_->now() - *l.switched_at < kSwitchTime) return;
    l.failure_handled(scope_->now());
    if (l.failures.failed(scope_->now(), l.lived)) set_ice(p, next_transport(scope_->config, l, p));
}

void note_signal_rtt(Negotiation& all, const Participant& p, Duration rtt) {
    Links& l = all.links(p);
    l.signal_rtt = rtt;
    tell_transport(all.scope_->config, l);
}

bool leave_unstable(Negotiation& all, const Participant& p, const sfu::QualityBatch& report) {
    Links& l = all.links(p);
    const PeerLink* link = l.find(report.peer);
    if (link == nullptr || link->type() != sfu::ConnectionType::kUdp) return false;
    const Config& config = all.scope_->config;
    if (!config.allow_udp_unstable_fallback || !config.allow_tcp_fallback || config.force_tcp)
        return false;
    if (link != l.downstream() || l.ice != IcePreference::kAny) return false;
    if (!is_unstable(report.path, l.signal_rtt, config.tcp_fallback_rtt)) return false;
    const IcePreference next = next_transport(config, l, p);
    if (next == IcePreference::kAny) return false;
    l.failure_handled(all.scope_->now());
    all.set_ice(p, next);
    return true;
}

void Negotiation::restart(Participant& p) {
    const Links& l = links(p);
    if (!l.subscriber) return;
    NegotiationTimer& timer = l.subscriber->timer;
    if (l.subscriber->has_remote()) {
        l.subscriber->restart_ice();
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
    if (l.subscriber && l.subscriber->has_remote()) l.subscriber->restart_ice();
    request(p, true);
}

}  // namespace confab::room
