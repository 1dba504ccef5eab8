// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who joins which room when, and what each of them publishes and shows: the whole of a load test,
// known before it begins.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/media/track_plan.h"
#include "load/options.h"

namespace confab::load {

struct PersonPlan {
    std::string room;
    std::string identity;
    std::size_t room_index = 0;
    std::size_t index = 0;  // in its room; publishers come first
    bool audio = false;
    bool video = false;
    bool screen = false;
    bool subscribes = false;
    Duration joins_after;  // since the beginning

    bool publishes() const { return audio || video || screen; }
};

// In the order of joining: publishers of all rooms, then subscribers, room by room in turn.
std::vector<PersonPlan> plan_of(const Options& options);

// When the last one joins, since the beginning.
Duration last_join(const Options& options);

// Tracks that this person is to receive once everybody has joined.
std::size_t expected_tracks(const PersonPlan& person, const Options& options);

// What is published: layers with the bit rates of a browser, lowest first (05 C.4). `number` stands
// in every packet's stamp; SSRCs are the caller's to fill in.
client::TrackPlan camera_plan(std::uint32_t number, const Options& options);
client::TrackPlan screen_plan(std::uint32_t number, const Options& options);
client::TrackPlan microphone_plan(std::uint32_t number);

// Which of `speakers` has the word, one after the other; 0 when there are none.
std::size_t speaker_at(Duration since_start, std::size_t speakers);
inline constexpr Duration kSpeakerTurn = Duration::seconds(3);

}  // namespace confab::load
