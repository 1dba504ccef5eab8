// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Subscriptions: senders ask for sections, which become down-tracks with a codec, a quality and the
// client's settings.
#include <utility>

#include "room/signal/responses.h"
#include "room/subscribe/subscriptions.h"

namespace confab::room {
namespace {

void add_stream_state(livekit::SignalResponse& response, const Participant& publisher,
                      const std::string& sid, livekit::StreamState state) {
    livekit::StreamStateInfo& info = *response.mutable_stream_state_update()->add_stream_states();
    info.set_participant_sid(publisher.sid());
    info.set_track_sid(sid);
    info.set_state(state);
}

// 0: as many as there are.
std::uint32_t subscription_limit(const RoomScope& scope, bool video) {
    const Limits& limits = scope.config.limits;
    return video ? limits.subscriptions_video : limits.subscriptions_audio;
}

// Who waits for it before it speaks would be heard from its second word on, if it came before there
// is a way for its packets (01 SIG-49).
void tell_subscribed(SubscriptionsHost& host, const Participant& p, const Subscription& s,
                     const Publication& track) {
    const auto link = host.downlink(p);
    if (!p.hidden() && link && link->connected && s.sender.attached()) host.track_subscribed(track);
}

}  // namespace

// ---------------------------------------------------------------- senders

void Subscriptions::subscribe(Participant& p, const std::string& sid, Subscription& s,
                              const Publication& track) {
    Member& m = member(p);
    const bool video = track.track->video();
    const std::uint32_t limit = subscription_limit(*scope_, video);
    if (limit != 0 && m.table.active(video) >= limit) return;

    s.video = video;
    s.state = SubscriptionState::kWaiting;
    s.publisher = track.publisher->number;
    if (++m.hears[s.publisher] == 1) host_->hearing_changed(p, s.publisher);
    s.waiting_since = scope_->now();
    s.stuck_told = false;
    note_step(s, TrackStep::kAttempt);
    s.sender.open(sending_, p, sid);
    host_->section_needed(p, s.sender.section(sending_, p, track));
}

void Subscriptions::drop(Participant& p, const std::string& sid, Subscription& s,
                         bool blank_frames) {
    const sfu::DownTrackId id = s.sender.id();
    note_step(s, s.state == SubscriptionState::kBound ? TrackStep::kEnd : TrackStep::kCancel);
    const bool flowed = s.sender.close(sending_, p, blank_frames);
    if (const Publication track = host_->find_publication(sid)) host_->quality_unwanted(track, id);
    auto& hears = member(p).hears;
    if (--hears[s.publisher] == 0) {
        hears.erase(s.publisher);
        host_->hearing_changed(p, s.publisher);
    }
    s.state = SubscriptionState::kNone;
    s.streams.reset();
    host_->section_dropped(p, id, flowed && blank_frames);
    // What waited for this place need not wait for the next turn.
    if (subscription_limit(*scope_, s.video) == 0) return;
    member(p).retry_at = scope_->now();
    roster_->touch(p);
}

void Subscriptions::drop_all(Participant& p) {
    for (auto& [sid, s] : member(p).table.entries())
        if (s.state != SubscriptionState::kNone) drop(p, sid, s, false);
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

// ---------------------------------------------------------------- sections and codecs

void Subscriptions::bind(Participant& p, const std::vector<sdp::BoundSender>& bound) {
    for (const sdp::BoundSender& sender : bound) {
        const auto owner = scope_->media.down_tracks.find(sfu::DownTrackId(sender.id));
        if (owner == scope_->media.down_tracks.end()) continue;
        const std::string sid = owner->second.track_sid;
        Subscription* s = find(p, sid);
        if (s != nullptr && s->state == SubscriptionState::kWaiting) bind_one(p, sid, *s, sender);
    }
}

void Subscriptions::bind_one(Participant& p, const std::string& sid, Subscription& s,
                             const sdp::BoundSender& bound) {
    const Publication track = host_->find_publication(sid);
    if (!track) return;
    if (!s.sender.bind(*track.track, bound)) return give_up_codec(p, sid, s);
    const bool adaptive = member(p).settings.adaptive_stream;
    s.state = SubscriptionState::kBound;
    // A client that hides what it does not show starts visible (SUB-04). Until it says what it
    // shows its publisher does not stop what it may want next (02 DYN-01).
    if (adaptive && s.settings) s.settings->set_disabled(false);
    if (adaptive && !s.settings) want_quality(s, track);
    s.sender.apply(sending_, p, shard_settings(track.track->info, s.settings, adaptive));
    want_quality(s, track);
    note_step(s, TrackStep::kSuccess);
    scope_->out.observe(media_delay(MediaPhase::kSubscribe, p, track.track->info, s.attempts,
                                    scope_->now() - s.waiting_since));
    // Whom nothing is to be sent to is not waited for.
    if (s.sender.enabled() && !track.track->info.muted()) s.starting_since = scope_->now();
    if (const auto link = host_->downlink(p)) s.sender.attach(sending_, p, track, link->peer);
    tell_subscribed(*host_, p, s, track);
    if (s.sender.codec() > 0) regress(track, s.sender.codec());
}

void downlink_connected(Subscriptions& all, const Participant& p) {
    for (const auto& [sid, s] : all.member(p).table.entries()) {
        if (s.state != SubscriptionState::kBound) continue;
        if (const Publication track = all.host_->find_publication(sid))
            tell_subscribed(*all.host_, p, s, track);
    }
}

void Subscriptions::codec_added(const Publication& track) {
    for (Participant* p : roster_->everyone()) {
        Subscription* s = find(*p, track.track->info.sid());
        if (s == nullptr || s->state != SubscriptionState::kBound) continue;
        TrackSender& sender = s->sender;
        if (const auto link = host_->downlink(*p)) sender.attach(sending_, *p, track, link->peer);
        tell_subscribed(*host_, *p, *s, track);
        sender.move(sending_, *p, track);
        if (sender.codec() > 0) regress(track, sender.codec());
    }
}

// The publisher sends what this subscriber does not take (IN-09). It may have changed its codec
// meanwhile, which the subscriber's worker did not know yet.
void Subscriptions::codec_unsupported(Participant& p, const std::string& sid, sfu::Codec codec) {
    Subscription* s = find(p, sid);
    const Publication track = host_->find_publication(sid);
    if (s == nullptr || !s->sender.settled() || !track) return;
    if (track.track->slots[s->sender.codec()].codec != codec) return;
    const auto before = s->sender.try_another(*track.track);
    if (!before) return give_up_codec(p, sid, *s);
    // Who has one codec for as long as a track is there needs another section (SIG-67).
    if (!p.traits.gates.codec_change) {
        const std::uint32_t untaken = s->sender.untaken();
        drop(p, sid, *s, false);
        reconcile(p, sid);
        return s->sender.avoid(untaken);
    }
    want_quality(*s, track, before);
    s->sender.move(sending_, p, track);
    if (s->sender.codec() > 0) regress(track, s->sender.codec());
}

void Subscriptions::give_up_codec(Participant& p, const std::string& sid, Subscription& s) {
    s.wanted = false;
    note_step(s, TrackStep::kFailure, livekit::SE_CODEC_UNSUPPORTED);
    drop(p, sid, s, false);
    p.signal.send(subscription_error_message(sid, livekit::SE_CODEC_UNSUPPORTED));
}

// DYN-05: once one subscriber needs the backup and it flows, everybody may move there.
void Subscriptions::regress(const Publication& track, std::size_t codec) {
    const PublishedTrack& published = *track.track;
    const CodecSlot& slot = published.slots[codec];
    const auto policy = published.info.backup_codec_policy();
    const std::uint32_t threshold = scope_->config.codec_regression_threshold;
    const bool prefers =
        policy == livekit::PREFER_REGRESSION && (threshold == 0 || roster_->size() < threshold);
    if (!published.video() || published.regressed || !slot.receiver) return;
    if (policy != livekit::REGRESSION && !prefers) return;
    host_->codec_regressed(track);
    for (Participant* p : roster_->everyone()) {
        Subscription* s = find(*p, published.info.sid());
        if (s == nullptr || s->state != SubscriptionState::kBound) continue;
        if (s->sender.codec() == codec || !s->sender.takes(slot.codec)) continue;
        if (s->sender.attached() && !p->traits.gates.codec_change) {
            drop(*p, published.info.sid(), *s, false);
            reconcile(*p, published.info.sid());
            continue;
        }
        const std::size_t before = s->sender.switch_to(codec);
        want_quality(*s, track, before);
        s->sender.move(sending_, *p, track);
    }
}

void Subscriptions::want_quality(const Subscription& s, const Publication& track,
                                 std::optional<std::size_t> instead_of) {
    if (!s.video && track.track->info.codecs_size() < 2) return;
    host_->quality_wanted(track, s.sender.wish(*track.track, instead_of));
}

// ---------------------------------------------------------------- settings

void Subscriptions::update_settings(Participant& p, const livekit::UpdateTrackSettings& settings) {
    SubscriptionTable& table = member(p).table;
    int budget = kMaxSidsPerRequest;
    for (const std::string& sid : settings.track_sids()) {
        if (--budget < 0) return;
        Subscription* s = table.find(sid);
        // Only enabling is applied at once (SUB-01).
        const bool enables =
            s != nullptr && s->settings && s->settings->disabled() && !settings.disabled();
        const Duration wait = enables ? Duration::zero() : SubscriptionTable::kSettingsDebounce;
        if (!table.set_settings(sid, settings, scope_->now() + wait)) return;
        if (enables) apply_settings(p, sid, *s);
    }
}

void Subscriptions::apply_settings(Participant& p, const std::string& sid, Subscription& s) {
    s.apply_at = Timestamp::never();
    const Publication track = host_->find_publication(sid);
    if (!track || s.state != SubscriptionState::kBound) return;
    const sfu::DownTrackSettings next =
        shard_settings(track.track->info, s.settings, member(p).settings.adaptive_stream);
    if (!s.sender.apply(sending_, p, next)) return;
    if (!next.enabled) s.starting_since = Timestamp::never();
    want_quality(s, track);
}

// A wish that waits for its time is looked at then.
void apply_sizes(Subscriptions& all, const Publication& track) {
    const std::string& sid = track.track->info.sid();
    for (Participant* p : all.roster_->everyone()) {
        Subscription* s = all.find(*p, sid);
        if (s != nullptr && s->settings && s->settings->width() > 0 && s->apply_at.is_never())
            all.apply_settings(*p, sid, *s);
    }
}

void Subscriptions::stream_state(Participant& p, const std::string& sid, sfu::StreamState state) {
    const Publication track = host_->find_publication(sid);
    if (!track || !track.track->video()) return;
    Subscription* s = find(p, sid);
    if (s != nullptr && state == sfu::StreamState::kActive && !s->starting_since.is_never()) {
        scope_->out.observe(media_delay(MediaPhase::kStreamStart, p, track.track->info, s->attempts,
                                        scope_->now() - s->starting_since));
        s->starting_since = Timestamp::never();
    }
    const auto told = state == sfu::StreamState::kActive ? livekit::ACTIVE : livekit::PAUSED;
    livekit::SignalResponse response;
    add_stream_state(response, *track.publisher, sid, told);
    p.signal.send(std::move(response));
    if (s == nullptr) return;
    s->streams = told;
    s->streams_at = scope_->now();
}

void Subscriptions::repeat_news(Participant& p, Timestamp since) {
    livekit::SignalResponse streams;
    for (auto& [sid, s] : member(p).table.entries()) {
        const Publication track = host_->find_publication(sid);
        if (!track) continue;
        if (s.allowed && s.allowed_at >= since) tell_allowed(p, sid, s, *track.publisher);
        if (!s.streams || s.streams_at < since) continue;
        add_stream_state(streams, *track.publisher, sid, *s.streams);
        s.streams_at = scope_->now();  // nor may this be
    }
    if (streams.has_stream_state_update()) p.signal.send(std::move(streams));
}

}  // namespace confab::room
