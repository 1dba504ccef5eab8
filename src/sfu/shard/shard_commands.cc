// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

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
    deliver_arrived(now);
    std::visit([&](auto& c) { apply(now, c); }, command);
}

// ---------------------------------------------------------------- transport

void Shard::apply(Timestamp now, CreatePeer& c) {
    if (CONFAB_BUG_IF(control_shard_of(c.peer) >= outlets_.size(), "peer_control_shard")) return;
    if (peers_.contains(c.peer) || by_ufrag_.contains(c.local.ufrag)) return;
    peer::TransportConfig transport;
    transport.ice.local = {c.local.ufrag, c.local.pwd};
    transport.ice.lite = c.ice_lite;
    transport.ice.role = c.ice_controlling ? ice::Role::kControlling : ice::Role::kControlled;
    transport.ice.tcp_only = c.tcp_only;
    transport.ice.candidates = config_.candidates;
    for (const SrtpProfile profile : c.srtp_profiles)
        transport.profiles.push_back(to_srtp(profile));
    BandwidthOptions bandwidth = config_.options.bandwidth;
    bandwidth.allow_pause = c.allow_pause.value_or(bandwidth.allow_pause);
    auto peer = std::make_unique<ShardPeer>(c.peer, crypto_, std::move(transport), bandwidth, rng_);
    add_ufrag(*peer, c.local.ufrag);
    wheel_.schedule(peer->quality_timer(), now + kQualityInterval);
    after_input(now, *peer);
    mark_dirty(*peer);
    peers_[c.peer] = std::move(peer);
}

void Shard::add_ufrag(ShardPeer& peer, const std::string& ufrag) {
    if (peer.ufrags.size() >= ShardPeer::kMaxUfrags) {
        by_ufrag_.erase(peer.ufrags.front());
        peer.ufrags.erase(peer.ufrags.begin());
    }
    peer.ufrags.push_back(ufrag);
    by_ufrag_[ufrag] = &peer;
}

void Shard::apply(Timestamp now, SetRemote& c) {
    ShardPeer* peer = find_peer(c.peer);
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
    after_input(now, *peer);
    mark_dirty(*peer);
}

void Shard::apply(Timestamp now, AddRemoteCandidate& c) {
    ShardPeer* peer = find_peer(c.peer);
    if (peer == nullptr) return;
    ice::RemoteCandidate candidate;
    candidate.protocol =
        c.candidate.protocol == TransportProtocol::kTcp ? ice::Protocol::kTcp : ice::Protocol::kUdp;
    candidate.address = c.candidate.address;
    candidate.priority = c.candidate.priority;
    peer->transport().add_remote_candidate(now, candidate);
    after_input(now, *peer);
    mark_dirty(*peer);
}

void Shard::apply(Timestamp now, RestartIce& c) {
    ShardPeer* peer = find_peer(c.peer);
    if (peer == nullptr || by_ufrag_.contains(c.local.ufrag)) return;
    // Checks of the old generation may still be under way: both names lead here until they end.
    add_ufrag(*peer, c.local.ufrag);
    peer->transport().restart_ice(now, {{c.local.ufrag, c.local.pwd}, c.tcp_only});
    after_input(now, *peer);
    mark_dirty(*peer);
}

void Shard::apply(Timestamp now, ClosePeer& c) {
    ShardPeer* peer = find_peer(c.peer);
    if (peer == nullptr) return;
    std::vector<ReceiverId> published;
    for (const Receiver* receiver : peer->uplink().inbound().receivers())
        published.push_back(receiver->id());
    for (const ReceiverId id : published)
        remove_receiver(now, id);
    while (!peer->downlink().tracks().empty())
        finish_down_track(now, *peer, *peer->downlink().tracks().back());
    for (const ice::Path& path : peer->paths)
        by_path_.erase(path);
    for (const std::string& ufrag : peer->ufrags)
        by_ufrag_.erase(ufrag);
    std::erase(data_waiting_, peer);
    data_.closed(c.peer);
    const auto dirty = std::find(dirty_.begin(), dirty_.end(), peer);
    if (dirty != dirty_.end()) {
        if (static_cast<std::size_t>(dirty - dirty_.begin()) < dirty_flushed_) --dirty_flushed_;
        dirty_.erase(dirty);
    }
    add_peer_counters(totals_, *peer);
    peers_.erase(c.peer);
}

// ---------------------------------------------------------------- publishing

Track& Shard::track_for(ReceiverId id, WorkerIndex home, MediaKind kind) {
    auto& track = tracks_[id];
    if (!track)
        track = std::make_unique<Track>(id, home, kind, config_.options.packet_buffer_size(kind));
    return *track;
}

