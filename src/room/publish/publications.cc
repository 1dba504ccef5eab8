// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Publications: from add_track to a receiver, its announcement and its end.
#include "room/publish/publications.h"

#include <algorithm>
#include <utility>

#include "room/negotiate/extension_uris.h"
#include "room/publish/codec_lists.h"
#include "room/publish/layers.h"
#include "room/signal/respond.h"
#include "room/signal/unpublished.h"

namespace confab::room {
namespace {

sfu::ReceiveCodec receive_codec(const sdp::NegotiatedCodec& codec) {
    sfu::ReceiveCodec result;
    result.codec = codec_of(codec.mime);
    result.pt = PayloadType(codec.pt);
    if (codec.rtx_pt) result.rtx_pt = PayloadType(*codec.rtx_pt);
    result.clock_rate = codec.clock_rate;
    result.nack = codec.nack;
    return result;
}

using NegotiatedCodecs = std::vector<sdp::NegotiatedCodec>;

std::vector<sfu::ReceiveCodec> receive_codecs(const NegotiatedCodecs& codecs) {
    std::vector<sfu::ReceiveCodec> result;
    for (const sdp::NegotiatedCodec& negotiated : codecs) {
        const sfu::ReceiveCodec receive = receive_codec(negotiated);
        if (receive.codec != sfu::Codec::kNone) result.push_back(receive);
    }
    return result;
}

// With that first which is known to be sent, if it is still among them.
NegotiatedCodecs in_order_of(const CodecSlot& slot, NegotiatedCodecs codecs) {
    const auto sent = std::find_if(codecs.begin(), codecs.end(),
                                   [&](const auto& c) { return codec_of(c.mime) == slot.codec; });
    if (slot.own_pick && sent != codecs.end()) std::rotate(codecs.begin(), sent, sent + 1);
    return codecs;
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

bool awaits_codec(const Participant& p, const PublishedTrack& track) {
    return track.any_codec && !track.info.muted() && p.client.sdk() == livekit::ClientInfo::GO;
}

Publications::Publications(const RoomScope& scope, Room* room, sfu::RoomId id, Roster& roster,
                           SsrcPool& ssrcs, PublicationsHost& host)
    : scope_(&scope),
      room_(room),
      id_(id),
      roster_(&roster),
      ssrcs_(&ssrcs),
      codecs_(&scope.config.codecs.current()),
      host_(&host),
      announced_(scope, roster) {}

// ---------------------------------------------------------------- announcements and sections

void Publications::add_track(Participant& p, const livekit::AddTrackRequest& request) {
    PublishFlow::Rules rules;
    const CodecList codecs = publishable(*codecs_, p.traits.sdp);
    rules.codecs = &codecs;
    rules.permitted = token::may_publish(p.info.permission(), request.source());
    rules.now = scope_->now();
    rules.obs = p.client.browser().find("OBS") != std::string::npos;
    roster_->touch(p);
    const auto added = flow(p).add_track(request, rules, scope_->ids.rng());
    if (!added) {
        respond(p, added.error().reason, added.error().message,
                [&](livekit::RequestResponse& r) { *r.mutable_add_track() = request; });
        return;
    }
    // With a sid it is one more codec of a track that is there.
    if (request.sid().empty())
        scope_->out.observe(PublicationStep{added->type(), TrackStep::kAttempt});
    livekit::SignalResponse response;
    response.mutable_track_published()->set_cid(request.cid());
    *response.mutable_track_published()->mutable_track() = *added;
    p.signal.send(std::move(response));
    take_begun(p, host_->late_sections(p));
}

void Publications::take_sections(Participant& p, const sdp::Answer& answer) {
    for (const std::string& mid : answer.ended_mids) {
        const PublishedTrack* track = flow(p).find_by_mid(mid);
        if (track != nullptr) unpublish(p, std::string(track->info.sid()), false);
    }
    take_begun(p, answer.publish);
}

void Publications::take_begun(Participant& p, const std::vector<sdp::PublishSection>& sections) {
    for (const sdp::PublishSection& section : sections) {
        if (PublishedTrack* known = flow(p).find_by_mid(section.mid)) {
            agreed_anew(p, *known, section);
            continue;
        }
        const auto match = flow(p).take_section(section, scope_->clock.wall);
        const auto link = host_->uplink(p);
        if (!match || !link) continue;
        PublishedTrack& track = *match->track;
        if (!token::may_publish(p.info.permission(), track.info.source())) {
            unpublish(p, std::string(track.info.sid()), true);
            continue;
        }
        add_receiver(p, track, match->codec, section);
        if (track.announced) {
            host_->tracks_changed(p);
            announced_.codec_added(track);
            host_->codec_added({&p, &track});
        } else if (link->ever_connected && !awaits_codec(p, track)) {
            announce(p, track);
        }
    }
}

void Publications::add_receiver(Participant& p, PublishedTrack& track, std::size_t codec,
                                const sdp::PublishSection& section) {
    CodecSlot& slot = track.slots[codec];
    const livekit::SimulcastCodecInfo& info = track.info.codecs(static_cast<int>(codec));
    slot.receiver = sfu::ReceiverId(scope_->ids.next());
    scope_->media.receivers[*slot.receiver] = {room_, &p, track.info.sid()};

    sfu::AddReceiver add;
    add.receiver = *slot.receiver;
    add.peer = host_->uplink(p)->peer;
    add.room = id_;
    add.kind = track.video() ? sfu::MediaKind::kVideo : sfu::MediaKind::kAudio;
    add.mid = section.mid;
    add.codecs = receive_codecs(section.codecs);
    add.extensions = receive_extensions(section.extensions);
    add.layers = receive_layers(section, info.layers());
    add.mode = static_cast<sfu::LayerMode>(std::clamp<int>(info.video_layer_mode(), 0, 3));
    add.source = media_source(track.info.source());
    add.screen_share = track.info.source() == livekit::SCREEN_SHARE;
    add.microphone = track.info.source() == livekit::MICROPHONE;
    add.encrypted = track.encrypted();
    add.any_codec = track.any_codec;
    add.audio_level = scope_->config.audio_level;
    add.pli_throttle = scope_->config.pli_throttle;
    for (const sfu::ReceiveLayer& layer : add.layers) {
        note_ssrc(track, *ssrcs_, layer.ssrc.value_or(Ssrc(0)));
        note_ssrc(track, *ssrcs_, layer.rtx_ssrc.value_or(Ssrc(0)));
    }
    slot.made = add;
    scope_->out.command(p.worker, std::move(add));
    if (track.info.muted()) scope_->out.command(p.worker, sfu::MuteReceiver{*slot.receiver, true});
}

// rtc-node's offer may go out for another reason before it has set the codecs of a track that is in
// it; the next one has them.
void Publications::agreed_anew(Participant& p, PublishedTrack& track,
                               const sdp::PublishSection& section) {
    const auto slot = std::find_if(track.slots.begin(), track.slots.end(), [&](const CodecSlot& s) {
        return s.receiver && s.made && s.mid == section.mid;
    });
    if (slot == track.slots.end() || track.borrowed) return;
    sfu::AddReceiver& made = *slot->made;
    const NegotiatedCodecs negotiated = in_order_of(*slot, section.codecs);
    std::vector<sfu::ReceiveCodec> codecs = receive_codecs(negotiated);
    const sfu::ReceiveExtensions extensions = receive_extensions(section.extensions);
    if (codecs.empty() || (codecs == made.codecs && extensions == made.extensions)) return;
    made.codecs = std::move(codecs);
    made.extensions = extensions;
    scope_->out.command(p.worker, made);
    const auto index = static_cast<std::size_t>(slot - track.slots.begin());
    if (!take_codec(track, index, negotiated.front().mime) || !track.announced) return;
    host_->tracks_changed(p);
    host_->codec_changed({&p, &track});
}

void Publications::connected(Participant& p) {
    for (auto& [sid, track] : flow(p).tracks())
        if (!track.announced && !awaits_codec(p, track)) announce(p, track);
}

void Publications::announce(Participant& p, PublishedTrack& track) {
    track.announced = true;
    // Nothing is to be expected of a muted track.
    track.media_started = track.media_started || track.info.muted();
    scope_->out.observe(PublicationStep{track.info.type(), TrackStep::kSuccess});
    announced_.add(p, track);
    host_->track_announced({&p, &track});
}

// ---------------------------------------------------------------- ends

void Publications::unpublish(Participant& p, const std::string& sid, bool tell_publisher) {
    PublishedTrack* track = flow(p).find(sid);
    if (track == nullptr) return cancel_pending(p, sid, tell_publisher);
    const bool announced = track->announced;
    const livekit::TrackInfo info = track->info;
    scope_->out.observe(
        PublicationStep{info.type(), announced ? TrackStep::kEnd : TrackStep::kCancel});
    host_->track_ending({&p, track});
    release(p, *track, Receivers::kEnd);
    // With requests that waited for its cid.
    const auto waiting = flow(p).remove(sid);
    if (tell_publisher) tell_unpublished(scope_->now(), p, sid);
    if (announced) host_->track_unpublished(p, info);
    if (p.closing) return;
    for (const livekit::AddTrackRequest& request : waiting)
        add_track(p, request);
}

// What was announced to the client but has no section yet.
void Publications::cancel_pending(Participant& p, const std::string& sid, bool tell_publisher) {
    const livekit::TrackInfo* info = flow(p).info_of(sid);
    if (info == nullptr) return;
    scope_->out.observe(PublicationStep{info->type(), TrackStep::kCancel});
    const auto waiting = flow(p).remove(sid);
    if (tell_publisher) tell_unpublished(scope_->now(), p, sid);
    for (const livekit::AddTrackRequest& request : waiting)
        add_track(p, request);
}

void Publications::release(Participant& p, const PublishedTrack& track, Receivers receivers) {
    for (const CodecSlot& slot : track.slots) {
        if (!slot.receiver || track.borrowed) continue;
        scope_->media.receivers.erase(*slot.receiver);
        if (receivers == Receivers::kEnd)
            scope_->out.command(p.worker, sfu::RemoveReceiver{*slot.receiver});
    }
    for (const Ssrc ssrc : track.ssrcs)
        ssrcs_->release(ssrc);
    announced_.end(track);
}

std::vector<std::string> Publications::rights_changed(Participant& p) {
    std::vector<std::string> ended = flow(p).refused_by(p.info.permission());
    for (const std::string& sid : ended)
        unpublish(p, sid, false);
    return ended;
}

void Publications::unpublish_all(Participant& p) {
    std::vector<std::string> sids;
    for (const auto& [sid, track] : flow(p).tracks())
        sids.push_back(sid);
    for (const std::string& sid : sids)
        unpublish(p, sid, false);
    for (const livekit::TrackType kind : flow(p).pending_types())
        scope_->out.observe(PublicationStep{kind, TrackStep::kCancel});
    flow(p).drop_pending();
}

}  // namespace confab::room
