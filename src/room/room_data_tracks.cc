// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: data tracks between participants (01 SIG-125, SIG-126; 02 §6.4).
#include "room/room.h"

namespace confab::room {

void Room::publish_data_track(Participant& p, const livekit::PublishDataTrackRequest& request) {
    const auto refuse = [&](livekit::RequestResponse::Reason reason, std::string message) {
        respond(p, reason, std::move(message),
                [&](livekit::RequestResponse& r) { *r.mutable_publish_data_track() = request; });
    };
    if (!context_->config.enable_data_tracks || !p.info.permission().can_publish_data())
        return refuse(livekit::RequestResponse::NOT_ALLOWED,
                      "does not have permission to publish data");
    const auto refusal =
        p.data_tracks.publish(request, context_->config.limits.custom_encoding, context_->rng);
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
        if (other->auto_subscribe_data_track) other->data_subscriptions.want(sid);
        if (attach_data_track(*other, sid)) send_data_handles(*other);
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
        const bool had = other->data_subscriptions.detach(info.sid());
        (void)other->data_subscriptions.unwant(info.sid());
        if (had) send_data_handles(*other);
    }
}

bool Room::attach_data_track(Participant& p, const std::string& sid) {
    const auto publisher = data_publisher_.find(sid);
    if (publisher == data_publisher_.end() || !p.info.permission().can_subscribe()) return false;
    const Participant* owner = find(publisher->second);
    if (owner == nullptr || !p.data_subscriptions.wants(sid)) return false;
    return p.data_subscriptions.attach(sid, owner->identity(), owner->sid());
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
            told = attach_data_track(p, item.track_sid()) || told;
        } else {
            told = p.data_subscriptions.handle(item.track_sid()) != 0 || told;
            (void)p.data_subscriptions.unwant(item.track_sid());
        }
    }
    if (told) send_data_handles(p);
}

void Room::route_data_track(Participant& p, const Bytes& payload) {
    const auto handle = data_track_handle(payload);
    const livekit::DataTrackInfo* info = handle ? p.data_tracks.find(*handle) : nullptr;
    if (info == nullptr) {
        ++context_->counters.dropped_data;
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
