// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "netem/changes.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "netem/profiles.h"

namespace confab::netem {
namespace {

Change change_of(std::string_view text) {
    const auto change = parse_change(text);
    CAPTURE(text);
    REQUIRE(change);
    return *change;
}

std::string schedule_error(std::string_view text) {
    const auto changes = parse_schedule(text);
    CAPTURE(text);
    REQUIRE_FALSE(changes);
    return changes.error();
}

TEST_CASE("Change: links of one direction or both, and their outages") {
    const Change down = change_of("down:rate=600kbit,loss=2%");
    CHECK(down.kind == Change::Kind::kLink);
    CHECK_FALSE(down.up);
    CHECK(down.down);
    CHECK(down.spec == "rate=600kbit,loss=2%");
    const Change both = change_of("both:clear");
    CHECK(both.up);
    CHECK(both.down);
    const Change outage = change_of("outage=5s");
    CHECK(outage.kind == Change::Kind::kOutage);
    CHECK(outage.length == Duration::seconds(5));
    CHECK(outage.up);
    CHECK(outage.down);
    const Change up = change_of("up:outage=250ms");
    CHECK(up.kind == Change::Kind::kOutage);
    CHECK(up.up);
    CHECK_FALSE(up.down);
}

TEST_CASE("Change: ports, UDP and TCP") {
    CHECK(change_of("rebind").kind == Change::Kind::kRebind);
    CHECK(change_of("udp=drop").kind == Change::Kind::kUdp);
    CHECK(change_of("udp=drop").udp_dropped);
    CHECK_FALSE(change_of("udp=pass").udp_dropped);
    CHECK(change_of("tcp=stall").tcp == TcpMode::kStall);
    CHECK(change_of("tcp=refuse").tcp == TcpMode::kRefuse);
    CHECK(change_of("tcp=pass").kind == Change::Kind::kTcp);
    CHECK(change_of(" tcp=cut ").kind == Change::Kind::kCutTcp);
}

TEST_CASE("Change: errors say what can be written") {
    CHECK(parse_change("reboot").error() ==
          "\"reboot\" is no change; write up:SPEC, down:SPEC, both:SPEC, outage=5s, rebind, "
          "udp=drop, udp=pass, tcp=pass, tcp=stall, tcp=cut or tcp=refuse");
    CHECK(parse_change("outage=5").error().find("outage=5s") != std::string::npos);
    for (const auto text : {"", "up", "up:", "left:loss=1%", "up:loss=1", "down:rebind",
                            "udp=", "outage=", "outage=-1s", "up:outage=25h"})
        CHECK_FALSE(parse_change(text));
}

TEST_CASE("Schedule: lines with comments, sorted by time, equal ones as they stand") {
    const auto changes =
        parse_schedule("# a lift\n\n20s rebind\n 1.5s:down:rate=600kbit # narrow\n20s\tudp=drop");
    REQUIRE(changes);
    REQUIRE(changes->size() == 3);
    CHECK((*changes)[0].at == Duration::millis(1500));
    CHECK((*changes)[0].change.spec == "rate=600kbit");
    CHECK((*changes)[1].change.kind == Change::Kind::kRebind);
    CHECK((*changes)[2].change.kind == Change::Kind::kUdp);
}

TEST_CASE("Schedule: errors name the line; it is bounded") {
    CHECK(schedule_error("1s rebind\n\n2s up:loss=2") ==
          "line 3: \"loss=2\" is not understood; write for example loss=2% or 0.02 (0 to 100%)");
    CHECK(schedule_error("rebind").starts_with("line 1: \"rebind\" does not begin with its time"));
    CHECK(schedule_error("10s").find("10s:down:rate=600kbit") != std::string::npos);
    std::string text;
    for (std::size_t i = 0; i < kMaxChanges; ++i)
        text += "1s rebind\n";
    CHECK(parse_schedule(text));
    CHECK(schedule_error(text + "1s rebind").find("at most 1000") != std::string::npos);
}

TEST_CASE("Profile: every one of the reference by its name [DES-51]") {
    for (const auto name :
         {"N0", "N1", "N2", "N3", "N4", "N5", "N6", "N6b", "N7", "N8", "N9", "N10", "N11", "n6B"})
        CHECK(find_profile(name));
    CHECK(profile_rows().size() == 13);
    const auto get = [](std::string_view name) { return *find_profile(name); };
    CHECK(get("N0").conditions == Conditions{});
    CHECK(get("N1").conditions.up.loss == doctest::Approx(0.02));
    CHECK(get("N1").conditions.down == get("N1").conditions.up);
    CHECK(get("N2").conditions.up.burst_share == doctest::Approx(0.1));
    CHECK(get("N2").conditions.up.burst_length == 4);
    CHECK(get("N3").conditions.up.delay == Duration::millis(150));
    CHECK(get("N3").conditions.up.jitter == Duration::millis(30));
    CHECK(get("N4").conditions.down.bits_per_second == 600'000);
    CHECK(get("N5").conditions.down.bits_per_second == 150'000);
    CHECK(get("N5").conditions.down.queue_time == Duration::millis(200));
    CHECK(get("N6").schedule.at(0).change.length == Duration::seconds(5));
    CHECK(get("N6b").schedule.at(0).change.length == Duration::seconds(20));
    CHECK(get("N7").conditions.up.gap == 3);
    CHECK(get("N8").schedule.at(0).change.udp_dropped);
    CHECK(get("N9").schedule.at(1).change.tcp == TcpMode::kStall);
    CHECK(get("N10").schedule.at(0).change.kind == Change::Kind::kRebind);
    CHECK(get("N11").conditions.up.mtu == 1280);
    CHECK(find_profile("N12").error() ==
          "\"N12\" is no profile; write one of N0, N1, N2, N3, N4, N5, N6, N6b, N7, N8, N9, N10, "
          "N11");
}

}  // namespace
}  // namespace confab::netem
