// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How one track is sent to one participant: the ids it has, the section it got, which codec of the
// track it takes, and what its worker was told (02 FWD-15, DYN-05, IN-09). Which tracks somebody
// gets, and when, is for Subscriptions.
//   closed → open (asks for a section) → bound (has one) → attached (the shard forwards) → closed
#pragma once

#include <optional>
#include <string>

#include "room/publish/publication.h"
#include "room/scope/scope.h"
#include "rtc/sdp/negotiator.h"

namespace confab::room {

// Of the room's tracks as they are sent to anybody.
struct SendSettings {
    std::string sif_trailer;
    bool sync_streams = false;
    std::optional<sfu::PlayoutDelayLimits> playout_delay;
};

// What all senders of a room share; `room` is whose the down-tracks are in the registry.
struct SendScope {
    const RoomScope& scope;
    Room* room;
    SsrcPool& ssrcs;
    SendSettings settings;
};

class TrackSender {
  public:
    // Draws an id and SSRCs, and starts anew: nothing is known to be not taken.
    void open(const SendScope& shared, Participant& to, const std::string& track_sid);
    // The section to ask for.
    sdp::Sender section(const SendScope& shared, const Participant& to,
                        const Publication& track) const;
    // It has a section; false, and nothing changed, when that has no codec of the track.
    bool bind(const PublishedTrack& track, sdp::BoundSender bound);
    // Once the codec has a receiver, `peer` is sent to. Harmless before that and afterwards.
    void attach(const SendScope& shared, const Participant& to, const Publication& track,
                sfu::PeerId peer);
    // What attach() told the worker, as it would now.
    sfu::AddDownTrack description(const SendScope& shared, const Participant& to,
                                  const Publication& track, sfu::PeerId peer) const;
    bool attached() const { return attached_; }
    // Gives the id back. True when the worker was sending: it ends with blank frames, or without.
    bool close(const SendScope& shared, const Participant& to, bool blank_frames);

    // ---- another codec of the track; the one before is returned, for its wishes
    // The client does not take packets of this one, whatever was agreed on. Each is tried once, so
    // that two such codecs end in an error and not in a circle: nothing then.
    std::optional<std::size_t> try_another(const PublishedTrack& track);
    std::size_t switch_to(std::size_t codec);
    // What was tried, for the sender that comes in place of this one.
    std::uint32_t untaken() const { return untaken_; }
    void avoid(std::uint32_t untaken) { untaken_ = untaken; }
    // To the receiver of its codec, once there is one; the stream goes on under its numbers.
    void move(const SendScope& shared, const Participant& to, const Publication& track);

    // False when they are what they were.
    bool apply(const SendScope& shared, const Participant& to,
               const sfu::DownTrackSettings& settings);

    sfu::DownTrackId id() const { return id_; }
    std::size_t codec() const { return codec_; }
    bool enabled() const { return applied_.enabled; }
    // What comes is of the codec that was chosen last.
    bool settled() const { return attached_ && !moving_; }
    // Its section has that codec, or what is made of it.
    bool takes(sfu::Codec codec) const;
    QualityWish wish(const PublishedTrack& track,
                     std::optional<std::size_t> instead_of = std::nullopt) const;

  private:
    sfu::DownTrackId id_;  // also the id of the section's sender
    Ssrc ssrc_;            // drawn for this room
    Ssrc rtx_ssrc_;
    sdp::BoundSender bound_;
    std::size_t codec_ = 0;      // of the track's codecs, once bound
    std::uint32_t untaken_ = 0;  // bits of those whose packets the client does not take (IN-09)
    bool attached_ = false;      // AddDownTrack was sent
    bool moving_ = false;        // attached to another codec until this one has a receiver
    sfu::DownTrackSettings applied_;
};

}  // namespace confab::room
