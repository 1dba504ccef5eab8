// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Grants as JSON claims. The reader walks one table of members per object and stops at the first
// member of a wrong type.
#include "base/text.h"
#include "proto/proto_json.h"
#include "token/grants.h"

namespace confab::token {
namespace {

using Info = livekit::ParticipantInfo;

// Reads members of one JSON object; after the first wrong type everything else is skipped.
class ClaimReader {
  public:
    ClaimReader(const json::Value& object, std::string path)
        : object_(object), path_(std::move(path)) {}

    const json::Value* get(std::string_view name, json::Kind kind) {
        const json::Value* value = error_ ? nullptr : object_.find(name);
        if (value == nullptr || value->is_null()) return nullptr;
        if (value->kind == kind) return value;
        refuse(name, value->kind);
        return nullptr;
    }
    void refuse(std::string_view name, json::Kind found) {
        if (!error_) error_ = ClaimError{path_ + std::string(name), found};
    }
    void read(std::string_view name, bool& out) {
        if (const json::Value* value = get(name, json::Kind::kBool)) out = value->boolean;
    }
    void read(std::string_view name, std::optional<bool>& out) {
        if (const json::Value* value = get(name, json::Kind::kBool)) out = value->boolean;
    }
    void read(std::string_view name, std::string& out) {
        if (const json::Value* value = get(name, json::Kind::kString)) out = value->string;
    }
    std::vector<std::string> strings(std::string_view name) {
        std::vector<std::string> out;
        const json::Value* list = get(name, json::Kind::kArray);
        if (list == nullptr) return out;
        for (const json::Value& item : list->items) {
            if (item.kind != json::Kind::kString) {
                refuse(name, item.kind);
                return {};
            }
            out.push_back(item.string);
        }
        return out;
    }
    std::optional<ClaimError>& error() { return error_; }