void Shard::drop_track_if_unused(ReceiverId id) {
    const auto found = tracks_.find(id);
    if (found == tracks_.end() || receivers_.contains(id)) return;
    // Other workers still hold on to it until they unsubscribe; the receiver may come back.
    if (!found->second->subscribers().empty() || !found->second->replicas().empty()) return;
    CONFAB_CHECK(found->second->arrived().empty());  // arrived_ points there
    tracks_.erase(found);
}

void Shard::apply(Timestamp now, AddReceiver& c) {
    ShardPeer* peer = find_peer(c.peer);
    if (peer == nullptr || c.codecs.empty()) return;
    if (CONFAB_BUG_IF(
            !same_control_shard(c.peer, c.receiver) || !same_control_shard(c.peer, c.room),
            "receiver_control_shard"))
        return;
    const auto existing = receivers_.find(c.receiver);
    if (existing != receivers_.end()) {
        if (existing->second->receiver->config().mid == c.mid) return;
        remove_receiver(now, c.receiver);
    }
    auto entry = std::make_unique<ReceiverEntry>();
    entry->receiver = std::make_unique<Receiver>(c);
    entry->peer = peer;
    entry->track = &track_for(c.receiver, config_.index, c.kind);
    entry->monitor = SourceMonitor(c.kind, c.screen_share);
    SourceState& source = entry->track->source();
    source.codec = c.codecs.front().codec;
    source.mode = c.mode;
    source.clock_rate = c.codecs.front().clock_rate;
    source.dependency_descriptor = c.extensions.dependency_descriptor != 0;
    if (c.extensions.transport_cc != 0) peer->uplink().transport_cc_id = c.extensions.transport_cc;
    peer->uplink().inbound().add(*entry->receiver);
    if (c.microphone) add_microphone(now, *entry->receiver);
    receivers_[c.receiver] = std::move(entry);
}

void Shard::remove_receiver(Timestamp now, ReceiverId id) {
    const auto found = receivers_.find(id);
    if (found == receivers_.end()) return;
    ReceiverEntry& entry = *found->second;
    for (const auto& stream : entry.receiver->streams())
        (void)take_round(*entry.receiver, *stream);
    remove_microphone(*entry.receiver);
    entry.peer->uplink().inbound().remove(*entry.receiver, now);
    entry.peer->update_media_deadline(now);
    entry.peer->reschedule_needed = true;
    for (const Replica& replica : entry.track->replicas())
        push_link(now, replica.worker, LinkEnded{id});
    entry.track->source().available = 0;
    receivers_.erase(found);
    drop_track_if_unused(id);
}

void Shard::apply(Timestamp now, RemoveReceiver& c) {
    remove_receiver(now, c.receiver);
}

void Shard::apply(Timestamp now, MuteReceiver& c) {
    const auto found = receivers_.find(c.receiver);
    if (found == receivers_.end()) return;
    ReceiverEntry& entry = *found->second;
    if (entry.receiver->muted() == c.muted) return;
    entry.receiver->set_muted(c.muted);
    entry.monitor.set_muted(c.muted, entry.track->source());
    source_changed(now, *entry.track);
}

void Shard::apply(Timestamp, WantLayers& c) {
    const auto found = receivers_.find(c.receiver);
    if (found != receivers_.end()) found->second->monitor.want(c.max_spatial);
}

void Shard::add_microphone(Timestamp now, Receiver& receiver) {
    auto& speakers = speakers_[receiver.config().room];
    if (!speakers) {
        speakers = std::make_unique<Speakers>();
        speakers->room = receiver.config().room;
        speakers->interval = receiver.config().audio_level.update_interval;
        if (speakers->interval < Duration::millis(50)) speakers->interval = Duration::millis(50);
        wheel_.schedule(speakers->timer, next_tick(now, speakers->interval));
    }
    speakers->microphones.push_back({&receiver, false});
}

void Shard::remove_microphone(const Receiver& receiver) {
    const auto found = speakers_.find(receiver.config().room);
    if (found == speakers_.end()) return;
    std::erase_if(found->second->microphones,
                  [&](const Speakers::Microphone& m) { return m.receiver == &receiver; });
    if (found->second->microphones.empty()) speakers_.erase(found);
}

// ---------------------------------------------------------------- subscribing

