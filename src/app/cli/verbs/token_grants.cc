// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/verbs/token_grants.h"

#include <optional>

#include "app/cli/call/key_values.h"
#include "app/cli/call/request_fields.h"
#include "base/text.h"
#include "json/json.h"

namespace confab::app::cli {
namespace {

std::optional<bool> said(const Values& values, const char* key) {
    if (!values.has(key)) return std::nullopt;
    return values.flag(key);
}

token::VideoGrant video_of(const Values& v) {
    token::VideoGrant video;
    video.room = v.text("room");
    video.destination_room = v.text("destination-room");
    video.room_join = v.flag("join");
    video.room_create = v.flag("create");
    video.room_list = v.flag("list");
    video.room_admin = v.flag("admin");
    video.room_record = v.flag("egress");
    video.ingress_admin = v.flag("ingress");
    video.hidden = v.flag("hidden");
    video.recorder = v.flag("recorder");
    video.agent = v.flag("as-agent");
    video.can_publish = said(v, "publish");
    video.can_subscribe = said(v, "subscribe");
    video.can_publish_data = said(v, "publish-data");
    video.can_update_own_metadata = said(v, "update-own-metadata");
    video.can_subscribe_metrics = said(v, "subscribe-metrics");
    return video;
}

Result<void, std::string> add_sources(const Values& values, token::VideoGrant& video) {
    for (const std::string& name : values.list("publish-source")) {
        const auto source = token::parse_track_source(name);
        if (source == livekit::UNKNOWN)
            return fail("unknown source " + name +
                        "; use camera, microphone, screen_share or screen_share_audio");
        video.can_publish_sources.push_back(source);
    }
    return {};
}

std::string video_json(const token::Grants& grants) {
    json::Writer writer;
    writer.begin_object();
    token::write_grants(grants, writer);
    writer.end_object();
    const std::string text = writer.take();
    const auto claims = json::parse(text);
    const json::Value* const video = claims ? claims->find("video") : nullptr;
    return std::string(video == nullptr ? "{}" : video->raw);
}

// Every claim of the video grant, as it is written.
std::string all_claims() {
    token::Grants all;
    all.video = token::VideoGrant{.room_create = true,
                                  .room_list = true,
                                  .room_record = true,
                                  .room_admin = true,
                                  .room_join = true,
                                  .room = "r",
                                  .destination_room = "r",
                                  .can_publish = true,
                                  .can_subscribe = true,
                                  .can_publish_data = true,
                                  .can_update_own_metadata = true,
                                  .can_subscribe_metrics = true,
                                  .can_manage_agent_session = true,
                                  .can_publish_sources = {livekit::CAMERA},
                                  .ingress_admin = true,
                                  .hidden = true,
                                  .recorder = true,
                                  .agent = true};
    return video_json(all);
}

// As Go reads JSON: a name of other case is that claim, too.
std::string proper_name(const std::string& name) {
    const std::string text = all_claims();
    const auto claims = json::parse(text);
    for (const json::Member& claim : claims->members)
        if (equals_ignore_case(claim.name, name)) return claim.name;
    return name;
}

// Members of the JSON beside the claims that the flags make; read together as a token's are.
Result<void, std::string> add_grant(const std::string& json, token::Grants& grants) {
    const auto more = json::parse(json);
    if (!more || more->kind != json::Kind::kObject)
        return fail(std::string("--grant is no JSON object"));
    token::Grants only_flags;
    only_flags.video = grants.video;
    std::string both = video_json(only_flags);
    both.pop_back();
    // The last member of a name counts.
    for (const json::Member& member : more->members) {
        if (both.size() > 1) both += ',';
        json::append_string(both, proper_name(member.name));
        both.append(":").append(member.value.raw);
    }
    const std::string whole = "{\"video\":" + both + "}}";
    const auto parsed = json::parse(whole);
    if (!parsed) return fail(std::string("--grant is no JSON object"));
    const auto read = token::parse_grants(*parsed);
    if (!read) return fail("--grant: " + read.error().claim + " has the wrong type");
    grants.video = read->video;
    return {};
}

Result<void, std::string> add_attributes(const Call& call, token::Grants& grants) {
    CONFAB_TRY(grants.attributes, read_attributes(call.values().list("attribute")));
    const std::string path = call.values().text("attribute-file");
    if (path.empty()) return {};
    const auto file = call.host().read_file(path);
    if (!file) return fail("--attribute-file " + path + ": " + file.error());
    const auto json = json::parse(file->text);
    if (!json || json->kind != json::Kind::kObject)
        return fail("--attribute-file " + path + " is no JSON object");
    for (const json::Member& member : json->members) {
        if (member.value.kind != json::Kind::kString)
            return fail("--attribute-file " + path + ": " + member.name + " is no text");
        grants.attributes[member.name] = member.value.string;
    }
    return {};
}

Result<void, std::string> add_room_config(const Call& call, token::Grants& grants) {
    const Values& v = call.values();
    if (v.has("room-config")) {
        const auto read = call.read_json(v.text("room-config"), grants.room_config.emplace());
        if (!read) return fail("--room-config: " + read.error());
    }
    if (!v.has("agent")) return {};
    if (!grants.room_config) grants.room_config.emplace();
    auto& agent = *grants.room_config->add_agents();
    agent.set_agent_name(v.text("agent"));
    agent.set_metadata(v.text("job-metadata"));
    agent.set_deployment(v.text("deployment"));
    return {};
}

bool allows_nothing(const token::Grants& grants) {
    const token::VideoGrant& v = *grants.video;
    return !v.room_join && !v.room_create && !v.room_list && !v.room_record && !v.room_admin &&
           !v.ingress_admin && !grants.sip && !grants.inference_perform &&
           !grants.observability_write;
}

Result<void, std::string> check(const token::Grants& grants) {
    const token::VideoGrant& v = *grants.video;
    if (allows_nothing(grants))
        return fail(std::string(
            "the token would allow nothing; add --join --room R --identity I, --list or --create"));
    if (v.room_join && (v.room.empty() || grants.identity.empty()))
        return fail(std::string("--join needs --room and --identity"));
    // Of an operator, for webhooks; by itself it would open nothing.
    if (v.room_admin && v.room.empty() && !v.room_list)
        return fail(std::string("--admin needs --room, or --list for webhooks"));
    return {};
}

Result<void, std::string> add_kind(const std::string& kind, token::Grants& grants) {
    if (kind.empty()) return {};
    grants.kind = token::parse_kind(kind);
    if (grants.kind == livekit::ParticipantInfo::STANDARD && kind != "standard")
        return fail("unknown kind " + kind +
                    "; use standard, ingress, egress, sip, agent, connector or bridge");
    return {};
}

}  // namespace

Result<token::Grants, std::string> grants_of(const Call& call) {
    const Values& v = call.values();
    token::Grants grants;
    grants.identity = v.text("identity");
    grants.name = v.text("name");
    grants.metadata = v.text("metadata");
    grants.room_preset = v.text("room-preset");
    grants.inference_perform = v.flag("inference");
    grants.observability_write = v.flag("observability");
    if (v.flag("sip-admin") || v.flag("sip-call"))
        grants.sip = token::SipGrant{v.flag("sip-admin"), v.flag("sip-call")};
    grants.video = video_of(v);
    CONFAB_TRY_VOID(add_sources(v, *grants.video));
    if (v.has("grant")) CONFAB_TRY_VOID(add_grant(v.text("grant"), grants));
    CONFAB_TRY_VOID(add_attributes(call, grants));
    CONFAB_TRY_VOID(add_kind(v.text("kind"), grants));
    CONFAB_TRY_VOID(add_room_config(call, grants));
    CONFAB_TRY_VOID(check(grants));
    return grants;
}

}  // namespace confab::app::cli
