// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: data tracks between participants (01 SIG-125, SIG-126; 02 §6.4).
#include "room/room.h"
#include "room/signal/responses.h"

namespace confab::room {

void Room::publish_data_track(Participant& p, const livekit::PublishDataTrackRequest& request) {
    const auto refuse = [&](livekit::RequestResponse::Reason reason, std::string message) {
        respond(p, reason, std::move(message),
                [&](livekit::RequestResponse& r) { *r.mutable_publish_data_track() = request; });
    };
    if (!scope_->config.enable_data_tracks || !p.info.permission().can_publish_data())
        return refuse(livekit::RequestResponse::NOT_ALLOWED,
                      "does not have permission to publish data");
    const auto refusal =
        p.data_tracks.publish(request, scope_->config.limits.custom_encoding, scope_->ids.rng());
    if (refusal) return refuse(refusal->reason, refusal->message);
    const livekit::DataTrackInfo& info = *p.data_tracks.find(request.pub_handle());
    const std::string sid = info.sid();
    data_publisher_[sid] = p.identity();
    livekit::SignalResponse response;
    *response.mutable_publish_data_track_response()->mutable_info() = info;
    p.signal.send(std::move(response));
    changed(p, true);
    for (Participant* other : everyone()) {
        if (other == &p) continue;
        if (other->auto_subscribe_data_track) other->data_subscriptions.want_by_default(sid);
        if (reconcile_data_track(*other, sid)) send_data_handles(*other);
    }
}

void Room::unpublish_data_track(Participant& p, const livekit::UnpublishDataTrackRequest& request) {
    const auto info = p.data_tracks.unpublish(request.pub_handle());
    if (!info)
        return respond(
            p, livekit::RequestResponse::NOT_FOUND, "data track not found",
            [&](livekit::RequestResponse& r) { *r.mutable_unpublish_data_track() = request; });
    livekit::SignalResponse response;
    *response.mutable_unpublish_data_track_response()->mutable_info() = *info;
    p.signal.send(std::move(response));
    changed(p, true);
    end_data_track(p, *info);
}

void Room::end_data_track(Participant& p, const livekit::DataTrackInfo& info) {
    data_publisher_.erase(info.sid());
    for (Participant* other : everyone()) {
        if (other == &p) continue;
        if (other->data_subscriptions.forget(info.sid())) send_data_handles(*other);
    }
}

// A data track flows to who wants it while it may (SIG-10, SIG-42, SIG-112). True when the handles
// of the participant changed.
bool Room::reconcile_data_track(Participant& p, const std::string& sid) {
    const auto publisher = data_publisher_.find(sid);
    const Participant* owner =
        publisher == data_publisher_.end() ? nullptr : find(publisher->second);
    if (owner == nullptr || owner == &p || !p.data_subscriptions.wants(sid) ||
        !p.info.permission().can_subscribe())
        return p.data_subscriptions.detach(sid);
    const bool allowed =
        p.info.permission().recorder() || owner->access.allows(p.identity(), p.sid(), sid);
    if (p.data_subscriptions.note_allowed(sid, allowed))
        p.signal.send(subscription_permission_message(owner->sid(), sid, allowed));
    return allowed ? p.data_subscriptions.attach(sid, owner->identity(), owner->sid())
                   : p.data_subscriptions.detach(sid);
}

// After a change of what one participant may hear, or came to hear.
void Room::reconcile_data_tracks(Participant& p) {
    std::vector<std::string> sids;
    for (const auto& [sid, publisher] : data_publisher_) {
        if (p.auto_subscribe_data_track && publisher != p.identity())
            p.data_subscriptions.want_by_default(sid);
        if (p.data_subscriptions.wants(sid)) sids.push_back(sid);
    }
    bool told = false;
    for (const std::string& sid : sids)
        told = reconcile_data_track(p, sid) || told;
    if (told) send_data_handles(p);
}

void Room::send_data_handles(Participant& p) {
    livekit::SignalResponse response;
    *response.mutable_data_track_subscriber_handles() = p.data_subscriptions.message();
    p.signal.send(std::move(response));
}

void Room::update_data_subscription(Participant& p, const livekit::UpdateDataSubscription& update) {
    int budget = kMaxSidsPerRequest;
    bool told = false;
    for (const auto& item : update.updates()) {
        if (--budget < 0) break;
        if (item.subscribe()) {
            (void)p.data_subscriptions.want(item.track_sid());
            told = reconcile_data_track(p, item.track_sid()) || told;
        } else {
            told = p.data_subscriptions.handle(item.track_sid()) != 0 || told;
            p.data_subscriptions.unwant(item.track_sid());
        }
    }
    if (told) send_data_handles(p);
}

void Room::route_data_track(Participant& p, const Bytes& payload) {
    const auto handle = data_track_handle(payload);
    const livekit::DataTrackInfo* info = handle ? p.data_tracks.find(*handle) : nullptr;
    if (info == nullptr) {
        ++scope_->counters.dropped_data;
        return;
    }
    for (Participant* other : everyone()) {
        const std::uint16_t own = other->data_subscriptions.handle(info->sid());
        if (own == 0 || !other->active()) continue;
        Bytes copy = payload;
        set_data_track_handle(copy, own);
        send_to(*other, sfu::DataChannel::kDataTrack, copy);
        flush_sends();
    }
}

}  // namespace confab::room
