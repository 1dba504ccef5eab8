// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: wanted and actual subscriptions (01 §3.9; 02 §4.3).
#include <algorithm>

#include "base/text.h"
#include "room/negotiate/extension_uris.h"
#include "room/publish/codec_lists.h"
#include "room/publish/layers.h"
#include "room/room.h"
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

bool accepts(const sdp::BoundSender& bound, sfu::Codec codec) {
    return std::any_of(bound.codecs.begin(), bound.codecs.end(), [&](const auto& negotiated) {
        const sfu::Codec offered = codec_of(negotiated.mime);
        return offered == codec || (codec == sfu::Codec::kRed && offered == sfu::Codec::kOpus);
    });
}

}  // namespace

void Room::subscribe_existing(Participant& p) {
    for (const Participant* publisher : publishers()) {
        if (publisher == &p) continue;
        for (const auto& [sid, track] : publisher->publish.tracks()) {
            if (!track.announced) continue;
            const Subscription* known = p.subscriptions.find(sid);
            const bool touched = known != nullptr && known->wanted_since != Timestamp();
            if (p.auto_subscribe && !touched) p.subscriptions.want(scope_->now(), sid);
            reconcile(p, sid);
        }
    }
    if (!p.closing) data_.reconcile(p);  // a subscription that is stuck may have ended it
}

void Room::offer_track_to_all(const std::string& sid) {
    for (Participant* p : roster_.everyone()) {
        if (find_track(sid).publisher == p) continue;
        if (p->auto_subscribe) p->subscriptions.want(scope_->now(), sid);
        reconcile(*p, sid);
    }
}

void Room::reconcile_all(Participant& p) {
    std::vector<std::string> sids;
    for (const auto& [sid, s] : p.subscriptions.entries())
        sids.push_back(sid);
    for (const std::string& sid : sids)
        reconcile(p, sid);
}

void Room::reconcile(Participant& p, const std::string& sid) {
    Subscription* s = p.subscriptions.find(sid);
    if (s == nullptr || p.closing) return;
    touch(p);
    if (!s->wanted) {
        if (s->state != SubscriptionState::kNone) drop(p, sid, *s, true);
        // What a client refused stays refused while the track lives.
        if (!find_track(sid)) p.subscriptions.unwant(sid);
        return;
    }
    if (s->state == SubscriptionState::kWaiting) return check_stuck(p, sid, *s);
    if (s->state != SubscriptionState::kNone || !p.info.permission().can_subscribe()) return;
    const TrackRef track = find_track(sid);
    if (p.retry_at.is_never()) p.retry_at = scope_->now() + SubscriptionTable::kRetry;
    if (!track) {
        if (scope_->now() - s->wanted_since < SubscriptionTable::kNotFound) return;
        note_step(*s, TrackStep::kAttempt);
        note_step(*s, TrackStep::kFailure, livekit::SE_TRACK_NOTFOUND);
        p.signal.send(subscription_error_message(sid, livekit::SE_TRACK_NOTFOUND));
        p.subscriptions.erase(sid);
        return;
    }
    if (track.publisher == &p) return p.subscriptions.erase(sid);
    const bool allowed = may_subscribe(p, *track.publisher, sid);
    if (s->allowed != allowed) {
        s->allowed = allowed;
        p.signal.send(subscription_permission_message(track.publisher->sid(), sid, allowed));
    }
    if (allowed) subscribe(p, sid, *s, track);
}

// No section for it although the connection is up (SIG-111).
void Room::check_stuck(Participant& p, const std::string& sid, Subscription& s) {
    const PeerLink* link = p.downstream();
    if (s.stuck_told || link == nullptr || !link->connected) return;
    const Timestamp since = std::max(s.waiting_since, link->connected_at);
    if (scope_->now() - since < SubscriptionTable::kStuck) return;
    s.stuck_told = true;
    note_step(s, TrackStep::kFailure, livekit::SE_UNKNOWN);
    p.signal.send(subscription_error_message(sid, livekit::SE_UNKNOWN));
    if (scope_->config.reconnect_on_subscription_error) full_reconnect(p);
}

