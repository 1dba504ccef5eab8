// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// TokenEndpoint: tokens for the demo page (01 TOK-15).
#include <utility>

#include "json/json.h"
#include "runtime/control/routes/endpoints.h"

namespace confab::control {
namespace {

constexpr Duration kTokenLifetime = Duration::seconds(6 * 3600);

}  // namespace

void TokenEndpoint::serve(Call call) {
    const auto body = json::parse(call.request.body);
    const json::Value* object = body ? &*body : nullptr;
    if (object == nullptr || object->kind != json::Kind::kObject)
        return call.respond_text(400, "the body must be a JSON object with room_name");
    const auto text = [&](std::string_view name) {
        const json::Value* member = object->find(name);
        return member != nullptr && member->kind == json::Kind::kString ? member->string
                                                                        : std::string();
    };
    const std::string room = text("room_name");
    std::string identity = text("participant_identity");
    const std::string name = text("participant_name");
    if (identity.empty()) identity = name;
    if (room.empty() || identity.empty())
        return call.respond_text(400, "room_name and participant_name are needed");
    const auto key = keys_.signing_key();
    if (!key) return call.respond_text(500, "no API key is configured");
    token::Grants grants;
    grants.identity = identity;
    grants.name = name;
    grants.metadata = text("participant_metadata");
    token::VideoGrant video;
    video.room_join = true;
    video.room = room;
    video.can_update_own_metadata = true;
    grants.video = video;
    const std::string token =
        token::mint_token(grants, *key, net::EventLoop::wall(), kTokenLifetime);
    const std::string host(call.request.headers.get("Host"));
    const bool secure = call.request.headers.get("X-Forwarded-Proto") == "https";
    json::Writer writer;
    writer.begin_object();
    writer.string("server_url", (secure ? "wss://" : "ws://") + host);
    writer.string("participant_token", token);
    writer.end_object();
    net::HttpResponse response;
    response.status = 200;
    response.headers.add("Content-Type", "application/json");
    response.headers.add("Cache-Control", "no-store");
    response.body = writer.take();
    call.respond(std::move(response));
}

}  // namespace confab::control
