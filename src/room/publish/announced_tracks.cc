// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/publish/announced_tracks.h"

#include <utility>

#include "base/check.h"
#include "room/publish/layers.h"
#include "room/signal/responses.h"

namespace confab::room {

void AnnouncedTracks::add(Participant& publisher, const PublishedTrack& track) {
    const std::string& sid = track.info.sid();
    if (CONFAB_BUG_IF(tracks_.contains(sid), "track_announced_twice")) return;
    Entry& entry = tracks_[sid];
    entry.publisher = &publisher;
    entry.track = &track;
    if (track.video() || track.info.codecs_size() > 1) {
        // Codecs of sound are told at once (DYN-03).
        const Duration delay = track.video() ? scope_->config.dynacast_pause_delay : Duration();
        entry.dynacast = Dynacast(delay);
        entry.dynacast.set_muted(track.info.muted());
        codec_added(track);
    }
    Publisher& by = publishers_[publisher.identity()];
    // Who had the identity before ended its tracks when it went.
    CONFAB_DCHECK(by.participant == nullptr || by.participant == &publisher);
    by.participant = &publisher;
    by.tracks[sid] = &entry;
}

void AnnouncedTracks::codec_added(const PublishedTrack& track) {
    for (std::size_t i = 0; i < track.slots.size(); ++i)
        if (track.slots[i].receiver)
            tracks_.at(track.info.sid()).dynacast.published(scope_->now(), i);
}

void AnnouncedTracks::end(const PublishedTrack& track) {
    const auto it = tracks_.find(track.info.sid());
    if (it == tracks_.end() || it->second.track != &track) return;
    const auto by = publishers_.find(it->second.publisher->identity());
    if (by != publishers_.end()) {
        by->second.tracks.erase(it->first);
        if (by->second.tracks.empty()) publishers_.erase(by);
    }
    tracks_.erase(it);
}

void AnnouncedTracks::mute_changed(const PublishedTrack& track) {
    const auto it = tracks_.find(track.info.sid());
    if (it == tracks_.end()) return;
    it->second.dynacast.set_muted(track.info.muted());
    report(it->second);
}

// ---------------------------------------------------------------- what there is

AnnouncedTracks::Entry* AnnouncedTracks::entry(const Publication& track) {
    const auto it = tracks_.find(track.track->info.sid());
    return it == tracks_.end() ? nullptr : &it->second;
}

const AnnouncedTracks::Publisher* AnnouncedTracks::publisher(const Participant& p) const {
    const auto it = publishers_.find(p.identity());
    return it == publishers_.end() || it->second.participant != &p ? nullptr : &it->second;
}

Publication AnnouncedTracks::find(const std::string& sid) const {
    const auto it = tracks_.find(sid);
    return it == tracks_.end() ? Publication{}
                               : Publication{it->second.publisher, it->second.track};
}

std::vector<Publication> AnnouncedTracks::of(const Participant& p) const {
    std::vector<Publication> result;
    const Publisher* by = publisher(p);
    if (by == nullptr) return result;
    result.reserve(by->tracks.size());
    for (const auto& [sid, entry] : by->tracks)
        result.push_back({entry->publisher, entry->track});
    return result;
}

std::vector<Participant*> AnnouncedTracks::publishers() const {
    std::vector<Participant*> result;
    result.reserve(publishers_.size());
    for (const auto& [identity, publisher] : publishers_)
        result.push_back(publisher.participant);
    scope_->counters.participants_visited += result.size();
    return result;
}

std::vector<Publication> AnnouncedTracks::all() const {
    std::vector<Publication> result;
    result.reserve(tracks_.size());
    for (const Participant* publisher : publishers())
        for (const Publication& track : of(*publisher))
            result.push_back(track);
    return result;
}

// ---------------------------------------------------------------- what is wanted

void AnnouncedTracks::want_quality(const Publication& track, const QualityWish& wish) {
    Entry* found = entry(track);
    if (found == nullptr) return;
    const std::uint64_t by = wish.by.value();
    Dynacast& dynacast = found->dynacast;
    if (wish.instead_of) dynacast.want(scope_->now(), *wish.instead_of, by, std::nullopt);
    dynacast.want(scope_->now(), wish.codec, by, wish.quality);
    report(*found);
}

void AnnouncedTracks::regressed(const Publication& track) {
    Entry* found = entry(track);
    if (found == nullptr) return;
    found->dynacast.left(scope_->now(), 0);
    report(*found);
}

void AnnouncedTracks::unwant_quality(const Publication& track, sfu::DownTrackId by) {
    Entry* found = entry(track);
    if (found == nullptr) return;
    found->dynacast.remove(scope_->now(), by.value());
    report(*found);
}

// The worker hears it as well: what stopped because nobody wanted it comes back at once (IN-21).
void AnnouncedTracks::want_layers(const Entry& entry,
                                  const std::vector<Dynacast::Report>& reports) {
    const PublishedTrack& track = *entry.track;
    for (const Dynacast::Report& report : reports) {
        if (report.codec >= track.slots.size() || !track.slots[report.codec].receiver) continue;
        sfu::WantLayers want{*track.slots[report.codec].receiver, -1};
        if (report.quality)
            want.max_spatial = static_cast<std::int8_t>(spatial_for_quality(
                track.info.layers(), static_cast<livekit::VideoQuality>(*report.quality)));
        scope_->out.command(entry.publisher->worker, want);
    }
}

void AnnouncedTracks::report(Entry& entry) {
    roster_->touch(*entry.publisher);
    const auto reports = entry.dynacast.poll_report();
    if (!reports || reports->empty() || entry.track->borrowed) return;
    SignalQueue& signal = entry.publisher->signal;
    if (entry.track->video()) {
        want_layers(entry, *reports);
        signal.send(subscribed_quality_message(entry.track->info, *reports));
    } else if (entry.track->info.codecs_size() > 1) {
        signal.send(subscribed_audio_codec_message(entry.track->info, *reports));
    }
}

void AnnouncedTracks::repeat_wishes(const Participant& p, Timestamp since) {
    const Publisher* by = publisher(p);
    if (by == nullptr) return;
    for (const auto& [sid, entry] : by->tracks) {
        if (entry->subscribed_at && *entry->subscribed_at >= since) tell_subscribed(*entry);
        entry->dynacast.repeat();
        report(*entry);
    }
}

void AnnouncedTracks::subscribed(const Publication& track) {
    Entry* found = entry(track);
    if (found != nullptr && !found->subscribed_at) tell_subscribed(*found);
}

void AnnouncedTracks::tell_subscribed(Entry& entry) {
    entry.subscribed_at = scope_->now();
    if (!entry.publisher->traits.gates.track_subscribed) return;
    livekit::SignalResponse response;
    response.mutable_track_subscribed()->set_track_sid(entry.track->info.sid());
    entry.publisher->signal.send(std::move(response));
}

// ---------------------------------------------------------------- time

void AnnouncedTracks::handle_timeout(const Participant& p, Timestamp now) {
    const Publisher* by = publisher(p);
    if (by == nullptr) return;
    for (const auto& [sid, entry] : by->tracks) {
        entry->dynacast.handle_timeout(now);
        report(*entry);
    }
}

Timestamp AnnouncedTracks::next_deadline(const Participant& p) const {
    Timestamp result = Timestamp::never();
    if (const Publisher* by = publisher(p))
        for (const auto& [sid, entry] : by->tracks)
            result = earlier(result, entry->dynacast.next_deadline());
    return result;
}

}  // namespace confab::room
