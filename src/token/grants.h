// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a token allows and says about its bearer (01 TOK-03 … TOK-10), as values and as JSON claims.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "json/json.h"
#include "livekit_models.pb.h"
#include "livekit_room.pb.h"
#include "token/room_key.h"

namespace confab::token {

// Claim "video". An optional that is empty means "not said"; the readers below give the defaults.
struct VideoGrant {
    bool room_create = false;
    bool room_list = false;
    bool room_record = false;
    bool room_admin = false;
    bool room_join = false;
    std::string room;
    std::string destination_room;
    std::optional<bool> can_publish;
    std::optional<bool> can_subscribe;
    std::optional<bool> can_publish_data;
    std::optional<bool> can_update_own_metadata;
    std::optional<bool> can_subscribe_metrics;
    std::optional<bool> can_manage_agent_session;
    // Restricts when not empty; an unknown name is UNKNOWN here and matches nothing (TOK-05).
    std::vector<livekit::TrackSource> can_publish_sources;
    bool ingress_admin = false;
    bool hidden = false;
    bool recorder = false;
    bool agent = false;

    bool publishes() const { return can_publish.value_or(true); }
    bool subscribes() const { return can_subscribe.value_or(true); }
    bool publishes_data() const { return can_publish_data.value_or(publishes()); }
    bool updates_own_metadata() const { return can_update_own_metadata.value_or(false); }
    bool operator==(const VideoGrant&) const = default;
};

struct SipGrant {
    bool admin = false;
    bool call = false;
    bool operator==(const SipGrant&) const = default;
};
struct AgentGrant {
    bool admin = false;
    bool simulation_admin = false;
    bool database_admin = false;
    bool operator==(const AgentGrant&) const = default;
};

struct Grants {
    std::string api_key;   // iss
    std::string tenant;    // of that key, from the configuration; empty: the operator's
    std::string identity;  // sub, else jti
    // Of a publish= connection's token: the identity without its suffix, whose token that was
    // (CON-38, TOK-14); otherwise empty.
    std::string publishes_for;
    std::string name;
    livekit::ParticipantInfo::Kind kind = livekit::ParticipantInfo::STANDARD;
    std::vector<livekit::ParticipantInfo::KindDetail> kind_details;
    std::string metadata;
    std::map<std::string, std::string> attributes;
    std::optional<VideoGrant> video;
    std::optional<SipGrant> sip;
    std::optional<AgentGrant> agent;
    bool inference_perform = false;
    bool observability_write = false;
    std::optional<livekit::RoomConfiguration> room_config;
    std::string room_preset;
    std::string sha256;                 // base64 SHA-256 of a body (TOK-09)
    std::optional<UnixTime> issued_at;  // the later one of nbf and iat
    std::optional<UnixTime> expires_at;
};

// Of the room that the token is for: by this it is found (room_key.h). There is a claim "video".
inline std::string room_key(const Grants& grants) {
    return room_key(grants.tenant, grants.video->room);
}

// Why claims were refused: the claim and the JSON type that stood there.
struct ClaimError {
    std::string claim;
    json::Kind found = json::Kind::kNull;
};

// Reads all claims but the registered ones. Unknown claims are ignored, null means absent, a wrong
// type is an error (TOK-04).
Result<Grants, ClaimError> parse_grants(const json::Value& claims);
// Writes the members that parse_grants() reads, without empty ones, into an open object.
void write_grants(const Grants& grants, json::Writer& writer);

// Lower-case names of TOK-05 and TOK-07; read without regard to case, unknown ones become UNKNOWN
// and STANDARD.
std::string_view to_text(livekit::ParticipantInfo::Kind kind);
livekit::ParticipantInfo::Kind parse_kind(std::string_view text);
std::string to_text(livekit::TrackSource source);
livekit::TrackSource parse_track_source(std::string_view text);

// Removes upload credentials (S3, GCP, Azure, OSS keys) anywhere inside (TOK-12).
void strip_upload_secrets(google::protobuf::Message& message);

}  // namespace confab::token
