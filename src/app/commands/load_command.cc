// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// load-test (05 LKC-30, LKC-34, LKC-35): flags in, tables or JSON and an exit code out.
#include <CLI/CLI.hpp>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/call/credentials.h"
#include "app/commands/commands.h"
#include "config/yaml/value.h"
#include "load/limits.h"
#include "load/report.h"
#include "runtime/load/run_load.h"

namespace confab::app {
namespace {

constexpr Duration kCaseDuration = Duration::seconds(15);
// Each of them takes 200 KB of the tester and some of the server.
constexpr std::size_t kMaxParticipants = 100'000;

struct LoadFlags {
    load::Options options;
    std::string url, key, secret, project, subdomain, config;
    bool dev = false;
    bool quiet = false;
    std::string duration = "0";
    std::string layout = "speaker";
    std::string resolution = "high";
    std::string codec;
    std::string signal = "v1";
    bool no_simulcast = false;
    bool run_all = false;
    bool json = false;
    bool own_sockets = false;
    std::size_t threads = 0;
    std::string max_loss, max_p50, max_p95, max_p99, max_join;
    std::optional<std::uint64_t> max_freezes;
    load::Limits limits;
};

// ---------------------------------------------------------------- flags

void add_server_flags(CLI::App& command, LoadFlags& f) {
    command.add_option(
        "--url", f.url,
        "Address of the server [CONFAB_URL, LIVEKIT_URL]; default http://localhost:7880");
    command.add_option("--api-key", f.key, "API key that signs [CONFAB_API_KEY, LIVEKIT_API_KEY]");
    command.add_option("--api-secret", f.secret,
                       "Its secret [CONFAB_API_SECRET, LIVEKIT_API_SECRET]");
    command.add_flag("--dev", f.dev, "Key and secret of a server that runs with --dev");
    command.add_option("--project", f.project, "Server and key by the name of `project add`");
    command.add_option("--subdomain", f.subdomain, "The same, by the first label of its host");
    command.add_option("--config", f.config, "File with `[project] subdomain`");
    command.add_flag("-q,--quiet,--silent", f.quiet, "No notices on stderr");
    // As all verbs have them; nothing is asked, and each second is told anyway.
    command.add_flag("-y,--yes")->group("");
    command.add_flag("--verbose")->group("");
    command.add_option("--signal", f.signal, "v1: /rtc/v1, else /rtc; v0: /rtc alone")
        ->check(CLI::IsMember({"v0", "v1"}))
        ->capture_default_str();
}

void add_shape_flags(CLI::App& command, LoadFlags& f) {
    load::Options& o = f.options;
    command.add_option("--room", o.room, "Room to fill; several get -0, -1 … behind it");
    command.add_option("--rooms", o.rooms, "How many rooms")->check(CLI::PositiveNumber);
    command.add_option("--video-publishers,--publishers", o.video_publishers,
                       "Participants per room with a camera");
    command.add_option("--audio-publishers", o.audio_publishers,
                       "Participants per room with a microphone; the first have a camera, too");
    command.add_option("--screen-publishers", o.screen_publishers,
                       "Participants per room that share a screen, likewise");
    command.add_option("--subscribers", o.subscribers, "Participants per room that only receive");
    command.add_flag("--publishers-subscribe", o.publishers_subscribe,
                     "Publishers receive as well, as in a meeting");
    command
        .add_option("--join-rate,--num-per-second", o.join_rate, "Joins per second; 0: all at once")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    command
        .add_option("--duration", f.duration,
                    "How long after the last join, for example 20s; 0: until stopped")
        ->capture_default_str();
    command.add_option("--identity-prefix", o.identity_prefix,
                       "How identities begin; without it, with five letters by chance");
}

void add_media_flags(CLI::App& command, LoadFlags& f) {
    load::Options& o = f.options;
    command.add_option("--layout", f.layout, "What a subscriber shows: speaker, 3x3, 4x4 or 5x5")
        ->check(CLI::IsMember({"speaker", "3x3", "4x4", "5x5"}))
        ->capture_default_str();
    command.add_option("--video-resolution", f.resolution, "Of cameras: high, medium or low")
        ->check(CLI::IsMember({"high", "medium", "low"}))
        ->capture_default_str();
    command.add_option("--video-codec", f.codec, "vp8; h264 is taken, too, and published as vp8")
        ->check(CLI::IsMember({"vp8", "h264"}));
    command.add_flag("--no-simulcast", f.no_simulcast, "Cameras with one layer");
    command.add_flag("--simulate-speakers", o.simulate_speakers,
                     "One microphone after the other speaks, for 3 s each");
    command.add_option("--screen-fps", o.screen_fps, "Pictures per second of a screen")
        ->check(CLI::Range(1, 60))
        ->capture_default_str();
    command.add_option("--data-rate", o.data_rate, "Data messages per second of each publisher")
        ->check(CLI::Range(0.0, 10'000.0));
    command.add_option("--data-size", o.data_size, "Bytes of each")
        ->check(CLI::Range(16, 15'000))
        ->capture_default_str();
    command.add_flag("--data-reliable", o.data_reliable, "They are sent reliably");
    command.add_flag("--run-all", f.run_all)->group("");  // as upstream has it
}

void add_limit_flags(CLI::App& command, LoadFlags& f) {
    command.add_flag("-j,--json", f.json, "The last line is one JSON object, instead of tables");
    command.add_option("--max-loss", f.max_loss, "Exit code 3 beyond it: 0.1% or 0.001");
    command.add_option("--max-latency-p50", f.max_p50, "Likewise: 5ms");
    command.add_option("--max-latency-p95", f.max_p95, "Likewise: 80ms");
    command.add_option("--max-latency-p99", f.max_p99, "Likewise: 150ms");
    command.add_option("--max-join-p95", f.max_join, "Likewise: 2s");
    command.add_option("--max-freezes", f.max_freezes, "Likewise: 0");
    command.add_option("--threads", f.threads, "Threads of the tester; 0: by the participants")
        ->check(CLI::Range(0, 32));
    command
        .add_option("--sample", f.options.sample, "One packet in so many is decrypted and timed")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    command.add_flag("--own-sockets", f.own_sockets,
                     "Each participant has sockets of its own on loopback, too");
}

// ---------------------------------------------------------------- reading them

Result<void, std::string> read_duration(const std::string& flag, const std::string& text,
                                        std::optional<Duration>& out) {
    if (text.empty()) return {};
    const auto duration =
        text == "0" ? std::optional(Duration::zero()) : config::parse_duration(text);
    if (!duration || *duration < Duration::zero())
        return tl::make_unexpected(flag + " " + text +
                                   " is no duration; it needs a unit, for example 20s or 80ms");
    out = *duration;
    return {};
}

Result<void, std::string> read_limits(LoadFlags& f) {
    CONFAB_TRY_VOID(read_duration("--max-latency-p50", f.max_p50, f.limits.latency_p50));
    CONFAB_TRY_VOID(read_duration("--max-latency-p95", f.max_p95, f.limits.latency_p95));
    CONFAB_TRY_VOID(read_duration("--max-latency-p99", f.max_p99, f.limits.latency_p99));
    CONFAB_TRY_VOID(read_duration("--max-join-p95", f.max_join, f.limits.join_p95));
    f.limits.freezes = f.max_freezes;
    if (f.max_loss.empty()) return {};
    f.limits.loss = load::parse_share(f.max_loss);
    if (!f.limits.loss)
        return tl::make_unexpected("--max-loss " + f.max_loss + " is no share; use 0.1% or 0.001");
    return {};
}

std::string random_letters(const Host& host) {
    std::array<std::uint8_t, 5> random{};
    host.fill_random(random);
    std::string letters;
    for (const std::uint8_t octet : random)
        letters += static_cast<char>('a' + octet % 26);
    return letters;
}

Result<void, std::string> read_shape(LoadFlags& f, const Host& host) {
    static const std::map<std::string, load::Layout> kLayouts{{"speaker", load::Layout::kSpeaker},
                                                              {"3x3", load::Layout::k3x3},
                                                              {"4x4", load::Layout::k4x4},
                                                              {"5x5", load::Layout::k5x5}};
    load::Options& o = f.options;
    o.layout = kLayouts.at(f.layout);
    o.resolution = f.resolution == "high"     ? load::Resolution::kHigh
                   : f.resolution == "medium" ? load::Resolution::kMedium
                                              : load::Resolution::kLow;
    o.simulcast = !f.no_simulcast;
    o.single = f.signal == "v1";
    if (o.participants() == 0) o.video_publishers = o.subscribers = 1;
    if (o.participants() > kMaxParticipants)
        return tl::make_unexpected(
            std::to_string(o.participants()) + " participants are more than " +
            std::to_string(kMaxParticipants) + "; take fewer, or two testers");
    if (o.room.empty()) {
        std::array<std::uint8_t, 4> random{};
        host.fill_random(random);
        o.room = "load-test-" + std::to_string(load_be32(random.data()) % 1'000'000);
    }
    // Two tests in one room are not to throw each other out.
    if (o.identity_prefix.empty()) o.identity_prefix = random_letters(host);
    std::optional<Duration> duration;
    CONFAB_TRY_VOID(read_duration("--duration", f.duration, duration));
    o.duration = duration.value_or(Duration::zero());
    return {};
}

// As all verbs find them; what they say of a project or the environment is shown at once.
Result<void, std::string> read_server(LoadFlags& f, const Host& host) {
    cli::Values values;
    const auto give = [&](const char* key, const std::string& text) {
        if (!text.empty()) values.set(key, {text});
    };
    give("project", f.project);
    give("subdomain", f.subdomain);
    give("config", f.config);
    give("url", f.url);
    give("api-key", f.key);
    give("api-secret", f.secret);
    if (f.dev) values.set("dev", {"true"});
    CONFAB_TRY(const cli::Credentials found, cli::find_credentials(values, host));
    const std::string said = found.warning + (f.dev || f.quiet ? "" : found.notice);
    if (!said.empty()) host.warn(said);
    f.url = found.url;
    f.key = found.api_key;
    f.secret = found.api_secret;
    return {};
}

// ---------------------------------------------------------------- running

std::string progress_line(const load::Progress& progress, double rate) {
    std::string line = "\r" + std::to_string(progress.joined) + "/" +
                       std::to_string(progress.participants) + " joined";
    if (progress.failed > 0) line += ", " + std::to_string(progress.failed) + " failed";
    line += ", " + std::to_string(progress.passed.ms() / 1000) + " s, " +
            std::to_string(static_cast<std::uint64_t>(rate)) + " packets/s";
    line.resize(std::max<std::size_t>(line.size(), 72), ' ');
    return line;
}

// Prints once a second, and says when the operator wants it to end.
class Progress {
  public:
    explicit Progress(const Host& host) : host_(host) {}
    bool look(const load::Progress& progress) {
        const Duration passed = progress.passed - last_.passed;
        if (passed >= Duration::seconds(1)) {
            const double packets = static_cast<double>(progress.packets - last_.packets);
            host_.progress(progress_line(progress, packets / passed.to_seconds()));
            last_ = progress;
            printed_ = true;
        }
        return host_.interrupted();
    }
    ~Progress() {
        if (printed_) host_.progress("\r" + std::string(72, ' ') + "\r");
    }

  private:
    const Host& host_;
    load::Progress last_;
    bool printed_ = false;
};

Outcome run_one(const LoadFlags& f, const Host& host) {
    load::RunSettings settings{.options = f.options,
                               .url = f.url,
                               .api_key = f.key,
                               .api_secret = f.secret,
                               .threads = f.threads,
                               .own_sockets = f.own_sockets,
                               .watch = {}};
    load::Report report;
    {
        Progress progress(host);
        settings.watch = [&](const load::Progress& p) { return progress.look(p); };
        report = host.load_test(settings);
    }
    Outcome outcome;
    const bool measured = report.figures.joined > 0;
    const auto violations =
        measured ? load::violations(report, f.limits) : std::vector<std::string>{};
    if (f.json)
        outcome.out = load::json_text(report, violations) + "\n";
    else if (measured)
        outcome.out = load::tables_text(report) + load::figures_text(report);
    for (const std::string& violation : violations)
        outcome.err += "error: " + violation + "\n";
    if (!violations.empty()) outcome.code = kExitLimits;
    if (!report.failure.empty()) {
        outcome.err += "error: " + report.failure + "\n";
        outcome.code = kExitFailure;
    }
    return outcome;
}

// The cases of upstream's --run-all: publishers and subscribers of audio, then of video.
Outcome run_all(LoadFlags f, const Host& host) {
    struct Case {
        bool video;
        std::size_t publishers, subscribers;
    };
    constexpr std::array<Case, 11> kCases{{{false, 10, 10},
                                           {false, 10, 100},
                                           {false, 10, 500},
                                           {false, 10, 1000},
                                           {false, 50, 50},
                                           {false, 100, 50},
                                           {true, 10, 10},
                                           {true, 10, 100},
                                           {true, 10, 500},
                                           {true, 1, 100},
                                           {true, 1, 1000}}};
    Outcome all;
    for (const Case& one : kCases) {
        f.options.video_publishers = one.video ? one.publishers : 0;
        f.options.audio_publishers = one.video ? 0 : one.publishers;
        f.options.subscribers = one.subscribers;
        f.options.duration = kCaseDuration;
        const Outcome outcome = run_one(f, host);
        all.out += std::string("\n") + (one.video ? "Video" : "Audio") + ", " +
                   std::to_string(one.publishers) + " publishers, " +
                   std::to_string(one.subscribers) + " subscribers\n" + outcome.out;
        all.err += outcome.err;
        if (all.code == 0 || outcome.code == kExitFailure) all.code = outcome.code;
        if (host.interrupted()) break;
    }
    return all;
}

Outcome load_test(LoadFlags& f, const Host& host) {
    if (const auto read = read_server(f, host); !read) return failure(read.error());
    if (const auto read = read_shape(f, host); !read) return failure(read.error());
    if (const auto read = read_limits(f); !read) return failure(read.error());
    Outcome outcome = f.run_all ? run_all(f, host) : run_one(f, host);
    if (f.codec == "h264")
        outcome.err = "warning: pictures are published as vp8; h264 is not made\n" + outcome.err;
    return outcome;
}

}  // namespace

Action add_load_test(CLI::App& command) {
    auto flags = std::make_shared<LoadFlags>();
    flags->options.room.clear();
    flags->options.identity_prefix.clear();
    add_server_flags(command, *flags);
    add_shape_flags(command, *flags);
    add_media_flags(command, *flags);
    add_limit_flags(command, *flags);
    return [flags](const Host& host) { return load_test(*flags, host); };
}

}  // namespace confab::app
