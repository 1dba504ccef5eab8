// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Service calls on the rooms of one thread: which error is which code, and calls of methods, whose
// answers come later.
#include "runtime/control/room_service.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/net/event_loop.h"

namespace confab::control {
namespace {

using api::ErrorCode;

class Rooms {
  public:
    Rooms()
        : rooms_(config(), 1, room::seeded_secrets(1)),
          service(rooms_, "ND_x", [this] { drain(); }, [] {}) {}

    void join(const std::string& room, const std::string& identity) {
        room::JoinParams params;
        params.room = room;
        params.grants.identity = identity;
        params.client.set_protocol(17);
        const room::Clock clock{net::EventLoop::now(), net::EventLoop::wall()};
        (void)rooms_.start_session(clock, params);
        drain();
    }
    // How often effects were to be carried out.
    int woken() const { return woken_; }
    const std::vector<room::RpcDone>& done() const { return done_; }

  private:
    static room::Config config() {
        room::Config result;
        result.media.workers.push_back({{{IpAddress::v4(0x7F000001), 7000}}, {}});
        result.media.fingerprint_sha256 = "AA:BB";
        return result;
    }
    void drain() {
        ++woken_;
        while (auto effect = rooms_.poll_effect())
            if (auto* done = std::get_if<room::RpcDone>(&*effect))
                done_.push_back(std::move(*done));
    }

    int woken_ = 0;
    std::vector<room::RpcDone> done_;
    room::RoomManager rooms_;

  public:
    LocalRoomService service;
};

// What a call answered: its error, or "ok".
template <typename Response>
struct Answer {
    std::optional<Result<Response, api::ServiceError>> result;
    int count = 0;

    api::Reply<Response> reply() {
        return [this](Result<Response, api::ServiceError> value) {
            ++count;
            result = std::move(value);
        };
    }
    std::string text() const {
        if (!result) return "waits";
        if (*result) return "ok";
        return std::string(api::to_text(result->error().code)) + " " + result->error().message;
    }
};

livekit::PerformRpcRequest method_of(const std::string& identity) {
    livekit::PerformRpcRequest request;
    request.set_room("r");
    request.set_destination_identity(identity);
    request.set_method("m");
    return request;
}

}  // namespace

TEST_CASE("LocalRoomService: what is not there has the code that SDKs look at [API-W5]") {
    Rooms rooms;
    rooms.join("r", "ann");
    livekit::RoomParticipantIdentity nobody;
    nobody.set_room("r");
    nobody.set_identity("nobody");
    Answer<livekit::ParticipantInfo> got;
    rooms.service.get_participant({}, nobody, got.reply());
    CHECK(got.text() == "not_found twirp error unknown: participant does not exist");
    livekit::DeleteRoomRequest end;
    end.set_room("nowhere");
    Answer<livekit::DeleteRoomResponse> ended;
    rooms.service.delete_room({}, end, ended.reply());
    CHECK(ended.text() == "not_found twirp error unknown: requested room does not exist");
    livekit::CreateRoomRequest create;
    create.set_name("new");
    create.set_room_preset("unknown");
    Answer<livekit::Room> created;
    rooms.service.create_room({}, create, created.reply());
    CHECK(
        created.text() ==
        "invalid_argument twirp error unknown: unknown room configuration in create room request");
    livekit::MuteRoomTrackRequest mute;
    mute.set_room("r");
    mute.set_identity("nobody");
    Answer<livekit::MuteRoomTrackResponse> muted;
    rooms.service.mute_published_track({}, mute, muted.reply());
    CHECK(muted.text() == "unavailable twirp error unknown: no response from servers");
    Answer<livekit::MoveParticipantResponse> moved;
    livekit::MoveParticipantRequest move;
    move.set_room("r");
    move.set_identity("nobody");
    move.set_destination_room("s");
    rooms.service.move_participant({}, move, moved.reply());
    CHECK(moved.text() == "not_found twirp error unknown: participant does not exist");
    Answer<livekit::ForwardParticipantResponse> forwarded;
    livekit::ForwardParticipantRequest forward;
    forward.set_room("r");
    forward.set_identity("nobody");
    forward.set_destination_room("s");
    rooms.service.forward_participant({}, forward, forwarded.reply());
    CHECK(forwarded.text() == "not_found twirp error unknown: participant does not exist");
}

TEST_CASE("LocalRoomService: each change is carried out at once, a look changes nothing [API-02]") {
    Rooms rooms;
    rooms.join("r", "ann");
    const auto wakes = [&](auto call) {
        const int before = rooms.woken();
        call();
        return rooms.woken() - before;
    };
    livekit::RoomParticipantIdentity ann;
    ann.set_room("r");
    ann.set_identity("ann");
    CHECK(wakes([&] { rooms.service.list_rooms({}, {}, {}); }) == 0);
    CHECK(wakes([&] {
              Answer<livekit::ParticipantInfo> got;
              rooms.service.get_participant({}, ann, got.reply());
              CHECK(got.text() == "ok");
          }) == 0);
    CHECK(wakes([&] {
              livekit::UpdateParticipantRequest update;
              update.set_room("r");
              update.set_identity("ann");
              update.set_metadata("new");
              Answer<livekit::ParticipantInfo> got;
              rooms.service.update_participant({}, update, got.reply());
              CHECK(got.text() == "ok");
          }) == 1);
    CHECK(wakes([&] {
              Answer<livekit::RemoveParticipantResponse> got;
              rooms.service.remove_participant({}, ann, got.reply());
              CHECK(got.text() == "ok");
          }) == 1);
    Answer<livekit::ParticipantInfo> gone;
    rooms.service.get_participant({}, ann, gone.reply());
    CHECK(gone.text().starts_with("not_found "));
}

TEST_CASE("LocalRoomService: a room is found on this node while it is there [PSR-10]") {
    Rooms rooms;
    const auto find = [&](const std::string& name) {
        std::optional<std::string> node;
        rooms.service.find_room(name, [&](const auto& found) { node = found.value(); });
        return node.value_or("");
    };
    CHECK(find("r").empty());
    rooms.join("r", "ann");
    CHECK(find("r") == "ND_x");
    CHECK(find("R").empty());
    CHECK(find("").empty());
}

TEST_CASE("LocalRoomService: a call that cannot be made ends at once, and only once [API-14]") {
    Rooms rooms;
    rooms.join("r", "ann");
    Answer<livekit::PerformRpcResponse> ann;
    rooms.service.perform_rpc({}, method_of("ann"), ann.reply());
    CHECK(ann.text() == "internal twirp error unknown: data channel is not available");
    for (const std::uint64_t call : {0U, 1U, 99U})  // of nobody who waits
        rooms.service.rpc_done({room::RpcCallId(call), livekit::PerformRpcResponse{}});
    CHECK(ann.count == 1);
}

TEST_CASE("LocalRoomService: a call of nobody ends at once [API-14] [API-W7]") {
    Rooms rooms;
    rooms.join("r", "ann");
    Answer<livekit::PerformRpcResponse> nobody;
    rooms.service.perform_rpc({}, method_of("nobody"), nobody.reply());
    CHECK(nobody.text() == "unavailable twirp error unknown: no response from servers");
    CHECK(nobody.count == 1);
    CHECK(rooms.done().empty());
}

}  // namespace confab::control
