// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What rooms ask to be recorded by themselves, through RoomManager.
#include "room/egress/auto_egress.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "livekit_internal.pb.h"
#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::test_config;
using testing::test_join;
using Texts = std::vector<std::string>;

Config connected() {
    Config config = test_config();
    config.egress_listens = true;
    return config;
}

struct World : Harness {
    explicit World(Config config = connected()) : Harness(std::move(config)) {}

    void create(const std::function<void(livekit::CreateRoomRequest&)>& with) {
        livekit::CreateRoomRequest request;
        request.set_name("r");
        with(request);
        REQUIRE(manager.create_room(clock(), request));
        drain();
    }
    std::string sid() {
        livekit::ListRoomsRequest request;
        return manager.list_rooms(request).rooms(0).sid();
    }
    // Since the last look: "room r", "participant r alice", "track r TR_x"; with '?' where one may
    // run already.
    Texts asked() {
        Texts result;
        for (const Effect& effect : stored) {
            const auto* start = std::get_if<StartEgress>(&effect);
            if (start == nullptr) continue;
            starts.push_back(*start);
            CHECK(start->room_sid == sid());
            std::string text = start->may_run ? "?" : "";
            if (const auto* room =
                    std::get_if<livekit::RoomCompositeEgressRequest>(&start->request))
                text += "room " + room->room_name();
            else if (const auto* one =
                         std::get_if<livekit::ParticipantEgressRequest>(&start->request))
                text += "participant " + one->room_name() + " " + one->identity();
            else
                text +=
                    "track " + std::get<livekit::TrackEgressRequest>(start->request).room_name();
            result.push_back(text);
        }
        stored.clear();
        return result;
    }
    template <typename Request>
    const Request& last() const {
        return std::get<Request>(starts.back().request);
    }
    void leave(SessionId session) {
        livekit::SignalRequest request;
        request.mutable_leave();
        send(session, request);
    }

    std::vector<StartEgress> starts;
};

}  // namespace

TEST_CASE("track_path: each track has a file of its own [EGR-19]") {
    CHECK(track_path("") == "");
    CHECK(track_path("out/") == "out/");
    CHECK(track_path("out/{track_id}.ogg") == "out/{track_id}.ogg");
    CHECK(track_path("out/a") == "out/a-{track_id}");
    CHECK(track_path("out/a.b.ogg") == "out/a-{track_id}.b.ogg");
    CHECK(track_path("v1.2/a") == "v1.2/a-{track_id}");
    CHECK(track_path("./a.ogg") == "./a-{track_id}.ogg");
    CHECK(track_path(".ogg") == "-{track_id}.ogg");
}

TEST_CASE("AutoEgress: the room is recorded from its beginning, once, and no other one [EGR-19]") {
    World w;
    w.create([](livekit::CreateRoomRequest& request) {
        livekit::RoomCompositeEgressRequest& room = *request.mutable_egress()->mutable_room();
        room.set_room_name("another");
        room.set_layout("grid");
        room.add_webhooks()->set_url("http://x/");
    });
    CHECK(w.asked() == Texts{"room r"});
    CHECK(w.last<livekit::RoomCompositeEgressRequest>().layout() == "grid");
    CHECK(w.last<livekit::RoomCompositeEgressRequest>().webhooks_size() == 1);
    // Of a room that is there nothing more is asked.
    w.create([](livekit::CreateRoomRequest& request) { request.mutable_egress()->mutable_room(); });
    const SessionId alice = w.join_active("r", "alice");
    w.publish(alice, "mic", false);
    CHECK(w.asked().empty());
}

