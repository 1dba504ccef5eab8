// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What goes on in rooms, for whoever operates the node: made when it is asked for, nothing depends
// on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "livekit_models.pb.h"
#include "room/quality/quality_view.h"
#include "room/room.h"

namespace confab::room {

class RoomManager;

struct LayerFigures {
    livekit::VideoQuality quality = livekit::LOW;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    double bits_per_second = 0;  // of what came, here and below over the last window (5 s)
    double frames_per_second = 0;
};

struct TrackFigures {
    std::string sid;
    std::vector<LayerFigures> layers;  // of video; streams that nothing came of are left out
    double bytes_per_second = 0;
    std::optional<double> lost;              // 0 … 1 of the packets; nothing: none was expected
    std::optional<std::size_t> subscribers;  // nothing in rooms where counting costs too much
};

struct ParticipantFigures {
    livekit::ParticipantInfo info;
    livekit::ClientInfo client;
    SeenLink link;
    std::vector<TrackFigures> tracks;
    double bytes_out_per_second = 0;  // of media
};

// Messages of data channels, from participants and to them.
struct DataRates {
    double messages_in_per_second = 0;
    double bytes_in_per_second = 0;
    double messages_out_per_second = 0;
    double bytes_out_per_second = 0;
};

struct RoomFigures {
    livekit::Room room;
    std::vector<ParticipantFigures> participants;
    DataRates data;
};

// A room in a list of many.
struct RoomSummary {
    std::string key;
    livekit::Room room;
    std::size_t tracks = 0;  // announced ones
};

// Subscriptions are looked at one by one up to so many.
inline constexpr std::size_t kMaxCountedSubscriptions = 50'000;

// Without who has it.
ParticipantFigures published_by(const Room& room, const Participant& p);
RoomFigures figures_of(const Room& room);
RoomSummary summary_of(const Room& room);
// Of the rooms of a control shard: of one by its key, nothing if it is not there; and all.
std::optional<RoomFigures> room_figures(const RoomManager& rooms, const std::string& key);
std::vector<RoomSummary> room_summaries(const RoomManager& rooms);

// What somebody in a room publishes, without counting who has it; nothing if nobody of that name is
// there.
std::optional<ParticipantFigures> participant_figures(const Room& room,
                                                      const std::string& identity);
std::optional<ParticipantFigures> participant_figures(const RoomManager& rooms,
                                                      const std::string& key,
                                                      const std::string& identity);

}  // namespace confab::room
