// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/start_session.h"

#include <utility>

#include "json/json.h"
#include "token/room_key.h"

namespace confab::cluster::relay {
namespace {

tl::unexpected<rpc::Error> refuse(std::string text) {
    return fail(rpc::Error{rpc::Code::kInvalidArgument, std::move(text), {}});
}

std::string grants_json(const token::Grants& grants) {
    json::Writer out;
    out.begin_object();
    out.string("identity", grants.identity);
    token::write_grants(grants, out);
    out.end_object();
    return out.take();
}

Result<void, rpc::Error> check(const livekit::StartSession& message, const token::Limits& limits) {
    const token::RoomName room = token::split_room_key(message.room_name());
    if (room.name.empty()) return refuse("no room name");
    if (token::exceeds(room.name.size(), limits.room_name) || room.tenant.size() > kMaxTenant)
        return refuse("room name too long");
    if (message.identity().empty()) return refuse("identity cannot be empty");
    if (token::exceeds(message.identity().size(), limits.identity))
        return refuse("participant identity too long");
    if (message.connection_id().size() > kMaxIdText || message.participant_id().size() > kMaxIdText)
        return refuse("id too long");
    if (message.grants_json().size() > kMaxGrantsJson) return refuse("grants too large");
    if (message.add_track_requests_size() > kMaxAddTracks) return refuse("too many tracks");
    return {};
}

// Nodes of old told two grants beside the others.
void add_old_grants(const livekit::StartSession& message, token::Grants& grants) {
    if (!grants.video) grants.video.emplace();
    grants.video->hidden |= message.hidden();
    grants.video->recorder |= message.recorder();
}

Result<token::Grants, rpc::Error> read_grants(const livekit::StartSession& message,
                                              const ::rpc::StartDetails& details) {
    token::Grants grants;
    if (!message.grants_json().empty()) {
        const auto claims = json::parse(message.grants_json());
        if (!claims || claims->kind != json::Kind::kObject) return refuse("grants cannot be read");
        auto read = token::parse_grants(*claims);
        if (!read) return refuse("grants cannot be read: " + read.error().claim);
        grants = *std::move(read);
    }
    add_old_grants(message, grants);
    const token::RoomName room = token::split_room_key(message.room_name());
    if (grants.video->room.empty()) grants.video->room = room.name;
    grants.tenant = room.tenant;
    grants.identity = message.identity();
    if (!message.name().empty()) grants.name = message.name();
    if (message.token_expires_at() > 0)
        grants.expires_at = UnixTime::seconds(message.token_expires_at());
    grants.api_key = details.api_key();
    if (details.has_issued_at()) grants.issued_at = UnixTime::seconds(details.issued_at());
    return grants;
}

// A peer's number of seconds is one of this world, or none.
bool is_time(std::int64_t seconds) {
    constexpr std::int64_t kYear9999 = 253'402'300'799;
    return seconds >= 0 && seconds <= kYear9999;
}

void take_settings(livekit::StartSession& message, SessionStart& start) {
    start.client = std::move(*message.mutable_client());
    start.connection_id = std::move(*message.mutable_connection_id());
    start.single_peer_connection = message.use_single_peer_connection();
    start.auto_subscribe = message.auto_subscribe();
    start.auto_subscribe_data_track = message.auto_subscribe_data_track();
    start.adaptive_stream = message.adaptive_stream();
    start.disable_ice_lite = message.disable_ice_lite();
    if (message.has_subscriber_allow_pause())
        start.subscriber_allow_pause = message.subscriber_allow_pause();
    start.reconnect = message.reconnect();
    if (livekit::ReconnectReason_IsValid(message.reconnect_reason()))
        start.reconnect_reason = message.reconnect_reason();
    start.participant_sid = std::move(*message.mutable_participant_id());
    if (message.has_publisher_offer())
        start.publisher_offer = std::move(*message.mutable_publisher_offer());
    for (livekit::AddTrackRequest& track : *message.mutable_add_track_requests())
        start.add_track_requests.push_back(std::move(track));
}

// What the token says of a room that is made by joining; the grants tell nodes of our own.
livekit::CreateRoomRequest create_request(const SessionStart& start) {
    livekit::CreateRoomRequest request;
    request.set_name(start.room);
    request.set_room_preset(start.grants.room_preset);
    if (!start.grants.room_config) return request;
    const livekit::RoomConfiguration& config = *start.grants.room_config;
    request.set_empty_timeout(config.empty_timeout());
    request.set_departure_timeout(config.departure_timeout());
    request.set_max_participants(config.max_participants());
    request.set_min_playout_delay(config.min_playout_delay());
    request.set_max_playout_delay(config.max_playout_delay());
    request.set_sync_streams(config.sync_streams());
    request.set_metadata(config.metadata());
    if (config.has_egress()) *request.mutable_egress() = config.egress();
    *request.mutable_agents() = config.agents();
    *request.mutable_tags() = config.tags();
    return request;
}

}  // namespace

livekit::StartSession to_start_session(const SessionStart& start) {
    livekit::StartSession message;
    // The key: a node that knows no tenants keeps their rooms apart all the same.
    message.set_room_name(start.room);
    *message.mutable_create_room() = create_request(start);
    message.set_identity(start.grants.identity);
    message.set_name(start.grants.name);
    message.set_grants_json(grants_json(start.grants));
    if (start.grants.expires_at) message.set_token_expires_at(start.grants.expires_at->s());
    *message.mutable_client() = start.client;
    message.set_connection_id(start.connection_id);
    message.set_use_single_peer_connection(start.single_peer_connection);
    message.set_auto_subscribe(start.auto_subscribe);
    // Of a join with one connection others say either, of one with two only yes.
    if (start.auto_subscribe_data_track || start.single_peer_connection)
        message.set_auto_subscribe_data_track(start.auto_subscribe_data_track);
    message.set_adaptive_stream(start.adaptive_stream);
    message.set_disable_ice_lite(start.disable_ice_lite);
    if (start.subscriber_allow_pause)
        message.set_subscriber_allow_pause(*start.subscriber_allow_pause);
    message.set_reconnect(start.reconnect);
    message.set_reconnect_reason(start.reconnect_reason);
    message.set_participant_id(start.participant_sid);
    if (start.publisher_offer) *message.mutable_publisher_offer() = *start.publisher_offer;
    for (const livekit::AddTrackRequest& track : start.add_track_requests)
        *message.add_add_track_requests() = track;
    return message;
}

::rpc::StartDetails to_start_details(const SessionStart& start) {
    ::rpc::StartDetails details;
    details.set_node_id(start.node_id);
    details.set_api_key(start.grants.api_key);
    if (start.grants.issued_at) details.set_issued_at(start.grants.issued_at->s());
    details.set_room_must_exist(start.room_must_exist);
    return details;
}

std::string encode_start(const SessionStart& start) {
    ::rpc::RelaySignalRequest request;
    *request.mutable_start_session() = to_start_session(start);
    *request.mutable_start_details() = to_start_details(start);
    return request.SerializeAsString();
}

Result<SessionStart, rpc::Error> from_start_session(livekit::StartSession message,
                                                    const ::rpc::StartDetails& details,
                                                    const token::Limits& limits) {
    CONFAB_TRY_VOID(check(message, limits));
    if (details.node_id().size() > kMaxIdText || details.api_key().size() > kMaxTenant)
        return refuse("id too long");
    if (!is_time(message.token_expires_at()) || !is_time(details.issued_at()))
        return refuse("time cannot be read");
    SessionStart start;
    CONFAB_TRY(start.grants, read_grants(message, details));
    start.room = message.room_name();
    start.room_must_exist = details.room_must_exist();
    start.node_id = details.node_id();
    take_settings(message, start);
    return start;
}

Result<SessionStart, rpc::Error> decode_start(const Batch& batch, const token::Limits& limits) {
    if (!batch.start_session) return refuse("the session was not started");
    livekit::StartSession message;
    ::rpc::StartDetails details;
    const auto read = [](std::string_view bytes, google::protobuf::Message& out) {
        return out.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    };
    if (!read(*batch.start_session, message) ||
        !read(batch.start_details.value_or(std::string_view()), details))
        return refuse("the start of the session cannot be read");
    return from_start_session(std::move(message), details, limits);
}

}  // namespace confab::cluster::relay
