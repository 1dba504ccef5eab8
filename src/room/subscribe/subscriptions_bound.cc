// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Subscriptions: sections become down-tracks, with a codec, a quality and the client's settings.
#include <algorithm>

#include "room/negotiate/extension_uris.h"
#include "room/publish/codec_lists.h"
#include "room/publish/layers.h"
#include "room/signal/responses.h"
#include "room/subscribe/subscriptions.h"

namespace confab::room {
namespace {

bool accepts(const sdp::BoundSender& bound, sfu::Codec codec) {
    return std::any_of(bound.codecs.begin(), bound.codecs.end(), [&](const auto& negotiated) {
        const sfu::Codec offered = codec_of(negotiated.mime);
        return offered == codec || (codec == sfu::Codec::kRed && offered == sfu::Codec::kOpus);
    });
}

// What flows already before what the publisher would have to start.
std::optional<std::size_t> choose_codec(const PublishedTrack& track, const sdp::BoundSender& bound,
                                        std::uint32_t untaken) {
    for (const bool flowing : {true, false})
        for (std::size_t i = track.regressed ? 1 : 0; i < track.slots.size(); ++i) {
            if ((untaken >> i & 1U) != 0) continue;
            const std::string& mime = track.info.codecs(static_cast<int>(i)).mime_type();
            if (track.slots[i].receiver.has_value() == flowing && accepts(bound, codec_of(mime)))
                return i;
        }
    return std::nullopt;
}

std::vector<sfu::SendCodec> send_codecs(const sdp::BoundSender& bound) {
    std::vector<sfu::SendCodec> result;
    for (const sdp::NegotiatedCodec& codec : bound.codecs) {
        sfu::SendCodec send;
        send.codec = codec_of(codec.mime);
        send.pt = PayloadType(codec.pt);
        if (codec.rtx_pt) send.rtx_pt = PayloadType(*codec.rtx_pt);
        send.clock_rate = codec.clock_rate;
        send.nack = codec.nack;
        if (send.codec != sfu::Codec::kNone) result.push_back(send);
    }
    return result;
}

}  // namespace

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
    const auto chosen = choose_codec(*track.track, bound, s.untaken);
    if (!chosen) return give_up_codec(p, sid, s);
    const bool adaptive = member(p).adaptive_stream;
    s.state = SubscriptionState::kBound;
    s.bound = bound;
    s.codec = *chosen;
    // A client that hides what it does not show starts visible (SUB-04).
    if (adaptive && s.settings) s.settings->set_disabled(false);
    s.applied = shard_settings(track.track->info, s.settings, adaptive);
    want_quality(s, track);
    note_step(s, TrackStep::kSuccess);
    scope_->out.observe(media_delay(MediaPhase::kSubscribe, p, track.track->info, s.attempts,
                                    scope_->now() - s.waiting_since));
    // Whom nothing is to be sent to is not waited for.
    if (s.applied.enabled && !track.track->info.muted()) s.starting_since = scope_->now();
    attach(p, s, track);
    if (!p.hidden()) host_->track_subscribed(track);
    if (s.codec > 0) regress(track, s.codec);
}

void Subscriptions::attach(Participant& p, Subscription& s, const Publication& track) {
    const CodecSlot& slot = track.track->slots[s.codec];
    const auto link = host_->downlink(p);
    if (!slot.receiver || s.attached || !link) return;
    s.attached = true;
    const livekit::TrackInfo& info = track.track->info;
    sfu::AddDownTrack add;
    add.down_track = s.down_track;
    add.peer = link->peer;
    add.receiver = *slot.receiver;
    add.home = track.publisher->worker;
    add.kind = s.video ? sfu::MediaKind::kVideo : sfu::MediaKind::kAudio;
    add.ssrc = s.ssrc;
    add.rtx_ssrc = s.rtx_ssrc;
    add.codecs = send_codecs(s.bound);
    add.extensions = send_extensions(s.bound.extensions);
    add.cname = stream_id_of(p, track);
    add.mid = s.bound.mid;
    add.settings = s.applied;
    add.source = media_source(info.source());
    add.screen_share = info.source() == livekit::SCREEN_SHARE;
    add.encrypted = track.track->encrypted();
    add.sif_trailer = to_vector(as_bytes(settings_.sif_trailer));
    if (s.video && add.extensions.playout_delay != 0) add.playout_delay = settings_.playout_delay;
    add.early_media = p.client.sdk() == livekit::ClientInfo::GO;  // SIG-67
    scope_->out.command(p.worker, std::move(add));
}

// To the receiver of its codec, once there is one; the stream goes on under its numbers.
void Subscriptions::move(const Participant& p, Subscription& s, const Publication& track) {
    const CodecSlot& slot = track.track->slots[s.codec];
    if (!s.moving || !slot.receiver) return;
    s.moving = false;
    scope_->out.command(
        p.worker, sfu::SwitchDownTrack{s.down_track, *slot.receiver, track.publisher->worker});
}

void Subscriptions::codec_added(const Publication& track) {
    for (Participant* p : roster_->everyone()) {
        Subscription* s = find(*p, track.track->info.sid());
        if (s == nullptr || s->state != SubscriptionState::kBound) continue;
        attach(*p, *s, track);
        move(*p, *s, track);
        if (s->codec > 0) regress(track, s->codec);
    }
}

// The publisher sends what this subscriber does not take, whatever was agreed on. Each codec is
// tried once, so that two such codecs end in an error and not in a circle.
void Subscriptions::codec_unsupported(Participant& p, const std::string& sid) {
    Subscription* s = find(p, sid);
    const Publication track = host_->find_publication(sid);
    if (s == nullptr || !s->attached || s->moving || !track) return;
    s->untaken |= 1U << s->codec;
    const auto next = choose_codec(*track.track, s->bound, s->untaken);
    if (!next) return give_up_codec(p, sid, *s);
    const std::size_t before = std::exchange(s->codec, *next);
    want_quality(*s, track, before);
    s->moving = true;
    move(p, *s, track);
    if (s->codec > 0) regress(track, s->codec);
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
        if (s == nullptr || s->state != SubscriptionState::kBound || s->codec == codec) continue;
        if (!accepts(s->bound, slot.codec)) continue;
        const std::size_t before = std::exchange(s->codec, codec);
        want_quality(*s, track, before);
        s->moving = s->attached;
        move(*p, *s, track);
    }
}

void Subscriptions::want_quality(const Subscription& s, const Publication& track,
                                 std::optional<std::size_t> instead_of) {
    if (!s.video && track.track->info.codecs_size() < 2) return;
    QualityWish wish{s.down_track, s.codec, {}, instead_of};
    if (s.applied.enabled)
        wish.quality = static_cast<std::uint8_t>(
            quality_for_spatial(track.track->info.layers(), s.applied.max_spatial));
    host_->quality_wanted(track, wish);
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
        shard_settings(track.track->info, s.settings, member(p).adaptive_stream);
    if (next == s.applied) return;
    s.applied = next;
    if (!next.enabled) s.starting_since = Timestamp::never();
    if (s.attached) scope_->out.command(p.worker, sfu::UpdateDownTrack{s.down_track, next});
    want_quality(s, track);
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
    livekit::SignalResponse response;
    livekit::StreamStateInfo& info = *response.mutable_stream_state_update()->add_stream_states();
    info.set_participant_sid(track.publisher->sid());
    info.set_track_sid(sid);
    info.set_state(state == sfu::StreamState::kActive ? livekit::ACTIVE : livekit::PAUSED);
    p.signal.send(std::move(response));
}

}  // namespace confab::room
