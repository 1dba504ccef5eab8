// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// load-test: what its flags make of a test, and of its result.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "app/commands/command_line.h"

namespace confab::app {
namespace {

struct FakeMachine {
    std::map<std::string, std::string> variables;
    load::Report report;
    std::vector<load::RunSettings> runs;
    std::string shown;
    std::string said;
    std::string program = "confab";
    int looks = 0;  // until the operator interrupts

    FakeMachine() {
        report.figures.joined = 2;
        report.figures.received.packets = 1000;
        report.figures.latency.add(Duration::millis(2));
    }
    Outcome run(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "load-test");
        return run_whole(arguments);
    }
    Outcome run_whole(const std::vector<std::string>& arguments) {
        Host host;
        host.program = program;
        host.env = [this](std::string_view name) -> std::optional<std::string> {
            const auto found = variables.find(std::string(name));
            return found == variables.end() ? std::nullopt : std::optional(found->second);
        };
        host.fill_random = [](BytesSpan out) {
            for (std::uint8_t& octet : out)
                octet = 1;
        };
        host.load_test = [this](const load::RunSettings& settings) {
            runs.push_back(settings);
            for (int i = 1; i < 4; ++i)
                if (settings.watch({.joined = 1,
                                    .failed = 0,
                                    .participants = 2,
                                    .packets = static_cast<std::uint64_t>(i) * 500,
                                    .passed = Duration::millis(i * 600)}))
                    break;
            return report;
        };
        host.progress = [this](const std::string& text) { shown += text; };
        host.warn = [this](const std::string& text) { said += text; };
        host.interrupted = [this] { return --looks == 0; };
        return run_command(arguments, host);
    }
    const load::Options& options() const { return runs.back().options; }
};

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

TEST_CASE("load-test: every flag of upstream is taken [LKC-30]") {
    FakeMachine m;
    const Outcome o = m.run({"--api-key",
                             "k",
                             "--api-secret",
                             "s",
                             "--room",
                             "r",
                             "--duration",
                             "1m",
                             "--publishers",
                             "2",
                             "--audio-publishers",
                             "3",
                             "--subscribers",
                             "4",
                             "--identity-prefix",
                             "p",
                             "--video-resolution",
                             "medium",
                             "--video-codec",
                             "h264",
                             "--num-per-second",
                             "2.5",
                             "--layout",
                             "4x4",
                             "--no-simulcast",
                             "--simulate-speakers"});
    CHECK(o.code == 0);
    CHECK(has(o.out, "Subscriber summaries:"));
    CHECK(o.err == "warning: pictures are published as vp8; h264 is not made\n");
    REQUIRE(m.runs.size() == 1);
    const load::Options& options = m.options();
    CHECK(options.room == "r");
    CHECK(options.duration == Duration::seconds(60));
    CHECK(options.video_publishers == 2);
    CHECK(options.audio_publishers == 3);
    CHECK(options.subscribers == 4);
    CHECK(options.identity_prefix == "p");
    CHECK(options.resolution == load::Resolution::kMedium);
    CHECK(options.join_rate == 2.5);
    CHECK(options.layout == load::Layout::k4x4);
    CHECK_FALSE(options.simulcast);
    CHECK(options.simulate_speakers);
}

TEST_CASE("load-test: as lk, one dash does for its own flags, too [LKC-30]") {
    FakeMachine m;
    const std::vector<std::string> flags{
        "-api-key",      "k",  "-room",        "r", "-publishers=2", "-layout",          "3x3",
        "-no-simulcast", "-j", "-subscribers", "4", "-api-secret",   "--video-codec=vp8"};
    for (const char* program : {"lk", "livekit-cli"})
        for (const std::vector<std::string>& words :
             {std::vector<std::string>{"load-test"}, {"perf", "load-test"}}) {
            m.program = program;
            std::vector<std::string> arguments = words;
            arguments.insert(arguments.end(), flags.begin(), flags.end());
            arguments.insert(arguments.end() - 1, "s");
            CHECK(m.run_whole(arguments).code == 0);
            REQUIRE(!m.runs.empty());
            CHECK(m.options().room == "r");
            CHECK(m.options().video_publishers == 2);
            CHECK(m.options().subscribers == 4);
            CHECK(m.options().layout == load::Layout::k3x3);
            CHECK_FALSE(m.options().simulcast);
            CHECK(m.runs.back().api_secret == "s");
            m.runs.clear();
        }
    // A value is one, whatever it looks like; what is no flag stays wrong.
    CHECK(m.run({"--dev", "-room=-layout"}).code == 0);
    CHECK(m.options().room == "-layout");
    CHECK(m.run({"--dev", "-rom", "r"}).code == kExitUsage);
    m.program = "confab";
    CHECK(m.run({"--dev", "-room", "r"}).code == kExitUsage);
}

TEST_CASE(
    "load-test: without counts one publishes and one watches, in a room of its own [LKC-30]") {
    FakeMachine m;
    CHECK(m.run({"--dev"}).code == 0);
    CHECK(m.options().video_publishers == 1);
    CHECK(m.options().subscribers == 1);
    CHECK(m.options().duration == Duration::zero());
    CHECK(m.options().join_rate == 5);
    CHECK(m.options().room.starts_with("load-test-"));
    CHECK(m.runs.back().url == "http://localhost:7880");
    CHECK(m.runs.back().api_key == "devkey");
    CHECK(m.runs.back().api_secret == "secret");
}

TEST_CASE("load-test: identities begin by chance, so that two tests share a room [LKC-30]") {
    FakeMachine m;
    CHECK(m.run({"--dev"}).code == 0);
    CHECK(m.options().identity_prefix == "bbbbb");
}

TEST_CASE("perf load-test: flags of all verbs stand anywhere [LKC-01][LKC-30]") {
    FakeMachine m;
    const std::vector<std::string> keys{"--api-key", "k", "--api-secret=s"};
    const auto with_keys = [&](std::vector<std::string> words) {
        words.insert(words.end(), keys.begin(), keys.end());
        return words;
    };
    for (const auto& words : std::vector<std::vector<std::string>>{
             {"--url", "ws://u", "perf", "load-test"},
             {"--url=ws://u", "load-test"},
             {"perf", "--verbose", "--url", "ws://u", "load-test"},
             {"--verbose", "load-test", "--url", "ws://u"},
             {"perf", "load-test", "--verbose", "--yes", "-q", "--url", "ws://u"},
             {"-y", "perf", "--silent", "load-test", "--url", "ws://u"}}) {
        m.runs.clear();
        const Outcome o = m.run_whole(with_keys(words));
        CHECK(o.err == "");
        REQUIRE(m.runs.size() == 1);
        CHECK(m.runs.back().url == "ws://u");
        CHECK(m.runs.back().api_secret == "s");
    }
    const Outcome gone = m.run_whole({"--project", "p", "perf", "load-test"});
    CHECK(gone.err.starts_with("error: no project p"));
    CHECK(m.run_whole({"--verbose", "load-test", "--help"}).code == 0);
}

TEST_CASE("load-test: server and key come from the environment where no flag says them [LKC-01]") {
    FakeMachine m;
    m.variables = {
        {"LIVEKIT_URL", "wss://u"}, {"LIVEKIT_API_KEY", "k"}, {"LIVEKIT_API_SECRET", "s"}};
    CHECK(m.run({"--url", "ws://other", "--signal", "v0", "--threads", "2"}).code == 0);
    CHECK(m.runs.back().url == "ws://other");
    CHECK(m.runs.back().api_secret == "s");
    CHECK(m.runs.back().threads == 2);
    CHECK_FALSE(m.options().single);
    CHECK(m.run({"--dev", "--api-key", "x"}).code == kExitFailure);
    m.variables.clear();
    const Outcome none = m.run({"--api-key", "k"});
    CHECK(none.code == kExitFailure);
    CHECK(none.err.starts_with("error: api-secret is required; give --api-secret"));
    CHECK(m.runs.size() == 1);
    CHECK(m.said == "Using api-key, api-secret from environment\n");
}

TEST_CASE("load-test: our own variables go before upstream's, a flag before both [LKC-01]") {
    FakeMachine m;
    m.variables = {{"CONFAB_URL", "wss://ours"}, {"CONFAB_API_KEY", "k"},
                   {"CONFAB_API_SECRET", "s"},   {"LIVEKIT_URL", "wss://theirs"},
                   {"LIVEKIT_API_KEY", "x"},     {"LIVEKIT_API_SECRET", "y"}};
    CHECK(m.run({}).code == 0);
    CHECK(m.runs.back().url == "wss://ours");
    CHECK(m.runs.back().api_key == "k");
    CHECK(m.run({"--url", "ws://staging:7880"}).code == 0);
    CHECK(m.runs.back().url == "ws://staging:7880");
    CHECK(m.runs.back().api_secret == "s");
}

TEST_CASE(
    "load-test: JSON is the last line; limits that were not kept end with 3 [LKC-30][LKC-35]") {
    FakeMachine m;
    Outcome o = m.run({"--dev", "--json", "--max-loss", "0%", "--max-latency-p95", "2ms"});
    CHECK(o.code == 0);
    CHECK(o.out.starts_with("{\"packets_received\":1000,"));
    CHECK(o.out.ends_with("}\n"));
    m.report.figures.received.lost = 1;
    o = m.run({"--dev", "--json", "--max-loss", "0%", "--max-latency-p95", "1999us",
               "--max-freezes", "0"});
    CHECK(o.code == kExitLimits);
    CHECK(o.err ==
          "error: loss is 0.100%, more than 0.000%\n"
          "error: latency p95 is 2.000 ms, more than 1.999 ms\n");
    // What could not be run to its end is no question of limits.
    m.report.failure = "no participant is left";
    o = m.run({"--dev", "--max-loss", "0%"});
    CHECK(o.code == kExitFailure);
    CHECK(o.err.ends_with("error: no participant is left\n"));
    m.report.figures.joined = 0;
    o = m.run({"--dev"});
    CHECK(o.out.empty());
    CHECK(o.code == kExitFailure);
}

TEST_CASE("load-test: wrong values are named") {
    FakeMachine m;
    for (const char* flag :
         {"--max-latency-p50", "--max-latency-p99", "--max-join-p95", "--duration"}) {
        const Outcome o = m.run({"--dev", flag, "12"});
        CHECK(o.code == kExitFailure);
        CHECK(has(o.err, std::string("error: ") + flag + " 12 is no duration"));
    }
    CHECK(m.run({"--dev", "--layout", "7x7"}).code == kExitUsage);
    CHECK(m.run({"--dev", "--rooms", "0"}).code == kExitUsage);
    CHECK(m.run({"--dev", "--subscribers", "100001"}).code == kExitFailure);
    CHECK(m.run({"--dev", "--subscriber", "1"}).code == kExitUsage);
    CHECK(m.runs.empty());
}

TEST_CASE("load-test: progress is shown each second, and taken away in the end") {
    FakeMachine m;
    (void)m.run({"--dev"});
    CHECK(has(m.shown, "\r1/2 joined, 1 s, 833 packets/s"));
    CHECK(m.shown.ends_with(" \r"));
}

TEST_CASE("load-test: --run-all goes through upstream's cases, until it is interrupted [LKC-30]") {
    FakeMachine m;
    CHECK(m.run({"--dev", "--run-all"}).code == 0);
    REQUIRE(m.runs.size() == 11);
    CHECK(m.runs[3].options.audio_publishers == 10);
    CHECK(m.runs[3].options.subscribers == 1000);
    CHECK(m.runs[10].options.video_publishers == 1);
    CHECK(m.runs[10].options.audio_publishers == 0);
    CHECK(m.runs[10].options.duration == Duration::seconds(15));
    m.runs.clear();
    m.looks = 4;
    (void)m.run({"--dev", "--run-all"});
    CHECK(m.runs.size() == 1);
}

}  // namespace
}  // namespace confab::app
