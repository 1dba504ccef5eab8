// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Shard: the commands that make, change and end connections.
#include <memory>
#include <utility>

#include "base/check.h"
#include "sfu/shard/shard.h"

// The control plane's commands (02 §10.9). A command that names something unknown is ignored: the
// object may just have ended here while the command was on its way.

namespace confab::sfu {
namespace {

srtp::Profile to_srtp(SrtpProfile profile) {
    return static_cast<srtp::Profile>(profile);
}
dtls::Role to_dtls(DtlsRole role) {
    return role == DtlsRole::kClient ? dtls::Role::kClient : dtls::Role::kServer;
}
std::optional<crypto::DigestAlgorithm> to_digest(std::string_view name) {
    if (name == "sha-256") return crypto::DigestAlgorithm::kSha256;
    if (name == "sha-384") return crypto::DigestAlgorithm::kSha384;
    if (name == "sha-512") return crypto::DigestAlgorithm::kSha512;
    if (name == "sha-1") return crypto::DigestAlgorithm::kSha1;
    return std::nullopt;
}

}  // namespace

void Shard::handle_command(Timestamp now, Command command) {
    fan_out_.deliver(now);
    std::visit([&](auto& c) { apply(now, c); }, command);
}

// ---------------------------------------------------------------- transport

void Shard::apply(Timestamp now, CreatePeer& c) {
    if (routes_.has_ufrag(c.local.ufrag)) return;
    if (ShardPeer* peer = add_peer(now, c)) {
        routes_.add_ufrag(*peer, c.local.ufrag);
        changed(now, *peer);
    }
}

ShardPeer* Shard::add_peer(Timestamp now, const CreatePeer& c) {
    if (CONFAB_BUG_IF(control_shard_of(c.peer) >= events_.size(), "peer_control_shard"))
        return nullptr;
    if (peers_.contains(c.peer)) return nullptr;
    peer::TransportConfig transport;
    transport.ice.local = {c.local.ufrag, c.local.pwd};
    transport.ice.lite = c.ice_lite;
    transport.ice.role = c.ice_controlling ? ice::Role::kControlling : ice::Role::kControlled;
    transport.ice.tcp_only = c.tcp_only;
    if (c.ice_limit) transport.ice.timers.checking_limit = *c.ice_limit;
    transport.ice.candidates = config_.candidates;
    // Clients that may only relay would wait for nothing. Where a better pair follows, the upgrade
    // window takes it.
    transport.ice.acceptance_waits.relay = Duration::zero();
    transport.sctp = config_.options.sctp;
    for (const SrtpProfile profile : c.srtp_profiles)
        transport.profiles.push_back(to_srtp(profile));
    BandwidthOptions bandwidth = config_.options.bandwidth;
    bandwidth.allow_pause = c.allow_pause.value_or(bandwidth.allow_pause);
    auto peer = std::make_unique<ShardPeer>(c.peer, crypto_, std::move(transport),
                                            make_bandwidth(bandwidth), rng_);
    peer->downlink().level_lengths(c.takes_padding && config_.options.level_lengths,
                                   config_.options.sound_hold > Duration::zero());
    quality_.start(now, *peer);
    ShardPeer* const added = peer.get();
    peers_.add(std::move(peer));
    return added;
}

void Shard::apply(Timestamp now, SetRemote& c) {
    ShardPeer* peer = peers_.find(c.peer);
    if (peer == nullptr) return;
    peer::RemoteParameters remote;
    remote.ice = {c.remote.ufrag, c.remote.pwd};
    remote.local_role = to_dtls(c.local_dtls_role);
    for (Fingerprint& fingerprint : c.fingerprints)
        if (const auto digest = to_digest(fingerprint.algorithm))
            remote.fingerprints.push_back({*digest, std::move(fingerprint.value)});
    remote.sctp = c.sctp;
    remote.sctp_port = c.sctp_port;
    remote.max_message_size = c.sctp_max_message_size;
    peer->transport().set_remote(now, remote);
    changed(now, *peer);
}

void Shard::apply(Timestamp now, AddRemoteCandidate& c) {
    ShardPeer* peer = peers_.find(c.peer);
    if (peer == nullptr) return;
    ice::RemoteCandidate candidate;
    candidate.protocol =
        c.candidate.protocol == TransportProtocol::kTcp ? ice::Protocol::kTcp : ice::Protocol::kUdp;
    candidate.address = c.candidate.address;
    candidate.priority = c.candidate.priority;
    if (c.candidate.relayed) candidate.type = ice::CandidateType::kRelay;
    peer->transport().add_remote_candidate(now, candidate);
    changed(now, *peer);
}

void Shard::apply(Timestamp now, RestartIce& c) {
    ShardPeer* peer = peers_.find(c.peer);
    if (peer == nullptr || routes_.has_ufrag(c.local.ufrag)) return;
    // Checks of the old generation may still be under way: both names lead here until they end.
    routes_.add_ufrag(*peer, c.local.ufrag);
    const Duration limit = c.ice_limit.value_or(ice::Timers().checking_limit);
    peer->transport().restart_ice(now, {{c.local.ufrag, c.local.pwd}, c.tcp_only, limit});
    peer->losses.clear();
    changed(now, *peer);
}

void Shard::apply(Timestamp now, ClosePeer& c) {
    (void)routes_.departed().end(c.peer);
    tracks_.forget_moved(c.peer);
    arrivals_.end(now, c.peer);
    if (ShardPeer* peer = peers_.find(c.peer)) end_peer(now, *peer);
}

void Shard::end_peer(Timestamp now, ShardPeer& peer) {
    publications_.remove_all(now, peer);
    subscriptions_.remove_all(now, peer);
    routes_.forget(peer);
    data_.closed(peer);
    queue_.forget(peer);
    totals_.add(peer);
    peers_.erase(peer.id());
}

// ---------------------------------------------------------------- data

void Shard::apply(Timestamp now, OpenDataChannels& c) {
    ShardPeer* peer = peers_.find(c.peer);
    if (peer == nullptr) return;
    peer::Transport& transport = peer->transport();
    transport.want_channel(now, {"_reliable", true, std::nullopt});
    transport.want_channel(now, {"_lossy", false, std::uint16_t{0}});
    if (c.data_track) transport.want_channel(now, {"_data_track", false, std::uint16_t{0}});
    changed(now, *peer);
}

void Shard::apply(Timestamp now, DataMemberGone& c) {
    connections_.take_rest(now, c);
    data_.router().apply(now, c);
}

}  // namespace confab::sfu
