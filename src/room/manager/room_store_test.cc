// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a store is told of rooms, and rooms that are made of what a store has (03 RDS-02…04,
// RDS-21).
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "livekit_internal.pb.h"
#include "room/manager/room_records.h"
#include "room/test_support.h"

namespace confab::room {
namespace {

using namespace testing;
using R = livekit::SignalResponse;

Config listened_to() {
    Config config = test_config();
    config.store_listens = true;
    return config;
}

// What a store that carries the effects out has.
struct Store {
    void apply(std::vector<Effect>& effects) {
        for (Effect& effect : effects) {
            if (auto* room = std::get_if<StoreRoom>(&effect)) {
                ++writes;
                rooms[room->room.name()] = *room;
            } else if (const auto* gone = std::get_if<RemoveRoom>(&effect)) {
                rooms.erase(gone->room);
                participants.erase(gone->room);
            } else if (auto* p = std::get_if<StoreParticipant>(&effect)) {
                ++writes;
                participants[p->room][p->info.identity()] = p->info;
            } else if (const auto* left = std::get_if<RemoveParticipant>(&effect)) {
                participants[left->room].erase(left->identity);
            }
        }
        effects.clear();
    }
    std::map<std::string, StoreRoom> rooms;
    std::map<std::string, std::map<std::string, livekit::ParticipantInfo>> participants;
    std::size_t writes = 0;
};

livekit::Room stored_of_old() {
    livekit::Room room;
    room.set_sid("RM_aaaabbbbcccc");
    room.set_name("old");
    room.set_empty_timeout(77);
    room.set_departure_timeout(11);
    room.set_max_participants(2);
    room.set_creation_time(1'699'999'000);
    room.set_creation_time_ms(1'699'999'000'123);
    room.set_metadata("kept");
    room.set_turn_password("secret");
    room.set_num_participants(9);  // of the node that is gone
    return room;
}

}  // namespace

TEST_CASE("Store: nothing is made when none listens [RDS-02]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.close(alice);
    h.manager.shut_down(h.clock());
    h.drain();
    CHECK(h.stored.empty());
}

TEST_CASE("Store: a room and who is in it, from first to last [RDS-02] [RDS-03] [RDS-04]") {
    Harness h(listened_to());
    Store store;
    livekit::CreateRoomRequest request;
    request.set_name("r");
    request.set_metadata("m");
    request.set_min_playout_delay(100);
    request.set_sync_streams(true);
    (void)h.manager.create_room(h.clock(), request);
    h.drain();
    store.apply(h.stored);
    REQUIRE(store.rooms.contains("r"));
    CHECK(store.rooms["r"].room.sid().starts_with("RM_"));
    CHECK(store.rooms["r"].room.metadata() == "m");
    livekit::RoomInternal internal;
    REQUIRE(internal.ParseFromString(store.rooms["r"].internal));
    CHECK(internal.sync_streams());
    CHECK(internal.playout_delay().enabled());
    CHECK(internal.playout_delay().min() == 100);

    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    store.apply(h.stored);
    CHECK(store.rooms["r"].room.num_participants() == 2);
    CHECK(store.participants["r"]["alice"].state() == livekit::ParticipantInfo::ACTIVE);
    h.publish(alice, "mic", false);
    store.apply(h.stored);
    CHECK(store.rooms["r"].room.num_publishers() == 1);
    CHECK(store.participants["r"]["alice"].tracks_size() == 1);

    livekit::UpdateRoomMetadataRequest metadata;
    metadata.set_room("r");
    metadata.set_metadata("other");
    (void)h.manager.update_room_metadata(h.clock(), metadata);
    h.drain();
    store.apply(h.stored);
    CHECK(store.rooms["r"].room.metadata() == "other");

    livekit::SignalRequest leave;
    leave.mutable_leave();
    h.send(bob, leave);
    store.apply(h.stored);
    CHECK_FALSE(store.participants["r"].contains("bob"));
    CHECK(store.rooms["r"].room.num_participants() == 1);
    h.send(alice, leave);
    h.advance(Duration::seconds(21));
    store.apply(h.stored);
    CHECK(store.rooms.empty());
    CHECK(store.participants.empty());
}

TEST_CASE("Store: one input writes each thing once, as it is in the end [RDS-04]") {
    Harness h(listened_to());
    Store store;
    (void)h.manager.start_session(h.clock(), test_join("r", "alice"));
    h.drain();
    store.apply(h.stored);
    CHECK(store.writes == 2);  // the room, and her
    const std::string first = store.participants["r"]["alice"].sid();
    (void)h.manager.start_session(h.clock(), test_join("r", "alice"));  // takes the identity over
    h.drain();
    CHECK(std::none_of(h.stored.begin(), h.stored.end(), [](const Effect& effect) {
        return std::holds_alternative<RemoveParticipant>(effect);
    }));
    store.apply(h.stored);
    CHECK(store.writes == 3);
    CHECK(store.participants["r"]["alice"].sid() != first);
    livekit::SendDataRequest data;
    data.set_room("r");
    (void)h.manager.send_data(h.clock(), data);
    h.drain();
    CHECK(h.stored.empty());  // nothing of that is kept
}

TEST_CASE("Store: rooms that are deleted, fail or are shut down go from it [RDS-02] [ERR-04]") {
    const auto broken = std::make_shared<bool>(false);
    Config config = listened_to();
    config.mint_token = [broken](const token::Grants& grants) -> std::string {
        if (*broken && grants.identity == "alice") throw std::runtime_error("injected");
        return "token";
    };
    Harness h(std::move(config));
    Store store;
    for (const char* room : {"deleted", "fails", "shut down"})
        (void)h.join_active(room, room == std::string("fails") ? "alice" : "bob");
    store.apply(h.stored);
    REQUIRE(store.rooms.size() == 3);
    livekit::DeleteRoomRequest request;
    request.set_room("deleted");
    (void)h.manager.delete_room(h.clock(), request);
    *broken = true;
    h.advance(Duration::seconds(301));
    store.apply(h.stored);
    CHECK(store.rooms.size() == 1);
    h.manager.shut_down(h.clock());
    h.drain();
    store.apply(h.stored);
    CHECK(store.rooms.empty());
    CHECK(store.participants.empty());
}

TEST_CASE("A room that another node has ends here, and is said to be over nowhere [NODE-16]") {
    Harness h(listened_to());
    const SessionId alice = h.join_active("r", "alice");
    h.join_active("other", "bob");
    h.webhooks.clear();
    CHECK(!hand_over(h.manager, h.clock(), "no-room", RoomEnd::kCopy));
    CHECK(hand_over(h.manager, h.clock(), "r", RoomEnd::kCopy));
    h.drain();
    CHECK(!h.manager.has_room("r"));
    CHECK(h.manager.has_room("other"));
    REQUIRE(!h.sent(alice).empty());
    CHECK(h.sent(alice).back().leave().action() == livekit::LeaveRequest::RECONNECT);
    CHECK(h.webhook_names() == std::vector<std::string>{"participant_left"});
}

TEST_CASE("RoomRecords: what finds no place is told with the next turn, removals always") {
    const Config config = listened_to();
    Clock clock;
    Outbox out(1);  // has place for nothing
    IdSource ids{0, 1, seeded_secrets(1)};
    MediaRegistry media;
    Counters counters;
    Placement placement{1};
    const AgentKinds agents;
    const RoomScope scope{config, clock, out, ids, media, counters, placement, agents};
    Roster roster(scope, 300, 20);
    const RoomNews news(scope, roster);
    RoomRecords records(scope, roster, news, "internal");
    const auto describe = [](const Participant& p) { return p.info; };
    const auto kinds = [&] {
        std::string result;
        while (const auto effect = out.poll())
            result += std::holds_alternative<StoreRoom>(*effect)          ? "R"
                      : std::holds_alternative<StoreParticipant>(*effect) ? "p"
                                                                          : "-";
        return result;
    };
    Participant& alice = roster.add(
        std::make_unique<Participant>(scope, test_join("r", "alice"), placement.take("r")));
    records.participant_changed(alice);
    records.finish_turn(describe);
    CHECK(kinds().empty());
    CHECK(out.dropped() == 2);
    out = Outbox();
    records.finish_turn(describe);
    CHECK(kinds() == "Rp");
    records.finish_turn(describe);
    CHECK(kinds().empty());
    out = Outbox(1);
    records.participant_changed(alice);
    roster.remove(alice);
    records.finish_turn(describe);
    CHECK(kinds() == "-");
}

TEST_CASE("Adopt: a stored room keeps its sid, times and settings [RDS-21] [RDS-27]") {
    Harness h(listened_to());
    const auto adopted = h.manager.adopt(h.clock(), stored_of_old());
    REQUIRE(adopted);
    CHECK(adopted->sid() == "RM_aaaabbbbcccc");
    CHECK(adopted->num_participants() == 0);
    const SessionId alice = h.join_active("old", "alice");
    const livekit::Room& told = h.sent(alice).at(0).join().room();
    CHECK(told.sid() == "RM_aaaabbbbcccc");
    CHECK(told.creation_time() == 1'699'999'000);
    CHECK(told.creation_time_ms() == 1'699'999'000'123);
    CHECK(told.metadata() == "kept");
    CHECK(told.turn_password() == "secret");
    CHECK(told.empty_timeout() == 77);
    CHECK(told.departure_timeout() == 11);
    CHECK(told.enabled_codecs_size() > 0);
    (void)h.join_active("old", "bob");
    CHECK(h.refused.contains(h.join(test_join("old", "carol"))));  // max_participants
    const auto webhook = std::find_if(h.webhooks.begin(), h.webhooks.end(), [](const auto& event) {
        return event.event() == "room_started";
    });
    REQUIRE(webhook != h.webhooks.end());
    CHECK(webhook->room().sid() == "RM_aaaabbbbcccc");
}

TEST_CASE("Adopt: nobody comes, and the room ends after its own time [ROOM-05]") {
    Harness h;
    REQUIRE(h.manager.adopt(h.clock(), stored_of_old()));
    h.drain();
    h.advance(Duration::seconds(76));
    CHECK(h.manager.has_room("old"));
    h.advance(Duration::seconds(1));
    CHECK_FALSE(h.manager.has_room("old"));
    const auto over = h.observed<RoomOver>();
    REQUIRE(over.size() == 1);
    CHECK(over[0].lasted >= Duration::seconds(1'000));  // since it was first made
}

TEST_CASE("Adopt: what this version does not know of a room is kept [RDS-25]") {
    Harness h(listened_to());
    livekit::RoomInternal internal;
    internal.set_sync_streams(true);
    const std::string newer = internal.SerializeAsString() + std::string("\xfa\x7f\x03new", 6);
    REQUIRE(h.manager.adopt(h.clock(), stored_of_old(), newer));
    h.drain();
    Store store;
    store.apply(h.stored);
    CHECK(store.rooms["old"].internal == newer);
}

TEST_CASE("Adopt: a room that is here already is not touched [RDS-21]") {
    Harness h;
    const SessionId alice = h.join_active("old", "alice");
    const std::string sid = h.sent(alice).at(0).join().room().sid();
    const auto adopted = h.manager.adopt(h.clock(), stored_of_old());
    REQUIRE(adopted);
    CHECK(adopted->sid() == sid);
    CHECK(adopted->metadata().empty());
    CHECK_FALSE(h.closed.contains(alice));
}

TEST_CASE("Adopt: nonsense is refused with what is wrong [RDS-21]") {
    Harness h(listened_to());
    const auto error = [&](auto&& spoil, std::string internal = {}) {
        livekit::Room room = stored_of_old();
        spoil(room);
        const auto adopted = h.manager.adopt(h.clock(), room, std::move(internal));
        REQUIRE_FALSE(adopted);
        CHECK(adopted.error().code == ServiceCode::kInvalidArgument);
        constexpr std::string_view kStart = "the stored room can not be adopted: ";
        REQUIRE(adopted.error().text.starts_with(kStart));
        return adopted.error().text.substr(kStart.size());
    };
    CHECK(error([](livekit::Room& r) { r.clear_name(); }) == "it has no name");
    CHECK(error([](livekit::Room& r) { r.set_name(std::string(257, 'x')); }) ==
          "its name exceeds length limit 256");
    for (const char* sid : {"", "PA_aaaabbbbcccc", "RM_", "RM_aaaabbbbccccddddeeeeffff", "RM_a b"})
        CHECK(error([&](livekit::Room& r) { r.set_sid(sid); }) == "its sid is none of a room");
    for (const std::int64_t time : {std::int64_t{-1}, std::int64_t{1} << 60})
        CHECK(error([&](livekit::Room& r) { r.set_creation_time(time); }) ==
              "its creation time is none");
    CHECK(error([](livekit::Room&) {}, "\xff\xff") == "its internal part does not decode");
    h.drain();
    CHECK(h.stored.empty());
    CHECK(h.manager.list_rooms({}).rooms().empty());
}

}  // namespace confab::room
