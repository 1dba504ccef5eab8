// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a connection publishes and what it is sent, as bytes (base/state/state.h; 02 FWD-18): for
// each receiver and down-track its state, by its id.
#include "base/state/state.h"

#include <algorithm>
#include <vector>

#include "sfu/packet/state_fields.h"
#include "sfu/shard/owner_letters.h"
#include "sfu/tracks/publications.h"
#include "sfu/tracks/subscriptions.h"

namespace confab::sfu {
namespace {

constexpr std::size_t kMaxTracks = 65'536;  // of a connection

// The command for this id; it is told once.
template <typename Add, typename Id>
Add* take(std::vector<Add>& all, std::vector<bool>& taken, Id Add::* id, std::uint64_t value) {
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].*id != Id(value) || taken[i]) continue;
        taken[i] = true;
        return &all[i];
    }
    return nullptr;
}

// Its first packet may have come when control had described it already (SIG-100).
void know_codec(Timestamp now, Receiver& receiver) {
    if (!receiver.config().any_codec) return;
    const std::vector<ReceiveCodec>& codecs = receiver.config().codecs;
    for (const auto& stream : receiver.streams()) {
        const auto found = std::find_if(codecs.begin(), codecs.end(), [&](const ReceiveCodec& c) {
            return c.codec == stream->codec();
        });
        if (found != codecs.end()) return (void)receiver.take_codec(now, found->pt.value());
    }
}

// What rings were too full for is asked for by nobody: a key frame makes up for it (DES-41). Of
// sound there is none.
void mend_gaps(const std::vector<Replica>& fed, Receiver& receiver) {
    if (receiver.config().kind != MediaKind::kVideo) return;
    const bool any =
        std::any_of(fed.begin(), fed.end(), [](const Replica& r) { return r.gaps != 0; });
    for (const auto& stream : receiver.streams())
        if (any) stream->request_key_frame();
}

}  // namespace

// ---------------------------------------------------------------- published

void Publications::save(const ShardPeer& peer, bool here, StateWriter& out) const {
    for (const Receiver* receiver : peer.uplink().inbound().receivers()) {
        const ReceiverEntry* entry = parts_.tracks.find_receiver(receiver->id());
        if (entry == nullptr) continue;
        std::vector<Replica> fed;
        if (here) {
            fed = entry->track->replicas();
            if (!entry->track->unused())
                fed.push_back({parts_.tracks.self(), entry->track->max_wanted(), 0});
        }
        out.record(1, [&](StateWriter& inner) {
            inner.field(1, entry->receiver->id().value());
            inner.part(2, *entry->receiver);
            inner.part(3, entry->monitor);
            inner.part(4, entry->track->source());
            inner.list(5, fed, fed.size(), [](auto& one, const Replica& replica) {
                one.field(1, replica.worker);
                one.field(2, replica.max_spatial);
                one.field(3, replica.gaps);
            });
        });
    }
}

void Publications::load(Timestamp now, std::vector<AddReceiver>& receivers, StateReader& in) {
    std::vector<bool> loaded(receivers.size());
    std::vector<bool> seen;
    in.list(1, seen, kMaxTracks, [&](StateReader& inner, auto&&) {
        std::uint64_t id = 0;
        inner.field(1, id);
        AddReceiver* c = take(receivers, loaded, &AddReceiver::receiver, id);
        if (c == nullptr) return;
        // One that is here already is somebody's.
        if (parts_.tracks.find_receiver(c->receiver) != nullptr) return inner.refuse();
        apply(now, *c);
        ReceiverEntry* entry = parts_.tracks.find_receiver(c->receiver);
        if (entry == nullptr) return;
        inner.part(2, *entry->receiver);
        know_codec(now, *entry->receiver);
        inner.part(3, entry->monitor);
        inner.part(4, entry->track->source());
        parts_.speakers.moved_here(*entry->receiver);
        // Those are fed from the first packet on, whether their word has come by now or not.
        std::vector<Replica> fed;
        inner.list(5, fed, kMaxWorkers, [](auto& one, Replica& replica) {
            one.field(1, replica.worker);
            bounded_field(one, 2, replica.max_spatial, -1, kMaxSpatialLayers - 1);
            bounded_field(one, 3, replica.gaps, 0, (1U << kMaxSpatialLayers) - 1);
        });
        if (!inner.ok()) return;
        mend_gaps(fed, *entry->receiver);
        for (const Replica& replica : fed)
            if (replica.worker != parts_.tracks.self())
                entry->track->set_replica(replica.worker, replica.max_spatial);
        parts_.replicas.move_here(now, *entry->track);
        parts_.wheel.schedule(entry->timer, entry->monitor.next_deadline());
    });
    for (std::size_t i = 0; i < receivers.size() && in.ok(); ++i)
        if (!loaded[i]) apply(now, receivers[i]);
}

