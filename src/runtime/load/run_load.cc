// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/load/run_load.h"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/load/crew.h"
#include "runtime/worker/processors.h"
#include "runtime/worker/socket/open_files.h"

namespace confab::load {
namespace {

constexpr std::size_t kMembersPerThread = 500;
constexpr auto kLook = std::chrono::milliseconds(50);

Duration process_cpu() {
    rusage usage{};
    (void)::getrusage(RUSAGE_SELF, &usage);
    const auto micros = [](const timeval& t) {
        return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_usec;
    };
    return Duration::micros(micros(usage.ru_utime) + micros(usage.ru_stime));
}

std::size_t threads_for(const RunSettings& settings) {
    const std::size_t cores = worker::allowed_processors().size();
    const std::size_t people = settings.options.participants();
    std::size_t threads = settings.threads;
    if (threads == 0)
        threads = std::clamp<std::size_t>(people / kMembersPerThread, 1,
                                          std::max<std::size_t>(1, cores / 2));
    return std::clamp<std::size_t>(threads, 1, Crew::kMaxCrews);
}

// Watches the threads from the first join to the end.
class Watch {
  public:
    Watch(const RunSettings& settings, CrewState& state, Timestamp began)
        : settings_(settings),
          state_(state),
          began_(began),
          join_limit_(began + last_join(settings.options) + settings.options.join_patience),
          participants_(settings.options.participants()) {}

    void run() {
        while (!is_over())
            std::this_thread::sleep_for(kLook);
        state_.stop = true;
    }
    Duration lasted() const { return joined_at_ ? monotonic_now() - *joined_at_ : Duration{}; }
    std::uint64_t packets() const { return joined_at_ ? state_.packets - packets_before_ : 0; }
    std::string failure() const { return failure_; }

  private:
    bool is_over() {
        const Timestamp now = monotonic_now();
        const std::uint64_t over = state_.over;
        if (state_.hopeless) {
            const std::lock_guard lock(state_.mutex);
            failure_ = state_.reason;
            return true;
        }
        if (!joined_at_ && (state_.settled >= participants_ || now >= join_limit_)) {
            joined_at_ = now;
            packets_before_ = state_.packets;
            state_.all_joined = true;
        }
        if (over >= participants_) {
            failure_ =
                "no participant is left after " + std::to_string((now - began_).ms()) + " ms";
            return true;
        }
        const Duration duration = settings_.options.duration;
        if (joined_at_ && duration > Duration::zero() && now - *joined_at_ >= duration) return true;
        return settings_.watch &&
               settings_.watch({state_.joined, over, participants_, state_.packets, now - began_});
    }

    const RunSettings& settings_;
    CrewState& state_;
    Timestamp began_;
    Timestamp join_limit_;
    std::uint64_t participants_;
    std::optional<Timestamp> joined_at_;
    std::uint64_t packets_before_ = 0;
    std::string failure_;
};

void collect(Crew& crew, Report& report) {
    Crew::Result result = crew.take_result();
    report.figures.merge(result.figures);
    report.tester.lateness.merge(result.lateness);
    report.tester.drops += result.drops;
    report.tester.busiest = std::max(report.tester.busiest, result.busy);
    std::ranges::move(result.tracks, std::back_inserter(report.tracks));
    std::ranges::move(result.people, std::back_inserter(report.people));
}

std::vector<std::unique_ptr<Crew>> make_crews(const RunSettings& settings,
                                              const ServerTarget& server, CrewState& state,
                                              Timestamp began) {
    const token::KeyProvider::Key key{settings.api_key, settings.api_secret};
    std::vector<std::unique_ptr<Crew>> crews;
    const std::size_t count = threads_for(settings);
    crews.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
        crews.push_back(std::make_unique<Crew>(i, settings.options, key, server, state, began));
    std::size_t next = 0;
    for (PersonPlan& plan : plan_of(settings.options))
        crews[next++ % crews.size()]->add(std::move(plan));
    return crews;
}

// "3 of 12 participants failed: why", of the most frequent reason.
std::string failure_of(const Report& report) {
    const auto& errors = report.figures.errors;
    if (errors.empty()) return {};
    const auto worst =
        std::ranges::max_element(errors, {}, [](const auto& error) { return error.second; });
    return std::to_string(report.figures.failed()) + " of " + std::to_string(report.participants) +
           " participants failed: " + worst->first;
}

// Why it ended, and of how many participants; who is hopeless has said it all.
std::string whole_failure(std::string ended, const std::string& people, bool hopeless) {
    if (ended.empty() || people.empty()) return ended + people;
    if (!hopeless) ended += "; " + people;
    return ended;
}

}  // namespace

Report run_load(const RunSettings& settings) {
    Report report;
    report.participants = settings.options.participants();
    report.rooms = settings.options.rooms;
    auto server = resolve(settings.url);
    if (!server) {
        report.failure = server.error();
        return report;
    }
    server->own_sockets = settings.own_sockets;
    // Each participant has a WebSocket, and two UDP sockets where they are not shared.
    worker::raise_open_files();
    (void)::signal(SIGPIPE, SIG_IGN);  // TLS writes without MSG_NOSIGNAL

    const Timestamp began = monotonic_now();
    const Duration cpu = process_cpu();
    CrewState state;
    const auto crews = make_crews(settings, *server, state, began);
    Watch watch(settings, state, began);
    {
        std::vector<std::jthread> threads;
        threads.reserve(crews.size());
        for (const auto& crew : crews)
            threads.emplace_back([&crew] { crew->run(); });
        watch.run();
        report.lasted = watch.lasted();
        report.packets = watch.packets();
    }
    report.tester.cpu = process_cpu() - cpu;
    report.tester.measured = monotonic_now() - began;
    report.tester.threads = crews.size();
    for (const auto& crew : crews)
        collect(*crew, report);
    report.failure = whole_failure(watch.failure(), failure_of(report), state.hopeless);
    return report;
}

}  // namespace confab::load
