// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/world/direct_control.h"

#include <algorithm>

#include "sfu/shard/shard.h"

namespace confab::sim {
namespace {
constexpr sfu::RoomId kRoom{1};
constexpr Duration kSettled = Duration::seconds(4);
}  // namespace

// ---------------------------------------------------------------- names and numbers

std::string DirectControl::random_text(std::size_t size) {
    static constexpr std::string_view kLetters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    std::string text;
    for (std::size_t i = 0; i < size; ++i)
        text += kLetters[rng_.below(kLetters.size())];
    return text;
}

sfu::IceCredentials DirectControl::new_credentials(std::size_t shard) {
    return {std::string(1, sfu::kOwnerLetters[shard]) + random_text(15), random_text(32)};
}

std::uint32_t DirectControl::new_ssrc() {
    for (;;) {
        const std::uint32_t ssrc = rng_.u32();
        if (ssrc != 0 && ssrcs_.insert(ssrc).second) return ssrc;
    }
}

// ---------------------------------------------------------------- connections

peer::RemoteParameters DirectControl::remote_of(const Member& member) const {
    peer::RemoteParameters remote;
    remote.ice = {member.server.ufrag, member.server.pwd};
    remote.local_role = dtls::Role::kClient;
    remote.sctp = true;
    return remote;
}

void DirectControl::join(ClientId id, bool ice_lite) {
    Client* client = host_.client(id);
    if (client == nullptr || members_.contains(id)) return;
    Member member;
    member.peer = sfu::PeerId(next_id_++);
    member.shard = rng_.below(host_.shards());
    member.server = new_credentials(member.shard);
    member.changed = host_.now();
    sfu::CreatePeer create;
    create.peer = member.peer;
    create.local = member.server;
    create.ice_lite = ice_lite;
    host_.command(member.shard, create);
    sfu::SetRemote remote;
    remote.peer = member.peer;
    const ice::Credentials& own = client->ice_credentials();
    remote.remote = {own.ufrag, own.pwd};
    remote.local_dtls_role = sfu::DtlsRole::kServer;
    remote.sctp = true;
    host_.command(member.shard, remote);
    host_.command(member.shard, sfu::OpenDataChannels{member.peer, true});
    client->connect(host_.now(), remote_of(member), host_.server_address(member.shard));
    members_[id] = member;
    for (const auto& track : tracks_)
        subscribe(*track, id);
}

void DirectControl::restart_ice(ClientId id) {
    Client* client = host_.client(id);
    const auto found = members_.find(id);
    if (client == nullptr || found == members_.end() || !connected(id)) return;
    Member& member = found->second;
    member.server = new_credentials(member.shard);
    member.changed = host_.now();
    const ice::Credentials own{random_text(8), random_text(24)};
    host_.command(member.shard, sfu::RestartIce{member.peer, member.server, false});
    sfu::SetRemote remote;
    remote.peer = member.peer;
    remote.remote = {own.ufrag, own.pwd};
    remote.sctp = true;
    host_.command(member.shard, remote);
    client->restart_ice(host_.now(), own, remote_of(member), host_.server_address(member.shard));
}

void DirectControl::leave(ClientId id) {
    const auto found = members_.find(id);
    if (found == members_.end()) return;
    const Member member = found->second;
    for (Track* track : tracks_of(id)) {
        // The publisher's receivers end with its peer.
        for (const Subscription& s : track->subscriptions)
            unsubscribe(*track, s);
        track->subscriptions.clear();
    }
    std::erase_if(tracks_, [&](const auto& t) { return t->owner == id; });
    // Its own down-tracks likewise.
    for (const auto& track : tracks_)
        std::erase_if(track->subscriptions,
                      [&](const Subscription& s) { return s.subscriber == id; });
    host_.command(member.shard, sfu::ClosePeer{member.peer});
    members_.erase(found);
}

bool DirectControl::connected(ClientId id) const {
    const auto found = members_.find(id);
    Client* client = host_.client(id);
    return found != members_.end() && client != nullptr && found->second.server_connected &&
           client->connected();
}

// ---------------------------------------------------------------- publishing

TrackPlan DirectControl::make_plan(sfu::MediaKind kind, std::size_t layers, bool obstinate) {
    static constexpr std::array<std::string_view, 3> kRids{"q", "h", "f"};
    TrackPlan plan;
    plan.number = static_cast<std::uint32_t>(next_id_++);
    plan.kind = kind;
    plan.mid = std::to_string(plan.number);
    plan.sends_while_muted = obstinate;
    plan.announce_ssrcs = rng_.below(4) == 0;
    const bool video = kind == sfu::MediaKind::kVideo;
    const std::size_t count = video ? std::clamp<std::size_t>(layers, 1, 3) : 1;
    for (std::size_t i = 0; i < count; ++i) {
        LayerPlan layer;
        if (count > 1) layer.rid = kRids[i];
        layer.ssrc = new_ssrc();
        if (video) layer.rtx_ssrc = new_ssrc();
        layer.width = static_cast<std::uint16_t>(320 << i);
        layer.height = static_cast<std::uint16_t>(180 << i);
        layer.packets_per_frame = static_cast<std::uint8_t>(1 + i);
        plan.layers.push_back(std::move(layer));
    }
    return plan;
}

sfu::AddReceiver DirectControl::receiver_of(const Track& track) const {
    const bool video = track.plan.kind == sfu::MediaKind::kVideo;
    sfu::AddReceiver add;
    add.receiver = track.receiver;
    add.peer = members_.at(track.owner).peer;
    add.room = kRoom;
    add.kind = track.plan.kind;
    add.mid = track.plan.mid;
    if (video)
        add.codecs = {{sfu::Codec::kVp8, PayloadType(kVp8Type), PayloadType(kVp8RtxType), 90'000,
                       true, std::nullopt}};
    else
        add.codecs = {
            {sfu::Codec::kOpus, PayloadType(kOpusType), std::nullopt, 48'000, false, std::nullopt}};
    add.extensions.mid = kMidExtension;
    add.extensions.rid = kRidExtension;
    add.extensions.repaired_rid = kRepairedRidExtension;
    add.extensions.audio_level = kAudioLevelExtension;
    add.extensions.transport_cc = kTransportCcExtension;
    add.microphone = !video;
    for (std::size_t i = 0; i < track.plan.layers.size(); ++i) {
        const LayerPlan& plan = track.plan.layers[i];
        sfu::ReceiveLayer layer;
        layer.rid = plan.rid;
        layer.spatial = static_cast<std::uint8_t>(i);
        layer.width = plan.width;
        layer.height = plan.height;
        if (track.plan.announce_ssrcs) {
            layer.ssrc = Ssrc(plan.ssrc);
            if (video) layer.rtx_ssrc = Ssrc(plan.rtx_ssrc);
        }
        add.layers.push_back(std::move(layer));
    }
    return add;
}

void DirectControl::publish(ClientId id, sfu::MediaKind kind, std::size_t layers, bool obstinate) {
    Client* client = host_.client(id);
    const auto member = members_.find(id);
    if (client == nullptr || member == members_.end()) return;
    auto track = std::make_unique<Track>();
    track->owner = id;
    track->plan = make_plan(kind, layers, obstinate);
    track->receiver = sfu::ReceiverId(next_id_++);
    track->changed = host_.now();
    host_.command(member->second.shard, receiver_of(*track));
    client->publisher().add_track(host_.now(), track->plan);
    for (const auto& [other, unused] : members_)
        if (other != id) subscribe(*track, other);
    tracks_.push_back(std::move(track));
}

std::vector<DirectControl::Track*> DirectControl::tracks_of(ClientId owner) {
    std::vector<Track*> found;
    for (const auto& track : tracks_)
        if (track->owner == owner) found.push_back(track.get());
    return found;
}

void DirectControl::end_track(Track& track) {
    for (const Subscription& s : track.subscriptions)
        unsubscribe(track, s);
    track.subscriptions.clear();
    host_.command(members_.at(track.owner).shard, sfu::RemoveReceiver{track.receiver});
    if (Client* client = host_.client(track.owner))
        client->publisher().remove_track(track.plan.number);
}

void DirectControl::unpublish(ClientId id) {
    const auto tracks = tracks_of(id);
    if (tracks.empty()) return;
    const Track* last = tracks.back();
    end_track(*tracks.back());
    std::erase_if(tracks_, [&](const auto& t) { return t.get() == last; });
}

void DirectControl::set_muted(ClientId id, std::size_t index, bool muted) {
    const auto tracks = tracks_of(id);
    if (tracks.empty()) return;
    Track& track = *tracks[index % tracks.size()];
    if (track.muted == muted) return;
    track.muted = muted;
    track.changed = host_.now();
    host_.command(members_.at(id).shard, sfu::MuteReceiver{track.receiver, muted});
    if (Client* client = host_.client(id)) client->publisher().set_muted(track.plan.number, muted);
    for (const Subscription& s : track.subscriptions)
        apply_permission(track, s);
}

// ---------------------------------------------------------------- subscribing

void DirectControl::subscribe(Track& track, ClientId subscriber) {
    Client* client = host_.client(subscriber);
    const Member& member = members_.at(subscriber);
    if (client == nullptr) return;
    const bool video = track.plan.kind == sfu::MediaKind::kVideo;
    Subscription subscription;
    subscription.subscriber = subscriber;
    subscription.down_track = sfu::DownTrackId(next_id_++);
    subscription.changed = host_.now();
    sfu::AddDownTrack add;
    add.down_track = subscription.down_track;
    add.peer = member.peer;
    add.receiver = track.receiver;
    add.home = static_cast<sfu::WorkerIndex>(members_.at(track.owner).shard);
    add.kind = track.plan.kind;
    add.ssrc = Ssrc(new_ssrc());
    if (video) {
        add.rtx_ssrc = Ssrc(new_ssrc());
        add.codecs = {
            {sfu::Codec::kVp8, PayloadType(kVp8Type), PayloadType(kVp8RtxType), 90'000, true}};
    } else {
        add.codecs = {{sfu::Codec::kOpus, PayloadType(kOpusType), std::nullopt, 48'000, false}};
    }
    add.extensions.abs_send_time = kAbsSendTimeExtension;
    add.cname = "stream" + std::to_string(track.owner);
    add.mid = std::to_string(add.down_track.value());
    host_.command(member.shard, add);
    client->subscriber().add({track.plan.number, track.plan.kind, add.ssrc.value(),
                              add.rtx_ssrc.value(), video ? kVp8Type : kOpusType, kVp8RtxType});
    track.subscriptions.push_back(subscription);
    apply_permission(track, subscription);
}

void DirectControl::unsubscribe(Track& track, const Subscription& subscription) {
    const auto member = members_.find(subscription.subscriber);
    if (member == members_.end()) return;
    host_.command(member->second.shard,
                  sfu::RemoveDownTrack{subscription.down_track, rng_.below(2) == 0});
    if (Client* client = host_.client(subscription.subscriber))
        client->subscriber().remove(host_.now(), track.plan.number);
}

void DirectControl::apply_permission(const Track& track, const Subscription& subscription) {
    Client* client = host_.client(subscription.subscriber);
    if (client == nullptr) return;
    StreamChecker* stream = client->subscriber().find(track.plan.number);
    if (stream == nullptr) return;
    if (track.muted || !subscription.settings.enabled)
        stream->forbid_from(host_.now());
    else
        stream->allow_from(host_.now());
}

void DirectControl::update_settings(ClientId id, std::size_t index,
                                    sfu::DownTrackSettings settings) {
    std::vector<std::pair<Track*, Subscription*>> own;
    for (const auto& track : tracks_)
        for (Subscription& s : track->subscriptions)
            if (s.subscriber == id) own.emplace_back(track.get(), &s);
    if (own.empty()) return;
    auto& [track, subscription] = own[index % own.size()];
    subscription->settings = settings;
    subscription->changed = host_.now();
    host_.command(members_.at(id).shard, sfu::UpdateDownTrack{subscription->down_track, settings});
    apply_permission(*track, *subscription);
}

// ---------------------------------------------------------------- events

void DirectControl::relay(const sfu::DataReceived& data) {
    std::map<std::size_t, std::vector<sfu::PeerId>> by_shard;
    for (const auto& [id, member] : members_)
        if (member.peer != data.peer) by_shard[member.shard].push_back(member.peer);
    for (auto& [shard, peers] : by_shard)
        host_.command(shard, sfu::SendData{std::move(peers), data.channel, data.payload});
}

void DirectControl::handle_event(std::size_t, const sfu::Event& event) {
    if (const auto* data = std::get_if<sfu::DataReceived>(&event)) return relay(*data);
    const auto* state = std::get_if<sfu::PeerStateChanged>(&event);
    if (state == nullptr) return;
    for (auto& [id, member] : members_) {
        if (member.peer != state->peer) continue;
        member.server_connected = state->state == sfu::PeerState::kConnected ||
                                  state->state == sfu::PeerState::kReconnected;
        member.changed = host_.now();
    }
}

std::vector<Expectation> DirectControl::expectations() const {
    std::vector<Expectation> out;
    const Timestamp before = host_.now() - kSettled;
    for (const auto& track : tracks_) {
        for (const Subscription& s : track->subscriptions) {
            Expectation e{s.subscriber, track->plan.number, false, 0, 0};
            e.flows = connected(track->owner) && connected(s.subscriber) && !track->muted &&
                      s.settings.enabled && track->changed < before && s.changed < before &&
                      members_.at(track->owner).changed < before &&
                      members_.at(s.subscriber).changed < before;
            const std::size_t top = track->plan.layers.size() - 1;
            e.spatial =
                static_cast<std::uint8_t>(std::min<std::size_t>(top, s.settings.max_spatial));
            e.temporal = std::min<std::uint8_t>(2, s.settings.max_temporal);
            out.push_back(e);
        }
    }
    return out;
}

}  // namespace confab::sim