void Shard::apply(Timestamp now, AddDownTrack& c) {
    ShardPeer* peer = find_peer(c.peer);
    if (peer == nullptr || down_tracks_.contains(c.down_track)) return;
    if (CONFAB_BUG_IF(!same_control_shard(c.peer, c.down_track), "down_track_control_shard"))
        return;
    Track& track = track_for(c.receiver, c.home, c.kind);
    OutboundTrack& outbound = peer->downlink().add(std::make_unique<OutboundTrack>(
        c, track, *peer, rng_, config_.options.packet_buffer_size(c.kind)));
    if (peer->transport().connected()) outbound.down_track.set_writable(now);
    track.add_subscriber({&outbound.down_track, peer, &outbound});
    down_tracks_[c.down_track] = {peer, &outbound};
    tell_home(now, track);
    allocate(now, *peer);
    serve_down_track(now, *peer, outbound);
    peer->update_media_deadline(now);
    peer->reschedule_needed = true;
    mark_dirty(*peer);
}

void Shard::apply(Timestamp now, UpdateDownTrack& c) {
    const auto found = down_tracks_.find(c.down_track);
    if (found == down_tracks_.end()) return;
    found->second.outbound->down_track.update_settings(c.settings, now);
    tell_home(now, *found->second.outbound->track);
    allocate(now, *found->second.peer);
    serve_down_track(now, *found->second.peer, *found->second.outbound);
    found->second.peer->update_media_deadline(now);
    found->second.peer->reschedule_needed = true;
    mark_dirty(*found->second.peer);
}

void Shard::apply(Timestamp now, SwitchDownTrack& c) {
    const auto found = down_tracks_.find(c.down_track);
    if (found == down_tracks_.end()) return;
    OutboundTrack& outbound = *found->second.outbound;
    const ReceiverId old = outbound.track->id();
    if (old == c.receiver) return;
    detach(now, outbound);
    Track& track = track_for(c.receiver, c.home, outbound.down_track.kind());
    outbound.track = &track;
    track.add_subscriber({&outbound.down_track, found->second.peer, &outbound});
    outbound.down_track.switch_source(track.source(), now);
    drop_track_if_unused(old);
    tell_home(now, track);
    serve_down_track(now, *found->second.peer, outbound);
    found->second.peer->update_media_deadline(now);
    found->second.peer->reschedule_needed = true;
    mark_dirty(*found->second.peer);
}

// Takes the down-track away from its track, whose replica ends with the last subscriber.
void Shard::detach(Timestamp now, OutboundTrack& outbound) {
    outbound.track->remove_subscriber(outbound.down_track);
    tell_home(now, *outbound.track);
}

void Shard::apply(Timestamp now, RemoveDownTrack& c) {
    const auto found = down_tracks_.find(c.down_track);
    if (found == down_tracks_.end()) return;
    ShardPeer& peer = *found->second.peer;
    OutboundTrack& outbound = *found->second.outbound;
    outbound.closing = true;
    peer.downlink().stop_demanding(outbound.down_track);
    outbound.down_track.close(now, c.blank_frames);
    serve_down_track(now, peer, outbound);
    if (outbound.down_track.closed()) finish_down_track(now, peer, outbound);
    allocate(now, peer);
    peer.update_media_deadline(now);
    peer.reschedule_needed = true;
    mark_dirty(peer);
}

void Shard::finish_down_track(Timestamp now, ShardPeer& peer, OutboundTrack& outbound) {
    const ReceiverId receiver = outbound.track->id();
    (void)CONFAB_BUG_IF(down_tracks_.erase(outbound.down_track.id()) != 1, "down_track_unknown");
    (void)take_window(outbound.down_track);
    detach(now, outbound);
    peer.downlink().remove(outbound.down_track);
    drop_track_if_unused(receiver);
}

void Shard::apply(Timestamp now, SetBandwidthLimit& c) {
    ShardPeer* peer = find_peer(c.peer);
    if (peer == nullptr) return;
    peer->downlink().bandwidth().set_limit(c.bits_per_second);
    allocate(now, *peer);
    mark_dirty(*peer);
}

// ---------------------------------------------------------------- data

void Shard::apply(Timestamp now, OpenDataChannels& c) {
    ShardPeer* peer = find_peer(c.peer);
    if (peer == nullptr) return;
    peer::Transport& transport = peer->transport();
    transport.want_channel(now, {"_reliable", true, std::nullopt});
    transport.want_channel(now, {"_lossy", false, std::uint16_t{0}});
    if (c.data_track) transport.want_channel(now, {"_data_track", false, std::uint16_t{0}});
    after_input(now, *peer);
    mark_dirty(*peer);
}

}  // namespace confab::sfu
