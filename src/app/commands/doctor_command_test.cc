// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include <map>
#include <optional>

#include "app/commands/command_line.h"
#include "app/doctor/report.h"

namespace confab::app {
namespace {

constexpr const char* kFile = "keys: {APIa: 0123456789012345678901234567890123456789}\n";

// A machine with files, and a doctor who finds what he is told to.
struct Machine {
    std::map<std::string, FileText> files{{"c.yaml", {kFile, 0640}}};
    std::map<std::string, std::string> variables;
    doctor::Diagnosis diagnosis;
    std::optional<doctor::Request> asked;
    std::string shown;

    Outcome run(const std::vector<std::string>& arguments) {
        Host host;
        host.env = [this](std::string_view name) -> std::optional<std::string> {
            const auto found = variables.find(std::string(name));
            return found == variables.end() ? std::nullopt : std::optional(found->second);
        };
        host.read_file = [this](const std::string& path) -> Result<FileText, std::string> {
            const auto found = files.find(path);
            if (found == files.end()) return fail(std::string("no such file or directory"));
            return found->second;
        };
        host.progress = [this](const std::string& text) { shown += text; };
        host.examine = [this](const doctor::Request& request) {
            asked = request;
            request.progress("certificate");
            return diagnosis;
        };
        asked.reset();
        return run_command(arguments, host);
    }
};

TEST_CASE("doctor: takes URL, key and configuration from where they are [GEN-05]") {
    Machine m;
    CHECK(m.run({"doctor", "https://a.test", "--api-key", "K", "--api-secret", "S"}).code == 0);
    REQUIRE(m.asked);
    CHECK(m.asked->url == "https://a.test");
    CHECK(m.asked->api_key == "K");
    CHECK(m.asked->api_secret == "S");
    CHECK(m.asked->config == nullptr);
    CHECK_FALSE(m.asked->has_config_facts);
    m.run({"doctor", "-c", "c.yaml", "--port", "7999"});
    REQUIRE(m.asked);
    CHECK(m.asked->url.empty());
    CHECK(m.asked->api_key == "APIa");
    CHECK(m.asked->api_secret == "0123456789012345678901234567890123456789");
    REQUIRE(m.asked->config);
    CHECK(m.asked->config->port == 7999);
    CHECK(m.asked->config_facts.file == "c.yaml");
    CHECK(m.asked->config_facts.file_mode == 0640);
    m.variables = {
        {"LIVEKIT_API_KEY", "K2"}, {"LIVEKIT_API_SECRET", "S2"}, {"STATE_DIRECTORY", "/s"}};
    m.run({"doctor", "https://a.test", "-c", "c.yaml"});
    REQUIRE(m.asked);
    CHECK(m.asked->api_key == "K2");
    CHECK(m.asked->data_dir == "/s");
}

TEST_CASE("doctor: without arguments it takes the installed configuration, if there is one") {
    Machine m;
    m.files["/etc/confab/confab.yaml"] = m.files["c.yaml"];
    CHECK(m.run({"doctor"}).code == 0);
    REQUIRE(m.asked);
    CHECK(m.asked->config_facts.file == "/etc/confab/confab.yaml");
    m.run({"doctor", "https://a.test"});
    REQUIRE(m.asked);
    CHECK_FALSE(m.asked->has_config_facts);
}

TEST_CASE("doctor: what is wrong with the configuration goes along") {
    Machine m;
    m.files["bad.yaml"] = {"prot: 1\n", 0600};
    m.run({"doctor", "-c", "bad.yaml"});
    REQUIRE(m.asked);
    CHECK(m.asked->config == nullptr);
    REQUIRE(m.asked->config_facts.errors.size() == 1);
    CHECK(m.asked->config_facts.errors[0].line == 1);
    m.files["empty.yaml"] = {"port: 7880\n", 0600};
    m.run({"doctor", "-c", "empty.yaml"});
    REQUIRE(m.asked);
    CHECK_FALSE(m.asked->config_facts.has_keys);
    CHECK(m.asked->config);
}

TEST_CASE("doctor: exit codes, and what is printed where") {
    Machine m;
    const Outcome nothing = m.run({"doctor"});
    CHECK(nothing.code == 3);
    CHECK(nothing.err.starts_with("error: nothing to look at;"));
    CHECK(m.run({"doctor", "https://a.test", "--api-key", "K"}).code == 3);
    CHECK(m.run({"doctor", "--no-such-flag"}).code == kExitUsage);
    m.diagnosis.add(doctor::Code::kSecretWeak, "APIa");
    CHECK(m.run({"doctor", "-c", "c.yaml"}).code == 0);
    CHECK(m.run({"doctor", "-c", "c.yaml", "--strict"}).code == 1);
    m.diagnosis.add(doctor::Code::kDnsMissing, "a.test");
    const Outcome text = m.run({"doctor", "https://a.test"});
    CHECK(text.code == 2);
    CHECK(text.err.empty());
    CHECK(text.out == doctor::report_text(m.diagnosis));
    CHECK(m.run({"doctor", "https://a.test", "--json"}).out ==
          doctor::report_json(m.diagnosis) + "\n");
    CHECK(m.shown.find("certificate") != std::string::npos);
    CHECK(m.shown.ends_with("\r\033[K"));
}

}  // namespace
}  // namespace confab::app