// ---------------------------------------------------------------- subscribed

void Subscriptions::save(const ShardPeer& peer, StateWriter& out) const {
    for (const auto& outbound : peer.downlink().tracks()) {
        if (outbound->closing) continue;
        out.record(1, [&outbound](StateWriter& inner) {
            inner.field(1, outbound->down_track.info().id.value());
            inner.field(2, outbound->track->id().value());
            inner.part(3, outbound->track->source());
            inner.part(4, outbound->down_track);
            inner.list(5, outbound->track->passed(), kMaxSpatialLayers,
                       [](auto& one, std::int64_t passed) { line_field(one, 1, passed); });
        });
    }
}

void Subscriptions::load(Timestamp now, std::vector<AddDownTrack>& down_tracks, bool in_doubt,
                         StateReader& in) {
    std::vector<bool> loaded(down_tracks.size());
    std::vector<bool> seen;
    in.list(1, seen, kMaxTracks, [&](StateReader& inner, auto&&) {
        std::uint64_t id = 0;
        inner.field(1, id);
        AddDownTrack* c = take(down_tracks, loaded, &AddDownTrack::down_track, id);
        if (c != nullptr && may_add(*c)) load_one(now, *c, in_doubt, inner);
    });
    for (std::size_t i = 0; i < down_tracks.size() && in.ok(); ++i)
        if (!loaded[i]) apply(now, down_tracks[i]);
}

void Subscriptions::load_one(Timestamp now, const AddDownTrack& c, bool in_doubt, StateReader& in) {
    std::uint64_t receiver = 0;
    in.field(2, receiver);
    SourceState known;
    in.part(3, known);
    Track& track = parts_.tracks.at(c.receiver, c.home, c.kind);
    const bool same = c.receiver == ReceiverId(receiver);
    // What its home will tell again: until then it is as it was, and packets go on.
    if (same && in.ok() && track.source().codec == Codec::kNone) track.source() = known;
    OutboundTrack& outbound = add(c, track);
    DownTrack& down_track = outbound.down_track;
    in.part(4, down_track);
    std::vector<std::int64_t> passed;
    in.list(5, passed, kMaxSpatialLayers,
            [](auto& one, std::int64_t& value) { line_field(one, 1, value); });
    if (!in.ok()) return;
    if (same && passed.size() == kMaxSpatialLayers && !in_doubt)
        std::copy(passed.begin(), passed.end(), outbound.passed.emplace().begin());
    if (in_doubt) StateAccess<DownTrack>::skip_ahead(down_track, kNumbersInDoubt);
    if (same) {
        outbound.peer->downlink().resume_share(down_track);
        // Its track may have been muted or unmuted meanwhile, which was told to nobody here.
        down_track.source_changed(now);
    } else {
        down_track.switch_source(track.source(), now);
    }
    down_track.update_settings(c.settings, now);
    if (outbound.peer->transport().connected()) down_track.set_writable(now);
    parts_.upstream.tell_wanted(now, track);
    serve(now, outbound);
}

}  // namespace confab::sfu
