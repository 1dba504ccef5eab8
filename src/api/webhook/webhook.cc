// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Copies of the stored objects; nothing here knows about delivery.
#include "api/webhook/webhook.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "crypto/digest.h"
#include "proto/proto_json.h"
#include "token/ids.h"

namespace confab::api {
namespace {

constexpr std::array<std::string_view, 12> kNames{
    "room_started",
    "room_finished",
    "participant_joined",
    "participant_left",
    "participant_connection_aborted",
    "track_published",
    "track_unpublished",
    "egress_started",
    "egress_updated",
    "egress_ended",
    "ingress_started",
    "ingress_ended",
};

bool contains(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string_view to_text(WebhookKind kind) {
    return kNames[static_cast<std::size_t>(kind)];
}

livekit::WebhookEvent make_webhook_event(WebhookKind kind, Rng& rng, UnixTime now) {
    livekit::WebhookEvent event;
    event.set_event(std::string(to_text(kind)));
    event.set_id(token::make_id(token::kWebhookEventPrefix, rng));
    event.set_created_at(now.s());
    return event;
}

void set_room(livekit::WebhookEvent& event, const livekit::Room& room) {
    *event.mutable_room() = room;
}

void set_participant(livekit::WebhookEvent& event, const livekit::Room& room,
                     const livekit::ParticipantInfo& participant) {
    set_room(event, room);
    *event.mutable_participant() = participant;
}

void set_track(livekit::WebhookEvent& event, const livekit::Room& room,
               const livekit::ParticipantInfo& participant, const livekit::TrackInfo& track,
               bool full_room) {
    if (full_room) {
        set_room(event, room);
    } else {
        event.mutable_room()->set_sid(room.sid());
        event.mutable_room()->set_name(room.name());
    }
    event.mutable_participant()->set_sid(participant.sid());
    event.mutable_participant()->set_identity(participant.identity());
    *event.mutable_track() = track;
}

std::string webhook_key(const livekit::WebhookEvent& event) {
    for (const std::string* key :
         {&event.egress_info().egress_id(), &event.ingress_info().ingress_id(),
          &event.room().name(), &event.participant().identity(), &event.track().sid()})
        if (!key->empty()) return *key;
    return {};
}

std::string webhook_body(const livekit::WebhookEvent& event) {
    return proto::to_camel_json(event);
}

std::string webhook_authorization(std::string_view body, token::KeyProvider::Key key,
                                  UnixTime now) {
    token::Grants grants;
    grants.sha256 = base64_encode(crypto::sha256(as_bytes(body)));
    return token::mint_token(grants, key, now, kWebhookTokenLifetime);
}

bool WebhookFilter::passes(std::string_view event) const {
    if (!include_events.empty()) return contains(include_events, event);
    return !contains(exclude_events, event);
}

}  // namespace confab::api
