// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The data of one session: packets of `_reliable`, which survive a resume, and `_lossy`, and frames
// of data tracks (01 §3.10).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/connection/connection.h"
#include "client/session/data_tracks.h"
#include "client/session/reliable_data.h"
#include "client/session/signal_link.h"
#include "livekit_rtc.pb.h"

namespace confab::client {

struct DataArrived {
    livekit::DataPacket packet;
    bool reliable = true;
};
// A packet of a data track with its header; the sid is empty while the server has not yet told (or
// has taken back) its handle.
struct DataTrackArrived {
    Bytes packet;
    std::string track_sid;
};

class SessionData {
  public:
    using Arrived = std::variant<DataArrived, DataTrackArrived>;

    // Both outlive it.
    SessionData(Connection& publisher, SignalLink& link) : publisher_(publisher), link_(link) {}

    // ---- what a person does
    // Fills in the sequence number of reliable ones. False: there is no channel (yet), or no room.
    bool send(Timestamp now, livekit::DataPacket packet, bool reliable);
    // Octets of reliable ones that the server has not acknowledged.
    std::size_t unacknowledged() const { return publisher_.unacknowledged("_reliable"); }
    // The caller chooses the handles, from 1.
    void publish_track(std::uint16_t handle, const std::string& name);
    void unpublish_track(std::uint16_t handle);
    void subscribe(const std::vector<std::string>& track_sids, bool wanted);
    // A frame of one packet. False: not there yet, or no room.
    bool send_track(Timestamp now, std::uint16_t handle, BytesView payload);

    // ---- what comes
    // Of a channel with that label. Nothing: not readable, or it came before.
    std::optional<Arrived> take(const std::string& label, const Bytes& payload);

    // ---- resumes
    // With each WebSocket: what died with the one before.
    void renew();
    // Reliable packets that the server has not got; it has everything up to `last`.
    void send_again(Timestamp now, std::uint32_t last);
    void describe(livekit::SyncState& state) const;

    // ---- what it knows
    DataTracks& tracks() { return tracks_; }
    std::uint64_t repeated() const { return repeated_; }      // reliable packets that came before
    std::uint64_t unreadable() const { return unreadable_; }  // packets

  private:
    Connection& publisher_;
    SignalLink& link_;
    ReliableData reliable_;
    DataTracks tracks_;
    std::uint64_t repeated_ = 0;
    std::uint64_t unreadable_ = 0;
};

}  // namespace confab::client
