// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/scenarios/worlds.h"

#include <algorithm>

#include "base/rng.h"
#include "netem/models.h"

namespace confab::sim {
namespace {

constexpr std::uint64_t kLongestOutageMs = 19'000;

class Builder {
  public:
    Builder(std::uint64_t seed, const WorldOptions& options)
        : rng_(seed ^ 0x574F'524C'4453ULL), options_(options) {}

    Scenario build(std::uint64_t seed) {
        Scenario s;
        s.name = "world";
        s.story = "random day of seed " + std::to_string(seed);
        s.shards = options_.shards;
        s.clients = options_.clients;
        s.length = options_.length;
        s.healing = Scenario::kComeBack;
        s.expects_full_layers = false;
        s.light = true;
        s.people.resize(s.clients);
        // One in four rooms has somebody hidden, one in four two of one name.
        if (rng_.below(4) == 0) s.people[0].hidden = true;
        if (rng_.below(4) == 0 && s.clients > 2) s.people[1].identity = "client-2";
        // One in four has a second room, be it on the same node or on another.
        if (s.clients > 3 && rng_.below(4) == 0) {
            s.nodes = 1 + rng_.below(2);
            s.people[0].room = s.people[s.clients - 1].room = 1;
        }
        for (ClientId id = 0; id < s.clients; ++id)
            add_client(s, id);
        const std::uint64_t actions = s.clients + rng_.below(s.clients * 3);
        for (std::uint64_t i = 0; i < actions; ++i)
            add_action(s);
        return s;
    }

  private:
    std::int64_t below(std::uint64_t most) { return static_cast<std::int64_t>(rng_.below(most)); }
    std::int64_t any_time() {
        constexpr std::int64_t kStart = 1500;
        const std::int64_t spread = std::max<std::int64_t>(1, options_.length.ms() - kStart);
        return kStart + below(static_cast<std::uint64_t>(spread));
    }
    void join(Scenario& s, std::int64_t at, ClientId id) {
        s.steps.push_back(step(at, StepKind::kJoin, id, rng_.below(2)));
        if (rng_.below(4) != 0)
            s.steps.push_back(step(at + below(1500), StepKind::kPublishAudio, id));
        if (rng_.below(3) == 0)
            s.steps.push_back(step(at + below(2500), StepKind::kPublishData, id));
        if (rng_.below(2) == 0) return;
        Step video = step(at + below(2500), StepKind::kPublishVideo, id);
        video.layers = 1 + rng_.below(3);
        s.steps.push_back(video);
    }
    void add_client(Scenario& s, ClientId id) {
        if (rng_.below(3) == 0)
            s.steps.push_back(
                links(0, id, netem::random_link(rng_, 0.05), netem::random_link(rng_, 0.05)));
        const auto half = static_cast<std::uint64_t>(options_.length.ms() / 2);
        join(s, rng_.below(3) == 0 ? below(half) : below(500), id);
    }
    std::uint64_t outage_ms() {
        const std::uint64_t longest = rng_.below(2) == 0 ? 4000 : kLongestOutageMs;
        return 300 + rng_.below(longest - 300);
    }
    // One in three takes one direction alone.
    std::uint64_t direction() {
        const std::uint64_t which = rng_.below(6);
        return which == 0 ? kOnlyUp : which == 1 ? kOnlyDown : 0;
    }
    // A wish, and often the contrary later.
    void there_and_back(Scenario& s, std::int64_t at, StepKind kind, ClientId id) {
        s.steps.push_back(step(at, kind, id, 0));
        if (rng_.below(3) != 0) s.steps.push_back(step(at + below(4000), kind, id, 1));
    }
    // Some way is cut for a while.
    void cut(Scenario& s, std::int64_t at, ClientId id, std::uint64_t what) {
        const std::uint64_t length = outage_ms();
        s.steps.push_back(outage(at, id, length, what | direction()));
    }
    void add_action(Scenario& s) {
        const ClientId id = rng_.below(s.clients);
        const std::int64_t at = any_time();
        const std::uint64_t what = rng_.below(22);
        if (what < 7) return add_trouble(s, at, id, what);
        if (what < 9 || what == 21) return add_departure(s, at, id, what);
        if (what < 15) return add_change(s, at, id, what);
        add_data(s, at, id, what);
    }
    // Of the network.
    void add_trouble(Scenario& s, std::int64_t at, ClientId id, std::uint64_t what) {
        if (what < 2)
            cut(s, at, id, kCutUdp);
        else if (what < 4)
            cut(s, at, id, kCutAll);
        else if (what == 4)
            cut(s, at, id, kCutSignal);
        else
            s.steps.push_back(step(at, StepKind::kSignalReset, id));
    }
    // Somebody goes, or is made to, and often comes again.
    void add_departure(Scenario& s, std::int64_t at, ClientId id, std::uint64_t what) {
        if (what == 7) {
            s.steps.push_back(step(at, StepKind::kKill, id, rng_.below(2)));
            if (rng_.below(4) != 0) join(s, at + below(6000), id);
        } else if (what == 8) {
            s.steps.push_back(step(at, StepKind::kLeave, id));
            if (rng_.below(4) != 0) join(s, at + below(3000), id);
        } else {
            const bool all = rng_.below(6) == 0;
            s.steps.push_back(step(at, all ? StepKind::kDeleteRoom : StepKind::kRemove, id));
            if (rng_.below(2) == 0) join(s, at + below(3000), id);
        }
    }
    // Of rights, of tracks and of what others are told.
    void add_change(Scenario& s, std::int64_t at, ClientId id, std::uint64_t what) {
        switch (what) {
            case 9:
            case 10:
                s.steps.push_back(step(at, StepKind::kPermission, id, rng_.below(8)));
                if (rng_.below(3) != 0)
                    s.steps.push_back(step(at + below(4000), StepKind::kPermission, id,
                                           kMayPublish | kMaySubscribe | kMaySendData));
                break;
            case 11:
                s.steps.push_back(step(at, StepKind::kMute, id, rng_.below(2)));
                if (rng_.below(3) != 0)
                    s.steps.push_back(step(at + below(3000), StepKind::kUnmute, id, 0));
                break;
            case 12:
                s.steps.push_back(step(at, StepKind::kServerMute, id, rng_.below(2)));
                break;
            case 13:
                s.steps.push_back(step(at, StepKind::kMetadata, id));
                break;
            default:
                s.steps.push_back(step(
                    at, rng_.below(2) == 0 ? StepKind::kUnpublish : StepKind::kIceRestart, id));
                break;
        }
    }
    // Who may hear what, and data.
    void add_data(Scenario& s, std::int64_t at, ClientId id, std::uint64_t what) {
        switch (what) {
            case 15:
                there_and_back(s, at, StepKind::kAccess, id);
                break;
            case 16:
                there_and_back(s, at, StepKind::kDataWish, id);
                break;
            case 17:
                s.steps.push_back(step(at, StepKind::kPublishData, id));
                break;
            case 18:
                s.steps.push_back(step(at, StepKind::kUnpublishData, id));
                break;
            default:
                s.steps.push_back(step(at, StepKind::kFlood, id, 100 + rng_.below(400)));
                // One in two of the others hears nothing of it for a while.
                if (rng_.below(2) == 0) cut(s, at, rng_.below(s.clients), kCutUdp);
                break;
        }
    }

    Rng rng_;
    WorldOptions options_;
};

}  // namespace

Scenario make_world(std::uint64_t seed, const WorldOptions& options) {
    return Builder(seed, options).build(seed);
}

}  // namespace confab::sim
