// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "config/changes.h"

#include <doctest/doctest.h>

#include "config/load_testing.h"
#include "config/options.h"

namespace confab::config {
namespace {

using Names = std::vector<std::string_view>;

Changes between(std::string_view before, std::string_view after) {
    return changes(parsed(before).config, parsed(after).config);
}

}  // namespace

TEST_CASE("changes: by name, those that hold at once apart from those that wait") {
    CHECK(between("port: 7880", "").empty());
    const Changes found =
        between("port: 1\nlimit: {num_tracks: 1}\nroom: {empty_timeout: 9}\nrtc: {tcp_port: 2}",
                "port: 2\nlimit: {num_tracks: 2}\nroom: {empty_timeout: 9}\nrtc: {tcp_port: 3}");
    CHECK(found.live == Names{"limit.num_tracks"});
    CHECK(found.restart == Names{"port", "rtc.tcp_port"});
}

TEST_CASE("changes: a secret that changed under the same name") {
    CHECK(between("keys: {a: one}", "keys: {a: two}").live == Names{"keys"});
    CHECK(between("keys: {a: one}", "keys: {a: one}").empty());
    CHECK(between("rtc: {turn_servers: [{host: t, port: 1, protocol: udp, secret: one}]}",
                  "rtc: {turn_servers: [{host: t, port: 1, protocol: udp, secret: two}]}")
              .live == Names{"rtc.turn_servers"});
}

TEST_CASE("changes: what has no effect is no change") {
    CHECK(between("", "logging: {pion_level: debug}").empty());
}

TEST_CASE("with_live: nothing but what holds without a restart is taken over") {
    const Config running = parsed("port: 1\nkeys: {a: one}\nlogging: {level: info}").config;
    const Config wanted = parsed("port: 2\nkeys: {b: two}\nlogging: {level: debug}").config;
    const Config now = with_live(running, wanted);
    CHECK(now.port == 1);
    CHECK(now.keys.count("a") == 0);
    CHECK(now.keys.at("b").reveal() == "two");
    CHECK(now.logging.level == "debug");
    CHECK(changes(now, wanted).live.empty());
    CHECK(changes(now, wanted).restart == Names{"port"});
}

TEST_CASE("options: what a reload changes is in force and no alias") {
    for (const Option& option : options()) {
        CAPTURE(option.path);
        if (option.live) CHECK(option.status == Status::kUsed);
        if (option.live) CHECK((option.slot != nullptr));
    }
}

}  // namespace confab::config
