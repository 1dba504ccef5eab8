// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One track that a participant publishes, and how other parts of the room see it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "room/publish/dynacast.h"
#include "room/scope/types.h"

namespace confab::room {

struct Participant;
class SsrcPool;

// One codec of a track; codecs beyond the first are backups (SIG-102).
struct CodecSlot {
    std::optional<sfu::ReceiverId> receiver;  // set once negotiated
    std::string mid;
    sfu::Codec codec = sfu::Codec::kNone;
    std::optional<sfu::AddReceiver> made;  // by which the receiver was made
    bool own_pick = false;  // its client sends it though another one stands first in the answer
    // What is sent in place of the codec that was announced, whose encoder failed (IN-09).
    std::string instead;
};

struct PublishedTrack {
    livekit::TrackInfo info;
    std::vector<CodecSlot> slots;  // parallel to info.codecs
    bool announced = false;        // others may see it
    bool borrowed = false;         // of one that is elsewhere: another room's receivers
    bool any_codec = false;        // which of its section's codecs it is, its first packet says
    bool regressed = false;        // everybody moved to the backup codec (DYN-05)
    Timestamp requested_at;
    bool media_started = false;  // the first packet came
    bool size_seen = false;      // its size is that of its pictures: nobody announced one
    std::vector<Ssrc> ssrcs;     // its publisher's, as far as known

    bool video() const { return info.type() == livekit::VIDEO; }
    bool encrypted() const { return info.encryption() != livekit::Encryption::NONE; }
};

// What the packets of one of its codecs are.
const std::string& sent_mime(const PublishedTrack& track, std::size_t codec);

// A track and whose it is.
struct Publication {
    Participant* publisher = nullptr;
    const PublishedTrack* track = nullptr;
    explicit operator bool() const { return track != nullptr; }
};

// What a subscriber wants of one codec of a track; what it wanted of another one it wants no more.
struct QualityWish {
    sfu::DownTrackId by;
    std::size_t codec = 0;
    WantedQuality quality;
    std::optional<std::size_t> instead_of;
};

// Its publisher sends with this SSRC, too: nobody in the room is to draw it.
void note_ssrc(PublishedTrack& track, SsrcPool& pool, Ssrc ssrc);

sfu::MediaSource media_source(livekit::TrackSource source);

}  // namespace confab::room
