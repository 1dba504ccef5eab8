// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Data tracks of one participant (01 SIG-125, SIG-126; 02 §6.4): what it publishes by handle, and
// the handles under which it receives those of others. Their frames are routed in the shards.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/rng.h"
#include "base/time.h"
#include "livekit_rtc.pb.h"

namespace confab::room {

class PublishedDataTracks {
  public:
    static constexpr std::size_t kMaxTracks = 256;
    static constexpr std::size_t kMaxRequestBytes = 4'096;

    struct Refusal {
        livekit::RequestResponse::Reason reason = livekit::RequestResponse::OK;
        std::string message;
    };
    // The checks of SIG-125 except permission; the track is added when there is no refusal.
    std::optional<Refusal> publish(const livekit::PublishDataTrackRequest& request,
                                   std::size_t max_custom_encoding, Rng& rng);
    std::optional<livekit::DataTrackInfo> unpublish(std::uint32_t handle);
    const livekit::DataTrackInfo* find(std::uint32_t handle) const;
    const livekit::DataTrackInfo* find_sid(const std::string& sid) const;
    const std::map<std::uint32_t, livekit::DataTrackInfo>& all() const { return tracks_; }
    void clear() { tracks_.clear(); }

  private:
    std::map<std::uint32_t, livekit::DataTrackInfo> tracks_;
};

class DataSubscriptions {
  public:
    static constexpr std::size_t kMaxWanted = 2'000;
    static constexpr std::size_t kMaxSidBytes = 64;

    struct Entry {
        bool wanted = false;           // false: the client said so, which auto-subscribing heeds
        std::uint32_t target_fps = 0;  // whole frames a second at most; 0: all (DT-05)
        std::uint16_t handle = 0;      // 0: does not flow: not wanted, not allowed or not there
        std::optional<bool> allowed;   // what subscription_permission_update said last
        Timestamp allowed_at;          // and when
        std::string publisher_identity;
        std::string publisher_sid;
    };
    explicit DataSubscriptions(std::uint16_t first_handle) : next_(first_handle) {}

    // Where the table is full: forgets what is none of these tracks (a map by sid), as who wishes
    // for a track that has ended never hears of its end.
    template <typename Tracks>
    void make_place(const Tracks& tracks) {
        if (entries_.size() < kMaxWanted) return;
        std::erase_if(entries_, [&](const auto& entry) { return !tracks.contains(entry.first); });
    }
    // False when the table is full.
    bool want(const std::string& track_sid);
    // Of a wanted track; true when it was another rate.
    bool set_target_fps(const std::string& track_sid, std::uint32_t fps);
    std::uint32_t target_fps(const std::string& track_sid) const;
    // Wants it unless the client ever said otherwise.
    void want_by_default(const std::string& track_sid);
    void unwant(const std::string& track_sid);
    bool wants(const std::string& track_sid) const;
    // True when that was not said before since the track is wanted (SIG-42).
    bool note_allowed(Timestamp now, const std::string& track_sid, bool allowed);
    // What was said since then and may not have been heard; it is said now.
    std::map<std::string, bool> repeat_allowed(Timestamp now, Timestamp since);
    // The track exists: gives it a handle. True when it had none.
    bool attach(const std::string& track_sid, const std::string& identity, const std::string& sid);
    // It stops to flow; the wish stays. True when it had a handle.
    bool detach(const std::string& track_sid);
    // The track is gone. True when it had a handle.
    bool forget(const std::string& track_sid);
    const std::map<std::string, Entry>& entries() const { return entries_; }
    std::uint16_t handle(const std::string& track_sid) const;
    livekit::DataTrackSubscriberHandles message() const;

  private:
    std::uint16_t next_handle();

    std::map<std::string, Entry> entries_;
    std::uint16_t next_;
};

}  // namespace confab::room