  private:
    const json::Value& object_;
    std::string path_;
    std::optional<ClaimError> error_;
};

VideoGrant read_video(ClaimReader& in) {
    VideoGrant out;
    in.read("roomCreate", out.room_create);
    in.read("roomList", out.room_list);
    in.read("roomRecord", out.room_record);
    in.read("roomAdmin", out.room_admin);
    in.read("roomJoin", out.room_join);
    in.read("room", out.room);
    in.read("destinationRoom", out.destination_room);
    in.read("canPublish", out.can_publish);
    in.read("canSubscribe", out.can_subscribe);
    in.read("canPublishData", out.can_publish_data);
    in.read("canUpdateOwnMetadata", out.can_update_own_metadata);
    in.read("canSubscribeMetrics", out.can_subscribe_metrics);
    in.read("canManageAgentSession", out.can_manage_agent_session);
    for (const std::string& name : in.strings("canPublishSources"))
        out.can_publish_sources.push_back(parse_track_source(name));
    in.read("ingressAdmin", out.ingress_admin);
    in.read("hidden", out.hidden);
    in.read("recorder", out.recorder);
    in.read("agent", out.agent);
    return out;
}

// Calls `read` with the members of the object claim `name`, if there is one.
template <typename F>
void read_object(ClaimReader& in, std::string_view name, F read) {
    const json::Value* value = in.get(name, json::Kind::kObject);
    if (value == nullptr) return;
    ClaimReader inner(*value, std::string(name) + ".");
    read(inner);
    if (inner.error()) in.error() = inner.error();
}

void read_attributes(ClaimReader& in, std::map<std::string, std::string>& out) {
    const json::Value* value = in.get("attributes", json::Kind::kObject);
    if (value == nullptr) return;
    for (const auto& [key, member] : value->members) {
        if (member.kind == json::Kind::kString)
            out.insert_or_assign(key, member.string);
        else if (member.is_null())
            out.insert_or_assign(key, std::string());
        else
            return in.refuse("attributes", member.kind);
    }
}

void read_room_config(ClaimReader& in, std::optional<livekit::RoomConfiguration>& out) {
    const json::Value* value = in.get("roomConfig", json::Kind::kObject);
    if (value == nullptr) return;
    if (!proto::parse_json(value->raw, out.emplace())) in.refuse("roomConfig", value->kind);
}

void read_service_grants(ClaimReader& in, Grants& out) {
    read_object(in, "sip", [&out](ClaimReader& sip) {
        out.sip.emplace();
        sip.read("admin", out.sip->admin);
        sip.read("call", out.sip->call);
    });
    read_object(in, "agent", [&out](ClaimReader& agent) {
        out.agent.emplace();
        agent.read("admin", out.agent->admin);
        agent.read("simulationAdmin", out.agent->simulation_admin);
        agent.read("databaseAdmin", out.agent->database_admin);
    });
    read_object(in, "inference", [&out](ClaimReader& inference) {
        inference.read("perform", out.inference_perform);
    });
    read_object(in, "observability", [&out](ClaimReader& observability) {
        observability.read("write", out.observability_write);
    });
}

void write_video(const VideoGrant& grant, json::Writer& out) {
    const auto flag = [&out](std::string_view name, std::optional<bool> value, bool always) {
        if (value && (always || *value)) out.boolean(name, *value);
    };
    out.begin_object("video");
    flag("roomCreate", grant.room_create, false);
    flag("roomList", grant.room_list, false);
    flag("roomRecord", grant.room_record, false);
    flag("roomAdmin", grant.room_admin, false);
    flag("roomJoin", grant.room_join, false);
    if (!grant.room.empty()) out.string("room", grant.room);
    if (!grant.destination_room.empty()) out.string("destinationRoom", grant.destination_room);
    flag("canPublish", grant.can_publish, true);
    flag("canSubscribe", grant.can_subscribe, true);
    flag("canPublishData", grant.can_publish_data, true);
    flag("canUpdateOwnMetadata", grant.can_update_own_metadata, true);
    flag("canSubscribeMetrics", grant.can_subscribe_metrics, true);
    flag("canManageAgentSession", grant.can_manage_agent_session, true);
    std::vector<std::string> sources;
    sources.reserve(grant.can_publish_sources.size());
    for (const livekit::TrackSource source : grant.can_publish_sources)
        sources.push_back(to_text(source));
    if (!sources.empty()) out.strings("canPublishSources", sources);
    flag("ingressAdmin", grant.ingress_admin, false);
    flag("hidden", grant.hidden, false);
    flag("recorder", grant.recorder, false);
    flag("agent", grant.agent, false);
    out.end_object();
}

void write_service_grants(const Grants& grants, json::Writer& out) {
    const auto object = [&out](std::string_view name,
                               std::initializer_list<std::pair<std::string_view, bool>> flags) {
        out.begin_object(name);
        for (const auto& [member, value] : flags)
            if (value) out.boolean(member, true);
        out.end_object();
    };
    if (grants.sip) object("sip", {{"admin", grants.sip->admin}, {"call", grants.sip->call}});
    if (grants.agent)
        object("agent", {{"admin", grants.agent->admin},
                         {"simulationAdmin", grants.agent->simulation_admin},
                         {"databaseAdmin", grants.agent->database_admin}});
    if (grants.inference_perform) object("inference", {{"perform", true}});
    if (grants.observability_write) object("observability", {{"write", true}});
}

}  // namespace

Result<Grants, ClaimError> parse_grants(const json::Value& claims) {
    Grants out;
    ClaimReader in(claims, "");
    in.read("name", out.name);
    std::string kind;
    in.read("kind", kind);
    out.kind = parse_kind(kind);
    for (const std::string& text : in.strings("kindDetails")) {
        std::string upper = text;
        for (char& c : upper)
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        Info::KindDetail detail{};
        if (Info::KindDetail_Parse(upper, &detail)) out.kind_details.push_back(detail);
    }
    in.read("metadata", out.metadata);
    read_attributes(in, out.attributes);
    read_object(in, "video", [&out](ClaimReader& video) { out.video = read_video(video); });
    read_service_grants(in, out);
    read_room_config(in, out.room_config);
    in.read("roomPreset", out.room_preset);
    in.read("sha256", out.sha256);
    in.read("publishesFor", out.publishes_for);
    if (in.error()) return tl::unexpected(*std::move(in.error()));
    return out;
}

void write_grants(const Grants& grants, json::Writer& out) {
    if (!grants.name.empty()) out.string("name", grants.name);
    if (grants.kind != Info::STANDARD) out.string("kind", to_text(grants.kind));
    std::vector<std::string> details;
    details.reserve(grants.kind_details.size());
    for (const Info::KindDetail detail : grants.kind_details)
        details.push_back(to_lower(Info::KindDetail_Name(detail)));
    if (!details.empty()) out.strings("kindDetails", details);
    if (grants.video) write_video(*grants.video, out);
    write_service_grants(grants, out);
    if (!grants.metadata.empty()) out.string("metadata", grants.metadata);
    if (!grants.attributes.empty()) {
        out.begin_object("attributes");
        for (const auto& [key, value] : grants.attributes)
            out.string(key, value);
        out.end_object();
    }
    if (grants.room_config) out.raw("roomConfig", proto::to_camel_json(*grants.room_config));
    if (!grants.room_preset.empty()) out.string("roomPreset", grants.room_preset);
    if (!grants.sha256.empty()) out.string("sha256", grants.sha256);
    if (!grants.publishes_for.empty()) out.string("publishesFor", grants.publishes_for);
}

}  // namespace confab::token
