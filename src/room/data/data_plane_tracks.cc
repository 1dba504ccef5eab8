// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DataPlane: data tracks between participants (01 SIG-125, SIG-126; 02 §6.4).
#include "room/data/data_plane.h"
#include "room/signal/responses.h"
#include "room/signal/unpublished.h"

namespace confab::room {

std::optional<DataPlane::Refusal> DataPlane::publish_track(
    Participant& p, const livekit::PublishDataTrackRequest& request) {
    if (!scope_->config.enable_data_tracks || !p.info.permission().can_publish_data())
        return Refusal{livekit::RequestResponse::NOT_ALLOWED,
                       "does not have permission to publish data"};
    PublishedDataTracks& tracks = member(p).tracks;
    if (auto refusal =
            tracks.publish(request, scope_->config.limits.custom_encoding, scope_->ids.rng()))
        return refusal;
    const livekit::DataTrackInfo& info = *tracks.find(request.pub_handle());
    add_track(p, info);
    livekit::SignalResponse response;
    *response.mutable_publish_data_track_response()->mutable_info() = info;
    p.signal.send(std::move(response));
    host_->data_tracks_changed(p);
    offer(p, info.sid());
    return std::nullopt;
}

void DataPlane::add_track(const Participant& p, const livekit::DataTrackInfo& info) {
    const sfu::DataTrackId id(scope_->ids.next());
    tracks_[info.sid()] = {p.identity(), id};
    tell(p, sfu::AddDataTrack{room_, id_of(p), static_cast<std::uint16_t>(info.pub_handle()), id});
}

// A new track, to those who want it.
void DataPlane::offer(const Participant& publisher, const std::string& track_sid) {
    for (Participant* other : roster_->everyone()) {
        if (other == &publisher) continue;
        Member& m = member(*other);
        m.subscriptions.make_place(tracks_);
        if (m.auto_subscribe) m.subscriptions.want_by_default(track_sid);
        if (reconcile_track(*other, track_sid)) send_handles(*other);
    }
}

void DataPlane::announce_all(Participant& p) {
    for (const auto& [handle, info] : member(p).tracks.all()) {
        add_track(p, info);
        offer(p, info.sid());
    }
    if (member(p).handles_at) send_handles(p);
}

bool DataPlane::unpublish_track(Participant& p, std::uint32_t handle) {
    const auto info = member(p).tracks.unpublish(handle);
    if (!info) return false;
    tell_data_unpublished(scope_->now(), p, *info);
    host_->data_tracks_changed(p);
    end_track(p, *info);
    return true;
}

std::vector<livekit::DataTrackInfo> DataPlane::unpublish_all(Participant& p) {
    std::vector<livekit::DataTrackInfo> ended;
    for (const auto& [handle, info] : member(p).tracks.all())
        ended.push_back(info);
    member(p).tracks.clear();
    for (const livekit::DataTrackInfo& info : ended)
        end_track(p, info);
    return ended;
}

void DataPlane::mirror(Participant& p, PublishedDataTracks now) {
    const auto before = member(p).tracks.all();
    member(p).tracks = std::move(now);
    const auto is_in = [](const auto& tracks, std::uint32_t handle, const std::string& sid) {
        const auto at = tracks.find(handle);
        return at != tracks.end() && at->second.sid() == sid;
    };
    std::vector<std::string> added;
    bool ended = false;
    for (const auto& [handle, info] : before) {
        if (is_in(member(p).tracks.all(), handle, info.sid())) continue;
        end_track(p, info);
        ended = true;
    }
    for (const auto& [handle, info] : member(p).tracks.all()) {
        if (is_in(before, handle, info.sid())) continue;
        add_track(p, info);
        added.push_back(info.sid());
    }
    if (ended || !added.empty()) host_->data_tracks_changed(p);
    for (const std::string& sid : added)
        offer(p, sid);
}

void DataPlane::end_track(const Participant& p, const livekit::DataTrackInfo& info) {
    tell(p, sfu::RemoveDataTrack{room_, id_of(p), static_cast<std::uint16_t>(info.pub_handle())});
    for (Participant* other : roster_->everyone()) {
        if (other == &p || !member(*other).subscriptions.forget(info.sid())) continue;
        flow(*other, info.sid(), 0);
        send_handles(*other);
    }
    tracks_.erase(info.sid());
}

void DataPlane::flow(const Participant& p, const std::string& track_sid,
                     std::uint16_t handle) const {
    const auto known = tracks_.find(track_sid);
    if (known != tracks_.end())
        tell(p, sfu::FlowDataTrack{room_, id_of(p), known->second.id, handle,
                                   member(p).subscriptions.target_fps(track_sid)});
}

// A data track flows to who wants it while it may (SIG-10, SIG-42, SIG-112). True when the handles
// of the participant changed.
bool DataPlane::reconcile_track(Participant& p, const std::string& track_sid) {
    DataSubscriptions& own = member(p).subscriptions;
    const auto stop = [&] {
        const bool flowed = own.detach(track_sid);
        if (flowed) flow(p, track_sid, 0);
        return flowed;
    };
    const auto known = tracks_.find(track_sid);
    const Participant* publisher =
        known == tracks_.end() ? nullptr : roster_->find(known->second.publisher);
    if (publisher == nullptr || publisher == &p || !own.wants(track_sid) ||
        !p.info.permission().can_subscribe())
        return stop();
    const bool allowed = p.recorder() || host_->grants_access(*publisher, p, track_sid);
    if (own.note_allowed(scope_->now(), track_sid, allowed))
        p.signal.send(subscription_permission_message(publisher->sid(), track_sid, allowed));
    if (!allowed) return stop();
    if (!own.attach(track_sid, publisher->identity(), publisher->sid())) return false;
    flow(p, track_sid, own.handle(track_sid));
    return true;
}

void DataPlane::reconcile(Participant& p) {
    Member& m = member(p);
    bool told = false;
    for (const auto& [sid, track] : tracks_) {
        if (m.auto_subscribe && track.publisher != p.identity())
            m.subscriptions.want_by_default(sid);
        if (m.subscriptions.wants(sid)) told = reconcile_track(p, sid) || told;
    }
    if (told) send_handles(p);
}

void DataPlane::reconcile_publisher(Participant& publisher) {
    for (const auto& [handle, info] : member(publisher).tracks.all())
        for (Participant* p : roster_->everyone())
            if (reconcile_track(*p, info.sid())) send_handles(*p);
}

void DataPlane::renew(Participant& publisher) {
    for (const auto& [handle, info] : member(publisher).tracks.all())
        for (Participant* p : roster_->everyone()) {
            if (!member(*p).subscriptions.detach(info.sid())) continue;
            flow(*p, info.sid(), 0);
            (void)reconcile_track(*p, info.sid());
            send_handles(*p);
        }
}

void DataPlane::update_subscriptions(Participant& p,
                                     const livekit::UpdateDataSubscription& update) {
    DataSubscriptions& own = member(p).subscriptions;
    own.make_place(tracks_);
    int budget = kMaxSubscriptionsPerRequest;
    bool told = false;
    for (const auto& item : update.updates()) {
        if (--budget < 0) break;
        if (item.subscribe()) {
            (void)own.want(item.track_sid());
            const std::uint16_t flowing = own.handle(item.track_sid());
            // What says nothing of it asks for all.
            const bool other = own.set_target_fps(item.track_sid(), item.options().target_fps());
            if (other && flowing != 0) flow(p, item.track_sid(), flowing);
            told = reconcile_track(p, item.track_sid()) || told;
        } else {
            const bool flowed = own.handle(item.track_sid()) != 0;
            if (flowed) flow(p, item.track_sid(), 0);
            told = told || flowed;
            own.unwant(item.track_sid());
        }
    }
    if (told) send_handles(p);
}

void DataPlane::repeat_news(Participant& p, Timestamp since) {
    DataSubscriptions& own = member(p).subscriptions;
    for (const auto& [sid, allowed] : own.repeat_allowed(scope_->now(), since)) {
        const auto known = tracks_.find(sid);
        const Participant* publisher =
            known == tracks_.end() ? nullptr : roster_->find(known->second.publisher);
        if (publisher != nullptr)
            p.signal.send(subscription_permission_message(publisher->sid(), sid, allowed));
    }
    // None is news, too.
    const auto& told = member(p).handles_at;
    if ((told && *told >= since) || !own.message().sub_handles().empty()) send_handles(p);
}

void DataPlane::send_handles(Participant& p) {
    member(p).handles_at = scope_->now();
    livekit::SignalResponse response;
    *response.mutable_data_track_subscriber_handles() = member(p).subscriptions.message();
    p.signal.send(std::move(response));
}

void DataPlane::describe(const Participant& p, livekit::ParticipantInfo& info) const {
    const auto known = members_.find(p.number);
    if (known == members_.end()) return;
    for (const auto& [handle, track] : known->second.tracks.all())
        *info.add_data_tracks() = track;
}

}  // namespace confab::room
