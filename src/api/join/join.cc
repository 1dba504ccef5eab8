// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Order of upstream: whether there is a token of a participant → decode what the client sent → what
// the token allows → identity → publish= → room → changes of metadata and attributes.
#include "api/join/join.h"

#include <utility>

#include "api/join/client_info.h"
#include "api/join/join_errors.h"
#include "api/join/join_request.h"
#include "base/text.h"
#include "json/json.h"
#include "token/token_errors.h"

namespace confab::api {
namespace {

tl::unexpected<HttpError> refuse(const ErrorText& error, std::string_view detail = {}) {
    return tl::unexpected<HttpError>(
        HttpError{error.status, std::string(error.text).append(detail)});
}

using Attributes = std::vector<std::pair<std::string, std::string>>;

// What the request wants, decoded but not yet allowed.
struct Wish {
    JoinParams params;
    std::string publish;
    std::string metadata;
    Attributes attributes;
};

// CON-37: base64url with padding of a JSON object of strings.
std::optional<Attributes> decode_attributes(std::string_view parameter) {
    const auto text = base64_decode(parameter, Base64::kUrl);
    if (!text) return std::nullopt;
    const auto json = json::parse(as_text(*text));
    if (!json) return std::nullopt;
    if (json->kind == json::Kind::kNull) return Attributes();
    if (json->kind != json::Kind::kObject) return std::nullopt;
    Attributes out;
    for (const json::Member& member : json->members) {
        const bool none = member.value.kind == json::Kind::kNull;
        if (!none && member.value.kind != json::Kind::kString) return std::nullopt;
        out.emplace_back(member.name, none ? std::string() : member.value.string);
    }
    return out;
}

// CON-35, CON-37, CON-38.
Result<Wish, HttpError> read_query(const QueryParams& query, bool validate) {
    Wish wish;
    JoinParams& params = wish.params;
    params.client = client_info_from_query(query);
    params.auto_subscribe = query.get("auto_subscribe").empty() || query.flag("auto_subscribe");
    params.auto_subscribe_data_track = query.flag("auto_subscribe_data_track");
    params.adaptive_stream = query.flag("adaptive_stream");
    params.disable_ice_lite = query.flag("disable_ice_lite");
    if (!query.get("subscriber_allow_pause").empty())
        params.subscriber_allow_pause = query.flag("subscriber_allow_pause");
    params.reconnect = query.flag("reconnect");
    params.participant_sid = query.get("sid");
    const auto reason = parse_decimal<int>(query.get("reconnect_reason"));
    if (reason && livekit::ReconnectReason_IsValid(*reason))
        params.reconnect_reason = static_cast<livekit::ReconnectReason>(*reason);
    wish.publish = query.get("publish");
    if (const std::string_view text = query.get("attributes"); !text.empty()) {
        if (auto attributes = decode_attributes(text)) {
            wish.attributes = *std::move(attributes);
        } else if (validate) {
            return refuse(join_errors::kBadAttributes);
        }
    }
    return wish;
}

// CON-40: nothing else of the query counts, and an absent auto_subscribe is false.
Wish read_join_request(livekit::JoinRequest request) {
    Wish wish;
    JoinParams& params = wish.params;
    params.single_peer_connection = true;
    params.client = std::move(*request.mutable_client_info());
    const livekit::ConnectionSettings& settings = request.connection_settings();
    params.auto_subscribe = settings.auto_subscribe();
    params.auto_subscribe_data_track = settings.auto_subscribe_data_track();
    params.adaptive_stream = settings.adaptive_stream();
    params.disable_ice_lite = settings.disable_ice_lite();
    params.subscriber_allow_pause = settings.subscriber_allow_pause();
    params.reconnect = request.reconnect();
    params.reconnect_reason = request.reconnect_reason();
    params.participant_sid = request.participant_sid();
    if (request.has_publisher_offer())
        params.publisher_offer = std::move(*request.mutable_publisher_offer());
    for (livekit::AddTrackRequest& track : *request.mutable_add_track_requests())
        params.add_track_requests.push_back(std::move(track));
    wish.metadata = request.metadata();
    for (const auto& [key, value] : request.participant_attributes())
        wish.attributes.emplace_back(key, value);
    return wish;
}

Result<Wish, HttpError> read_wish(const JoinHttpRequest& request) {
    const std::string_view wrapped = request.query->get("join_request");
    if (!wrapped.empty()) {
        CONFAB_TRY(livekit::JoinRequest decoded, decode_join_request(wrapped));
        return read_join_request(std::move(decoded));
    }
    if (request.path == JoinPath::kRtcV1 || request.path == JoinPath::kRtcV1Validate)
        return refuse(join_errors::kNoJoinRequest);
    return read_query(*request.query, is_validate(request.path));
}

Result<void, HttpError> check_token(const token::Grants* grants) {
    if (grants == nullptr || !grants->video) return refuse(join_errors::kNoPermission);
    return {};
}

// CON-32: who joins.
Result<void, HttpError> check_identity(const token::Grants* grants, const token::Limits& limits) {
    CONFAB_TRY_VOID(check_token(grants));
    if (!grants->video->room_join) return refuse(join_errors::kNoJoin);
    if (grants->identity.empty()) return refuse(join_errors::kNoIdentity);
    if (token::exceeds(grants->identity.size(), limits.identity))
        return refuse(join_errors::kLongIdentity, std::to_string(limits.identity));
    return {};
}

// Beyond upstream, which takes revoke_token_ts and forgets it (TOK-14).
Result<void, HttpError> check_not_revoked(const token::Grants& grants,
                                          const token::Revocations* revocations) {
    if (revocations != nullptr && revocations->refuses(grants))
        return refuse(token::kUnreadableToken, ": " + std::string(token::kRevoked.text));
    return {};
}

// CON-32: where to. Whether the room is there, and the node has room for it, is known to those who
// start the session.
Result<void, HttpError> check_room(const token::VideoGrant& video, const JoinOptions& options) {
    if (video.room.empty()) return refuse(join_errors::kNoRoom);
    if (token::exceeds(video.room.size(), options.limits.room_name))
        return refuse(join_errors::kLongRoom, std::to_string(options.limits.room_name));
    return {};
}

// CON-38: a second connection of the same participant that only publishes.
Result<void, HttpError> apply_publish(Wish& wish) {
    if (wish.publish.empty()) return {};
    token::Grants& grants = wish.params.grants;
    if (!grants.video->publishes()) return refuse(join_errors::kNoPermission);
    grants.video->can_subscribe = false;
    // With its refresh token it comes back as the same: the suffix is not put on twice.
    if (grants.publishes_for.empty()) grants.publishes_for = grants.identity;
    grants.identity = grants.publishes_for + "#" + wish.publish;
    wish.params.publish_only = true;
    return {};
}

Result<void, HttpError> apply_changes(Wish& wish) {
    token::Grants& grants = wish.params.grants;
    if (wish.metadata.empty() && wish.attributes.empty()) return {};
    if (!grants.video->updates_own_metadata()) return refuse(join_errors::kNoPermission);
    if (!wish.metadata.empty()) grants.metadata = std::move(wish.metadata);
    for (auto& [key, value] : wish.attributes)
        if (!value.empty()) grants.attributes.insert_or_assign(key, std::move(value));
    return {};
}

}  // namespace

JoinPath parse_join_path(std::string_view path) {
    if (path == "/rtc") return JoinPath::kRtc;
    if (path == "/rtc/validate") return JoinPath::kRtcValidate;
    if (path == "/rtc/v1") return JoinPath::kRtcV1;
    if (path == "/rtc/v1/validate") return JoinPath::kRtcV1Validate;
    return JoinPath::kNone;
}

Result<void, HttpError> check_join_grants(const token::Grants* grants,
                                          const token::Revocations* revocations,
                                          const JoinOptions& options) {
    CONFAB_TRY_VOID(check_identity(grants, options.limits));
    CONFAB_TRY_VOID(check_not_revoked(*grants, revocations));
    return check_room(*grants->video, options);
}

Result<JoinParams, HttpError> validate_join(const JoinHttpRequest& request,
                                            const JoinOptions& options) {
    CONFAB_TRY_VOID(check_token(request.grants));
    CONFAB_TRY(Wish wish, read_wish(request));
    CONFAB_TRY_VOID(check_identity(request.grants, options.limits));
    CONFAB_TRY_VOID(check_not_revoked(*request.grants, request.revocations));
    wish.params.grants = *request.grants;
    CONFAB_TRY_VOID(apply_publish(wish));
    CONFAB_TRY_VOID(check_not_revoked(wish.params.grants, request.revocations));
    CONFAB_TRY_VOID(check_room(*request.grants->video, options));
    wish.params.room_name = token::room_key(*request.grants);
    wish.params.room_must_exist = !options.auto_create && !request.grants->video->room_create;
    CONFAB_TRY_VOID(apply_changes(wish));
    complete_client_info(wish.params.client, request.user_agent, request.client_address);
    return std::move(wish.params);
}

}  // namespace confab::api
