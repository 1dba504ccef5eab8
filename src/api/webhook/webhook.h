// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Webhook events and their signed bodies (01 section 6).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "base/time.h"
#include "livekit_webhook.pb.h"
#include "token/token.h"

namespace confab::api {

enum class WebhookKind : std::uint8_t {
    kRoomStarted,
    kRoomFinished,
    kParticipantJoined,  // when ACTIVE
    kParticipantLeft,
    kParticipantConnectionAborted,  // left without ever being ACTIVE
    kTrackPublished,
    kTrackUnpublished,
    kEgressStarted,
    kEgressUpdated,
    kEgressEnded,
    kIngressStarted,
    kIngressEnded,
};
std::string_view to_text(WebhookKind kind);  // "room_started", … (HOOK-01)

// An event of that kind with a fresh id and its time in seconds (HOOK-02).
livekit::WebhookEvent make_webhook_event(WebhookKind kind, Rng& rng, UnixTime now);

// HOOK-04. room_* and participant_* carry whole objects; track_* carry the sid and identity of the
// participant, and sid and name of the room unless `full_room` (room.enable_full_room_in_webhooks).
void set_room(livekit::WebhookEvent& event, const livekit::Room& room);
void set_participant(livekit::WebhookEvent& event, const livekit::Room& room,
                     const livekit::ParticipantInfo& participant);
void set_track(livekit::WebhookEvent& event, const livekit::Room& room,
               const livekit::ParticipantInfo& participant, const livekit::TrackInfo& track,
               bool full_room);

// HOOK-07: the name of the queue an event belongs to: the first that is not empty of egress id,
// ingress id, room name, participant identity, track sid.
std::string webhook_key(const livekit::WebhookEvent& event);

// HOOK-03: protobuf JSON, camelCase, without empty fields.
std::string webhook_body(const livekit::WebhookEvent& event);
// HOOK-05: the value of the Authorization header, a token without "Bearer ".
std::string webhook_authorization(std::string_view body, token::KeyProvider::Key key, UnixTime now);
inline constexpr Duration kWebhookTokenLifetime = Duration::seconds(300);

// HOOK-08: include_events, when not empty, beats exclude_events.
struct WebhookFilter {
    std::vector<std::string> include_events;
    std::vector<std::string> exclude_events;
    bool passes(std::string_view event) const;
};

}  // namespace confab::api