void Room::subscribe(Participant& p, const std::string& sid, Subscription& s, TrackRef track) {
    const Limits& limits = scope_->config.limits;
    const std::uint32_t limit =
        track.track->video() ? limits.subscriptions_video : limits.subscriptions_audio;
    if (limit != 0 && p.subscriptions.active(track.track->video()) >= limit) return;

    s.video = track.track->video();
    s.state = SubscriptionState::kWaiting;
    s.waiting_since = scope_->now();
    s.stuck_told = false;
    note_step(s, TrackStep::kAttempt);
    s.down_track = sfu::DownTrackId(scope_->ids.next());
    s.ssrc = ssrcs_.draw(scope_->ids.rng());
    s.rtx_ssrc = ssrcs_.draw(scope_->ids.rng());
    scope_->media.down_tracks[s.down_track] = {this, &p, sid};

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
    ensure_downstream(p).add_sender(std::move(sender));
    negotiate(p, false);
}

// SDP-04: what belongs together has one stream id, which is its CNAME too.
std::string Room::stream_id_of(const Participant& p, TrackRef track) const {
    const bool shared = sync_streams_ && p.traits.gates.sync_streams && !p.traits.firefox;
    std::string id = track.publisher->sid();
    if (p.client.protocol() > 0)
        id += "|" + (shared ? track.track->info.stream() : track.track->info.sid());
    return id;
}

void Room::note_delay(MediaPhase phase, const Participant& p, const PublishedTrack& track,
                      std::uint32_t attempt, Timestamp since) {
    observe(MediaDelay{phase, track.info.source(), track.info.type(), p.client.sdk(), p.info.kind(),
                       attempt, scope_->now() - since});
}

// An attempt ends once: what was given up is not canceled as well, and is another attempt when it
// succeeds all the same.
void Room::note_step(Subscription& s, TrackStep step, livekit::SubscriptionError error) {
    if (step == TrackStep::kCancel && !s.attempt_open) return;
    if (step == TrackStep::kSuccess && !s.attempt_open) note_step(s, TrackStep::kAttempt);
    s.attempt_open = step == TrackStep::kAttempt;
    if (step == TrackStep::kAttempt) ++s.attempts;
    if (step != TrackStep::kSuccess) s.starting_since = Timestamp::never();
    observe(SubscriptionStep{s.video ? livekit::VIDEO : livekit::AUDIO, step, error});
}

void Room::drop(Participant& p, const std::string& sid, Subscription& s, bool blank_frames) {
    const std::uint64_t id = s.down_track.value();
    const bool attached = s.attached;
    note_step(s, s.state == SubscriptionState::kBound ? TrackStep::kEnd : TrackStep::kCancel);
    scope_->media.down_tracks.erase(s.down_track);
    ssrcs_.release(s.ssrc);
    ssrcs_.release(s.rtx_ssrc);
    quality_.forget(p, id);
    if (PeerLink* link = p.downstream()) link->remove_sender(id);
    if (attached) scope_->out.command(p.worker, sfu::RemoveDownTrack{s.down_track, blank_frames});
    if (const TrackRef track = find_track(sid)) {
        track.track->dynacast.remove(scope_->now(), id);
        poll_dynacast(*track.publisher, *track.track);
    }
    s.state = SubscriptionState::kNone;
    s.attached = false;
    s.bound = {};
    if (p.closing) return;
    if (PeerLink* link = p.downstream()) {
        if (attached && blank_frames) {
            link->timer.request_after(scope_->now(), kBlankFrames);
            touch(p);
        } else {
            negotiate(p, false);
        }
    }
}

void Room::drop_all(Participant& p) {
    std::vector<std::string> sids;
    for (const auto& [sid, s] : p.subscriptions.entries())
        if (s.state != SubscriptionState::kNone) sids.push_back(sid);
    for (const std::string& sid : sids)
        if (Subscription* s = p.subscriptions.find(sid)) drop(p, sid, *s, false);
}

void Room::bind(Participant& p, const std::vector<sdp::BoundSender>& bound) {
    for (const sdp::BoundSender& sender : bound) {
        const auto owner = scope_->media.down_tracks.find(sfu::DownTrackId(sender.id));
        if (owner == scope_->media.down_tracks.end()) continue;
        const std::string sid = owner->second.track_sid;
        Subscription* s = p.subscriptions.find(sid);
        if (s != nullptr && s->state == SubscriptionState::kWaiting) bind_one(p, sid, *s, sender);
    }
}