TEST_CASE(
    "AutoEgress: a participant from its first track on, and again when it comes again [EGR-19]") {
    World w;
    w.create([](livekit::CreateRoomRequest& request) {
        livekit::AutoParticipantEgress& each = *request.mutable_egress()->mutable_participant();
        each.set_preset(livekit::H264_1080P_30);
        each.add_file_outputs()->set_filepath("f");
        each.add_segment_outputs()->set_filename_prefix("s");
    });
    const SessionId alice = w.join_active("r", "alice");
    CHECK(w.asked().empty());
    w.publish(alice, "mic", false);
    w.publish(alice, "cam", true);
    CHECK(w.asked() == Texts{"participant r alice"});
    const auto& request = w.last<livekit::ParticipantEgressRequest>();
    CHECK(request.preset() == livekit::H264_1080P_30);
    CHECK(request.file_outputs(0).filepath() == "f");
    CHECK(request.segment_outputs(0).filename_prefix() == "s");
    // The same identity in a new session: the recording goes on.
    const SessionId second = w.join_active("r", "alice");
    w.publish(second, "mic", false);
    CHECK(w.asked().empty());
    w.leave(second);
    const SessionId third = w.join_active("r", "alice");
    w.publish(third, "mic", false);
    CHECK(w.asked() == Texts{"participant r alice"});
}

TEST_CASE("AutoEgress: each track, where it was asked to go, but for those of recorders [EGR-19]") {
    using Store = std::function<void(livekit::AutoTrackEgress&)>;
    const std::vector<Store> stores = {
        [](livekit::AutoTrackEgress& each) { each.mutable_s3()->set_bucket("b"); },
        [](livekit::AutoTrackEgress& each) { each.mutable_gcp()->set_bucket("b"); },
        [](livekit::AutoTrackEgress& each) { each.mutable_azure()->set_container_name("b"); },
        [](livekit::AutoTrackEgress& each) { each.mutable_alioss()->set_bucket("b"); },
        [](livekit::AutoTrackEgress&) {}};
    for (std::size_t i = 0; i < stores.size(); ++i) {
        World w;
        w.create([&](livekit::CreateRoomRequest& request) {
            livekit::AutoTrackEgress& each = *request.mutable_egress()->mutable_tracks();
            each.set_filepath("out/a.ogg");
            each.set_disable_manifest(true);
            stores[i](each);
        });
        const SessionId alice = w.join_active("r", "alice");
        w.publish(alice, "mic", false);
        w.publish(alice, "cam", true);
        CHECK(w.asked() == Texts{"track r", "track r"});
        const auto& request = w.last<livekit::TrackEgressRequest>();
        CHECK(request.track_id().starts_with("TR_"));
        CHECK(request.track_id() !=
              std::get<livekit::TrackEgressRequest>(w.starts.front().request).track_id());
        CHECK(request.file().filepath() == "out/a-{track_id}.ogg");
        CHECK(request.file().disable_manifest());
        CHECK(request.file().s3().bucket() == (i == 0 ? "b" : ""));
        CHECK(request.file().gcp().bucket() == (i == 1 ? "b" : ""));
        CHECK(request.file().azure().container_name() == (i == 2 ? "b" : ""));
        CHECK(request.file().alioss().bucket() == (i == 3 ? "b" : ""));
    }
    World w;
    w.create([](livekit::CreateRoomRequest& request) {
        request.mutable_egress()->mutable_tracks()->set_filepath("f");
    });
    JoinParams recorder = test_join("r", "recorder");
    recorder.grants.kind = livekit::ParticipantInfo::EGRESS;
    const SessionId session = w.join(recorder);
    w.publish(session, "mic", false);
    CHECK(w.asked().empty());
}

TEST_CASE("AutoEgress: by a preset, and by the token of who makes the room [ROOM-03] [EGR-19]") {
    Config config = connected();
    config.room.presets["recorded"].mutable_egress()->mutable_participant();
    World w(std::move(config));
    w.create([](livekit::CreateRoomRequest& request) { request.set_room_preset("recorded"); });
    w.publish(w.join_active("r", "alice"), "mic", false);
    CHECK(w.asked() == Texts{"participant r alice"});
    World other;
    JoinParams join = test_join("r", "alice");
    join.grants.room_config.emplace().mutable_egress()->mutable_room()->set_layout("grid");
    (void)other.join(join);
    CHECK(other.asked() == Texts{"room r"});
}

