// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include <set>

#include "app/setup/plan.h"
#include "app/setup/service_files.h"
#include "app/source_file_testing.h"
#include "config/load.h"
#include "config/options.h"

namespace confab::setup {
namespace {

constexpr const char* kSecret = "0123456789012345678901234567890123456789";

IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}

Found machine(const std::vector<const char*>& addresses, const char* external = nullptr) {
    Found found;
    for (const char* text : addresses)
        found.interfaces.push_back({"eth0", ip(text), 1500});
    if (external != nullptr) found.external = ip(external);
    found.is_free = [](std::uint16_t, bool) { return true; };
    found.resolve = [](const std::string&) { return std::vector<IpAddress>{}; };
    return found;
}

// Answers as a file gives them.
Result<Answers, std::string> answered(const Answers& given, const Found& found) {
    return ask_all(
        [&](const Question& question, const std::string&) -> Result<std::string, std::string> {
            return answer_of(given, question.name);
        },
        found);
}

config::Config config_of(const Plan& plan) {
    auto loaded = config::parse_yaml(plan.files.at(0).text);
    REQUIRE(loaded);
    REQUIRE(config::finish(*loaded));
    return loaded->config;
}

Plan plan_of(const Answers& given, const Found& found, const PlanOptions& options = {}) {
    const auto answers = answered(given, found);
    REQUIRE_MESSAGE(answers, answers.error());
    auto plan = make_plan(*answers, {"APIkey", kSecret}, options);
    REQUIRE_MESSAGE(plan, plan.error());
    return *plan;
}

TEST_CASE("questions: names of their own, texts, and suggestions that will do") {
    std::set<std::string_view> names;
    for (const Question& question : questions()) {
        CHECK(names.insert(question.name).second);
        CHECK_FALSE(question.text.empty());
        CHECK_FALSE(question.help.empty());
    }
    for (const char* domain : {"", "live.example.org"})
        CHECK(answered({{"domain", domain}}, machine({"203.0.113.10"})));
}

TEST_CASE("questions: answers that will not do are told with what will [GEN-02]") {
    const auto error = [](const char* name, const char* answer) {
        Answers given{{name, answer}};
        if (std::string_view(name) != "domain") given.emplace("domain", "live.example.org");
        if (std::string_view(name) != "tls") given.emplace("tls", "proxy");  // which has no TURN
        const auto answers = answered(given, machine({"203.0.113.10"}));
        return answers ? std::string() : answers.error();
    };
    for (const char* bad : {"https://a.example", "a", "a.1", "a..b", "-a.example", "203.0.113.1",
                            "a.example:443", "a b.example"})
        CHECK_FALSE(error("domain", bad).empty());
    for (const char* good : {"live.example.org", "a-b.xn--p1ai", "A.Example"})
        CHECK(error("domain", good).empty());
    for (const char* bad : {"0", "65536", "http"})
        CHECK_FALSE(error("port", bad).empty());
    CHECK_FALSE(error("tls", "yes").empty());
    CHECK_FALSE(error("turn", "maybe").empty());
    CHECK_FALSE(error("address", "my server").empty());
    CHECK(error("address", "2001:db8::1").empty());
    CHECK_FALSE(error("redis", "redis://a").empty());
    CHECK_FALSE(error("webhook", "a.example").empty());
    CHECK(error("webhook", "a.example") ==
          "webhook: \"a.example\" will not do; write https://HOST/PATH");
}

TEST_CASE("questions: the suggested address is that of the machine, of its NAT, or none") {
    const auto suggested = [](const Found& found) {
        return answer_of(*answered({}, found), "address");
    };
    CHECK(suggested(machine({"10.0.0.5", "203.0.113.10"}, "198.51.100.1")) == "203.0.113.10");
    CHECK(suggested(machine({"10.0.0.5"}, "198.51.100.1")) == "auto");
    CHECK(suggested(machine({"10.0.0.5"})) == "local");
}

TEST_CASE("plan: an authority of certificates of one's own, and by what it is known [GEN-05]") {
    const config::Config own = config_of(plan_of({{"domain", "live.example.org"},
                                                  {"authority", "https://ca.example:14000/dir"},
                                                  {"authority_ca", "/etc/ca.pem"}},
                                                 machine({"203.0.113.10"})));
    CHECK(own.tls.acme_directory == "https://ca.example:14000/dir");
    CHECK(own.tls.acme_ca_file == "/etc/ca.pem");
    // Without it the usual one; the question of by what it is known is not asked then.
    const config::Config usual =
        config_of(plan_of({{"domain", "live.example.org"}, {"authority_ca", "/etc/ca.pem"}},
                          machine({"203.0.113.10"})));
    CHECK(usual.tls.acme_directory == config::Config{}.tls.acme_directory);
    CHECK(usual.tls.acme_ca_file.empty());
}

TEST_CASE("questions: ports that are taken are not suggested") {
    Found found = machine({"203.0.113.10"});
    found.is_free = [](std::uint16_t port, bool) { return port != 7880; };
    const auto answers = answered({}, found);
    REQUIRE(answers);
    CHECK(answer_of(*answers, "port") == "7890");
    CHECK(answer_of(*answers, "udp_port") == "7892");
    CHECK(answer_of(*answers, "tcp_port") == "7891");
}

TEST_CASE("parse_answers: truth values, and what is no answer") {
    const auto answers =
        parse_answers("domain: live.example.org\nturn: yes\ndemo: true\nport: 80\n");
    REQUIRE(answers);
    CHECK(is_yes(*answers, "turn"));
    CHECK(is_yes(*answers, "demo"));
    CHECK(answer_of(*answers, "port") == "80");
    CHECK(parse_answers("")->empty());
    CHECK(parse_answers("domian: a.example").error() ==
          "line 1: no question is called domian; did you mean domain?");
    CHECK(parse_answers("port: 1\nredis: [a, b]").error() == "line 2: redis has one value");
    CHECK_FALSE(parse_answers("- a"));
    CHECK_FALSE(parse_answers("a: ["));
}

TEST_CASE("plan: a trial without a name [GEN-01]") {
    const Plan plan = plan_of({}, machine({"10.0.0.5"}));
    const config::Config config = config_of(plan);
    CHECK(config.port == 7880);
    CHECK(config.rtc.udp_port == config::PortRange{7882, 7882});
    CHECK(config.rtc.tcp_port == 7881);
    CHECK_FALSE(config.rtc.use_external_ip);
    CHECK(config.keys.at("APIkey").reveal() == kSecret);
    CHECK_FALSE(config.turn.enabled);
    CHECK_FALSE(config.own.demo_enabled);
    CHECK(config.bind_addresses.empty());
    CHECK(plan.url == "http://localhost:7880");
    CHECK(plan.page.empty());
    CHECK(plan.files.size() == 1);
    CHECK(plan.files[0].mode == 0600);
    CHECK(plan.files[0].is_secret);
}

TEST_CASE("plan: a server behind a proxy, with all that can be asked [GEN-05]") {
    const Plan plan = plan_of({{"domain", "live.example.org"},
                               {"tls", "proxy"},
                               {"address", "auto"},
                               {"redis", "127.0.0.1:6379"},
                               {"webhook", "https://example.org/hook"},
                               {"demo", "yes"}},
                              machine({"10.0.0.5"}, "198.51.100.1"));
    const config::Config config = config_of(plan);
    CHECK(config.bind_addresses == std::vector<std::string>{"127.0.0.1"});
    CHECK(config.rtc.use_external_ip);
    CHECK(config.turn.enabled);
    CHECK(config.turn.udp_port == 3478);
    CHECK(config.redis.address == "127.0.0.1:6379");
    CHECK(config.webhook.api_key == "APIkey");
    CHECK(config.webhook.urls == std::vector<std::string>{"https://example.org/hook"});
    CHECK(plan.url == "https://live.example.org");
    CHECK(plan.page == "https://live.example.org/demo/?room=my-first-room");
}

TEST_CASE("plan: TLS of the server itself, where it has it") {
    if (config::find_option("tls.domain") == nullptr) {
        const auto answers =
            answered({{"domain", "live.example.org"}, {"tls", "acme"}}, machine({"203.0.113.10"}));
        REQUIRE_FALSE(answers);
        CHECK(answers.error().find("has no TLS of its own") != std::string::npos);
        return;
    }
    const Plan plan = plan_of({{"domain", "live.example.org"}, {"email", "admin@example.org"}},
                              machine({"203.0.113.10"}));
    const config::Config config = config_of(plan);
    CHECK(config.port == 443);
    CHECK(config.rtc.udp_port == config::PortRange{443, 443});
    CHECK(config.rtc.tcp_port == 443);
    CHECK(plan.url == "https://live.example.org");
    CHECK(plan.files[0].text.find("tls:\n  domain: \"live.example.org\"\n  email: ") !=
          std::string::npos);
}

TEST_CASE("plan: two ports that are one are told by the configuration's own words") {
    const auto answers =
        answered({{"port", "7000"}, {"tcp_port", "7000"}}, machine({"203.0.113.10"}));
    REQUIRE(answers);
    const auto plan = make_plan(*answers, {"APIkey", kSecret}, {});
    REQUIRE_FALSE(plan);
    CHECK(plan.error().find("rtc.tcp_port are both 7000") != std::string::npos);
}

TEST_CASE("plan: the service is what deploy/systemd has, unless a package brought it") {
    Found found = machine({"203.0.113.10"});
    found.has_systemd = true;
    const Plan plan = plan_of({}, found, {.root = "/tree", .has_package_unit = false});
    REQUIRE(plan.files.size() == 4);
    CHECK(plan.files[0].path == "/tree/etc/confab/confab.yaml");
    CHECK(plan.files[1].path == "/tree/etc/systemd/system/confab.service");
    CHECK(plan.files[1].text == app::testing::read_source("deploy/systemd/confab.service"));
    CHECK(plan.files[2].text == app::testing::read_source("deploy/systemd/confab.sysusers"));
    CHECK(plan.files[3].text == app::testing::read_source("deploy/systemd/60-confab.conf"));
    for (std::size_t i = 1; i < plan.files.size(); ++i)
        CHECK_FALSE(plan.files[i].is_secret);
    CHECK(plan_of({}, found, {.root = "", .has_package_unit = true}).files.size() == 1);
    CHECK(plan_of({{"systemd", "no"}}, found).files.size() == 1);
}

TEST_CASE("import: the configuration of another server as it is, if it is one") {
    const std::string text = "port: 7880\nkeys: {APIold: " + std::string(kSecret) +
                             "}\nrtc: {port_range_start: 50000, "
                             "port_range_end: 60000, use_external_ip: true}\nno_such_option: 1\n";
    const auto plan = make_import("/opt/livekit/livekit.yaml", text, {}, {});
    REQUIRE(plan);
    CHECK(plan->files[0].text.ends_with(text));
    CHECK(plan->files[0].mode == 0600);
    REQUIRE_FALSE(plan->notes.empty());
    CHECK(plan->notes[0].find("no_such_option") != std::string::npos);
    const auto bad = make_import("a.yaml", "port: many", {}, {});
    REQUIRE_FALSE(bad);
    CHECK(bad.error().starts_with("a.yaml: "));
    CHECK_FALSE(make_import("a.yaml", "port: 7880", {}, {}));  // no keys
}

}  // namespace
}  // namespace confab::setup
