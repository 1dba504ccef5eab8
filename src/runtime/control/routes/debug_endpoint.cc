// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/routes/debug_endpoint.h"

#include <memory>
#include <utility>
#include <vector>

#include "json/json.h"
#include "proto/proto_json.h"

namespace confab::control {
namespace {

// A call that waits until each room has told who is in it.
struct Dump {
    explicit Dump(Call from) : call(std::move(from)) {}
    Call call;
    std::vector<livekit::Room> rooms;
    std::vector<livekit::ListParticipantsResponse> people;  // of the room at the same place
    std::size_t waiting = 0;
};

std::string to_json(livekit::Room room, const livekit::ListParticipantsResponse& people) {
    room.clear_turn_password();
    room.clear_metadata();
    std::string list;
    for (livekit::ParticipantInfo info : people.participants()) {
        info.clear_metadata();
        info.clear_attributes();
        list += (list.empty() ? "" : ",") + proto::to_api_json(info);
    }
    json::Writer writer;
    writer.begin_object();
    writer.raw("room", proto::to_api_json(room));
    writer.raw("participants", "[" + list + "]");
    writer.end_object();
    return writer.take();
}

void finish(Dump& dump) {
    std::string list;
    for (std::size_t i = 0; i < dump.rooms.size(); ++i)
        list += (list.empty() ? "" : ",") + to_json(std::move(dump.rooms[i]), dump.people[i]);
    dump.call.respond(api::HttpResponse{
        200, {{"Content-Type", std::string(api::kApplicationJson)}}, "[" + list + "]"});
}

}  // namespace

void DebugEndpoint::serve(Call call) {
    if (call.request.path != "/debug/rooms")
        return call.respond_text(404, "there is no such debug page here, only /debug/rooms\n");
    const bool lists = call.grants && call.grants->video && call.grants->video->room_list;
    if (access_ == DebugAccess::kRoomLister && !lists)
        return call.respond_text(401, "permissions denied");
    dump_rooms(std::move(call));
}

void DebugEndpoint::dump_rooms(Call call) {
    auto dump = std::make_shared<Dump>(std::move(call));
    rooms_.list_rooms(
        {}, {}, [this, dump](Result<livekit::ListRoomsResponse, api::ServiceError> r) {
            if (!r) return dump->call.respond_text(503, "no response from servers");
            dump->rooms = {r->rooms().begin(), r->rooms().end()};
            dump->people.resize(dump->rooms.size());
            dump->waiting = dump->rooms.size();
            if (dump->rooms.empty()) return finish(*dump);
            for (std::size_t i = 0; i < dump->people.size(); ++i) {
                livekit::ListParticipantsRequest request;
                request.set_room(dump->rooms[i].name());
                rooms_.list_participants(
                    {}, request,
                    [dump, i](Result<livekit::ListParticipantsResponse, api::ServiceError> people) {
                        if (people) dump->people[i] = *std::move(people);
                        if (--dump->waiting == 0) finish(*dump);
                    });
            }
        });
}

}  // namespace confab::control