void Room::bind_one(Participant& p, const std::string& sid, Subscription& s,
                    const sdp::BoundSender& bound) {
    const TrackRef track = find_track(sid);
    if (!track) return;
    const auto& codecs = track.track->info.codecs();
    int chosen = -1;
    // What flows already before what the publisher would have to start.
    for (const bool flowing : {true, false})
        for (int i = track.track->regressed ? 1 : 0; i < codecs.size() && chosen < 0; ++i) {
            const bool flows = track.track->slots[static_cast<std::size_t>(i)].receiver.has_value();
            if (flows == flowing && accepts(bound, codec_of(codecs[i].mime_type()))) chosen = i;
        }
    if (chosen < 0) return codec_unsupported(p, sid, s);
    s.state = SubscriptionState::kBound;
    s.bound = bound;
    s.codec = static_cast<std::size_t>(chosen);
    // A client that hides what it does not show starts visible (SUB-04).
    if (p.adaptive_stream && s.settings) s.settings->set_disabled(false);
    s.applied = shard_settings(track.track->info, s.settings, p.adaptive_stream);
    want_quality(s, track);
    note_step(s, TrackStep::kSuccess);
    note_delay(MediaPhase::kSubscribe, p, *track.track, s.attempts, s.waiting_since);
    // Whom nothing is to be sent to is not waited for.
    if (s.applied.enabled && !track.track->info.muted()) s.starting_since = scope_->now();
    attach(p, s, track);
    if (!p.hidden() && !track.track->told_subscribed) {
        track.track->told_subscribed = true;
        livekit::SignalResponse response;
        response.mutable_track_subscribed()->set_track_sid(sid);
        track.publisher->signal.send(std::move(response));
    }
    if (chosen > 0) regress(track, s.codec);
}

void Room::attach(Participant& p, Subscription& s, TrackRef track) {
    const CodecSlot& slot = track.track->slots[s.codec];
    if (!slot.receiver || s.attached) return;
    s.attached = true;
    sfu::AddDownTrack add;
    add.down_track = s.down_track;
    add.peer = p.downstream()->id();
    add.receiver = *slot.receiver;
    add.home = track.publisher->worker;
    add.kind = s.video ? sfu::MediaKind::kVideo : sfu::MediaKind::kAudio;
    add.ssrc = s.ssrc;
    add.rtx_ssrc = s.rtx_ssrc;
    for (const sdp::NegotiatedCodec& codec : s.bound.codecs) {
        sfu::SendCodec send;
        send.codec = codec_of(codec.mime);
        send.pt = PayloadType(codec.pt);
        if (codec.rtx_pt) send.rtx_pt = PayloadType(*codec.rtx_pt);
        send.clock_rate = codec.clock_rate;
        send.nack = codec.nack;
        if (send.codec != sfu::Codec::kNone) add.codecs.push_back(send);
    }
    add.extensions = send_extensions(s.bound.extensions);
    add.cname = stream_id_of(p, track);
    add.mid = s.bound.mid;
    add.settings = s.applied;
    add.source = media_source(track.track->info.source());
    add.screen_share = track.track->info.source() == livekit::SCREEN_SHARE;
    add.encrypted = track.track->encrypted();
    add.sif_trailer = to_vector(as_bytes(sif_trailer_));
    if (s.video && add.extensions.playout_delay != 0) add.playout_delay = playout_delay_;
    add.early_media = p.client.sdk() == livekit::ClientInfo::GO;  // SIG-67
    scope_->out.command(p.worker, std::move(add));
}

void Room::codec_unsupported(Participant& p, const std::string& sid, Subscription& s) {
    s.wanted = false;
    note_step(s, TrackStep::kFailure, livekit::SE_CODEC_UNSUPPORTED);
    drop(p, sid, s, false);
    p.signal.send(subscription_error_message(sid, livekit::SE_CODEC_UNSUPPORTED));
}

// DYN-05: once one subscriber needs the backup and it flows, everybody may move there.
void Room::regress(TrackRef track, std::size_t codec) {
    PublishedTrack& published = *track.track;
    const auto policy = published.info.backup_codec_policy();
    const std::uint32_t threshold = scope_->config.codec_regression_threshold;
    const bool prefers =
        policy == livekit::PREFER_REGRESSION && (threshold == 0 || roster_.size() < threshold);
    if (!published.video() || published.regressed || !published.slots[codec].receiver) return;
    if (policy != livekit::REGRESSION && !prefers) return;
    published.regressed = true;
    for (Participant* p : roster_.everyone()) {
        Subscription* s = p->subscriptions.find(published.info.sid());
        if (s == nullptr || s->state != SubscriptionState::kBound || s->codec == codec) continue;
        if (!accepts(s->bound, published.slots[codec].codec)) continue;
        published.dynacast.want(scope_->now(), s->codec, s->down_track.value(), std::nullopt);
        s->codec = codec;
        want_quality(*s, track);
        if (s->attached)
            scope_->out.command(
                p->worker, sfu::SwitchDownTrack{s->down_track, *published.slots[codec].receiver,
                                                track.publisher->worker});
    }
}

