// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What one shard knows of a room for its data: the participants that live here, who they are and
// what they may, the data tracks that flow to them, and which other workers have some.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sfu/data/data_calls.h"
#include "sfu/data/data_track_meter.h"
#include "sfu/data/frame_limiter.h"
#include "sfu/data/pressure/data_backlog.h"
#include "sfu/data/pressure/data_memory.h"
#include "sfu/data/pressure/data_windows.h"
#include "sfu/data/pressure/drain_rate.h"
#include "sfu/metrics/metrics_times.h"

namespace confab::sfu {

struct DataRoom;

// How fast it takes what comes on each of its channels.
struct DrainRates {
    DrainRate& of(DataChannel channel) { return by_channel.at(static_cast<std::size_t>(channel)); }
    const DrainRate& of(DataChannel channel) const {
        return by_channel.at(static_cast<std::size_t>(channel));
    }
    std::array<DrainRate, 3> by_channel;  // of kReliable, kLossy and kDataTrack
};

// What DataReceivers keeps of a participant.
struct DataReceiver {
    bool ready = false;  // its reliable channel is open, or it wants none (DC-09)
    HeldData held;       // until then
    // Of one that came from another worker: what it had there, and when it left.
    DataSequences had;
    Timestamp moved;
    DataBacklog backlog;
    bool lagging = false;     // something is in the backlog,
    Timestamp lagging_since;  // watched since then:
    std::size_t taken = 0;    // bytes of it that were taken
    Timestamp slow_until;     // holds nobody back until then
    DrainRates rates;
};

struct DataRoomMember {
    DataMember info;
    DataRoom* room = nullptr;
    bool active = false;  // its connection was up once

    // Of one that is only seen in this room: who it is in its own, while it is there. And of that
    // one, whom it is in other rooms.
    DataRoomMember* original = nullptr;
    std::vector<DataRoomMember*> copies;

    // As a sender.
    WindowId window;
    std::uint32_t last_sequence = 0;  // reliable; what is not above it came before (SIG-121)
    bool progress_untold = false;
    struct Published {
        DataTrackId track;
        DataTrackMeter meter;
    };
    std::map<std::uint16_t, Published> tracks;  // by its handle
    MethodCalls calls;
    MetricsTimes metrics;

    DataReceiver receiver;
    // While it is about to go on at another worker: who has not answered its fence (data_moves.cc).
    // Meanwhile it says nothing.
    struct Leaving {
        std::uint32_t round = 0;
        std::vector<WorkerIndex> unanswered;
        std::vector<WorkerIndex> unpassed;  // whose way to its new worker is not clear
    };
    std::optional<Leaving> leaving;
    std::uint64_t addressed = 0;  // the last message that named it
};

struct DataRoom {
    RoomId id;
    std::map<MemberId, std::unique_ptr<DataRoomMember>> members;
    std::vector<DataRoomMember*> list;  // the same, for walking
    std::unordered_map<std::string, DataRoomMember*> by_identity;
    std::unordered_map<std::string, DataRoomMember*> by_sid;
    std::vector<WorkerIndex> others;  // workers that have members too
    DataMemory memory;
    struct Flow {
        DataRoomMember* to = nullptr;
        std::uint16_t handle = 0;
        FrameLimiter frames;
    };
    std::map<DataTrackId, std::vector<Flow>> flows;
    WindowId own;  // of the API, of what is sent again, and for receivers that are too slow
    RemoteSenders remote;
    // Of other workers, to be answered when this one knows of where their members go.
    std::vector<LinkedFence> fences;
};

}  // namespace confab::sfu
