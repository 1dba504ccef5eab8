// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Options reach the parts they are for, and none is forgotten.
#include "app/serve/server_options.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "app/serve/load_meter.h"
#include "app/serve/network/ice_servers.h"
#include "base/text.h"
#include "config/options.h"
#include "crypto/hmac.h"
#include "turn/credentials.h"

namespace confab::app {
namespace {

constexpr UnixTime kNow = UnixTime::seconds(1'800'000'000);

std::string read(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// The member of config::Config behind every option, from the rows of its table:
//    "rtc.tcp_port", [](C& c) -> Slot { return &c.rtc.tcp_port; }
std::map<std::string, std::string> members_of_options() {
    std::map<std::string, std::string> members;
    const std::filesystem::path folder = CONFAB_SOURCE_DIR "/src/config/rows";
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        const std::string text = read(file.path());
        constexpr std::string_view kMark = "return &c.";
        for (std::size_t at = text.find(kMark); at != text.npos; at = text.find(kMark, at + 1)) {
            const std::size_t end_quote = text.rfind('"', at);
            const std::size_t quote = text.rfind('"', end_quote - 1);
            const std::size_t begin = at + kMark.size();
            members[text.substr(quote + 1, end_quote - quote - 1)] =
                text.substr(begin, text.find(';', begin) - begin);
        }
    }
    return members;
}

// Program text without comments and string literals, where options are only mentioned.
std::string code_of(const std::string& text) {
    std::string code;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!quoted && text.compare(i, 2, "//") == 0) i = std::min(text.find('\n', i), text.size());
        if (i >= text.size()) break;
        if (text[i] == '\\') {
            ++i;
            continue;
        }
        if (text[i] == '"') quoted = !quoted;
        if (!quoted) code.push_back(text[i]);
    }
    return code;
}

// The program text that may read options.
std::string readers() {
    std::string text;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(CONFAB_SOURCE_DIR "/src/app")) {
        const std::string name = entry.path().filename().string();
        if (name.ends_with(".cc") && !name.ends_with("_test.cc"))
            text += code_of(read(entry.path()));
    }
    return text + code_of(read(CONFAB_SOURCE_DIR "/src/config/finish.cc"));
}

// "own.workers" is read as "config.own.workers" or, behind a reference, as "own.workers";
// one name alone as "config.port".
bool is_read(const std::string& text, const std::string& member) {
    const std::size_t dot = member.rfind('.');
    if (dot == member.npos)
        return text.find("config." + member) != text.npos ||
               text.find("config_." + member) != text.npos;
    const std::size_t before = member.rfind('.', dot - 1);
    const std::string last = member.substr(dot);
    const std::string owner = member.substr(before == member.npos ? 0 : before + 1,
                                            dot - (before == member.npos ? 0 : before + 1));
    // Behind a reference to the section: `const PliThrottle& pli = config.rtc.pli_throttle`.
    for (std::size_t at = text.find(owner + ";"); at != text.npos;
         at = text.find(owner + ";", at + 1)) {
        const std::size_t newline = text.rfind('\n', at);
        const std::size_t line = newline == text.npos ? 0 : newline;
        const std::size_t amp = text.find("& ", line);
        if (amp == text.npos || amp > at) continue;
        const std::string name = text.substr(amp + 2, text.find(' ', amp + 2) - amp - 2);
        if (text.find(name + last) != text.npos) return true;
    }
    // Or the section is handed on as a whole.
    return text.find(owner + last) != text.npos ||
           text.find("config." + member.substr(0, dot) + ",") != text.npos;
}

}  // namespace

TEST_CASE("data_dir: as configured, else the first folder that systemd gives [HOOK-10]") {
    CHECK(data_dir("/data", "/var/lib/confab") == "/data");
    CHECK(data_dir("", "/var/lib/confab") == "/var/lib/confab");
    CHECK(data_dir("", "/var/lib/confab:/var/lib/other") == "/var/lib/confab");
    CHECK(data_dir("", "").empty());
}

