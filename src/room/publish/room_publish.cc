// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: from add_track to a receiver in the shard and the news of it (01 §3.8).
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "room/negotiate/extension_uris.h"
#include "room/publish/codec_lists.h"
#include "room/publish/layers.h"
#include "room/room.h"
#include "room/signal/responses.h"

namespace confab::room {
namespace {

sfu::ReceiveCodec receive_codec(const sdp::NegotiatedCodec& codec) {
    sfu::ReceiveCodec result;
    result.codec = codec_of(codec.mime);
    result.pt = PayloadType(codec.pt);
    if (codec.rtx_pt) result.rtx_pt = PayloadType(*codec.rtx_pt);
    result.clock_rate = codec.clock_rate;
    result.nack = codec.nack;
    if (result.codec == sfu::Codec::kRed) {  // "111/111" (RFC 2198 §5)
        std::string_view blocks = codec.fmtp;
        if (const auto pt = parse_decimal<std::uint8_t>(next_token(blocks, '/')))
            result.red_primary_pt = PayloadType(*pt);
    }
    return result;
}

std::vector<sfu::ReceiveLayer> receive_layers(const sdp::PublishSection& section,
                                              const Layers& declared) {
    std::vector<sfu::ReceiveLayer> result;
    const auto rids = order_rids(section.rids);
    for (std::size_t i = 0; i < rids.size(); ++i) {
        sfu::ReceiveLayer& layer = result.emplace_back();
        layer.rid = rids[i];
        layer.spatial = static_cast<std::uint8_t>(i);
    }
    if (rids.empty()) {
        sfu::ReceiveLayer& layer = result.emplace_back();
        if (section.ssrcs.size() == 1) {
            layer.ssrc = Ssrc(section.ssrcs.front());
            const auto rtx = section.rtx_of.find(section.ssrcs.front());
            if (rtx != section.rtx_of.end()) layer.rtx_ssrc = Ssrc(rtx->second);
        }
    }
    for (std::size_t i = 0; i < result.size() && static_cast<int>(i) < declared.size(); ++i) {
        result[i].width = declared[static_cast<int>(i)].width();
        result[i].height = declared[static_cast<int>(i)].height();
    }
    return result;
}

}  // namespace

void Room::add_track(Participant& p, const livekit::AddTrackRequest& request) {
    PublishFlow::Rules rules;
    rules.codecs = &codecs_;
    rules.permitted = token::may_publish(p.info.permission(), request.source());
    rules.now = scope_->now();
    rules.obs = p.client.browser().find("OBS") != std::string::npos;
    const auto added = p.publish.add_track(request, rules, scope_->ids.rng());
    if (!added) {
        respond(p, added.error().reason, added.error().message,
                [&](livekit::RequestResponse& r) { *r.mutable_add_track() = request; });
        return;
    }
    // With a sid it is one more codec of a track that is there.
    if (request.sid().empty()) observe(PublicationStep{added->type(), TrackStep::kAttempt});
    livekit::SignalResponse response;
    response.mutable_track_published()->set_cid(request.cid());
    *response.mutable_track_published()->mutable_track() = *added;
    p.signal.send(std::move(response));
    // The offer with its section may have come first (SIG-04, SDP-30).
    take_publish_sections(p, negotiation_.match_late(p));
}

void Room::take_sections(Participant& p, const sdp::Answer& answer) {
    for (const std::string& mid : answer.ended_mids) {
        const PublishedTrack* track = p.publish.find_by_mid(mid);
        if (track != nullptr) unpublish(p, std::string(track->info.sid()), false);
    }
    take_publish_sections(p, answer.publish);
}

void Room::take_publish_sections(Participant& p, const std::vector<sdp::PublishSection>& sections) {
    for (const sdp::PublishSection& section : sections) {
        const auto match = p.publish.take_section(section, scope_->clock.wall);
        if (!match) continue;
        if (!token::may_publish(p.info.permission(), match->track->info.source())) {
            unpublish(p, std::string(match->track->info.sid()), true);
            continue;
        }
        add_receiver(p, *match->track, match->codec, section);
        if (match->track->announced) {
            changed(p, true);
            subscriptions_.codec_added({&p, match->track});
        } else if (negotiation_.publisher(p)->ever_connected) {
            announce(p, *match->track);
        }
    }
}

void Room::add_receiver(Participant& p, PublishedTrack& track, std::size_t codec,
                        const sdp::PublishSection& section) {
    CodecSlot& slot = track.slots[codec];
    const livekit::SimulcastCodecInfo& info = track.info.codecs(static_cast<int>(codec));
    slot.receiver = sfu::ReceiverId(scope_->ids.next());
    scope_->media.receivers[*slot.receiver] = {this, &p, track.info.sid()};

    sfu::AddReceiver add;
    add.receiver = *slot.receiver;
    add.peer = negotiation_.publisher(p)->id();
    add.room = id_;
    add.kind = track.video() ? sfu::MediaKind::kVideo : sfu::MediaKind::kAudio;
    add.mid = section.mid;
    for (const sdp::NegotiatedCodec& negotiated : section.codecs) {
        sfu::ReceiveCodec receive = receive_codec(negotiated);
        if (receive.codec != sfu::Codec::kNone) add.codecs.push_back(receive);
    }
    add.extensions = receive_extensions(section.extensions);
    add.layers = receive_layers(section, info.layers());
    add.mode = static_cast<sfu::LayerMode>(std::clamp<int>(info.video_layer_mode(), 0, 3));
    add.source = media_source(track.info.source());
    add.screen_share = track.info.source() == livekit::SCREEN_SHARE;
    add.microphone = track.info.source() == livekit::MICROPHONE;
    add.encrypted = track.encrypted();
    add.audio_level = scope_->config.audio_level;
    add.pli_throttle = scope_->config.pli_throttle;
    for (const sfu::ReceiveLayer& layer : add.layers) {
        note_ssrc(track, layer.ssrc.value_or(Ssrc(0)));
        note_ssrc(track, layer.rtx_ssrc.value_or(Ssrc(0)));
    }
    scope_->out.command(p.worker, std::move(add));
    if (track.info.muted()) scope_->out.command(p.worker, sfu::MuteReceiver{*slot.receiver, true});
}

void Room::note_ssrc(PublishedTrack& track, Ssrc ssrc) {
    constexpr std::size_t kMaxKnown = 64;  // beyond these a collision is as likely as nothing
    if (ssrc.value() == 0 || track.ssrcs.size() >= kMaxKnown ||
        std::find(track.ssrcs.begin(), track.ssrcs.end(), ssrc) != track.ssrcs.end())
        return;
    track.ssrcs.push_back(ssrc);
    ssrcs_.add(ssrc);
}

void Room::announce_all(Participant& p) {
    for (auto& [sid, track] : p.publish.tracks())
        if (!track.announced) announce(p, track);
}

void Room::announce(Participant& p, PublishedTrack& track) {
    track.announced = true;
    track.announced_at = scope_->now();
    // Nothing is to be expected of a muted track.
    track.media_started = track.media_started || track.info.muted();
    observe(PublicationStep{track.info.type(), TrackStep::kSuccess});
    if (track.video() || track.info.codecs_size() > 1) {
        track.dynacast = Dynacast(scope_->now(), scope_->config.dynacast_pause_delay);
        track.dynacast.set_muted(track.info.muted());
    }
    const std::string sid = track.info.sid();
    publisher_of_track_[sid] = p.identity();
    ++announced_[p.identity()];
    p.info.set_is_publisher(true);
    roster_.count(p);
    changed(p, true);
    webhook("track_published", &p, &track.info);
    news_.counts_changed();
    subscriptions_.track_announced({&p, &track});
}

void Room::note_media_started(const Participant& p, PublishedTrack& track) {
    if (std::exchange(track.media_started, true)) return;
    observe(
        media_delay(MediaPhase::kPublish, p, track.info, 1, scope_->now() - track.requested_at));
}

void Room::unpublish(Participant& p, const std::string& sid, bool tell_publisher) {
    PublishedTrack* track = p.publish.find(sid);
    if (track == nullptr) return cancel_pending(p, sid, tell_publisher);
    const bool announced = track->announced;
    const livekit::TrackInfo info = track->info;
    observe(PublicationStep{info.type(), announced ? TrackStep::kEnd : TrackStep::kCancel});
    // While those who heard it still subscribe (IN-31).
    for (const CodecSlot& slot : track->slots)
        if (slot.receiver) speakers_.remove(*slot.receiver);
    speakers_.tell_changes();
    subscriptions_.track_ended(sid);
    for (const CodecSlot& slot : track->slots) {
        if (!slot.receiver) continue;
        quality_.forget(p, slot.receiver->value());
        scope_->media.receivers.erase(*slot.receiver);
        scope_->out.command(p.worker, sfu::RemoveReceiver{*slot.receiver});
    }
    if (publisher_of_track_.erase(sid) > 0 && --announced_[p.identity()] == 0)
        announced_.erase(p.identity());
    for (const Ssrc ssrc : track->ssrcs)
        ssrcs_.release(ssrc);
    const auto retry = p.publish.remove(sid);
    if (tell_publisher) tell_unpublished(p, sid);
    if (announced) webhook("track_unpublished", &p, &info);
    if (p.closing) return;
    if (announced) changed(p, true);
    for (const livekit::AddTrackRequest& request : retry)
        add_track(p, request);
}

// What was announced to the client but has no section yet.
void Room::cancel_pending(Participant& p, const std::string& sid, bool tell_publisher) {
    const livekit::TrackInfo* info = p.publish.info_of(sid);
    if (info == nullptr) return;
    observe(PublicationStep{info->type(), TrackStep::kCancel});
    const auto retry = p.publish.remove(sid);
    if (tell_publisher) tell_unpublished(p, sid);
    for (const livekit::AddTrackRequest& request : retry)
        add_track(p, request);
}

void Room::tell_unpublished(Participant& p, const std::string& sid) {
    livekit::SignalResponse response;
    if (p.traits.gates.track_unpublished) {
        response.mutable_track_unpublished()->set_track_sid(sid);
    } else {
        response.mutable_mute()->set_sid(sid);
        response.mutable_mute()->set_muted(true);
    }
    p.signal.send(std::move(response));
}

void Room::set_muted(Participant& p, PublishedTrack& track, bool muted) {
    if (track.info.muted() == muted) return;
    track.info.set_muted(muted);
    for (const CodecSlot& slot : track.slots)
        if (slot.receiver) scope_->out.command(p.worker, sfu::MuteReceiver{*slot.receiver, muted});
    track.dynacast.set_muted(muted);
    if (track.announced) changed(p, true);
    poll_dynacast(p, track);
}

// The worker hears it as well: what stopped because nobody wanted it comes back at once (IN-21).
void Room::want_layers(const Participant& p, const PublishedTrack& track,
                       const std::vector<Dynacast::Report>& reports) {
    for (const Dynacast::Report& report : reports) {
        if (report.codec >= track.slots.size() || !track.slots[report.codec].receiver) continue;
        sfu::WantLayers want{*track.slots[report.codec].receiver, -1};
        if (report.quality)
            want.max_spatial = static_cast<std::int8_t>(spatial_for_quality(
                track.info.layers(), static_cast<livekit::VideoQuality>(*report.quality)));
        scope_->out.command(p.worker, want);
    }
}

void Room::poll_dynacast(Participant& p, PublishedTrack& track) {
    touch(p);
    const auto reports = track.dynacast.poll_report();
    if (!reports || reports->empty()) return;
    if (track.video()) {
        want_layers(p, track, *reports);
        p.signal.send(subscribed_quality_message(track.info, *reports));
    } else if (track.info.codecs_size() > 1) {
        p.signal.send(subscribed_audio_codec_message(track.info, *reports));
    }
}

}  // namespace confab::room
