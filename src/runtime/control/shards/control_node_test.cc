// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A node whose rooms are spread over control threads, asked from outside.
#include "runtime/control/shards/control_node.h"

#include <doctest/doctest.h>

#include <map>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "json/json.h"
#include "runtime/control/shards/node_room_service.h"
#include "runtime/control/shards/node_testing.h"

namespace confab::control {
namespace {

std::size_t participants_of(TestNode& node, std::size_t shard) {
    return node.call_in(shard,
                        [](ControlPlane& plane) { return plane.rooms().snapshot().participants; });
}

std::vector<std::string> names_of(const livekit::ListRoomsResponse& list) {
    std::vector<std::string> names;
    for (const livekit::Room& room : list.rooms())
        names.push_back(room.name());
    return names;
}

// Where webhooks go: what came, in order, as "<room> <event>".
class Receiver {
  public:
    Receiver() {
        thread_.call([&] {
            server_ = std::make_unique<net::HttpServer>(
                thread_.loop(), net::HttpServerOptions{},
                [this](const net::HttpRequest& request, net::HttpExchange exchange) {
                    take(request.body);
                    exchange.respond(net::HttpResponse::text(200, ""));
                });
            port_ = server_->listen("127.0.0.1", 0).value().port;
        });
    }
    ~Receiver() {
        thread_.call([&] { server_.reset(); });
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }
    // Of one room.
    std::vector<std::string> events(const std::string& room) {
        return thread_.call([&] { return events_[room]; });
    }

  private:
    void take(const std::string& body) {
        const auto event = json::parse(body);
        REQUIRE(event);
        const json::Value* room = event->find("room");
        const json::Value* metadata = room == nullptr ? nullptr : room->find("metadata");
        events_[room == nullptr ? "" : room->find("name")->string].push_back(
            event->find("event")->string + " " + (metadata == nullptr ? "" : metadata->string));
    }