TEST_CASE("webhook_options: retention is that of the outbox [HOOK-10]") {
    config::Config config;
    CHECK(webhook_options(config).retention == Duration::seconds(86'400));
    config.own.webhook_retention = Duration::seconds(60);
    CHECK(webhook_options(config).retention == Duration::seconds(60));
}

TEST_CASE("control_threads: as wanted, else a quarter of the processors, at least one") {
    CHECK(control_threads(0, 1) == 1);
    CHECK(control_threads(0, 7) == 1);
    CHECK(control_threads(0, 8) == 2);
    CHECK(control_threads(0, 1024) == 64);
    CHECK(control_threads(3, 1) == 3);
    CHECK(control_threads(64, 1) == 64);
}

TEST_CASE("media_options: threads for what a control group pays for, wherever they run [DES-01]") {
    const auto with = [](double cpus, bool limited) {
        CpuGauge::Reading reading;
        reading.cpus = cpus;
        reading.is_limited = limited;
        return usable_processors(8, reading);
    };
    CHECK(with(8, false).count == 8);
    CHECK(with(16, true).count == 8);
    CHECK_FALSE(with(16, true).limited);
    CHECK(with(2.5, true).count == 3);
    CHECK(with(0.2, true).count == 1);
    config::Config config;
    worker::MediaNodeOptions media = media_options(config, {}, with(8, false), 1);
    CHECK(media.workers == 0);  // by the processors
    CHECK(media.control_shards == 2);
    CHECK(media.pin);
    media = media_options(config, {}, with(2.5, true), 1);
    CHECK(media.workers == 2);
    CHECK(media.control_shards == 1);
    CHECK_FALSE(media.pin);
    CHECK(media_options(config, {}, with(0.2, true), 1).workers == 1);
    config.own.workers = 4;
    media = media_options(config, {}, with(2.5, true), 1);
    CHECK(media.workers == 4);
    CHECK_FALSE(media.pin);
}

TEST_CASE("is_read: tells readers from mere mentions (the check itself)") {
    const auto reads = [](const std::string& text, const std::string& member) {
        return is_read(code_of(text), member);
    };
    CHECK(reads("x = config.rtc.tcp_port;", "rtc.tcp_port"));
    CHECK(reads("const config::Rtc& rtc = config.rtc;\n y = rtc.tcp_port;", "rtc.tcp_port"));
    CHECK(reads("const P& p = config.rtc.pli;\n z = {p.low, 1};", "rtc.pli.low"));
    CHECK(reads("f(config.rtc.interfaces, name)", "rtc.interfaces.includes"));
    CHECK_FALSE(reads("// config.rtc.tcp_port\n", "rtc.tcp_port"));
    CHECK_FALSE(reads("warn(\"config.rtc.tcp_port\");", "rtc.tcp_port"));
    CHECK_FALSE(reads("const P& p = config.rtc.pli;\n z = {p.low, 1};", "rtc.pli.high"));
    CHECK_FALSE(reads("config.rtc.tcp_port", "port"));
}

TEST_CASE("Every option is read, or warns that it is not implemented [CFG-05]") {
    const auto members = members_of_options();
    CHECK(members.size() > 100);
    const std::string text = readers();
    for (const config::Option& option : config::options()) {
        if (option.status == config::Status::kLater || option.status == config::Status::kOther)
            continue;
        const config::Option* instead =
            option.instead.empty() ? nullptr : config::find_option(option.instead);
        if (instead != nullptr && instead->status == config::Status::kLater) continue;
        const auto member = members.find(std::string(option.path));
        if (member == members.end()) {  // checked and dropped
            CHECK_MESSAGE(option.status == config::Status::kDeprecated, option.path);
            continue;
        }
        CHECK_MESSAGE(is_read(text, member->second), option.path, " → ", member->second);
    }
}

TEST_CASE(
    "Media options: send-side estimation, unless refused, on workers and in descriptions alike "
    "[BWE-36]") {
    config::Config config;
    CHECK(shard_options(config).bandwidth.send_side);
    CHECK(room_config(config, {}).send_side_bwe);
    for (const bool interceptor : {false, true}) {
        for (const bool wanted : {false, true}) {
            config.rtc.congestion_control.use_send_side_bwe = wanted && !interceptor;
            config.rtc.congestion_control.use_send_side_bwe_interceptor = wanted && interceptor;
            CHECK(shard_options(config).bandwidth.send_side == wanted);
            CHECK(room_config(config, {}).send_side_bwe == wanted);
        }
    }
}

TEST_CASE("Media options: congestion control, buffers, ports [CFG-04]") {
    config::Config config;
    config.rtc.congestion_control.enabled = false;
    config.rtc.congestion_control.allow_pause = true;
    config.rtc.congestion_control.stream_allocator.min_channel_capacity = 100'000;
    config.rtc.congestion_control.stream_allocator.probe_mode = "media";
    config.rtc.congestion_control.stream_allocator.paused_min_wait = Duration::seconds(9);
    config.rtc.packet_buffer_size_video = 300;
    config.rtc.packet_buffer_size_audio = 100;
    config.audio.enable_loss_proxying = true;
    config.rtc.sctp_min_cwnd = 1000;
    config.rtc.sctp_fast_rtx_wnd = 2000;
    config.rtc.sctp_cwnd_ca_step = 3000;
    config.rtc.datachannel_slow_threshold = 21'024;
    config.rtc.datachannel_lossy_target_latency = Duration::millis(200);
    config.rtc.datachannel_data_track_target_latency = Duration::millis(70);
    config.rtc.data_channel_max_buffered_amount = 90'000;
    config.metric.timestamper_config.one_way_delay_estimator_min_interval = Duration::seconds(7);
    config.metric.timestamper_config.one_way_delay_estimator_max_batch = 8;
    config.metric.reporter.reporting_interval_ms = 500;
    config.metric.collector.sampling_interval_ms = 200;
    config.metric.collector.batch_interval_ms = 700;
    const sfu::ShardOptions shard = shard_options(config);
    CHECK_FALSE(shard.bandwidth.enabled);
    CHECK(shard.bandwidth.allow_pause);
    CHECK(shard.bandwidth.min_capacity == 100'000);
    CHECK(shard.bandwidth.probe_mode == sfu::ProbeMode::kMedia);
    CHECK(shard.bandwidth.paused_min_wait == Duration::seconds(9));
    CHECK(shard.packet_buffer_size_video == 300);
    CHECK(shard.packet_buffer_size_audio == 100);
    CHECK(shard.loss_proxying);
    CHECK(shard.sctp.min_cwnd == 1000);
    CHECK(shard.sctp.fast_rtx_wnd == 2000);
    CHECK(shard.sctp.cwnd_ca_step == 3000);
    CHECK(shard.data.slow_threshold == 21'024);
    CHECK(shard.data.lossy_latency == Duration::millis(200));
    CHECK(shard.data.data_track_latency == Duration::millis(70));
    CHECK(shard.data.max_buffered == 90'000);
    CHECK_FALSE(room_config(config, {}).active_red_encoding);
    config.audio.active_red_encoding = true;
    CHECK(room_config(config, {}).active_red_encoding);
    CHECK(shard.metrics.times.min_interval == Duration::seconds(7));
    CHECK(shard.metrics.times.max_batches == 8);
    CHECK(shard.metrics.report_interval == Duration::millis(500));
    CHECK(shard.metrics.collector.sampling_interval == Duration::millis(200));
    CHECK(shard.metrics.collector.batch_interval == Duration::millis(700));

    config.rtc.port_range_start = 50'000;
    config.rtc.port_range_end = 50'003;
    config.rtc.tcp_port = 0;
    worker::MediaNodeOptions media = media_options(config, {}, {8}, 1);
    CHECK(media.udp_port == 50'000);
    CHECK(media.udp_port_end == 50'003);
    CHECK_FALSE(media.tcp_port);
    config.rtc.udp_port = {7882, 7882};
    CHECK(media_options(config, {}, {8}, 1).udp_port == 7882);
}

TEST_CASE("Room options: limits, timers, playout delay, presets [ROOM-03] [ROOM-05] [ROOM-07]") {
    config::Config config;
    config.limit.max_metadata_size = 11;
    config.limit.subscription_limit_video = 2;
    config.limit.max_data_blob_key_length = 13;
    config.limit.max_data_blobs_size = 14;
    config.enable_participant_data_blob = true;
    config.room.empty_timeout = 12;
    config.room.playout_delay = {true, 100, 400};
    config.rtc.pli_throttle.high_quality = Duration::seconds(3);
    config.rtc.reconnect_on_publication_error = true;
    config.rtc.allow_tcp_fallback = false;
    config.rtc.tcp_fallback_rtt_threshold = 150;
    config.rtc.allow_udp_unstable_fallback = true;
    config.rtc.force_tcp = true;
    config.room.update_batch_target_size = 0;
    config.room.enable_full_room_in_webhooks = true;
    config.room.room_configurations.items["small"] = R"({"max_participants": 2})";
    const auto presets = room_presets(config);
    REQUIRE(presets);
    const room::Config room = room_config(config, *presets);
    CHECK(room.limits.metadata == 11);
    CHECK(room.limits.subscriptions_video == 2);
    CHECK(room.limits.blob_key == 13);
    CHECK(room.limits.blobs == 14);
    CHECK(room.enable_data_blobs);
    CHECK_FALSE(room_config({}, {}).enable_data_blobs);
    CHECK(room.room.empty_timeout == 12);
    REQUIRE(room.room.playout_delay);
    CHECK(room.room.playout_delay->max == Duration::millis(400));
    CHECK(room.room.presets.at("small").max_participants() == 2);
    CHECK(room.pli_throttle[2] == Duration::seconds(3));
    CHECK(room.reconnect_on_publication_error);
    CHECK_FALSE(room.allow_tcp_fallback);
    CHECK(room.tcp_fallback_rtt == Duration::millis(150));
    CHECK(room.allow_udp_unstable_fallback);
    CHECK(room.force_tcp);
    CHECK(room.update_batch_bytes == 0);
    CHECK(room.full_room_in_webhooks);
    config.room.playout_delay.enabled = false;
    CHECK_FALSE(room_config(config, {}).room.playout_delay);
    config.room.room_configurations.items["bad"] = "[1]";
    CHECK_FALSE(room_presets(config));
}

TEST_CASE("Route options: development extras, metrics users, load limits [CON-10] [CON-32]") {
    config::Config config;
    CHECK_FALSE(route_options(config).development_tokens);
    CHECK_FALSE(route_options(config).metrics_on_main_port);
    CHECK_FALSE(route_options(config).tls);
    config.tls.cert_file = "cert.pem";
    CHECK(route_options(config).tls);
    config.own.demo_enabled = true;
    CHECK(route_options(config).development_tokens);
    CHECK_FALSE(route_options(config).metrics_on_main_port);
    config.own = {};
    config.development = true;  // with own keys
    CHECK_FALSE(route_options(config).development_tokens);
    CHECK_FALSE(route_options(config).metrics_on_main_port);
    config.placeholder_keys = true;
    CHECK(route_options(config).development_tokens);
    CHECK(route_options(config).metrics_on_main_port);
    config.placeholder_keys = false;
    config.own.metrics_enabled = true;
    CHECK(route_options(config).metrics_on_main_port);
    config.placeholder_keys = true;
    CHECK(route_options(config).debug_on_main_port == control::DebugAccess::kAll);
    config.placeholder_keys = false;
    CHECK(route_options(config).debug_on_main_port == control::DebugAccess::kRoomLister);
    config.development = false;
    CHECK_FALSE(route_options(config).debug_on_main_port);
    config.prometheus.username = "u";
    config.limit.num_tracks = 3;
    config.limit.bytes_per_sec = 1000;
    const control::RouteOptions options = route_options(config);
    CHECK(options.metrics_user == "u");
    CHECK_FALSE(options.load_limits.reached_by({2, 999}));
    CHECK(options.load_limits.reached_by({3, 0}));
    CHECK(options.load_limits.reached_by({0, 1000}));
    CHECK_FALSE(control::LoadLimits{}.reached_by({1'000'000, 1e12}));
    CHECK_FALSE(control::LoadLimits{-1, -1}.reached_by({1'000'000, 1e12}));
}

TEST_CASE("LoadMeter: bytes over the time between two looks [CON-32]") {
    LoadMeter meter;
    const Timestamp start = Timestamp::micros(1'000'000);
    CHECK(meter.rate(start, 5'000) == 0);
    CHECK(meter.rate(start + Duration::millis(500), 9'000'000) == 0);  // too soon
    CHECK(meter.rate(start + Duration::seconds(2), 25'000) == doctest::Approx(10'000));
    CHECK(meter.rate(start + Duration::seconds(2), 90'000) == doctest::Approx(10'000));
    CHECK(meter.rate(start + Duration::seconds(4), 25'000) == 0);
}

TEST_CASE("ice_servers: public STUN only when nothing is configured [SIG-88]") {
    config::Rtc rtc;
    auto servers = ice_servers(rtc, nullptr, {"PA_x", "APIx"}, kNow);
    REQUIRE(servers.size() == 1);
    CHECK(servers[0].urls_size() == 3);
    rtc.stun_servers = {"stun.example.org:3478", "[2001:db8::1]:3478"};
    servers = ice_servers(rtc, nullptr, {"PA_x", "APIx"}, kNow);
    REQUIRE(servers.size() == 1);
    CHECK(servers[0].urls(1) == "stun:[2001:db8::1]:3478");
}

TEST_CASE("ice_servers: fixed and made TURN credentials, UDP left out for TLS only [SIG-88]") {
    config::Rtc rtc;
    rtc.turn_servers.resize(3);
    rtc.turn_servers[0] = {"turn.example.org",         3478, "udp", "user",
                           config::SecretText("pass"), {},   {},    0};
    rtc.turn_servers[1] = {"turn.example.org",           443, "tls", {}, {},
                           config::SecretText("shared"), {},  600};
    rtc.turn_servers[2] = {"2001:db8::7", 80, "tcp", "u", config::SecretText("p"), {}, {}, 0};
    const auto servers = ice_servers(rtc, nullptr, {"PA_alice", "APIx"}, kNow);
    REQUIRE(servers.size() == 3);
    CHECK(servers[0].urls(0) == "turn:turn.example.org:3478?transport=udp");
    CHECK(servers[0].username() == "user");
    CHECK(servers[0].credential() == "pass");
    CHECK(servers[1].urls(0) == "turns:turn.example.org:443?transport=tcp");
    CHECK(servers[1].username() == "1800000600:PA_alice");
    CHECK(servers[1].credential() ==
          base64_encode(crypto::hmac_sha1(as_bytes("shared"), as_bytes("1800000600:PA_alice"))));
    CHECK(servers[2].urls(0) == "turn:[2001:db8::7]:80?transport=tcp");
    const auto tls = ice_servers(rtc, nullptr, {"PA_alice", "APIx", true}, kNow);
    REQUIRE(tls.size() == 2);
    CHECK(tls[0].urls(0).starts_with("turns:"));
}

TEST_CASE(
    "ice_servers: the embedded server by all its ways, with one credential [TURN-02, SIG-88]") {
    EmbeddedTurn own;
    own.udp = {{*IpAddress::parse("1.2.3.4"), 3478}, {*IpAddress::parse("2600::1"), 3478}};
    own.tls_domain = "turn.example.org";
    own.find_secret = [](std::string_view key) -> std::optional<std::string> {
        if (key != "APIx") return std::nullopt;
        return "secret";
    };
    const config::Rtc rtc;
    const auto all = ice_servers(rtc, &own, {"PA_alice", "APIx"}, kNow);
    REQUIRE(all.size() == 1);
    REQUIRE(all[0].urls_size() == 3);
    CHECK(all[0].urls(0) == "turn:1.2.3.4:3478?transport=udp");
    CHECK(all[0].urls(1) == "turn:[2600::1]:3478?transport=udp");
    CHECK(all[0].urls(2) == "turns:turn.example.org:443?transport=tcp");
    const auto user = confab::turn::parse_username(all[0].username());
    REQUIRE(user.has_value());
    CHECK(*user == confab::turn::User{"APIx", "PA_alice", kNow.s() + 300});
    CHECK(all[0].credential() == confab::turn::make_password(*user, "secret"));

    const auto tls_only = ice_servers(rtc, &own, {"PA_alice", "APIx", true}, kNow);
    REQUIRE(tls_only.size() == 1);
    CHECK(tls_only[0].urls_size() == 1);
    CHECK(tls_only[0].urls(0).starts_with("turns:"));
    // Where UDP is all there is, it stays; a key that is gone makes no credentials.
    own.tls_domain.clear();
    CHECK(ice_servers(rtc, &own, {"PA_alice", "APIx", true}, kNow)[0].urls_size() == 2);
    CHECK(ice_servers(rtc, &own, {"PA_alice", "APIgone"}, kNow).empty());
    // Without UDP there is no STUN of ours.
    own.tls_domain = "turn.example.org";
    own.udp.clear();
    CHECK(ice_servers(rtc, &own, {"PA_alice", "APIx"}, kNow).size() == 2);
    // Nor is any needed where clients reach media at the same port.
    own.shares_media = true;
    const auto shared = ice_servers(rtc, &own, {"PA_alice", "APIx"}, kNow);
    REQUIRE(shared.size() == 1);
    CHECK(shared[0].urls_size() == 1);
    own.tls_domain.clear();
    CHECK(ice_servers(rtc, &own, {"PA_alice", "APIx"}, kNow).empty());
}

}  // namespace confab::app
