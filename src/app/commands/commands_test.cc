// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/commands/commands.h"

#include <doctest/doctest.h>

#include <map>

#include "app/commands/command_line.h"
#include "app/commands/commands.h"
#include "app/commands/config_source.h"
#include "app/commands/references.h"
#include "app/version.h"
#include "config/print.h"
#include "runtime/telemetry/metrics.h"
#include "token/ids.h"
#include "token/token.h"

namespace confab::app {
namespace {

constexpr UnixTime kNow = UnixTime::seconds(1'800'000'000);
constexpr std::string_view kLongSecret = "0123456789012345678901234567890123456789";

// A machine of maps.
struct FakeMachine {
    std::map<std::string, std::string> variables;
    std::map<std::string, FileText> files;
    std::optional<config::Config> served;
    ServeContext context;
    std::uint8_t random = 1;

    Host host() {
        Host h;
        h.env = [this](std::string_view name) -> std::optional<std::string> {
            const auto found = variables.find(std::string(name));
            if (found == variables.end()) return std::nullopt;
            return found->second;
        };
        h.read_file = [this](const std::string& path) -> Result<FileText, std::string> {
            const auto found = files.find(path);
            if (found == files.end())
                return tl::make_unexpected(std::string("no such file or directory"));
            return found->second;
        };
        h.fill_random = [this](BytesSpan out) {
            for (std::uint8_t& octet : out)
                octet = random = static_cast<std::uint8_t>(random * 5 + 3);
        };
        h.now = [] { return kNow; };
        h.serve = [this](const config::Config& config, const ServeContext& serve_context) {
            served = config;
            context = serve_context;
            return 7;
        };
        return h;
    }
    Outcome run(const std::vector<std::string>& arguments) {
        return run_command(arguments, host());
    }
};

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

std::string last_line(std::string text) {
    REQUIRE(text.ends_with('\n'));
    text.pop_back();
    return text.substr(text.rfind('\n') + 1);
}

std::string line_with(const std::string& text, std::string_view part) {
    const std::size_t at = text.find(part);
    if (at == std::string::npos) return "";
    const std::size_t newline = text.rfind('\n', at);
    const std::size_t begin = newline == std::string::npos ? 0 : newline + 1;
    return text.substr(begin, text.find('\n', at) - begin);
}

token::Grants grants_of(std::string token, const std::string& key, const std::string& secret) {
    REQUIRE(token.ends_with('\n'));
    token.pop_back();
    const token::KeyMap keys(std::map<std::string, std::string, std::less<>>{{key, secret}});
    const auto grants = token::verify_token(token, keys, kNow);
    REQUIRE(grants);
    return *grants;
}

}  // namespace

TEST_CASE("serve: file, environment and flags in order of precedence [CFG-01][CLI-01][CLI-02]") {
    FakeMachine m;
    m.files["c.yaml"] = {"port: 1\nregion: file\nrtc: {tcp_port: 1, udp_port: 1}\nkeys: {a: " +
                             std::string(kLongSecret) + "}\n",
                         0644};
    m.variables = {{"LIVEKIT_PORT", "2"}, {"LIVEKIT_RTC_TCP_PORT", "2"}, {"UDP_PORT", "9000"}};
    const Outcome o = m.run({"serve", "--config", "c.yaml", "--rtc.tcp_port", "3", "--bind",
                             "127.0.0.1", "--bind=::1", "--node-ip", "1.2.3.4"});
    CHECK(o.err == "");
    CHECK(o.code == 7);
    REQUIRE(m.served);
    CHECK(m.served->port == 2);
    CHECK(m.served->region == "file");
    CHECK(m.served->rtc.tcp_port == 3);
    CHECK(m.served->rtc.udp_port == config::PortRange{9000, 9000});
    CHECK(m.served->bind_addresses == std::vector<std::string>{"127.0.0.1", "::1"});
    CHECK(m.served->rtc.node_ip == "1.2.3.4");
    CHECK(!m.context.dev);
}

TEST_CASE("serve: config text beats the file, --config-body beats LIVEKIT_CONFIG [CFG-01]") {
    FakeMachine m;
    m.files["c.yaml"] = {"region: file", 0644};
    m.variables["LIVEKIT_CONFIG"] = "region: env";
    CHECK(m.run({"serve", "--dev", "--config", "c.yaml"}).code == 7);
    CHECK(m.served->region == "env");
    m.run({"serve", "--dev", "--config", "c.yaml", "--config-body", "region: body"});
    CHECK(m.served->region == "body");
}

TEST_CASE("serve: --dev, flags without command, values of switches [CFG-03][CLI-01]") {
    FakeMachine m;
    CHECK(m.run({"--dev", "--rtc.use_ice_lite", "--room.auto_create=false"}).code == 7);
    CHECK(m.context.dev);
    CHECK(m.served->keys.contains("devkey"));
    CHECK(m.served->rtc.use_ice_lite);
    CHECK(!m.served->room.auto_create);
    CHECK(m.served->rtc.udp_port == config::PortRange{7882, 7882});
    m.run({"serve", "--dev", "--confab.web_dir", "web", "--rtc.use_mdns", "--cpuprofile", "x"});
    CHECK(m.context.web_dir == "web");
    REQUIRE(m.context.warnings.size() == 2);
    CHECK(has(m.context.warnings[0], "not implemented"));
    CHECK(m.context.warnings[1] == "--cpuprofile has no effect; remove it");
    m.run({"serve", "--keys", "APIa: b"});
    CHECK(m.served->keys.at("APIa").reveal() == "b");
}

TEST_CASE("serve: start-up errors exit non-zero, the last line helps [CFG-07][CLI-04]") {
    FakeMachine m;
    const auto fails = [&m](const std::vector<std::string>& arguments, std::string_view text) {
        const Outcome o = m.run(arguments);
        CAPTURE(o.err);
        CHECK(o.code == kExitFailure);
        CHECK(o.out.empty());
        CHECK(has(last_line(o.err), text));
    };
    fails({"serve"}, "one of key-file or keys must be provided");
    fails({"serve", "--config", "F"}, "open F: no such file or directory");
    fails({"serve", "--key-file", "K"}, "stat K: no such file or directory");
    fails({"serve", "--keys", "a:b"}, "including the space");
    fails({"serve", "--dev", "--port", "x"}, "needs a whole number");
    fails({"serve", "--config-body", "rtc:\n  tcp_prot: 1"}, "line 2: field tcp_prot not found");
    CHECK(!m.served);
    CHECK(m.run({"serve", "--dev", "--disable-strict-config", "--config-body", "zz: 1"}).code == 7);
}

TEST_CASE("serve: key and secret files must be private [CFG-02]") {
    FakeMachine m;
    m.variables["HOME"] = "/home/a";
    m.variables["NAME"] = "keys";
    m.files["/home/a/keys.yaml"] = {"APIf: " + std::string(kLongSecret), 0644};
    const std::vector<std::string> serve = {"serve", "--keys", "APIx: y", "--key-file",
                                            "~/${NAME}.yaml"};
    Outcome o = m.run(serve);
    CHECK(has(o.err, "key file others permissions must be set to 0"));
    m.files["/home/a/keys.yaml"].mode = 0640;  // the group may read
    CHECK(m.run(serve).code == 7);
    CHECK(m.served->keys.size() == 1);  // the file wins
    CHECK(m.served->keys.contains("APIf"));

    const std::string turn =
        "rtc: {turn_servers: [{host: h, port: 1, protocol: udp, secret_file: /s}]}";
    m.files["/s"] = {" \n", 0600};
    CHECK(has(m.run({"serve", "--dev", "--config-body", turn}).err, "is blank"));
    m.files["/s"] = {"hidden\n", 0604};
    CHECK(has(m.run({"serve", "--dev", "--config-body", turn}).err, "must be set to 0"));
    m.files["/s"].mode = 0600;
    CHECK(m.run({"serve", "--dev", "--config-body", turn}).code == 7);
    CHECK(m.served->rtc.turn_servers[0].secret.reveal() == "hidden");
}

TEST_CASE("expand_path: home and variables [CFG-02]") {
    FakeMachine m;
    m.variables = {{"HOME", "/h"}, {"A", "x"}};
    const Host host = m.host();
    CHECK(expand_path("~/k", host) == "/h/k");
    CHECK(expand_path("a~/$A.b${A}c$NONE/", host) == "a~/x.bxc/");
    CHECK(expand_path("", host) == "");
    CHECK(expand_path("$", host) == "");
    CHECK(expand_path("${A", host) == "x");
}

TEST_CASE("commands: mistakes get a suggestion and exit code 2 [CLI-04]") {
    FakeMachine m;
    CHECK(m.run({"sevre"}).err == "error: unknown command `sevre`; did you mean `confab serve`?\n");
    CHECK(has(m.run({"token", "craete"}).err, "did you mean `confab token create`?"));
    CHECK(has(m.run({"zzzzzz"}).err, "see `confab --help`"));
    CHECK(has(m.run({"serve", "--udpport", "1"}).err,
              "flag provided but not defined: --udpport; did you mean --udp-port?"));
    CHECK(has(m.run({"serve", "--dev", "extra"}).err, "`extra` is not expected"));
    for (const auto& bad : std::vector<std::vector<std::string>>{
             {}, {"sevre"}, {"token"}, {"serve", "--nonsense"}, {"serve", "--port"}, {"config"}}) {
        const Outcome o = m.run(bad);
        CHECK(o.code == kExitUsage);
        CHECK(o.out.empty());
        CHECK(has(o.err, "error: "));
    }
    CHECK(!m.served);
}

TEST_CASE("commands: each has help with examples [CLI-01]") {
    FakeMachine m;
    for (const auto& command : std::vector<std::vector<std::string>>{{},
                                                                     {"serve"},
                                                                     {"generate-keys"},
                                                                     {"token"},
                                                                     {"token", "create"},
                                                                     {"create-join-token"},
                                                                     {"ports"},
                                                                     {"version"},
                                                                     {"help-verbose"},
                                                                     {"config"},
                                                                     {"config", "check"},
                                                                     {"config", "show"},
                                                                     {"config", "sample"},
                                                                     {"config", "reference"}}) {
        auto arguments = command;
        arguments.emplace_back("--help");
        const Outcome o = m.run(arguments);
        CAPTURE(o.out);
        CHECK(o.code == 0);
        CHECK(has(o.out, "Examples:"));
        CHECK(!has(o.out, "--rtc.tcp_port,"));
    }
    const std::string serve = m.run({"serve", "--help"}).out;
    for (const std::string_view flag :
         {"--config", "--config-body", "--key-file", "--keys", "--bind", "--dev", "--node-ip",
          "--udp-port", "--region", "--redis-host", "--redis-password", "--turn-cert",
          "--turn-key"})
        CHECK_MESSAGE(has(serve, flag), flag);
    CHECK(!has(serve, "disable-strict"));
    CHECK(has(m.run({"--help"}).out, "help-verbose"));
    for (const std::string_view flag : {"--redis-host", "--udp-port"})
        CHECK_MESSAGE(!has(line_with(serve, flag), "no effect"), flag);
    // What does nothing yet says so.
    const std::string verbose = m.run({"help-verbose"}).out;
    CHECK(has(line_with(verbose, "--rtc.use_mdns "), "no effect yet"));
    CHECK(!has(line_with(verbose, "--rtc.tcp_port "), "no effect"));
    CHECK(has(m.run({"help-verbose"}).out, "--rtc.tcp_port  [LIVEKIT_RTC_TCP_PORT]"));
}

TEST_CASE("generate-keys: key and secret in their form [CLI-03][SID-02][SID-04]") {
    FakeMachine m;
    const std::string out = m.run({"generate-keys"}).out;
    CHECK(out.starts_with("API Key:  API"));
    const std::size_t second = out.find('\n') + 1;
    CHECK(second == std::string_view("API Key:  API").size() + token::kIdLength + 1);
    const std::string secret_line = out.substr(second);
    CHECK(secret_line.starts_with("API Secret:  "));
    CHECK(secret_line.size() >= std::string_view("API Secret:  \n").size() + 43);
    CHECK(m.run({"generate-keys"}).out != out);
}

TEST_CASE("token create: prints a token that the server takes [TOK-01][TOK-03][TOK-04]") {
    FakeMachine m;
    const Outcome o = m.run({"token",
                             "create",
                             "--api-key",
                             "k",
                             "--api-secret",
                             "s",
                             "--join",
                             "--room",
                             "r",
                             "--identity",
                             "i",
                             "--name",
                             "N",
                             "--no-publish",
                             "--subscribe",
                             "--metadata",
                             "m",
                             "--attribute",
                             "a=b=c",
                             "--attribute",
                             "d=",
                             "--valid-for",
                             "10m",
                             "--publish-source",
                             "camera",
                             "--kind",
                             "agent"});
    CHECK(o.err == "");
    REQUIRE(o.code == 0);
    const token::Grants g = grants_of(o.out, "k", "s");
    CHECK(g.identity == "i");
    CHECK(g.name == "N");
    CHECK(g.metadata == "m");
    CHECK(g.attributes == std::map<std::string, std::string>{{"a", "b=c"}, {"d", ""}});
    CHECK(g.kind == livekit::ParticipantInfo::AGENT);
    CHECK(g.expires_at == kNow + Duration::seconds(600));
    REQUIRE(g.video);
    CHECK(g.video->room_join);
    CHECK(g.video->room == "r");
    CHECK(g.video->can_publish == false);
    CHECK(g.video->can_subscribe == true);
    CHECK(!g.video->can_publish_data);
    CHECK(g.video->can_publish_sources == std::vector<livekit::TrackSource>{livekit::CAMERA});
}

TEST_CASE("token create: finds its key [TOK-02]") {
    FakeMachine m;
    const std::vector<std::string> base = {"token", "create", "--list"};
    const auto with = [&base](std::vector<std::string> more) {
        more.insert(more.begin(), base.begin(), base.end());
        return more;
    };
    CHECK(has(m.run(base).err, "no API key; give --api-key"));
    CHECK(m.run(base).code == kExitFailure);
    CHECK(grants_of(m.run(with({"--dev"})).out, "devkey", "secret").video->room_list);
    m.files["c"] = {"keys: {a: one, b: two}", 0600};
    CHECK(grants_of(m.run(with({"--config", "c", "--api-key", "b"})).out, "b", "two").api_key ==
          "b");
    CHECK(has(m.run(with({"--config", "c", "--api-key", "x"})).err, "no secret for API key x"));
    m.variables = {{"LIVEKIT_API_KEY", "e"}, {"LIVEKIT_API_SECRET", "v"}};
    CHECK(grants_of(m.run(base).out, "e", "v").expires_at == kNow + Duration::seconds(6 * 3600));
}

TEST_CASE("token create: an operator's token is for no room [HOOK-12]") {
    FakeMachine m;
    const Outcome o = m.run({"token", "create", "--dev", "--admin", "--list"});
    const auto video = grants_of(o.out, "devkey", "secret").video;
    REQUIRE(video);
    CHECK(video->room_admin);
    CHECK(video->room_list);
    CHECK(video->room.empty());
}

TEST_CASE("token create: refuses tokens that make no sense") {
    FakeMachine m;
    for (const auto& bad :
         std::vector<std::vector<std::string>>{{},
                                               {"--join", "--room", "r"},
                                               {"--join", "--identity", "i"},
                                               {"--admin"},
                                               {"--list", "--valid-for", "0s"},
                                               {"--list", "--valid-for", "10"},
                                               {"--list", "--attribute", "x"},
                                               {"--list", "--publish-source", "tv"},
                                               {"--list", "--kind", "robot"}}) {
        auto arguments = bad;
        arguments.insert(arguments.begin(), {"token", "create", "--dev"});
        const Outcome o = m.run(arguments);
        CHECK(o.code != 0);
        CHECK(o.out.empty());
    }
}

TEST_CASE("create-join-token: 30 days behind Token: [CLI-03]") {
    FakeMachine m;
    const std::string out =
        m.run({"create-join-token", "--dev", "--room", "r", "--identity", "i", "--recorder"}).out;
    REQUIRE(out.starts_with("Token: "));
    const token::Grants g = grants_of(out.substr(7), "devkey", "secret");
    CHECK(g.expires_at == kNow + Duration::seconds(30 * 86400));
    CHECK(g.video->hidden);
    CHECK(g.video->recorder);
    CHECK(!has(m.run({"--help"}).out, "create-join-token"));
}

TEST_CASE("ports: the lines of each service [CLI-03]") {
    FakeMachine m;
    CHECK(m.run({"ports"}).out ==
          "TCP Ports\n7880 - HTTP service\n7881 - ICE/TCP\n"
          "UDP Ports\n50000-60000 - ICE/UDP range\n");
    CHECK(has(m.run({"ports", "--dev"}).out, "\n7882 - ICE/UDP\n"));
    const Outcome with_turn = m.run({"ports", "--config-body",
                                     "turn: {enabled: true, domain: d, tls_port: 5349, udp_port: "
                                     "3478}\nrtc: {udp_port: 7000-7010, tcp_port: 0}"});
    const std::string& turn = with_turn.out;
    CHECK(with_turn.err.empty());
    CHECK(has(turn, "\n5349 - TURN/TLS\n"));
    CHECK(has(turn, "\n3478 - TURN/UDP\n"));
    CHECK(has(turn, "\n7000-7010 - ICE/UDP\n"));
    CHECK(!has(turn, "ICE/TCP"));
    CHECK(m.run({"ports", "--config-body", "port: 443\ntls: {domain: a.test, redirect_port: 80}"})
              .out ==
          "TCP Ports\n443 - HTTP service\n443 - ICE/TCP\n443 - TURN/TLS\n80 - HTTP to HTTPS\n"
          "UDP Ports\n443 - ICE/UDP\n443 - TURN/UDP\n");
}

TEST_CASE("version: ours and the compatible one as plain semver [SDK-21]") {
    FakeMachine m;
    CHECK(m.run({"version"}).out == "confab 0.1.0\nLiveKit-compatible 1.13.5\n");
    CHECK(m.run({"--version"}).out == "confab 0.1.0\nLiveKit-compatible 1.13.5\n");
    CHECK(kLiveKitVersion == "1.13.5");
}

TEST_CASE("config: check, show, sample, reference") {
    FakeMachine m;
    m.files["c"] = {"keys: {a: hunter2}\nrtc: {use_mdns: true}", 0600};
    const Outcome check = m.run({"config", "check", "c"});
    CHECK(check.code == 0);
    CHECK(check.out == "the configuration is valid\n");
    CHECK(has(check.err, "warning: c:2: rtc.use_mdns is valid but not implemented"));
    for (const char* name : {"-c", "--config"}) {
        CHECK(m.run({"config", "check", name, "c"}).out == check.out);
        CHECK(has(m.run({"config", "show", name, "c"}).out, "port_range_start: 50000"));
        CHECK(m.run({"ports", name, "c"}).code == 0);
        CHECK(m.run({"serve", name, "c"}).code == 7);
    }
    m.files["bad"] = {"keys: {a: b}\nrtc:\n  tcp_prot: 1\n", 0600};
    const Outcome bad = m.run({"config", "check", "-c", "bad"});
    CHECK(bad.code == kExitFailure);
    CHECK(has(bad.err, "bad:3: field tcp_prot not found"));
    CHECK(has(bad.err, "did you mean rtc.tcp_port?"));
    m.files["old"] = {"keys: {a: " + std::string(kLongSecret) + "}\nno_such_option: 1\n", 0644};
    const std::vector<std::string> relaxed = {"-c", "old", "--disable-strict-config"};
    for (const char* command : {"check", "show"}) {
        std::vector<std::string> arguments = {"config", command};
        arguments.insert(arguments.end(), relaxed.begin(), relaxed.end());
        CHECK(has(m.run(arguments).err, "warning: old:2: field no_such_option not found"));
    }
    m.run({"serve", relaxed[0], relaxed[1], relaxed[2]});
    REQUIRE(m.context.warnings.size() == 1);
    CHECK(m.context.warnings[0].starts_with("old:2: "));
    CHECK(m.run({"config", "check"}).code == kExitFailure);
    CHECK(m.run({"config", "check", "missing"}).code == kExitFailure);
    const std::string shown = m.run({"config", "show", "c", "--port", "9"}).out;
    CHECK(has(shown, "port: 9\n"));
    CHECK(!has(shown, "hunter2"));
    CHECK(has(shown, "port_range_start: 50000"));
    CHECK(m.run({"config", "sample"}).out == config::annotated_sample());
    CHECK(m.run({"config", "reference"}).out == config::reference_markdown());
    CHECK(m.run({"metrics-reference"}).out == telemetry::metrics_reference());
    CHECK(m.run({"errors-reference"}).out == errors_reference());
    CHECK(m.run({"ids-reference"}).out == ids_reference());
}

}  // namespace confab::app