TEST_CASE(
    "AutoEgress: a room that comes from another node is not recorded a second time [RDS-03]") {
    World w;
    livekit::Room stored;
    stored.set_name("r");
    stored.set_sid("RM_aaaabbbbcccc");
    stored.set_empty_timeout(3600);
    stored.set_creation_time((w.clock().wall - Duration::seconds(60)).s());
    livekit::RoomInternal internal;
    internal.mutable_participant_egress()->add_file_outputs()->set_filepath("f");
    internal.mutable_track_egress()->set_filepath("t");
    REQUIRE(w.manager.adopt(w.clock(), stored, internal.SerializeAsString()));
    w.drain();
    w.create([](livekit::CreateRoomRequest& request) { request.mutable_egress()->mutable_room(); });
    CHECK(w.asked().empty());
    w.publish(w.join_active("r", "alice"), "mic", false);
    CHECK(w.asked() == Texts{"?participant r alice", "?track r"});
    CHECK(w.last<livekit::TrackEgressRequest>().file().filepath() == "t-{track_id}");
}

TEST_CASE(
    "AutoEgress: a room that another node stored just now, to be made here, is recorded once "
    "[RDS-21]") {
    for (const bool is_late : {false, true}) {
        World w;
        livekit::Room stored;
        stored.set_name("r");
        stored.set_sid("RM_aaaabbbbcccc");
        stored.set_empty_timeout(3600);
        stored.set_creation_time(w.clock().wall.s());
        stored.set_creation_time_ms(w.clock().wall.ms());
        if (is_late) w.advance(AutoEgress::kJustStored + Duration::millis(1));
        REQUIRE(w.manager.adopt(w.clock(), stored));
        w.drain();
        CHECK(w.asked().empty());
        const auto ask = [](livekit::CreateRoomRequest& request) {
            request.mutable_egress()->mutable_room();
        };
        w.create(ask);
        CHECK(w.asked() == (is_late ? Texts{} : Texts{"?room r"}));
        w.create(ask);
        CHECK(w.asked().empty());
    }
}

TEST_CASE(
    "AutoEgress: where nobody records it is refused, to tenants too; else theirs are recorded as "
    "others are [ROOM-09] [EGR-19] [TEN-03]") {
    Harness alone;
    livekit::CreateRoomRequest request;
    request.set_name("r");
    request.mutable_egress()->mutable_tracks();
    const auto made = alone.manager.create_room(alone.clock(), request);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == ServiceCode::kInternal);
    CHECK(made.error().text == "egress not connected (redis required)");
    CHECK_FALSE(alone.manager.has_room("r"));

    JoinParams join = test_join(token::room_key("acme", "r"), "alice");
    join.grants.room_config.emplace().mutable_egress()->mutable_room();
    const RefuseSession refused = alone.refused.at(alone.join(join));
    CHECK(refused.status == 503);
    CHECK(refused.text == "the room is to be recorded, and this server cannot record it");
    CHECK(refused.cause == "egress not connected (redis required)");

    World w;
    (void)w.join(join);
    w.drain();
    std::vector<StartEgress> asked;
    for (const Effect& effect : w.stored)
        if (const auto* one = std::get_if<StartEgress>(&effect)) asked.push_back(*one);
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].tenant == "acme");
    CHECK(std::get<livekit::RoomCompositeEgressRequest>(asked[0].request).room_name() == "r");
}

TEST_CASE("AutoEgress: what the outbox has no place for is left out and counted") {
    Outbox out(1'000);
    livekit::TrackEgressRequest request;
    request.set_track_id(std::string(2'000, 'x'));
    out.start_egress({request, "RM_x", false});
    CHECK(out.dropped() == 1);
    request.set_track_id("TR_x");
    out.start_egress({request, "RM_x", false});
    CHECK(out.size() == 1);
}

}  // namespace confab::room
