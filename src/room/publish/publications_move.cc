// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Publications: what a participant publishes goes with it to another room (01 API-12), or is seen
// in a room while it is in another, whose the receivers are (API-11).
#include <algorithm>
#include <utility>

#include "room/publish/publications.h"

namespace confab::room {
namespace {

struct Changes {
    bool receivers = false;  // it got others
    bool codecs = false;     // one it had gives another codec
};

// Takes over what the track is by now.
Changes follow(PublishedTrack& known, PublishedTrack now, SsrcPool& ssrcs) {
    Changes changes;
    changes.receivers = !std::equal(
        known.slots.begin(), known.slots.end(), now.slots.begin(), now.slots.end(),
        [](const CodecSlot& a, const CodecSlot& b) { return a.receiver == b.receiver; });
    for (std::size_t i = 0; i < std::min(known.slots.size(), now.slots.size()); ++i)
        changes.codecs |=
            known.slots[i].receiver.has_value() && known.slots[i].codec != now.slots[i].codec;
    known.info = std::move(now.info);
    known.slots = std::move(now.slots);
    for (const Ssrc ssrc : now.ssrcs)
        note_ssrc(known, ssrcs, ssrc);
    return changes;
}

}  // namespace

PublishFlow Publications::take(Participant& p) {
    for (auto& [sid, track] : flow(p).tracks()) {
        host_->track_ending({&p, &track});
        release(p, track, Receivers::kLiveOn);
        track.regressed = false;
        if (!track.announced) continue;
        scope_->out.observe(PublicationStep{track.info.type(), TrackStep::kEnd});
        host_->track_unpublished(p, track.info);
    }
    PublishFlow published = std::move(flow(p));
    members_.erase(p.number);
    return published;
}

void Publications::add(Participant& p, PublishFlow published) {
    Member& m = members_[p.number];
    m.flow = std::move(published);
    for (const auto& [sid, track] : m.flow.tracks()) {
        for (const CodecSlot& slot : track.slots) {
            if (!slot.receiver) continue;
            scope_->media.receivers[*slot.receiver] = {room_, &p, sid};
            scope_->out.command(p.worker, sfu::MoveReceiver{*slot.receiver, id_});
        }
        for (const Ssrc ssrc : track.ssrcs)
            ssrcs_->add(ssrc);
        if (track.announced) announced_.add(p, track);
    }
}

std::vector<sfu::AddReceiver> receivers_of(const Publications& all, const Participant& p) {
    std::vector<sfu::AddReceiver> result;
    for (const auto& [sid, track] : all.members_.at(p.number).flow.tracks())
        for (const CodecSlot& slot : track.slots)
            if (slot.receiver && slot.made && !track.borrowed) {
                result.push_back(*slot.made);
                result.back().room = all.id_;
            }
    return result;
}

void Publications::announce_all(Participant& p) {
    for (const auto& [sid, track] : flow(p).tracks()) {
        if (!track.announced) continue;
        scope_->out.observe(PublicationStep{track.info.type(), TrackStep::kAttempt});
        scope_->out.observe(PublicationStep{track.info.type(), TrackStep::kSuccess});
        host_->track_announced({&p, &track});
    }
}

// ---------------------------------------------------------------- of one that is elsewhere

void Publications::mirror(Participant& p, std::vector<PublishedTrack> tracks) {
    std::vector<std::string> gone;
    for (const auto& [sid, track] : flow(p).tracks())
        if (std::none_of(tracks.begin(), tracks.end(), [&](const PublishedTrack& now) {
                return now.info.sid() == track.info.sid();
            }))
            gone.push_back(sid);
    for (const std::string& sid : gone)
        unpublish(p, sid, false);
    bool changed = false;
    for (PublishedTrack& track : tracks) {
        const std::string sid = track.info.sid();
        if (PublishedTrack* known = flow(p).find(sid)) {
            changed |= known->info.SerializeAsString() != track.info.SerializeAsString();
            const Changes changes = follow(*known, std::move(track), *ssrcs_);
            if (changes.receivers) host_->codec_added({&p, known});
            if (changes.codecs) host_->codec_changed({&p, known});
            continue;
        }
        track.borrowed = true;
        track.regressed = false;
        for (const Ssrc ssrc : track.ssrcs)
            ssrcs_->add(ssrc);
        scope_->out.observe(PublicationStep{track.info.type(), TrackStep::kAttempt});
        announce(p, flow(p).tracks()[sid] = std::move(track));
    }
    if (changed) host_->tracks_changed(p);
}

}  // namespace confab::room
