// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The tracks one participant wants and what became of each wish (01 SIG-110…113; 02 SUB-01…07).
//   kNone → (track there and allowed) kWaiting for a section → (negotiated) kBound
// The room reconciles wanted and actual; the table only keeps both, bounded.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "livekit_rtc.pb.h"
#include "room/subscribe/track_sender.h"
#include "sfu/shard/commands.h"

namespace confab::room {

enum class SubscriptionState : std::uint8_t {
    kNone,     // nothing made: not wanted, no such track, not allowed, or over a limit
    kWaiting,  // a sender waits for its section in a description
    kBound,    // has a section
};

struct Subscription {
    bool wanted = false;
    Timestamp wanted_since;
    Timestamp waiting_since;      // in kWaiting
    bool stuck_told = false;      // waiting went on for too long and the client heard of it
    std::optional<bool> allowed;  // what subscription_permission_update said last
    Timestamp allowed_at;         // and when
    std::optional<livekit::StreamState> streams;  // what stream_state_update said last
    Timestamp streams_at;
    SubscriptionState state = SubscriptionState::kNone;
    std::uint64_t publisher = 0;  // number of the participant, unless in kNone
    TrackSender sender;           // open unless in kNone
    bool video = false;
    std::uint32_t attempts = 0;
    bool attempt_open = false;                      // neither made nor given up
    Timestamp starting_since = Timestamp::never();  // bound, and the first packet did not leave yet
    std::optional<livekit::UpdateTrackSettings> settings;
    Timestamp apply_at = Timestamp::never();
};

// For a section, or for packets of the codec that it has in it: a backup codec which the publisher
// was asked for, and does not send yet.
bool waits(const Subscription& s);

class SubscriptionTable {
  public:
    static constexpr std::size_t kMaxEntries = 4'096;
    static constexpr std::size_t kMaxSidBytes = 64;  // longer ones are no sids (SID-01)
    static constexpr Duration kSettingsDebounce = Duration::millis(100);
    static constexpr Duration kRetry = Duration::seconds(3);
    static constexpr Duration kNotFound = Duration::seconds(60);
    static constexpr Duration kStuck = Duration::seconds(15);  // SIG-111

    using Map = std::map<std::string, Subscription>;

    // False when the table is full.
    bool want(Timestamp now, const std::string& track_sid);
    void unwant(const std::string& track_sid);
    // Keeps settings for now or later; false when the table is full. `at`: when they are due.
    bool set_settings(const std::string& track_sid, const livekit::UpdateTrackSettings& settings,
                      Timestamp at);
    Subscription* find(const std::string& track_sid);
    void erase(const std::string& track_sid) { entries_.erase(track_sid); }
    Map& entries() { return entries_; }
    const Map& entries() const { return entries_; }
    std::size_t active(bool video) const;
    // Wishes that are not fulfilled, to be tried again.
    bool has_unfulfilled() const;
    Timestamp next_settings_deadline() const { return settings_due_; }
    // The tracks whose settings are due, each once.
    std::vector<std::string> take_due_settings(Timestamp now);

  private:
    Subscription* entry(const std::string& track_sid);
    Map entries_;
    Timestamp settings_due_ = Timestamp::never();
};

// What the shard is told for a subscriber's settings (SUB-01…06). `adaptive`: starts at LOW.
sfu::DownTrackSettings shard_settings(const livekit::TrackInfo& track,
                                      const std::optional<livekit::UpdateTrackSettings>& settings,
                                      bool adaptive);

}  // namespace confab::room
