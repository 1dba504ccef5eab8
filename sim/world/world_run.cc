// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The phases of a run and what must hold at their ends (07 §8).
#include <algorithm>

#include "base/check.h"
#include "sim/world/world.h"

namespace confab::sim {
namespace {
constexpr Duration kSecond = Duration::seconds(1);
// What flows shows up within this time before the end of the healing.
constexpr Duration kVideoGap = Duration::millis(1500);
constexpr Duration kAudioGap = Duration::millis(400);
constexpr Duration kFarewell = Duration::seconds(3);
constexpr Duration kIdle = Duration::seconds(10);
// An idle shard wakes for its quality report each 5 s, and for the levels of its timer wheel.
constexpr std::uint64_t kMaxIdleTimeouts = 64;
}  // namespace

void World::run_until(Timestamp end) {
    while (now() < end) {
        const Timestamp second = std::min(end, now() + kSecond);
        const std::uint64_t before = events_.taken();
        const std::uint64_t limit = kMaxEventsPerSecond * std::max<std::uint64_t>(1, seats_.size());
        while (events_.step(second)) {
            if (events_.taken() - before <= limit) continue;
            note("more than " + std::to_string(limit) + " events in a second");
            events_.step(second);
            return;
        }
    }
}

RunResult World::run() {
    run_until(kRunStart + scenario_.length);
    heal();
    check_flow();
    farewell();
    if (bug_count() != bugs_before_) note("CONFAB_BUG was counted");
    const SfuHostCounters& host = host_.counters();
    stats_.events = events_.taken();
    stats_.links = host.links;
    stats_.most_sent = host.most_sent;
    RunResult result;
    hash_.add(events_.taken());
    result.hash = hash_.value();
    result.violations = report_.count();
    result.texts = report_.texts();
    result.stats = stats_;
    return result;
}

// ---------------------------------------------------------------- quiescence

void World::heal() {
    for (Seat& seat : seats_)
        set_links(seat, perfect_link(), perfect_link());
    const Timestamp end = now() + scenario_.healing;
    run_until(end - Duration::seconds(2));
    for (Seat& seat : seats_) {
        if (!seat.client) continue;
        for (const auto& [track, stream] : seat.client->subscriber().streams())
            (void)stream->take_seen();
    }
    run_until(end);
}

void World::check_flow() {
    const bool full = scenario_.expects_full_layers && !bandwidth_limited_;
    for (const Expectation& e : control_.expectations()) {
        if (!e.flows) continue;
        Client* subscriber = client(e.subscriber);
        StreamChecker* stream = subscriber->subscriber().find(e.track);
        const std::string name = subscriber->name() + " track " + std::to_string(e.track);
        if (stream == nullptr) {
            note(name + ": no stream");
            continue;
        }
        const Duration gap = now() - stream->last_content();
        if (gap > (stream->is_video() ? kVideoGap : kAudioGap)) {
            note(name + ": nothing came for " + std::to_string(gap.ms()) + " ms");
            continue;
        }
        const StreamChecker::Seen seen = stream->take_seen();
        const bool too_high = seen.layer > e.spatial || seen.temporal > e.temporal;
        const bool too_low = seen.layer < e.spatial || seen.temporal < e.temporal;
        if (stream->is_video() && full && (too_high || too_low))
            note(name + ": layer " + std::to_string(seen.layer) + "." +
                 std::to_string(seen.temporal) + " instead of " + std::to_string(e.spatial) + "." +
                 std::to_string(e.temporal));
    }
    for (ClientId id = 0; id < seats_.size(); ++id)
        if (seats_[id].client && !control_.connected(id))
            note(seats_[id].client->name() + ": not connected after all links healed");
}

void World::farewell() {
    // Before the first departure ends streams of the others.
    for (Seat& seat : seats_)
        if (seat.client) collect(seat);
    for (ClientId id = 0; id < seats_.size(); ++id)
        leave(seats_[id], id);
    run_until(now() + kFarewell);
    check_empty();
    const std::uint64_t before = host_.counters().timeouts;
    run_until(now() + kIdle);
    const std::uint64_t idle = host_.counters().timeouts - before;
    if (idle > kMaxIdleTimeouts * host_.size())
        note(std::to_string(idle) + " timeouts of idle shards");
    check_empty();
}

void World::check_empty() {
    if (!host_.queues_empty()) note("messages wait between idle shards");
    for (std::size_t i = 0; i < host_.size(); ++i) {
        const sfu::ShardSnapshot s = host_.snapshot(i);
        const auto check = [&](std::uint64_t left, const char* what) {
            if (left != 0)
                note("shard " + std::to_string(i) + ": " + std::to_string(left) + " " + what +
                     " left");
        };
        check(s.peers, "peers");
        check(s.receivers, "receivers");
        check(s.tracks, "tracks");
        check(s.down_tracks, "down-tracks");
        check(s.packets_in_use, "packets");
        check(s.links_dropped, "link messages dropped");
        check(s.events_dropped, "events dropped");
    }
}

void World::collect(Seat& seat) {
    stats_.lost += seat.up->counters().lost + seat.down->counters().lost;
    stats_.plis += seat.client->publisher().counters().plis;
    stats_.messages += seat.client->messages();
    for (const auto& [track, stream] : seat.client->subscriber().streams()) {
        stats_.rtp_to_clients += stream->counters().packets;
        stats_.repaired += stream->counters().repaired;
        stats_.late += stream->sent_log().late();
        stats_.frames += stream->video().counters().frames;
        stats_.freezes += stream->video().counters().freezes;
        stats_.switches += stream->video().counters().switches;
    }
}

}  // namespace confab::sim
