// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/scenarios/swarm.h"

#include <algorithm>

#include "netem/models.h"

namespace confab::sim {
namespace {

class Builder {
  public:
    Builder(std::uint64_t seed, const SwarmOptions& options)
        : rng_(seed ^ 0x5357'4152'4DULL), options_(options) {}

    Scenario build(std::uint64_t seed) {
        Scenario s;
        s.name = "swarm";
        s.story = "random room of seed " + std::to_string(seed);
        s.shards = options_.shards;
        s.clients = options_.clients;
        s.length = options_.length;
        // The last outage ends 2.7 s behind the steps; then a client behind a new port is heard
        // within 2 s and followed 1 s later.
        s.healing = Duration::seconds(8);
        // Waiting for the upper layers costs more than all the rest.
        s.expects_full_layers = rng_.below(4) == 0;
        if (s.expects_full_layers) s.healing = Scenario::kLayersReturn;
        for (ClientId id = 0; id < s.clients; ++id)
            add_client(s, id);
        const std::uint64_t actions = s.clients * 2 + rng_.below(s.clients * 4);
        for (std::uint64_t i = 0; i < actions; ++i)
            add_action(s);
        return s;
    }

  private:
    std::int64_t length_ms() const { return options_.length.ms(); }
    std::int64_t any_time(std::int64_t from = 1500) {
        const auto spread =
            static_cast<std::uint64_t>(std::max<std::int64_t>(1, length_ms() - from));
        return from + static_cast<std::int64_t>(rng_.below(spread));
    }
    void join(Scenario& s, std::int64_t at, ClientId id) {
        s.steps.push_back(step(at, StepKind::kJoin, id, rng_.below(2)));
        if (rng_.below(8) != 0)
            s.steps.push_back(step(at + wait(500), StepKind::kPublishAudio, id, rng_.below(2)));
        if (rng_.below(4) == 0) return;
        Step video = step(at + wait(1500), StepKind::kPublishVideo, id, rng_.below(2));
        video.layers = rng_.below(4) == 0 ? 1 : 2 + rng_.below(2);
        s.steps.push_back(video);
    }
    std::int64_t wait(std::uint64_t most) { return static_cast<std::int64_t>(rng_.below(most)); }
    void add_client(Scenario& s, ClientId id) {
        s.steps.push_back(links(0, id, netem::random_link(rng_, options_.max_loss),
                                netem::random_link(rng_, options_.max_loss)));
        join(s, rng_.below(3) == 0 ? wait(static_cast<std::uint64_t>(length_ms() / 2)) : wait(300),
             id);
    }
    // A publisher mutes, and mostly unmutes later.
    void mute_and_back(Scenario& s, std::int64_t at, ClientId id) {
        const std::uint64_t track = rng_.below(2);
        s.steps.push_back(step(at, StepKind::kMute, id, track));
        if (rng_.below(4) != 0)
            s.steps.push_back(step(at + wait(3000), StepKind::kUnmute, id, track));
    }
    // A subscriber switches a track off for a while.
    void off_and_on(Scenario& s, std::int64_t at, ClientId id) {
        const std::uint64_t track = rng_.below(16);
        sfu::DownTrackSettings off;
        off.enabled = false;
        s.steps.push_back(settings(at, id, track, off));
        s.steps.push_back(settings(at + wait(3000), id, track, any_settings()));
    }
    void add_action(Scenario& s) {
        const ClientId id = rng_.below(s.clients);
        const std::int64_t at = any_time();
        switch (rng_.below(12)) {
            case 0:
            case 1:
                mute_and_back(s, at, id);
                break;
            case 2:
            case 3:
            case 4:
                s.steps.push_back(settings(at, id, rng_.below(16), any_settings()));
                break;
            case 5:
                off_and_on(s, at, id);
                break;
            case 6:
                s.steps.push_back(step(at, StepKind::kLeave, id));
                if (rng_.below(3) != 0) join(s, at + wait(2000), id);
                break;
            case 7:
                s.steps.push_back(step(at, StepKind::kIceRestart, id));
                break;
            case 8:
                s.steps.push_back(step(at, StepKind::kNatRebind, id));
                break;
            case 9:
                s.steps.push_back(step(at, StepKind::kOutage, id, 200 + rng_.below(2500)));
                break;
            case 10:
                s.steps.push_back(links(at, id, netem::random_link(rng_, options_.max_loss),
                                        netem::random_link(rng_, options_.max_loss)));
                break;
            default:
                s.steps.push_back(step(at, StepKind::kUnpublish, id));
                break;
        }
    }
    sfu::DownTrackSettings any_settings() {
        sfu::DownTrackSettings wish;
        wish.max_spatial = static_cast<std::uint8_t>(rng_.below(3));
        wish.max_temporal = static_cast<std::uint8_t>(rng_.below(4));
        return wish;
    }

    Rng rng_;
    SwarmOptions options_;
};

}  // namespace

Scenario make_swarm(std::uint64_t seed, const SwarmOptions& options) {
    return Builder(seed, options).build(seed);
}

}  // namespace confab::sim
