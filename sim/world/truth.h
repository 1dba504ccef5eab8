// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the server has been told and has told, and what follows for what may arrive: who may send,
// subscribe and hear, what is muted or not wanted. It tells the checks of the streams at once; of
// data it is asked when something has come (DataRules).
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "livekit_rtc.pb.h"
#include "sim/client/data_checker.h"
#include "sim/client/stream_checker.h"
#include "sim/scenarios/people.h"
#include "sim/world/rights.h"

namespace confab::sim {

// Where the streams that clients receive are checked.
class Audience {
  public:
    virtual ~Audience() = default;
    // nullptr while there is no such client, or stream.
    virtual StreamChecker* stream(ClientId to, std::uint32_t track) = 0;
};

class Truth final : public DataRules {
  public:
    // Wishes of a subscriber are gathered for a moment before they count (02 SUB-01).
    static constexpr Duration kSettingsDelay = Duration::millis(600);

    // What the server was told last about a client.
    struct Standing {
        bool may_publish = true;
        bool may_subscribe = true;
        bool may_send_data = true;
        bool open_to_all = true;                      // what it publishes
        std::map<std::uint32_t, Timestamp> disabled;  // tracks by number, from when on
    };

    Truth(const People& people, Audience& audience);

    // ---- what the server is told
    // A new session begins with all rights.
    void begin_session(Timestamp now, ClientId id);
    void note_request(Timestamp now, ClientId id, const livekit::SignalRequest& request);
    // Of all clients of that person; standing_changed() tells the streams of each.
    void permit(Timestamp now, ClientId id, const livekit::ParticipantPermission& permission);
    void mute(Timestamp now, std::uint32_t track);

    // ---- what the server tells
    // Also a client that has died with its request under way.
    void note_response(Timestamp now, ClientId id, const livekit::SignalResponse& response);

    // ---- what follows
    void stream_began(Timestamp now, ClientId to, std::uint32_t track) { apply(now, to, track); }
    // What it receives, and what it publishes.
    void standing_changed(Timestamp now, ClientId id);
    const Standing& of(ClientId id) const { return standings_[id]; }
    bool is_muted(std::uint32_t track) const { return muted_.contains(track); }
    // 0: nobody was told of such a track.
    std::uint32_t track_number(const std::string& sid) const;
    std::string objection(Timestamp now, std::uint32_t person,
                          const DataStamp& stamp) const override;

  private:
    void note_mute(Timestamp now, const livekit::MuteTrackRequest& mute);
    void note_settings(Timestamp now, ClientId id, const livekit::UpdateTrackSettings& settings);
    void note_data_wishes(Timestamp now, ClientId id,
                          const livekit::UpdateDataSubscription& update);
    void note_access(Timestamp now, ClientId id, const livekit::SubscriptionPermission& access);
    bool is_closed(std::uint32_t track) const;
    void apply(Timestamp now, ClientId to, std::uint32_t track);
    void apply_to_all(Timestamp now, std::uint32_t track);
    void apply_to_tracks_of(Timestamp now, ClientId owner);

    const People& people_;
    Audience& audience_;
    std::vector<Standing> standings_;                     // by client
    std::map<std::string, std::uint32_t> track_numbers_;  // by sid, as publishers were told
    std::map<std::uint32_t, ClientId> track_owners_;      // by number
    std::map<std::string, std::uint32_t> data_track_numbers_;
    std::set<std::uint32_t> muted_;  // track numbers
    Rights rights_;
};

}  // namespace confab::sim
