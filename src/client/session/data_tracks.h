// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The data tracks of one session (01 SIG-125, SIG-126; 02 §6.4): what it publishes by handle, what
// it wants of others, and which track the server sends it under which handle. Says what is to be
// requested; what died with a WebSocket is in renew().
//   packet header:  version 3 · start 1 · final 1 · extensions 1 · reserved 2 | reserved 8 |
//                   handle 16 | sequence 16 | frame 16 | timestamp 32
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "livekit_rtc.pb.h"

namespace confab::client {

class DataTracks {
  public:
    static constexpr std::size_t kHeaderBytes = 12;
    static constexpr std::size_t kMaxPublished = 64;
    static constexpr std::size_t kMaxWanted = 2'000;  // others are not asked for
    using Requests = std::vector<livekit::SignalRequest>;

    struct Header {
        std::uint16_t handle = 0;
        std::uint16_t sequence = 0;
        std::uint16_t frame = 0;
        std::uint32_t timestamp = 0;
    };
    // A whole frame.
    static Bytes packet(const Header& header, BytesView payload);

    // ---- ours
    // Nothing when the handle is in use or there are too many.
    std::optional<livekit::SignalRequest> publish(std::uint16_t handle, const std::string& name);
    std::optional<livekit::SignalRequest> unpublish(std::uint16_t handle);
    bool publishes(std::uint16_t handle) const { return published_.contains(handle); }
    // Empty until the server has told it.
    std::string sid(std::uint16_t handle) const;
    // A frame of one packet: the header, then the payload.
    std::optional<Bytes> frame(std::uint16_t handle, std::uint32_t timestamp, BytesView payload);

    // ---- those of others
    livekit::SignalRequest want(const std::vector<std::string>& sids, bool wanted);
    // Of a packet that came; empty when the handle names none (any more).
    std::string track_of(BytesView packet) const;
    const std::map<std::uint32_t, std::string>& handles() const { return handles_; }

    // ---- what the server says
    void take_published(const livekit::DataTrackInfo& info);
    void take_unpublished(const livekit::DataTrackInfo& info);
    void take_refused(const livekit::RequestResponse& response);
    void take_handles(const livekit::DataTrackSubscriberHandles& handles);
    // All of ours that it has: the answers to our requests may have been lost.
    void take_self(const livekit::ParticipantInfo& self);

    // What has to be said again after a resume: requests without an answer, all wishes.
    Requests renew() const;
    // For the sync state (SIG-161).
    std::vector<livekit::DataTrackInfo> named() const;

  private:
    struct Own {
        std::string name;
        std::string sid;
        std::uint16_t next_sequence = 0;
        std::uint16_t next_frame = 0;
    };
    livekit::SignalRequest request(std::uint16_t handle, const Own& own) const;

    std::map<std::uint16_t, Own> published_;
    std::map<std::uint16_t, bool> ending_;          // asked for, not answered
    std::map<std::string, bool> wishes_;            // by sid
    std::map<std::uint32_t, std::string> handles_;  // sids
};

}  // namespace confab::client
