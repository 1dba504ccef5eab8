// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the server measures itself of the participants here (01 SIG-124): the round-trip times of
// their connections, noted now and then, and told as a batch for each room. A room is looked at
// while somebody in it may hear metrics; others cost nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

// Of a participant's connections; nothing where none is known.
struct RoundTrips {
    std::optional<Duration> publisher;   // on which it publishes
    std::optional<Duration> subscriber;  // on which it is sent media, the same one or another
};

class MetricsCollector {
  public:
    static constexpr Duration kMinInterval = Duration::millis(100);
    // Of one metric in a batch, which is told as soon as it has so many.
    static constexpr int kMaxSamples = 500;
    // Of a room in a batch, after which it is full(): about one packet.
    static constexpr std::size_t kMaxRoomSamples = 2000;

    struct Options {
        Duration sampling_interval = Duration::seconds(3);  // kMinInterval at least; zero: as here
        Duration batch_interval = Duration::seconds(10);    // as long as the other at least
    };
    explicit MetricsCollector(const Options& options);

    // Somebody in the room may hear metrics, or nobody any more: then what was noted is lost.
    void start(Timestamp now, RoomId room);
    void stop(RoomId room);
    // What was noted of a participant that goes is lost.
    void forget(RoomId room, MemberId member);

    // What it is time for in a room; the samples come first.
    struct Due {
        RoomId room;
        bool sample = false;  // add() for each participant
        bool batch = false;   // take()
    };
    std::vector<Due> take_due(Timestamp now);
    void add(RoomId room, MemberId member, std::string_view identity, UnixTime wall,
             const RoundTrips& trips);
    // So much was noted of the room that it is told before its time.
    bool full(RoomId room) const;
    // Packets of nobody's, none without samples; one, unless it would be too large.
    std::vector<Bytes> take(RoomId room, UnixTime wall);
    Timestamp next_deadline() const {
        return deadlines_.empty() ? Timestamp::never() : deadlines_.begin()->first;
    }
    // Metrics that fit into no packet.
    std::uint64_t dropped() const { return dropped_; }

  private:
    struct Sample {
        UnixTime at;
        Duration value;
    };
    struct Participant {
        std::string identity;
        std::vector<Sample> publisher;
        std::vector<Sample> subscriber;
    };
    struct Room {
        Timestamp sample_at;
        Timestamp batch_at;
        std::map<MemberId, Participant> participants;  // with something to tell
        std::size_t samples = 0;                       // of all that were noted
        Timestamp due() const { return earlier(sample_at, batch_at); }
    };
    static Bytes batch_of(const Participant& participant);

    Duration sampling_;
    Duration batch_;
    std::map<RoomId, Room> rooms_;
    std::set<std::pair<Timestamp, RoomId>> deadlines_;
    std::uint64_t dropped_ = 0;
};

}  // namespace confab::sfu
