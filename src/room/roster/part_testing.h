// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For tests of one part of a room: a roster and what a control shard gives, without other parts.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "room/roster/roster.h"
#include "room/test_support.h"

namespace confab::room::testing {

struct PartWorld {
    explicit PartWorld(Config with = test_config()) : config(std::move(with)) {}

    Participant& join(const JoinParams& params, std::uint64_t session) {
        Participant& p =
            roster.add(std::make_unique<Participant>(scope, params, placement.take(params.room)));
        p.signal.open(SessionId(session));
        p.info.set_state(livekit::ParticipantInfo::JOINED);
        return p;
    }
    Participant& join(const std::string& identity, std::uint64_t session) {
        return join(test_join("r", identity), session);
    }
    void at(std::int64_t ms) { clock.now = Timestamp() + Duration::millis(ms); }

    // What came out since the last call.
    std::vector<Effect> take() {
        std::vector<Effect> result;
        while (auto effect = out.poll())
            result.push_back(std::move(*effect));
        return result;
    }
    // The same sorted: signals of each session, commands and observations.
    struct Sorted {
        std::map<SessionId, std::vector<livekit::SignalResponse>> signals;
        std::vector<MediaCommand> commands;
        std::vector<Observation> observations;

        std::vector<livekit::SignalResponse> of(std::uint64_t session,
                                                livekit::SignalResponse::MessageCase kind) const {
            std::vector<livekit::SignalResponse> result;
            const auto it = signals.find(SessionId(session));
            if (it == signals.end()) return result;
            for (const livekit::SignalResponse& response : it->second)
                if (response.message_case() == kind) result.push_back(response);
            return result;
        }
        template <typename T>
        std::vector<T> commands_of() const {
            std::vector<T> result;
            for (const MediaCommand& command : commands)
                if (const T* value = std::get_if<T>(&command.command)) result.push_back(*value);
            return result;
        }
        template <typename T>
        std::vector<T> observed() const {
            std::vector<T> result;
            for (const Observation& observation : observations)
                if (const T* value = std::get_if<T>(&observation)) result.push_back(*value);
            return result;
        }
    };
    Sorted sorted() {
        Sorted result;
        for (Effect& effect : take()) {
            if (auto* signal = std::get_if<SendSignal>(&effect))
                result.signals[signal->session].push_back(std::move(signal->response));
            if (auto* command = std::get_if<MediaCommand>(&effect))
                result.commands.push_back(std::move(*command));
            if (auto* seen = std::get_if<Observation>(&effect))
                result.observations.push_back(*seen);
        }
        return result;
    }

    Config config;
    Clock clock;
    Outbox out;
    IdSource ids{0, 1, seeded_secrets(1)};
    MediaRegistry media;
    Counters counters;
    Placement placement{1};
    AgentKinds agents;
    RoomScope scope{config, clock, out, ids, media, counters, placement, agents};
    Roster roster{scope, 300, 20};
    SsrcPool ssrcs;
};

}  // namespace confab::room::testing