    net::LoopThread thread_;
    std::unique_ptr<net::HttpServer> server_;
    std::uint16_t port_ = 0;
    std::map<std::string, std::vector<std::string>> events_;
};

}  // namespace

TEST_CASE("shard_of: a room is always the same shard's, and all get some") {
    CHECK(shard_of("", 64) == 38);
    CHECK(shard_of("standup", 64) == 22);
    CHECK(shard_of("Z\xc3\xbcrich", 7) == 6);
    CHECK(shard_of("anything", 1) == 0);
    std::map<std::size_t, int> rooms;
    for (int i = 0; i < 6400; ++i)
        ++rooms[shard_of("room-" + std::to_string(i), 64)];
    CHECK(rooms.size() == 64);
    for (const auto& [shard, count] : rooms)
        CHECK(count < 200);
}

TEST_CASE("ControlNode: rooms live in the threads of their names [CON-31] [API-02]") {
    TestNode node(2);
    const std::string here = node.room_in(0, "b");
    const std::string there = node.room_in(1, "a");
    Joined ann(node, here, "ann");
    Joined bob(node, there, "bob");
    REQUIRE(ann.is_in());
    REQUIRE(bob.is_in());
    CHECK(participants_of(node, 0) == 1);
    CHECK(participants_of(node, 1) == 1);
    CHECK(ann.is_served(1));
    CHECK(bob.is_served(2));

    livekit::ListRoomsRequest all;
    CHECK(names_of(node.answer<livekit::ListRoomsResponse>("ListRooms", here, all)) ==
          std::vector<std::string>{there, here});
    livekit::ListRoomsRequest some;
    for (const std::string& name : {here, std::string("nowhere"), there})
        some.add_names(name);
    CHECK(names_of(node.answer<livekit::ListRoomsResponse>("ListRooms", here, some)) ==
          std::vector<std::string>{here, there});
}

// Whoever knows the ids that clients see, and with them the generator, knows no password.
TEST_CASE("ControlNode: ids are the seed's, passwords of connections nobody's [ICE-13] [IMM-16]") {
    const auto first_offer = [] {
        TestNode node(1);  // of one seed each time
        Joined ann(node, "room", "ann");
        REQUIRE(ann.head().starts_with("HTTP/1.1 101 "));
        const std::string sid = ann.wait(livekit::SignalResponse::kJoin).join().participant().sid();
        const std::string sdp = ann.wait(livekit::SignalResponse::kOffer).offer().sdp();
        constexpr std::string_view kLine = "a=ice-pwd:";
        const std::size_t at = sdp.find(kLine);
        REQUIRE(at != std::string::npos);
        return std::pair(sid, sdp.substr(at + kLine.size(), 32));
    };
    const auto [sid, password] = first_offer();
    const auto [same_sid, other_password] = first_offer();
    CHECK(sid == same_sid);
    CHECK(password.find('\r') == std::string::npos);
    CHECK(password != other_password);
}

TEST_CASE("ControlNode: a call reaches the room in its thread [API-03] [API-05] [API-14]") {
    TestNode node(2);
    const std::string room = node.room_in(1);
    Joined ann(node, room, "ann");
    REQUIRE(ann.is_in());
    livekit::RoomParticipantIdentity who;
    who.set_room(room);
    who.set_identity("ann");
    CHECK(node.answer<livekit::ParticipantInfo>("GetParticipant", room, who).identity() == "ann");
    who.set_identity("nobody");
    const std::string unknown = node.twirp("GetParticipant", room, who);
    CHECK(unknown.starts_with("HTTP/1.1 404 "));
    CHECK(unknown.find("participant does not exist") != std::string::npos);
    livekit::PerformRpcRequest rpc;
    rpc.set_room(room);
    rpc.set_destination_identity("nobody");
    rpc.set_method("m");
    CHECK(node.twirp("PerformRpc", room, rpc).find("no response from servers") !=
          std::string::npos);
    livekit::DeleteRoomRequest end;
    end.set_room(room);
    (void)node.answer<livekit::DeleteRoomResponse>("DeleteRoom", room, end);
    CHECK(ann.wait(livekit::SignalResponse::kLeave).leave().reason() == livekit::ROOM_DELETED);
}

TEST_CASE("ControlNode: nobody may create the room, says the shard of it [CON-22] [CON-32]") {
    TestNode node(2, [](TestNode::Settings& settings) {
        settings.routes.join.auto_create = false;
        settings.control.room.room.auto_create = false;
    });
    for (const std::size_t shard : {0U, 1U}) {
        CAPTURE(shard);
        node.set_creates(false);
        const std::string room = node.room_in(shard);
        SignalClient client(node.port(), node.join_path(room, "ann"));
        CHECK(client.head().starts_with("HTTP/1.1 404 "));
        CHECK(client.raw().read_until("exist") == "requested room does not exist");
        CHECK(node.validate(room, "ann").starts_with("HTTP/1.1 404 "));
        CHECK(node.validate(room, "ann").ends_with("requested room does not exist"));
        SignalClient back(node.port(), node.join_path(room, "ann") + "&reconnect=1&sid=PA_x");
        CHECK(back.head().starts_with("HTTP/1.1 404 "));
        node.set_creates(true);
        CHECK(node.validate(room, "ann").starts_with("HTTP/1.1 200 "));
        CHECK(Joined(node, room, "ann").is_in());
    }
}

TEST_CASE("ControlNode: a full room refuses in its shard [CON-22] [ROOM-06]") {
    TestNode node(
        2, [](TestNode::Settings& settings) { settings.control.room.room.max_participants = 1; });
    for (const std::size_t shard : {0U, 1U}) {
        CAPTURE(shard);
        const std::string room = node.room_in(shard);
        Joined ann(node, room, "ann");
        REQUIRE(ann.is_in());
        SignalClient bob(node.port(), node.join_path(room, "bob"));
        CHECK(bob.head().starts_with("HTTP/1.1 403 "));
        CHECK(node.validate(room, "bob").starts_with("HTTP/1.1 403 "));
        CHECK(node.validate(room, "ann").starts_with("HTTP/1.1 200 "));
    }
}

TEST_CASE("ControlNode: a full node refuses, but not who comes back [CON-22] [CON-32] [ROOM-07]") {
    TestNode node(2, [](TestNode::Settings& settings) {
        settings.load.tracks = 5;
        settings.routes.load_limits.tracks = 5;
    });
    for (const std::size_t shard : {0U, 1U}) {
        CAPTURE(shard);
        const std::string room = node.room_in(shard);
        SignalClient ann(node.port(), node.join_path(room, "ann"));
        CHECK(ann.head().starts_with("HTTP/1.1 503 "));
        CHECK(ann.raw().read_until("limit") == "node has exceeded its configured limit");
        CHECK(node.validate(room, "ann").ends_with("node has exceeded its configured limit"));
        SignalClient back(node.port(), node.join_path(room, "ann") + "&reconnect=1&sid=PA_x");
        CHECK_FALSE(back.head().starts_with("HTTP/1.1 503 "));
        livekit::CreateRoomRequest create;
        create.set_name(room);
        CHECK(node.twirp("CreateRoom", room, create).find("reached configured limit for node") !=
              std::string::npos);
    }
}

TEST_CASE("ControlNode: a shard that hangs keeps only its own rooms waiting [API-W7] [CON-06]") {
    TestNode node(2);
    const std::string well = node.room_in(0);
    const std::string hung = node.room_in(1);
    Joined ann(node, well, "ann");
    REQUIRE(ann.is_in());
    HungShard hang(node, 1);
    const Timestamp told = node.call([](ControlNode& control) { return control.oldest_report(); });

    Joined bob(node, hung, "bob");  // waits
    CHECK(ann.is_served(1));
    CHECK(Joined(node, well, "cleo").is_in());
    CHECK(node.validate(well, "dan").starts_with("HTTP/1.1 200 "));
    livekit::ListParticipantsRequest list;
    list.set_room(well);
    CHECK(node.answer<livekit::ListParticipantsResponse>("ListParticipants", well, list)
              .participants_size() >= 1);
    // A list that lacks its rooms would be a lie.
    const std::string rooms = node.twirp("ListRooms", well, livekit::ListRoomsRequest());
    CHECK(rooms.starts_with("HTTP/1.1 503 "));
    CHECK(rooms.find("no response from servers") != std::string::npos);
    CHECK(node.call([](ControlNode& control) { return control.oldest_report(); }) == told);

    CHECK(bob.head().starts_with("HTTP/1.1 503 "));
    hang.open();
    Joined again(node, hung, "bob");
    CHECK(again.is_in());
    CHECK(node.answer<livekit::ListRoomsResponse>("ListRooms", well, livekit::ListRoomsRequest())
              .rooms_size() == 2);
    CHECK(node.call([](ControlNode& control) { return control.oldest_report(); }) > told);
}

TEST_CASE("ControlNode: what throws in a shard is counted, and all rooms go on [CON-02]") {
    TestNode node(2);
    Joined ann(node, node.room_in(0), "ann");
    Joined bob(node, node.room_in(1), "bob");
    REQUIRE(ann.is_in());
    REQUIRE(bob.is_in());
    node.call([](ControlNode& control) {
        control.run_in(1, [](ControlPlane&) { throw std::runtime_error("shard"); });
    });
    CHECK(ann.is_served(1));
    CHECK(bob.is_served(2));
    node.call_in(1, [](ControlPlane& plane) { plane.tell(); });
    const auto totals = node.call([](ControlNode& control) { return control.totals(); });
    CHECK(totals.loop_failures == 1);
    CHECK(totals.rooms.participants == 2);
    // Who waits for the one that threw learns at once that it has no answer.
    std::promise<std::vector<std::optional<int>>> answers;
    node.call([&](ControlNode& control) {
        const ControlPlane* const second = &control.shard(1);
        control.gather<int>(
            [second](ControlPlane& plane) {
                if (&plane == second) throw std::runtime_error("asked");
                return 1;
            },
            Duration::seconds(60),
            [&](std::vector<std::optional<int>> all) { answers.set_value(std::move(all)); });
    });
    CHECK(answers.get_future().get() == std::vector<std::optional<int>>{1, std::nullopt});
}

TEST_CASE("ControlNode: webhooks of a room come in order, from whichever thread [HOOK-01]") {
    Receiver receiver;
    TestNode node(2, [&](TestNode::Settings& settings) {
        settings.control.webhooks.urls = {receiver.url()};
        settings.control.webhooks.api_key = "key";
    });
    std::vector<std::string> rooms;
    rooms.reserve(8);
    for (int i = 0; i < 8; ++i)
        rooms.push_back(node.room_in(static_cast<std::size_t>(i) % 2, "r" + std::to_string(i)));
    for (const std::string& room : rooms) {
        livekit::CreateRoomRequest create;
        create.set_name(room);
        create.set_metadata("of " + room);
        (void)node.answer<livekit::Room>("CreateRoom", room, create);
    }
    // All rooms end at once, and the end waits until the last of it is delivered.
    std::promise<void> flushed;
    node.call([&](ControlNode& control) {
        control.shut_down();
        control.flush([&] { flushed.set_value(); });
    });
    flushed.get_future().get();
    for (const std::string& room : rooms)
        CHECK(receiver.events(room) ==
              std::vector<std::string>{"room_started of " + room, "room_finished of " + room});
}

TEST_CASE("ControlNode: the end reaches the clients of all threads [CON-11] [SIG-143]") {
    TestNode node(2);
    Joined ann(node, node.room_in(0), "ann");
    Joined bob(node, node.room_in(1), "bob");
    REQUIRE(ann.is_in());
    REQUIRE(bob.is_in());
    node.call([](ControlNode& control) { control.shut_down(); });
    for (Joined* client : {&ann, &bob})
        CHECK(client->wait(livekit::SignalResponse::kLeave).leave().action() ==
              livekit::LeaveRequest::RECONNECT);
    CHECK(participants_of(node, 0) == 0);
    CHECK(participants_of(node, 1) == 0);
    CHECK(node.call([](ControlNode& control) { return control.totals().rooms.participants; }) == 0);
}

}  // namespace confab::control
