// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/complete/live_names.h"

#include <array>
#include <memory>
#include <optional>

#include "app/cli/call/call.h"
#include "app/cli/call/projects.h"
#include "app/cli/call/request_fields.h"
#include "app/cli/output/json_text.h"
#include "app/cli/output/table_text.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "livekit_egress.pb.h"
#include "livekit_ingress.pb.h"
#include "livekit_room.pb.h"
#include "livekit_sip.pb.h"
#include "proto/proto_json.h"

namespace confab::app::cli {
namespace {

constexpr Duration kCacheTime = Duration::seconds(2);
constexpr Duration kPatience = Duration::seconds(2);
constexpr std::size_t kMaxNames = 1'000;

// Where names of a kind are listed.
struct Source {
    Live live;
    Api api;
    std::string_view path;  // in the answer
    bool of_room = false;   // a list of --room
};
constexpr std::array<Source, 9> kSources{{
    {Live::kRoom,
     {"livekit.RoomService/ListRooms", prototype<livekit::ListRoomsRequest>,
      prototype<livekit::ListRoomsResponse>, grant::kList},
     "rooms.name"},
    {Live::kIdentity,
     {"livekit.RoomService/ListParticipants", prototype<livekit::ListParticipantsRequest>,
      prototype<livekit::ListParticipantsResponse>, grant::kAdmin},
     "participants.identity",
     true},
    {Live::kTrack,
     {"livekit.RoomService/ListParticipants", prototype<livekit::ListParticipantsRequest>,
      prototype<livekit::ListParticipantsResponse>, grant::kAdmin},
     "participants.tracks.sid",
     true},
    {Live::kDispatch,
     {"livekit.AgentDispatchService/ListDispatch", prototype<livekit::ListAgentDispatchRequest>,
      prototype<livekit::ListAgentDispatchResponse>, grant::kAdmin},
     "agentDispatches.id",
     true},
    {Live::kEgress,
     {"livekit.Egress/ListEgress", prototype<livekit::ListEgressRequest>,
      prototype<livekit::ListEgressResponse>, grant::kRecord},
     "items.egressId"},
    {Live::kIngress,
     {"livekit.Ingress/ListIngress", prototype<livekit::ListIngressRequest>,
      prototype<livekit::ListIngressResponse>, grant::kIngress},
     "items.ingressId"},
    {Live::kInboundTrunk,
     {"livekit.SIP/ListSIPInboundTrunk", prototype<livekit::ListSIPInboundTrunkRequest>,
      prototype<livekit::ListSIPInboundTrunkResponse>, grant::kSipAdmin},
     "items.sipTrunkId"},
    {Live::kOutboundTrunk,
     {"livekit.SIP/ListSIPOutboundTrunk", prototype<livekit::ListSIPOutboundTrunkRequest>,
      prototype<livekit::ListSIPOutboundTrunkResponse>, grant::kSipAdmin},
     "items.sipTrunkId"},
    {Live::kRule,
     {"livekit.SIP/ListSIPDispatchRule", prototype<livekit::ListSIPDispatchRuleRequest>,
      prototype<livekit::ListSIPDispatchRuleResponse>, grant::kSipAdmin},
     "items.sipDispatchRuleId"},
}};

// A file of the user's cache for what was asked of which server, as whom.
class Cache {
  public:
    Cache(const Host& host, const Credentials& server, const Source& source,
          const std::string& room)
        : host_(host) {
        std::string folder = host.env("XDG_CACHE_HOME").value_or("");
        if (folder.empty()) folder = host.env("HOME").value_or("") + "/.cache";
        const std::string what =
            server.url + "\n" + server.api_key + "\n" + std::string(source.path) + "\n" + room;
        const auto digest = crypto::sha256(as_bytes(what));
        path_ = folder + "/confab/names-" + to_hex(BytesView(digest.data(), std::size_t{8}));
    }
    std::optional<std::vector<std::string>> get() const {
        const auto file = host_.read_file(path_);
        if (!file) return std::nullopt;
        std::string_view rest = file->text;
        const auto at = parse_decimal<std::int64_t>(next_token(rest, '\n'));
        const Duration age = at ? host_.now() - UnixTime::micros(*at) : kCacheTime;
        if (age >= kCacheTime || age < Duration::zero()) return std::nullopt;
        std::vector<std::string> names;
        while (!rest.empty())
            names.emplace_back(next_token(rest, '\n'));
        return names;
    }
    void put(const std::vector<std::string>& names) const {
        std::string text = std::to_string(host_.now().us()) + "\n";
        for (const std::string& name : names)
            text += name + "\n";
        (void)host_.write_file(path_, text, 0600);  // without it the next one asks again
    }

  private:
    const Host& host_;
    std::string path_;
};

std::vector<std::string> projects(const Host& host) {
    std::vector<std::string> names;
    if (const auto all = load_projects(host))
        for (const Project& project : all->all)
            names.push_back(project.name);
    return names;
}

std::vector<std::string> asked(Call& call, const Source& source, const std::string& room) {
    const std::unique_ptr<google::protobuf::Message> request(source.api.request().New());
    const std::unique_ptr<google::protobuf::Message> response(source.api.response().New());
    if (source.of_room && !set_field(*request, "room", {room})) return {};
    call.set_timeout(kPatience);
    if (!call.ask(source.api, *request, *response)) return {};
    const std::string text = proto::to_camel_json(*response);
    const auto json = json::parse(text);
    if (!json) return {};
    std::vector<std::string> names;
    for (std::string& name : texts_at(*json, source.path))
        if (!name.empty() && printable(name) == name && names.size() < kMaxNames)
            names.push_back(std::move(name));
    return names;
}

}  // namespace

std::vector<std::string> live_names(Live live, const Values& given, const Host& host) {
    if (live == Live::kProject) return projects(host);
    const Source* source = nullptr;
    for (const Source& one : kSources)
        if (one.live == live) source = &one;
    const std::string room = given.text("room");
    if (source == nullptr || (source->of_room && room.empty())) return {};
    static constexpr Verb kNone{};
    Call call(kNone, given, {}, host);
    const auto server = call.credentials();
    if (!server) return {};
    const Cache cache(host, *server, *source, source->of_room ? room : "");
    if (auto names = cache.get()) return *std::move(names);
    std::vector<std::string> names = asked(call, *source, room);
    cache.put(names);
    return names;
}

}  // namespace confab::app::cli
