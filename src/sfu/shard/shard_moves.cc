// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Shard: connections that go on at another worker or in another process (02 MC-20, FWD-18;
// docs/design/migration.md).
#include <algorithm>
#include <utility>

#include "base/state/state.h"
#include "sfu/shard/shard.h"

namespace confab::sfu {
namespace {

constexpr std::uint32_t kVersion = 1;
// Another worker answers within a turn of its own; it may be busy.
constexpr Duration kSettling = Duration::millis(200);

// A TCP stream is of the socket that it came to, which stays.
bool has_stream(const ShardPeer& peer) {
    const auto& path = peer.transport().path();
    return path && path->protocol == ice::Protocol::kTcp;
}

std::vector<PeerId> peers_of(const ExportPeer& c) {
    return c.with == PeerId() ? std::vector{c.peer} : std::vector{c.peer, c.with};
}

}  // namespace

// ---------------------------------------------------------------- away from here

void Shard::apply(Timestamp now, ExportPeer& c) {
    const bool elsewhere = !c.to || (*c.to != config_.index && *c.to < config_.worker_count);
    const std::vector<PeerId> all = peers_of(c);
    const auto stays = [&](PeerId id) {
        const ShardPeer* peer = peers_.find(id);
        return peer == nullptr || has_stream(*peer) || data_.router().rooms().lags(id);
    };
    if (!elsewhere || std::any_of(all.begin(), all.end(), stays)) {
        for (const PeerId id : all)
            events_.emit(PeerExported{id, {}, now});
        return;
    }
    leaving_.push_back({c, now + kSettling});
    if (c.to) moves_of(data_.router()).begin(c.peer, *c.to);
    for (const PeerId id : all) {
        ShardPeer& peer = *peers_.find(id);
        peer.downlink().hurry();
        queue_.mark_media(peer);
        queue_.mark(peer);
    }
}

PeerBytes Shard::save(Timestamp now, const ShardPeer& peer, bool here) {
    const auto transport = peer.transport().export_state(now);
    if (!transport) return {};
    StateWriter out(now);
    state_version(out, kVersion);
    out.field(2, transport->view());
    out.part(3, peer);
    out.record(4, [&](StateWriter& inner) { publications_.save(peer, here, inner); });
    out.part(5, peer.uplink());
    out.record(6, [&](StateWriter& inner) { subscriptions_.save(peer, inner); });
    out.part(7, peer.downlink());
    out.record(8, [&](StateWriter& inner) { data_.router().rooms().save(peer.id(), inner); });
    return PeerBytes(out.view());
}

void Shard::finish_exports(Timestamp now) {
    for (const Leaving& one : std::exchange(leaving_, {})) {
        const ExportPeer& c = one.command;
        const bool settled = moves_of(data_.router()).may_leave(c.peer);
        if (!settled && now < one.until) {
            leaving_.push_back(one);
            continue;
        }
        std::vector<PeerExported> told;
        bool all = settled;
        for (const PeerId id : peers_of(c)) {
            const ShardPeer* peer = peers_.find(id);
            // Where nobody takes what there is to tell, it stays; and who lags by now.
            const bool heard = peer != nullptr && events_.has_room(control_shard_of(id)) &&
                               !data_.router().rooms().lags(id);
            told.push_back({id, heard ? save(now, *peer, c.to.has_value()) : PeerBytes(), now});
            all = all && told.back().state;
        }
        if (!all) moves_of(data_.router()).stay(c.peer);
        for (PeerExported& each : told) {
            ShardPeer* peer = peers_.find(each.peer);
            if (all) QualityReports::hand_over(now, *peer);
            if (all && c.to) {
                publications_.move_all(now, *peer, *c.to);
                routes_.pass_on(now, *peer, *c.to);
            }
            if (all)
                end_peer(now, *peer);
            else if (peer != nullptr)
                peer->downlink().hurry(false);
            if (!all) each.state = {};
            events_.emit(std::move(each));
        }
    }
}

// ---------------------------------------------------------------- to here

bool Shard::load(Timestamp now, ShardPeer& peer, ImportPeer& c) {
    using Before = peer::Transport::Before;
    StateReader in(c.state.view(), c.exported.value_or(now));
    state_version(in, kVersion);
    BytesView transport;
    in.field(2, transport);
    if (!in.ok() || !peer.transport().import_state(transport, in.now(),
                                                   c.in_doubt ? Before::kInDoubt : Before::kSilent))
        return false;
    in.part(3, peer);
    for (const std::string& ufrag : std::exchange(peer.ufrags, {})) {
        if (ufrag.empty() || routes_.has_ufrag(ufrag)) return false;
        routes_.add_ufrag(peer, ufrag);
    }
    in.record(4, [&](StateReader& inner) { publications_.load(now, c.receivers, inner); });
    in.part(5, peer.uplink());
    in.record(
        6, [&](StateReader& inner) { subscriptions_.load(now, c.down_tracks, c.in_doubt, inner); });
    in.part(7, peer.downlink());
    if (c.in_doubt) peer.downlink().skip_ahead(Subscriptions::kNumbersInDoubt);
    in.record(8,
              [&](StateReader& inner) { data_.router().rooms().load(peer.id(), in.now(), inner); });
    return in.finish();
}

void Shard::apply(Timestamp now, ImportPeer& c) {
    const PeerId id = c.create.peer;
    const auto of_peer = [id](const auto& track) { return track.peer == id; };
    const bool sound = c.state && std::all_of(c.receivers.begin(), c.receivers.end(), of_peer) &&
                       std::all_of(c.down_tracks.begin(), c.down_tracks.end(), of_peer);
    ShardPeer* peer = sound ? add_peer(now, c.create) : nullptr;
    const bool taken = peer != nullptr && load(now, *peer, c);
    if (taken) {
        tracks_.forget_moved(id);
        for (const auto& outbound : peer->downlink().tracks())
            if (const auto passed = std::exchange(outbound->passed, {}))
                fan_out_.catch_up(now, *outbound, *passed);
        arrivals_.end(now, id);
        routes_.take_over(*peer);
        for (const ice::Path& path : shown_paths(peer->transport()))
            for (std::size_t w = 0; w < config_.worker_count; ++w)
                if (w != config_.index)
                    links_.push(now, static_cast<WorkerIndex>(w), LinkPathProved{path});
        for (std::size_t w = 0; w < config_.worker_count; ++w)
            if (w != config_.index) links_.push(now, static_cast<WorkerIndex>(w), LinkArrived{id});
        data_.router().connected(now, id);
        subscriptions_.allocate(now, *peer);
        changed(now, *peer);
        peer->update_media_deadline(now);
        // It came back to where it was.
        std::vector<Departures::Held> waited;
        (void)routes_.departed().end(id, &waited);
        for (Departures::Held& one : waited)
            (void)handle_datagram(now, one.path, std::move(one.packet), {{}, one.arrival});
    } else if (peer != nullptr) {
        end_peer(now, *peer);
    }
    events_.emit(PeerImported{id, taken});
}

void Shard::apply(Timestamp now, EndAwait& c) {
    arrivals_.apply(now, c);
    routes_.departed().add_names(c.peer, c.at, c.names);
    for (const ReceiverId receiver : c.receivers)
        if (tracks_.find_receiver(receiver) == nullptr) tracks_.note_moved(receiver, c.peer, c.at);
    for (const ReceiverId receiver : tracks_.moved_of(c.peer))
        replicas_.send_on(now, receiver);
}

}  // namespace confab::sfu