void Room::attach_waiting(TrackRef track) {
    for (Participant* p : roster_.everyone()) {
        Subscription* s = p->subscriptions.find(track.track->info.sid());
        if (s == nullptr || s->state != SubscriptionState::kBound) continue;
        attach(*p, *s, track);
        if (s->codec > 0) regress(track, s->codec);
    }
}

void Room::want_quality(Subscription& s, TrackRef track) {
    if (!s.video && track.track->info.codecs_size() < 2) return;
    WantedQuality wanted;
    if (s.applied.enabled)
        wanted = static_cast<std::uint8_t>(
            quality_for_spatial(track.track->info.layers(), s.applied.max_spatial));
    track.track->dynacast.want(scope_->now(), s.codec, s.down_track.value(), wanted);
    poll_dynacast(*track.publisher, *track.track);
}

void Room::apply_settings(Participant& p, const std::string& sid, Subscription& s) {
    s.apply_at = Timestamp::never();
    const TrackRef track = find_track(sid);
    if (!track || s.state != SubscriptionState::kBound) return;
    const sfu::DownTrackSettings next =
        shard_settings(track.track->info, s.settings, p.adaptive_stream);
    if (next == s.applied) return;
    s.applied = next;
    if (!next.enabled) s.starting_since = Timestamp::never();
    if (s.attached) scope_->out.command(p.worker, sfu::UpdateDownTrack{s.down_track, next});
    want_quality(s, track);
}

bool Room::may_subscribe(const Participant& p, const Participant& publisher,
                         const std::string& sid) {
    return p.info.permission().recorder() || publisher.access.allows(p.identity(), p.sid(), sid);
}

void Room::withdraw(Participant& p, const std::string& sid, Subscription& s,
                    const Participant& publisher) {
    s.allowed = false;
    p.signal.send(subscription_permission_message(publisher.sid(), sid, false));
    drop(p, sid, s, true);
}

// After a change of its own rights: a recorder hears what the lists of others keep from it.
void Room::withdraw_forbidden(Participant& p) {
    for (auto& [sid, s] : p.subscriptions.entries()) {
        if (s.state == SubscriptionState::kNone) continue;
        const TrackRef track = find_track(sid);
        if (track && !may_subscribe(p, *track.publisher, sid))
            withdraw(p, sid, s, *track.publisher);
    }
}

void Room::set_access(Participant& p, const livekit::SubscriptionPermission& list) {
    if (!p.access.set(list)) {
        ++scope_->counters.bad_requests;
        return;
    }
    apply_access(p);
}

// SIG-112: takes back what is no longer allowed, gives what now is.
void Room::apply_access(Participant& publisher) {
    data_.reconcile_publisher(publisher);
    for (const auto& [sid, track] : publisher.publish.tracks()) {
        if (!track.announced) continue;
        for (Participant* p : roster_.everyone()) {
            Subscription* s = p->subscriptions.find(sid);
            if (s == nullptr || !s->wanted) continue;
            if (s->state != SubscriptionState::kNone && !may_subscribe(*p, publisher, sid)) {
                withdraw(*p, sid, *s, publisher);
            } else {
                reconcile(*p, sid);
            }
        }
    }
}

void Room::update_subscriptions(
    Participant& p, const google::protobuf::RepeatedPtrField<std::string>& sids,
    const google::protobuf::RepeatedPtrField<livekit::ParticipantTracks>& by_participant,
    bool subscribe) {
    int budget = kMaxSidsPerRequest;
    const auto apply = [&](const std::string& sid) {
        if (--budget < 0) return;
        if (subscribe) {
            p.subscriptions.want(scope_->now(), sid);
        } else if (Subscription* s = p.subscriptions.find(sid)) {
            s->wanted = false;
        }
        reconcile(p, sid);
    };
    for (const std::string& sid : sids)
        apply(sid);
    for (const livekit::ParticipantTracks& tracks : by_participant)
        for (const std::string& sid : tracks.track_sids())
            apply(sid);
}

}  // namespace confab::room
