// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "config/options.h"
#include "config/yaml/value.h"

namespace confab::config {
namespace {

bool holds(const std::vector<std::string_view>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

TEST_CASE("find_option: finds each row by its whole path only") {
    for (const Option& option : options()) {
        CAPTURE(option.path);
        CHECK(find_option(option.path) == &option);
        CHECK(find_option(std::string(option.path) + ".") == nullptr);
        const std::string_view shorter = option.path.substr(0, option.path.size() - 1);
        const Option* const other = find_option(shorter);
        CHECK((other == nullptr || other->path == shorter));
    }
    for (const std::string_view none : {"", ".", "rtc", "rtc.", "tcp_port", "RTC.TCP_PORT"})
        CHECK_MESSAGE(find_option(none) == nullptr, none);
}

TEST_CASE("is_section: a key with keys below it, whole names only") {
    for (const std::string_view section :
         {"rtc", "rtc.pli_throttle", "confab", "rtc.congestion_control.stream_allocator"})
        CHECK_MESSAGE(is_section(section), section);
    for (const std::string_view none : {"", "rt", "rtc.", "rtc.pli", "rtc.tcp_port", "port", "zzz"})
        CHECK_MESSAGE(!is_section(none), none);
    // No key is both: the reader would not know which.
    for (const Option& option : options())
        CHECK_MESSAGE(!is_section(option.path), option.path);
}

TEST_CASE("child_names: those directly below, each once, in the order of the table") {
    const auto top = child_names("");
    CHECK(top.front() == "port");
    CHECK(holds(top, "rtc"));
    CHECK(!holds(top, "tcp_port"));
    CHECK(std::set(top.begin(), top.end()).size() == top.size());

    const auto rtc = child_names("rtc");
    CHECK(rtc.front() == "udp_port");
    CHECK(holds(rtc, "congestion_control"));
    CHECK(!holds(rtc, "stream_allocator"));
    CHECK(std::set(rtc.begin(), rtc.end()).size() == rtc.size());

    CHECK(child_names("rtc.pli_throttle") ==
          std::vector<std::string_view>{"low_quality", "mid_quality", "high_quality"});
    CHECK(child_names("rt").empty());
    CHECK(child_names("port").empty());
}

TEST_CASE("env_name: no two options share a variable but an old name with the new one [CLI-02]") {
    std::set<std::string> names;
    std::size_t shared = 0;
    for (const Option& option : options()) {
        if (!is_scalar(kind_of(option))) continue;
        const std::string name = env_name(option);
        CAPTURE(name);
        CHECK(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == name.npos);
        if (names.insert(name).second) continue;
        ++shared;
        CHECK(name == "LIVEKIT_PROMETHEUS_PORT");
    }
    CHECK(shared == 1);
    // Nor does a short name hide a long one of another option.
    for (const Option& option : options())
        if (!option.env.empty() && option.env != env_name(option))
            CHECK_MESSAGE(!names.contains(std::string(option.env)), option.env);
}

TEST_CASE("options: the short flags and variables of the command line [CLI-01]") {
    struct Row {
        std::string_view path;
        std::string_view flag;
        std::string_view env;
    };
    constexpr Row kRows[] = {{"key_file", "key-file", ""},
                             {"keys", "keys", "LIVEKIT_KEYS"},
                             {"bind_addresses", "bind", ""},
                             {"development", "dev", ""},
                             {"rtc.node_ip", "node-ip", "NODE_IP"},
                             {"rtc.udp_port", "udp-port", "UDP_PORT"},
                             {"region", "region", ""},
                             {"redis.address", "redis-host", "REDIS_HOST"},
                             {"redis.password", "redis-password", "REDIS_PASSWORD"},
                             {"turn.cert_file", "turn-cert", "LIVEKIT_TURN_CERT"},
                             {"turn.key_file", "turn-key", "LIVEKIT_TURN_KEY"}};
    std::size_t short_ones = 0;
    for (const Option& option : options())
        short_ones += option.flag.empty() ? 0U : 1U;
    CHECK(short_ones == std::size(kRows));
    for (const Row& row : kRows) {
        CAPTURE(row.path);
        REQUIRE(find_option(row.path) != nullptr);
        CHECK(find_option(row.path)->flag == row.flag);
        CHECK(find_option(row.path)->env == row.env);
    }
}

TEST_CASE("type_name: each kind has the name that upstream's errors give it [CFG-07]") {
    const std::pair<Kind, std::string_view> rows[] = {{Kind::kNone, "nothing"},
                                                      {Kind::kBool, "bool"},
                                                      {Kind::kUint16, "uint16"},
                                                      {Kind::kUint32, "uint32"},
                                                      {Kind::kInt32, "int32"},
                                                      {Kind::kFloat, "float64"},
                                                      {Kind::kDuration, "time.Duration"},
                                                      {Kind::kString, "string"},
                                                      {Kind::kSecret, "string"},
                                                      {Kind::kPortRange, "port range"},
                                                      {Kind::kStrings, "[]string"},
                                                      {Kind::kDurations, "[]time.Duration"},
                                                      {Kind::kStringMap, "map[string]string"},
                                                      {Kind::kStringLists, "map"},
                                                      {Kind::kKeys, "map[string]string"},
                                                      {Kind::kTurnServers, "[]TURNServer"},
                                                      {Kind::kCodecs, "[]CodecSpec"},
                                                      {Kind::kJsonByName, "map"},
                                                      {Kind::kJsonList, "list"}};
    for (const auto& [kind, name] : rows) {
        CHECK(type_name(kind) == name);
        Scratch scratch;
        CHECK(kind_of(scratch_slot(kind, scratch)) == kind);
    }
}

TEST_CASE("default_text: shown instead of the value where another one is chosen at the start") {
    CHECK(default_text(*find_option("rtc.port_range_start")) == "50000");
    CHECK(default_text(*find_option("rtc.port_range_end")) == "60000");
    CHECK(default_text(*find_option("turn.relay_range_start")) == "30000");
    CHECK(default_text(*find_option("turn.relay_range_end")) == "40000");
    CHECK(default_text(*find_option("port")) == "7880");
    CHECK(default_text(*find_option("redis.max_redirects")) == "2");
    CHECK(default_text(*find_option("turn.bind_addresses")) == R"(["0.0.0.0"])");
}

}  // namespace confab::config
