// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Subscriptions: wanted and actual, and the sender that waits for its section.
#include "room/subscribe/subscriptions.h"

#include <algorithm>
#include <utility>

#include "room/publish/codec_lists.h"
#include "room/signal/responses.h"

namespace confab::room {
namespace {

std::vector<std::string> sender_mimes(const PublishedTrack& track) {
    std::vector<std::string> mimes;
    for (const livekit::SimulcastCodecInfo& codec : track.info.codecs())
        if (!codec.mime_type().empty()) mimes.push_back(codec.mime_type());
    // The shard takes the primary block out of RED for those who want plain opus.
    if (codec_of(track.info.mime_type()) == sfu::Codec::kRed) mimes.emplace_back("audio/opus");
    return mimes;
}

}  // namespace

Subscriptions::Subscriptions(const RoomScope& scope, Room* room, Roster& roster, SsrcPool& ssrcs,
                             SendSettings settings, SubscriptionsHost& host)
    : scope_(&scope),
      room_(room),
      roster_(&roster),
      ssrcs_(&ssrcs),
      settings_(std::move(settings)),
      host_(&host) {}

void Subscriptions::add(const Participant& p, bool auto_subscribe, bool adaptive_stream) {
    Member& m = members_[p.number];
    m.auto_subscribe = auto_subscribe;
    m.adaptive_stream = adaptive_stream;
}

// ---------------------------------------------------------------- wishes

void Subscriptions::update(
    Participant& p, const google::protobuf::RepeatedPtrField<std::string>& sids,
    const google::protobuf::RepeatedPtrField<livekit::ParticipantTracks>& by_publisher,
    bool subscribe) {
    SubscriptionTable& table = member(p).table;
    int budget = kMaxSidsPerRequest;
    const auto apply = [&](const std::string& sid) {
        if (--budget < 0) return;
        if (subscribe) {
            table.want(scope_->now(), sid);
        } else if (Subscription* s = table.find(sid)) {
            s->wanted = false;
        }
        reconcile(p, sid);
    };
    for (const std::string& sid : sids)
        apply(sid);
    for (const livekit::ParticipantTracks& tracks : by_publisher)
        for (const std::string& sid : tracks.track_sids())
            apply(sid);
    report_stuck();
}

void Subscriptions::subscribe_existing(Participant& p) {
    reconcile_existing(p);
    report_stuck();
}

void Subscriptions::reconcile_existing(Participant& p) {
    Member& m = member(p);
    for (const Publication& track : host_->publications()) {
        if (track.publisher == &p) continue;
        const std::string& sid = track.track->info.sid();
        const Subscription* known = m.table.find(sid);
        const bool touched = known != nullptr && known->wanted_since != Timestamp();
        if (m.auto_subscribe && !touched) m.table.want(scope_->now(), sid);
        reconcile(p, sid);
    }
}

void Subscriptions::track_announced(const Publication& track) {
    const std::string& sid = track.track->info.sid();
    for (Participant* p : roster_->everyone()) {
        if (track.publisher == p) continue;
        Member& m = member(*p);
        if (m.auto_subscribe) m.table.want(scope_->now(), sid);
        reconcile(*p, sid);
    }
    report_stuck();
}

void Subscriptions::track_ended(const std::string& sid) {
    for (Participant* p : roster_->everyone()) {
        SubscriptionTable& table = member(*p).table;
        Subscription* s = table.find(sid);
        if (s == nullptr) continue;
        if (s->state != SubscriptionState::kNone) drop(*p, sid, *s, true);
        table.erase(sid);
    }
}

void Subscriptions::handle_timeout(Participant& p, Timestamp now) {
    Member& m = member(p);
    for (const std::string& sid : m.table.take_due_settings(now))
        if (Subscription* s = m.table.find(sid)) apply_settings(p, sid, *s);
    if (m.retry_at > now) return;
    m.retry_at = Timestamp::never();
    std::vector<std::string> sids;
    for (const auto& [sid, s] : m.table.entries())
        sids.push_back(sid);
    for (const std::string& sid : sids)
        reconcile(p, sid);
    if (m.table.has_unfulfilled()) m.retry_at = now + SubscriptionTable::kRetry;
    report_stuck();
}

Timestamp Subscriptions::next_deadline(const Participant& p) const {
    const auto it = members_.find(p.number);
    if (it == members_.end()) return Timestamp::never();
    return earlier(it->second.retry_at, it->second.table.next_settings_deadline());
}

bool Subscriptions::subscribes_to(const Participant& p, const Participant& publisher) const {
    return member(p).hears.contains(publisher.number);
}

void Subscriptions::reconcile(Participant& p, const std::string& sid) {
    Member& m = member(p);
    Subscription* s = m.table.find(sid);
    if (s == nullptr || p.closing || m.stuck) return;
    roster_->touch(p);
    const Publication track = host_->find_publication(sid);
    if (!s->wanted) {
        if (s->state != SubscriptionState::kNone) drop(p, sid, *s, true);
        // What a client refused stays refused while the track lives.
        if (!track) m.table.unwant(sid);
        return;
    }
    if (s->state == SubscriptionState::kWaiting) return check_stuck(p, sid, *s);
    if (s->state != SubscriptionState::kNone || !p.info.permission().can_subscribe()) return;
    if (m.retry_at.is_never()) m.retry_at = scope_->now() + SubscriptionTable::kRetry;
    if (!track) {
        if (scope_->now() - s->wanted_since < SubscriptionTable::kNotFound) return;
        note_step(*s, TrackStep::kAttempt);
        note_step(*s, TrackStep::kFailure, livekit::SE_TRACK_NOTFOUND);
        p.signal.send(subscription_error_message(sid, livekit::SE_TRACK_NOTFOUND));
        m.table.erase(sid);
        return;
    }
    if (track.publisher == &p) return m.table.erase(sid);
    const bool allowed = may_subscribe(p, *track.publisher, sid);
    if (s->allowed != allowed) {
        s->allowed = allowed;
        p.signal.send(subscription_permission_message(track.publisher->sid(), sid, allowed));
    }
    if (allowed) subscribe(p, sid, *s, track);
}

// No section for it although the connection is up (SIG-111).
void Subscriptions::check_stuck(Participant& p, const std::string& sid, Subscription& s) {
    const auto link = host_->downlink(p);
    if (s.stuck_told || !link || !link->connected) return;
    const Timestamp since = std::max(s.waiting_since, link->connected_at);
    if (scope_->now() - since < SubscriptionTable::kStuck) return;
    s.stuck_told = true;
    note_step(s, TrackStep::kFailure, livekit::SE_UNKNOWN);
    p.signal.send(subscription_error_message(sid, livekit::SE_UNKNOWN));
    if (!scope_->config.reconnect_on_subscription_error) return;
    member(p).stuck = true;
    stuck_.push_back(p.number);
}

// Last in every input: it ends the participant, and its entries with it.
void Subscriptions::report_stuck() {
    for (const std::uint64_t number : std::exchange(stuck_, {}))
        if (Participant* p = roster_->find_number(number)) {
            member(*p).stuck = false;
            host_->subscriber_stuck(*p);
        }
}

// ---------------------------------------------------------------- senders

void Subscriptions::subscribe(Participant& p, const std::string& sid, Subscription& s,
                              const Publication& track) {
    const Limits& limits = scope_->config.limits;
    Member& m = member(p);
    const bool video = track.track->video();
    const std::uint32_t limit = video ? limits.subscriptions_video : limits.subscriptions_audio;
    if (limit != 0 && m.table.active(video) >= limit) return;

    s.video = video;
    s.state = SubscriptionState::kWaiting;
    s.publisher = track.publisher->number;
    ++m.hears[s.publisher];
    s.waiting_since = scope_->now();
    s.stuck_told = false;
    s.untaken = 0;
    s.moving = false;
    note_step(s, TrackStep::kAttempt);
    s.down_track = sfu::DownTrackId(scope_->ids.next());
    s.ssrc = ssrcs_->draw(scope_->ids.rng());
    s.rtx_ssrc = ssrcs_->draw(scope_->ids.rng());
    scope_->media.down_tracks[s.down_track] = {room_, &p, sid};

    sdp::Sender sender;
    sender.id = s.down_track.value();
    sender.kind = s.video ? sdp::Kind::kVideo : sdp::Kind::kAudio;
    sender.stream_id = stream_id_of(p, track);
    sender.track_id = sid;
    sender.ssrc = s.ssrc.value();
    sender.rtx_ssrc = s.rtx_ssrc.value();
    sender.mimes = sender_mimes(*track.track);
    sender.stereo = track.track->info.stereo();
    sender.disable_red = track.track->info.disable_red();
    sender.red = codec_of(track.track->info.mime_type()) == sfu::Codec::kRed;
    host_->section_needed(p, std::move(sender));
}

void Subscriptions::drop(Participant& p, const std::string& sid, Subscription& s,
                         bool blank_frames) {
    const sfu::DownTrackId id = s.down_track;
    const bool attached = std::exchange(s.attached, false);
    note_step(s, s.state == SubscriptionState::kBound ? TrackStep::kEnd : TrackStep::kCancel);
    scope_->media.down_tracks.erase(id);
    ssrcs_->release(s.ssrc);
    ssrcs_->release(s.rtx_ssrc);
    if (attached) scope_->out.command(p.worker, sfu::RemoveDownTrack{id, blank_frames});
    if (const Publication track = host_->find_publication(sid)) host_->quality_unwanted(track, id);
    auto& hears = member(p).hears;
    if (--hears[s.publisher] == 0) hears.erase(s.publisher);
    s.state = SubscriptionState::kNone;
    s.bound = {};
    host_->section_dropped(p, id, attached && blank_frames);
}

void Subscriptions::drop_all(Participant& p) {
    for (auto& [sid, s] : member(p).table.entries())
        if (s.state != SubscriptionState::kNone) drop(p, sid, s, false);
}

// SDP-04: what belongs together has one stream id, which is its CNAME too.
std::string Subscriptions::stream_id_of(const Participant& p, const Publication& track) const {
    const bool shared = settings_.sync_streams && p.traits.gates.sync_streams && !p.traits.firefox;
    std::string id = track.publisher->sid();
    if (p.client.protocol() > 0)
        id += "|" + (shared ? track.track->info.stream() : track.track->info.sid());
    return id;
}

// An attempt ends once: what was given up is not canceled as well, and is another attempt when it
// succeeds all the same.
void Subscriptions::note_step(Subscription& s, TrackStep step, livekit::SubscriptionError error) {
    if (step == TrackStep::kCancel && !s.attempt_open) return;
    if (step == TrackStep::kSuccess && !s.attempt_open) note_step(s, TrackStep::kAttempt);
    s.attempt_open = step == TrackStep::kAttempt;
    if (step == TrackStep::kAttempt) ++s.attempts;
    if (step != TrackStep::kSuccess) s.starting_since = Timestamp::never();
    scope_->out.observe(SubscriptionStep{s.video ? livekit::VIDEO : livekit::AUDIO, step, error});
}

}  // namespace confab::room
