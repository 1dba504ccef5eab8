// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/world/run.h"

#include "base/check.h"
#include "netem/models.h"
#include "sim/world/checks.h"

namespace confab::sim {
namespace {

// Nobody talks at the end of the healing, so that all messages have arrived.
constexpr Duration kSilenceAtEnd = Duration::seconds(2);
// Who died without a word is missed after 20 s on the WebSocket, or 15 s of silence and 5 s more on
// the media path; then its room stays for 2 s.
constexpr Duration kFarewell = Duration::seconds(50);
constexpr Duration kIdle = Duration::seconds(10);
// An idle shard wakes for its quality report each 5 s, and for the levels of its timer wheel.
constexpr std::uint64_t kMaxIdleTimeouts = 64;

}  // namespace

Run::Run(const Scenario& scenario, std::uint64_t seed)
    : scenario_(scenario),
      bugs_before_(bug_count()),
      rng_(seed),
      world_(scenario_, rng_),
      chatter_(world_, rng_),
      steps_(scenario_, world_, chatter_) {}

RunResult Run::play() {
    world_.run_until(kRunStart + scenario_.length);
    heal();
    check_present(world_);
    check_rosters(world_);
    check_flow(world_, scenario_.expects_full_layers);
    if (scenario_.messages) check_messages(world_, heard_);
    bid_farewell();
    check_idle();
    if (bug_count() != bugs_before_) world_.note("CONFAB_BUG was counted");
    const Report& report = world_.report();
    return {world_.fingerprint(), report.count(), report.texts(), world_.stats()};
}

void Run::heal() {
    for (ClientId id = 0; id < scenario_.clients; ++id)
        world_.udp().set_profiles(id, netem::perfect_link(), netem::perfect_link());
    const Timestamp end = world_.now() + scenario_.healing;
    world_.run_until(end - kSilenceAtEnd);
    say_last_words();
    world_.run_until(end);
}

// From here on counts what each stream carries.
void Run::say_last_words() {
    chatter_.end();
    for (ClientId id = 0; id < scenario_.clients; ++id) {
        Client* client = world_.client(id);
        if (client == nullptr) continue;
        for (const auto& [track, stream] : client->subscriber().streams())
            (void)stream->take_seen();
        if (client->settled()) {
            heard_.insert(id);
            if (scenario_.messages) chatter_.say_everything(id);
        }
        world_.turn(id);
    }
}

void Run::bid_farewell() {
    for (ClientId id = 0; id < scenario_.clients; ++id) {
        if (world_.client(id) == nullptr) continue;
        // Every third says nothing, so that the server must find out.
        const bool silently = id % 3 == 2;
        if (Client* client = silently ? nullptr : world_.present(id)) {
            client->leave();
            world_.turn(id);
        }
        world_.kill(id, silently);
    }
    world_.run_until(world_.now() + kFarewell);
    check_empty(world_);
}

void Run::check_idle() {
    const std::uint64_t before = world_.servers().timeouts();
    world_.run_until(world_.now() + kIdle);
    const std::uint64_t idle = world_.servers().timeouts() - before;
    if (idle > kMaxIdleTimeouts * scenario_.nodes * scenario_.shards)
        world_.note(std::to_string(idle) + " timeouts of idle shards");
    check_empty(world_);
}

RunResult run_scenario(const Scenario& scenario, std::uint64_t seed) {
    return Run(scenario, seed).play();
}

}  // namespace confab::sim
