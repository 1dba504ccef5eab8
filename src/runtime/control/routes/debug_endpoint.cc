// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/routes/debug_endpoint.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>
#include <vector>

#include "json/json.h"
#include "proto/proto_json.h"

namespace confab::control {
namespace {

struct ShownRoom {
    std::string tenant;
    livekit::Room room;
    livekit::ListParticipantsResponse people;
};

api::CallContext of_tenant(const std::string& tenant) {
    api::CallContext context;
    context.tenant = tenant;
    return context;
}

std::string to_json(ShownRoom shown) {
    shown.room.clear_turn_password();
    shown.room.clear_metadata();
    std::string list;
    for (livekit::ParticipantInfo info : shown.people.participants()) {
        info.clear_metadata();
        info.clear_attributes();
        list += (list.empty() ? "" : ",") + proto::to_api_json(info);
    }
    json::Writer writer;
    writer.begin_object();
    if (!shown.tenant.empty()) writer.string("tenant", shown.tenant);
    writer.raw("room", proto::to_api_json(shown.room));
    writer.raw("participants", "[" + list + "]");
    writer.end_object();
    return writer.take();
}

}  // namespace

// A call that waits until each tenant's rooms are known, and each room has told who is in it.
struct DebugEndpoint::Dump {
    explicit Dump(Call from) : call(std::move(from)) {}
    void finish() {
        std::string list;
        for (ShownRoom& shown : rooms)
            list += (list.empty() ? "" : ",") + to_json(std::move(shown));
        call.respond(api::HttpResponse{
            200, {{"Content-Type", std::string(api::kApplicationJson)}}, "[" + list + "]"});
    }

    Call call;
    std::vector<ShownRoom> rooms;
    std::size_t waiting = 0;
    bool failed = false;
};

// POST /debug/move?room=…&identity=…&worker=…[&tenant=…]
void DebugEndpoint::move(Call call) {
    if (call.request.method != "POST") return call.respond_text(405, "POST it\n");
    api::WorkerMove wanted;
    wanted.room = call.query.get("room");
    wanted.identity = call.query.get("identity");
    const std::string worker(call.query.get("worker"));
    const char* const end = worker.data() + worker.size();
    if (const auto [at, error] = std::from_chars(worker.data(), end, wanted.worker);
        error != std::errc() || at != end)
        return call.respond_text(400, "worker is a number from 0 on\n");
    const auto asked = std::make_shared<Call>(std::move(call));
    rooms_.move_to_worker(of_tenant(std::string(asked->query.get("tenant"))), wanted,
                          [asked](Result<livekit::ParticipantInfo, api::ServiceError> begun) {
                              if (begun) return asked->respond_text(200, "on its way\n");
                              asked->respond_text(409, begun.error().message + "\n");
                          });
}

void DebugEndpoint::serve(Call call) {
    if (call.request.path == "/debug/move" && access_ == DebugAccess::kAll)
        return move(std::move(call));
    if (call.request.path != "/debug/rooms")
        return call.respond_text(404,
                                 access_ == DebugAccess::kAll
                                     ? "there is no such debug page here, only /debug/rooms "
                                       "and /debug/move\n"
                                     : "there is no such debug page here, only /debug/rooms\n");
    const bool lists = call.grants && call.grants->video && call.grants->video->room_list;
    if (access_ == DebugAccess::kRoomLister && !lists)
        return call.respond_text(401, "permissions denied");
    list_rooms(std::make_shared<Dump>(std::move(call)));
}

std::set<std::string> DebugEndpoint::tenants_for(const Call& call) const {
    if (call.grants && !call.grants->tenant.empty()) return {call.grants->tenant};
    std::set<std::string> all = keys_.tenants();
    all.insert(std::string());
    return all;
}

void DebugEndpoint::list_rooms(const std::shared_ptr<Dump>& dump) {
    const std::set<std::string> tenants = tenants_for(dump->call);
    dump->waiting = tenants.size();
    for (const std::string& tenant : tenants)
        rooms_.list_rooms(
            of_tenant(tenant), {},
            [this, dump, tenant](Result<livekit::ListRoomsResponse, api::ServiceError> listed) {
                dump->failed = dump->failed || !listed;
                if (listed)
                    for (livekit::Room& room : *listed->mutable_rooms())
                        dump->rooms.push_back({tenant, std::move(room), {}});
                if (--dump->waiting == 0) list_people(dump);
            });
}

void DebugEndpoint::list_people(const std::shared_ptr<Dump>& dump) {
    if (dump->failed) return dump->call.respond_text(503, "no response from servers");
    if (dump->rooms.empty()) return dump->finish();
    std::sort(dump->rooms.begin(), dump->rooms.end(), [](const auto& a, const auto& b) {
        return std::tie(a.tenant, a.room.name()) < std::tie(b.tenant, b.room.name());
    });
    dump->waiting = dump->rooms.size();
    for (std::size_t i = 0; i < dump->rooms.size(); ++i) {
        livekit::ListParticipantsRequest request;
        request.set_room(dump->rooms[i].room.name());
        rooms_.list_participants(
            of_tenant(dump->rooms[i].tenant), request,
            [dump, i](Result<livekit::ListParticipantsResponse, api::ServiceError> people) {
                if (people) dump->rooms[i].people = *std::move(people);
                if (--dump->waiting == 0) dump->finish();
            });
    }
}

}  // namespace confab::control
