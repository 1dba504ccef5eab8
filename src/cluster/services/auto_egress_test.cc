// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/auto_egress.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cluster/services/egress_testing.h"

namespace confab::cluster::services {
namespace {

using Request = ::rpc::StartEgressRequest;
using testing::Egresses;

token::KeyMap keys_of_tenants() {
    token::KeyMap keys({{"key", "a-secret-of-the-operator-of-32-ch"},
                        {"acme-key", "a-secret-of-acme-with-32-characters"}});
    keys.set_tenants({{"acme-key", "acme"}});
    return keys;
}

struct Autos : Egresses {
    Autos() { world.drive(service_of_rooms); }

    static Request participant(const std::string& identity = "alice") {
        Request request;
        request.set_room_id("RM_r");
        request.mutable_participant()->set_room_name("r");
        request.mutable_participant()->set_identity(identity);
        livekit::EncodedFileOutput& file = *request.mutable_participant()->add_file_outputs();
        file.mutable_s3()->set_secret("hidden");
        return request;
    }
    void start(Request request, bool may_run = false, Duration wait = Duration::seconds(1)) {
        service_of_rooms.start(world.now(), std::move(request), may_run);
        world.pass(wait);
    }
    // As the worker of an earlier node has it.
    void store(const std::string& id, const std::string& identity, livekit::EgressStatus status) {
        livekit::EgressInfo info;
        info.set_egress_id(id);
        info.set_room_name("r");
        info.set_status(status);
        info.mutable_participant()->set_identity(identity);
        world.run({"HSET", "egress", id, info.SerializeAsString()});
        world.run({"SADD", "egress:room:r", id});
    }
    livekit::EgressInfo last_hook() const { return world.told.back().whole.egress_info(); }

    void start_of(const std::string& tenant, Request request,
                  Duration wait = Duration::seconds(1)) {
        service_of_rooms.start(world.now(), std::move(request), false, tenant);
        world.pass(wait);
    }
    std::vector<std::string> owners() const {
        std::vector<std::string> all;
        all.reserve(world.told.size());
        for (const auto& one : world.told)
            all.push_back(one.event + " " + one.tenant);
        return all;
    }

