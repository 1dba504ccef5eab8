// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/sip_store.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "cluster/store/golden_testing.h"
#include "cluster/store/world_testing.h"
#include "livekit_sip.pb.h"

namespace confab::cluster::store {
namespace {

using testing::golden;
using testing::Kept;
using testing::World;
using Kind = SipStore::Kind;

struct Storing {
    Storing() : port(world.attach()), store(*port, world.notices) {}
    Result<bool, Failure> put(Kind kind, const std::string& id, const std::string& info) {
        Kept<bool> kept;
        store.put(world.now, kind, id, info, kept.done());
        world.pass(Duration::millis(10));
        return kept.all->front();
    }
    std::vector<std::string> list(Kind kind) {
        Kept<StoredList> kept;
        store.list(world.now, kind, kept.done());
        world.pass(Duration::millis(10));
        std::vector<std::string> names;
        REQUIRE(kept.ok());
        for (const Stored& record : kept.value())
            names.push_back(record.name);
        return names;
    }
    Result<std::string, Failure> load(Kind kind, const std::string& id) {
        Kept<std::string> kept;
        store.load(world.now, kind, id, kept.done());
        world.pass(Duration::millis(10));
        return kept.all->front();
    }
    bool remove_trunk(const std::string& id) {
        Kept<bool> kept;
        store.remove_trunk(world.now, id, kept.done());
        world.pass(Duration::millis(10));
        return kept.ok() && kept.value();
    }
    World world;
    std::unique_ptr<redis::Port> port;
    SipStore store;
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE(
    "SipStore: each kind in its hash, with what is not known of it [RDS-15] [RDS-16] [RDS-17] "
    "[RDS-25]") {
    Storing s;
    const std::string trunk = golden<livekit::SIPInboundTrunkInfo>(testing::kTrunkJson);
    const std::string rule = golden<livekit::SIPDispatchRuleInfo>(testing::kRuleJson);
    const std::pair<Kind, const char*> kinds[] = {{Kind::kLegacyTrunk, "sip_trunk"},
                                                  {Kind::kInboundTrunk, "sip_inbound_trunk"},
                                                  {Kind::kOutboundTrunk, "sip_outbound_trunk"},
                                                  {Kind::kDispatchRule, "sip_dispatch_rule"}};
    for (const auto& [kind, key] : kinds) {
        const std::string& info = kind == Kind::kDispatchRule ? rule : trunk;
        CHECK(s.put(kind, "id", info).value());
        CHECK_FALSE(s.put(kind, "id", info).value());
        CHECK(s.world.field(key, "id") == info);
        CHECK(s.load(kind, "id").value() == info);
        CHECK(s.load(kind, "none").error().code == Failure::Code::kNotFound);
    }
    CHECK(s.remove_trunk("id"));
    CHECK_FALSE(s.remove_trunk("id"));
    CHECK(s.world.server.store().keys() == Names{"sip_dispatch_rule"});
    Kept<bool> gone;
    s.store.remove_rule(s.world.now, "id", gone.done());
    s.world.pass(Duration::millis(10));
    CHECK(gone.value());
    CHECK(s.world.server.store().keys().empty());
}

TEST_CASE("SipStore: all of a kind by their ids, however many [RDS-24]") {
    Storing s;
    const std::string trunk = golden<livekit::SIPInboundTrunkInfo>(testing::kTrunkJson);
    for (const char* id : {"ST_c", "ST_a", "ST_d", "ST_b"})
        CHECK(s.put(Kind::kInboundTrunk, id, trunk).value());
    CHECK(s.list(Kind::kInboundTrunk) == Names{"ST_a", "ST_b", "ST_c", "ST_d"});
    CHECK(s.list(Kind::kDispatchRule).empty());
    for (int i = 0; i < 1100; ++i)
        s.world.run({"HSET", "sip_outbound_trunk", "ST_" + std::to_string(10'000 + i), trunk});
    CHECK(s.list(Kind::kOutboundTrunk).size() == 1100);
}

TEST_CASE("SipStore: garbage is passed over, what is none is not written, outages are failures") {
    Storing s;
    CHECK(s.put(Kind::kInboundTrunk, "", "").error().code == Failure::Code::kInvalid);
    CHECK(s.put(Kind::kDispatchRule, "id", "\xff").error().code == Failure::Code::kInvalid);
    CHECK(s.put(Kind::kDispatchRule, "id", std::string(kMaxRecord + 1, 'x')).error().code ==
          Failure::Code::kTooLarge);
    CHECK(s.world.server.store().keys().empty());
    s.world.run({"HSET", "sip_dispatch_rule", "SDR_bad", "\xff"});
    CHECK(s.list(Kind::kDispatchRule).empty());
    CHECK(s.load(Kind::kDispatchRule, "SDR_bad").error().code == Failure::Code::kInvalid);
    CHECK(s.world.told(Notice::Kind::kGarbage) == 1);
    s.world.server.stop(s.world.now);
    Kept<bool> kept;
    s.store.remove_trunk(s.world.now, "id", kept.done());
    CHECK(kept.error() == Failure::Code::kUnavailable);
    CHECK(s.load(Kind::kInboundTrunk, "id").error().code == Failure::Code::kUnavailable);
}

}  // namespace confab::cluster::store