    token::KeyMap keys = keys_of_tenants();
    std::vector<livekit::EgressInfo> failures;
    AutoEgressService service_of_rooms{
        {service, egresses(), world.hooks,
         [](Timestamp at) { return UnixTime::seconds(1'700'000'000) + (at - Timestamp()); },
         [this](const livekit::EgressInfo& info) { failures.push_back(info); },
         [this](const std::string& tenant) { return keys.signing_key_of(tenant); }},
        21};
    store::EgressStore& egresses() { return Egresses::store; }
};

}  // namespace

TEST_CASE(
    "AutoEgress: a worker is given it, with the room's sid and without a look for the room "
    "[EGR-19]") {
    Autos a;
    a.worker.open();
    a.world.run({"HDEL", "rooms", "r"});  // not written yet
    a.start(Autos::participant());
    REQUIRE(a.worker.requests.size() == 1);
    CHECK(a.worker.requests[0].room_id() == "RM_r");
    CHECK(a.worker.requests[0].egress_id().starts_with("EG_"));
    CHECK(a.worker.requests[0].participant().identity() == "alice");
    CHECK(a.world.events() == std::vector<std::string>{"egress_started"});
    CHECK(a.failures.empty());
    CHECK(a.service_of_rooms.size() == 0);
}

TEST_CASE(
    "AutoEgress: a worker that comes up meanwhile gets it; what nobody takes has failed [EGR-19]") {
    Autos a;
    a.start(Autos::participant(), false, Duration::seconds(15));
    CHECK(a.world.told.empty());
    a.worker.open();
    a.world.pass(Duration::seconds(10));
    CHECK(a.worker.requests.size() == 1);
    CHECK(a.world.events() == std::vector<std::string>{"egress_started"});
    a.worker.die();
    a.start(Autos::participant("bob"), false, Duration::seconds(60));
    CHECK(a.world.events() == std::vector<std::string>{"egress_started", "egress_ended"});
    const livekit::EgressInfo info = a.last_hook();
    CHECK(info.egress_id().empty());
    CHECK(info.status() == livekit::EGRESS_FAILED);
    CHECK(info.error() == "no response from servers");
    CHECK(info.room_id() == "RM_r");
    CHECK(info.room_name() == "r");
    CHECK(info.participant().identity() == "bob");
    CHECK(info.ended_at() > 1'700'000'000'000'000'000);
    CHECK(info.SerializeAsString().find("hidden") == std::string::npos);
    CHECK(a.failures.size() == 1);
    CHECK(a.service_of_rooms.size() == 0);
}

TEST_CASE(
    "AutoEgress: what a worker refuses has failed at once, and says where it is wanted [HOOK-08]") {
    Autos a;
    a.worker.open();
    a.worker.refuses = rpc::Error{rpc::Code::kInvalidArgument, "missing field: output", {}};
    Request whole;
    whole.set_room_id("RM_r");
    whole.mutable_room_composite()->set_room_name("r");
    whole.mutable_room_composite()->set_layout("grid");
    whole.mutable_room_composite()->add_webhooks()->set_url("http://extra/");
    whole.mutable_room_composite()->add_webhooks()->set_url("http://other/");
    a.start(whole);
    REQUIRE(a.world.told.size() == 1);
    const auto told = a.last_hook().room_composite().webhooks();
    REQUIRE(told.size() == 2);
    CHECK(told[0].url() == "http://extra/");
    CHECK(told[1].url() == "http://other/");
    CHECK(a.last_hook().error() == "missing field: output");
    CHECK(a.last_hook().room_composite().layout() == "grid");
    Request track;
    track.set_room_id("RM_r");
    track.mutable_track()->set_room_name("r");
    track.mutable_track()->set_track_id("TR_x");
    a.start(track);
    CHECK(a.last_hook().track().track_id() == "TR_x");
}

TEST_CASE(
    "AutoEgress: one that an earlier node of the room began goes on, or is begun anew when it ends "
    "[EGR-19]") {
    Autos a;
    a.worker.open();
    a.store("EG_other", "bob", livekit::EGRESS_ACTIVE);
    a.store("EG_over", "alice", livekit::EGRESS_COMPLETE);
    a.start(Autos::participant(), true);
    CHECK(a.worker.requests.size() == 1);
    a.start(Autos::participant("bob"), true, AutoEgressService::kMayEnd + Duration::seconds(3));
    CHECK(a.worker.requests.size() == 1);
    CHECK(a.service_of_rooms.size() == 0);
    CHECK(a.failures.empty());
    // It ended because its participant left there.
    a.start(Autos::participant("bob"), true, Duration::seconds(5));
    CHECK(a.worker.requests.size() == 1);
    a.store("EG_other", "bob", livekit::EGRESS_COMPLETE);
    a.world.pass(AutoEgressService::kAgain + Duration::seconds(1));
    CHECK(a.worker.requests.size() == 2);
    // Tracks have ids of their own: nobody can be at one.
    Request track;
    track.set_room_id("RM_r");
    track.mutable_track()->set_track_id("TR_x");
    a.start(track, true);
    CHECK(a.worker.requests.size() == 3);
}

TEST_CASE("AutoEgress: so many wait at one time, a further one has failed [EGR-19]") {
    Autos a;
    for (std::size_t i = 0; i < AutoEgressService::kMaxStarts; ++i)
        a.service_of_rooms.start(a.world.now(), Autos::participant(), false);
    CHECK(a.failures.empty());
    a.service_of_rooms.start(a.world.now(), Autos::participant("last"), false);
    REQUIRE(a.failures.size() == 1);
    CHECK(a.failures[0].participant().identity() == "last");
    CHECK(a.failures[0].error() == "too many recordings of this node wait for a worker");
}

TEST_CASE(
    "AutoEgress: that of a tenant's room has a token of the tenant and its own name of the room, "
    "and is told as the tenant's [EGR-19] [EGR-77] [TEN-03]") {
    Autos a;
    a.worker.open();
    a.start_of("acme", Autos::participant());
    REQUIRE(a.worker.requests.size() == 1);
    const Request& request = a.worker.requests[0];
    CHECK(request.participant().room_name() == "r");
    const auto grants = token::verify_token(
        request.token(), a.keys, UnixTime::seconds(1'700'000'000) + (a.world.now() - Timestamp()));
    REQUIRE(grants);
    CHECK(grants->tenant == "acme");
    CHECK(grants->api_key == "acme-key");
    CHECK(grants->identity == request.egress_id());
    CHECK(grants->kind == livekit::ParticipantInfo::EGRESS);
    REQUIRE(grants->video);
    CHECK(grants->video->room == "r");
    CHECK(grants->video->recorder);
    CHECK(grants->video->hidden);
    CHECK(grants->video->can_publish == false);
    CHECK(request.participant().file_outputs(0).filepath() == "tenant-acme/");
    const std::string id = request.egress_id();
    CHECK(a.world.field("confab_egress_tenants", id) == "acme");
    a.report(id, livekit::EGRESS_ACTIVE);
    a.report(id, livekit::EGRESS_COMPLETE, 1'700'000'009'000'000'000);
    CHECK(a.owners() == std::vector<std::string>{"egress_started acme", "egress_updated acme",
                                                 "egress_ended acme"});
}

TEST_CASE("AutoEgress: nobody else lists, changes or stops that of a tenant [TEN-03] [API-23]") {
    Autos a;
    a.worker.open();
    a.start_of("acme", Autos::participant());
    const std::string tenants = a.worker.requests.at(0).egress_id();
    const std::string own = a.started();
    CHECK(a.list("r", "", false).value().items_size() == 1);
    CHECK(a.list("", "", false).value().items(0).egress_id() == own);
    CHECK(a.list("", own, false).text() == "ok");
    const std::string unknown = "not_found: egress does not exist";
    CHECK(a.list("", tenants, false).text() == unknown);
    CHECK(a.stop(tenants).text() == unknown);
    CHECK(a.add_url(tenants, "rtmp://x/y").text() == unknown);
    testing::Ended<livekit::EgressInfo> layout;
    livekit::UpdateLayoutRequest change;
    change.set_egress_id(tenants);
    a.service.update_layout(a.caller(), change, layout.done());
    a.world.pass(Duration::seconds(1));
    CHECK(layout.text() == unknown);
    CHECK(a.layouts.empty());
    CHECK(a.stop(own).text() == "ok");
}

TEST_CASE(
    "AutoEgress: a tenant is told what fails: nobody there, refused, no key, no place of its own "
    "[EGR-19] [TEN-03]") {
    Autos a;
    a.start_of("acme", Autos::participant(), Duration::seconds(30));
    CHECK(a.owners() == std::vector<std::string>{"egress_ended acme"});
    CHECK(a.last_hook().error() == "no response from servers");
    CHECK(a.last_hook().egress_id().empty());
    a.worker.open();
    a.worker.refuses = rpc::Error{rpc::Code::kInvalidArgument, "missing field: output", {}};
    a.start_of("acme", Autos::participant());
    CHECK(a.last_hook().error() == "missing field: output");
    // What did not begin is nobody's.
    const redis::MemoryStore::Hash* left =
        a.world.cluster.server.store().hash("confab_egress_tenants");
    CHECK((left == nullptr || left->empty()));
    a.worker.requests.clear();
    a.start_of("globex", Autos::participant());
    CHECK(a.last_hook().error() == "the tenant of the room has no API key any more");
    a.start_of("acme", Autos::participant("../bob"));
    CHECK(a.last_hook().error().starts_with("a name with \"..\""));
    CHECK(a.worker.requests.empty());
    CHECK(a.failures.size() == 4);
    CHECK(a.service_of_rooms.size() == 0);
}

TEST_CASE("AutoEgress: while Redis is away nothing of a tenant begins; then it does [EGR-19]") {
    Autos a;
    a.worker.open();
    a.world.port.is_away = true;
    a.start_of("acme", Autos::participant(), Duration::seconds(5));
    CHECK(a.worker.requests.empty());
    a.world.port.is_away = false;
    a.world.pass(Duration::seconds(5));
    CHECK(a.worker.requests.size() == 1);
    CHECK(a.owners() == std::vector<std::string>{"egress_started acme"});
}

TEST_CASE(
    "AutoEgress: a recording of another room of that name is no reason not to begin [EGR-19] "
    "[TEN-03]") {
    Autos a;
    a.worker.open();
    livekit::EgressInfo info;
    info.set_egress_id("EG_other");
    info.set_room_name("r");
    info.set_room_id("RM_other");
    info.set_status(livekit::EGRESS_ACTIVE);
    info.mutable_participant()->set_identity("alice");
    a.world.run({"HSET", "egress", "EG_other", info.SerializeAsString()});
    a.world.run({"SADD", "egress:room:r", "EG_other"});
    a.start(Autos::participant(), true);
    CHECK(a.worker.requests.size() == 1);
}

}  // namespace confab::cluster::services
