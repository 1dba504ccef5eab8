// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/subscribe/track_sender.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "room/negotiate/extension_uris.h"
#include "room/participant/participant.h"
#include "room/publish/codec_lists.h"
#include "room/publish/layers.h"

namespace confab::room {
namespace {

// Redundancy is made for what came without, unless its publisher wants none.
bool adds_redundancy(const Config& config, const PublishedTrack& track) {
    return config.active_red_encoding && codec_of(track.info.mime_type()) == sfu::Codec::kOpus &&
           !track.encrypted() && !track.info.disable_red();
}

std::vector<std::string> sender_mimes(const Config& config, const PublishedTrack& track) {
    std::vector<std::string> mimes;
    if (adds_redundancy(config, track)) mimes.emplace_back("audio/red");
    for (std::size_t i = 0; i < track.slots.size(); ++i) {
        const std::string& mime = sent_mime(track, i);
        const bool known = std::find(mimes.begin(), mimes.end(), mime) != mimes.end();
        if (!mime.empty() && !known) mimes.push_back(mime);
    }
    // The shard takes the primary block out of RED for those who want plain opus.
    if (codec_of(track.info.mime_type()) == sfu::Codec::kRed) mimes.emplace_back("audio/opus");
    return mimes;
}

// SDP-04: what belongs together has one stream id, which is its CNAME too.
std::string stream_id(const SendSettings& settings, const Participant& to,
                      const Publication& track) {
    const bool shared = settings.sync_streams && to.traits.gates.sync_streams && !to.traits.firefox;
    std::string id = track.publisher->sid();
    if (to.client.protocol() > 0)
        id += "|" + (shared ? track.track->info.stream() : track.track->info.sid());
    return id;
}

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
            const sfu::Codec codec = codec_of(sent_mime(track, i));
            if (track.slots[i].receiver.has_value() == flowing && accepts(bound, codec)) return i;
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

// What goes with a packet is not kept, so that it can not be sent again as it was (02 TRAP-14).
void add_redundancy(sfu::AddDownTrack& add) {
    for (sfu::SendCodec& codec : add.codecs) {
        if (codec.codec != sfu::Codec::kRed) continue;
        codec.nack = false;
        codec.rtx_pt.reset();
        add.add_redundancy = true;
    }
}

// Of the codec that was chosen. Codecs are added to a track by nobody once it has a section.
const CodecSlot& slot_of(const PublishedTrack& track, std::size_t codec) {
    CONFAB_CHECK(codec < track.slots.size());
    return track.slots[codec];
}

}  // namespace

// ---------------------------------------------------------------- made and ended

void TrackSender::open(const SendScope& shared, Participant& to, const std::string& track_sid) {
    const RoomScope& scope = shared.scope;
    // An id that is still registered would bring its events here for ever.
    (void)CONFAB_BUG_IF(attached_ || scope.media.down_tracks.contains(id_), "sender_open_twice");
    *this = TrackSender();
    id_ = sfu::DownTrackId(scope.ids.next());
    ssrc_ = shared.ssrcs.draw(scope.ids.rng());
    rtx_ssrc_ = shared.ssrcs.draw(scope.ids.rng());
    scope.media.down_tracks[id_] = {shared.room, &to, track_sid};
}

sdp::Sender TrackSender::section(const SendScope& shared, const Participant& to,
                                 const Publication& track) const {
    const livekit::TrackInfo& info = track.track->info;
    sdp::Sender sender;
    sender.id = id_.value();
    sender.kind = track.track->video() ? sdp::Kind::kVideo : sdp::Kind::kAudio;
    sender.stream_id = stream_id(shared.settings, to, track);
    sender.track_id = info.sid();
    sender.ssrc = ssrc_.value();
    sender.rtx_ssrc = rtx_ssrc_.value();
    sender.mimes = sender_mimes(shared.scope.config, *track.track);
    sender.stereo = info.stereo();
    // What is known to come as plain Opus, and goes on as such, is repaired like other media.
    const bool plain = codec_of(info.mime_type()) == sfu::Codec::kOpus &&
                       !adds_redundancy(shared.scope.config, *track.track);
    sender.disable_red = info.disable_red() || plain;
    sender.red = codec_of(info.mime_type()) == sfu::Codec::kRed;
    return sender;
}

bool TrackSender::bind(const PublishedTrack& track, sdp::BoundSender bound) {
    const auto chosen = choose_codec(track, bound, untaken_);
    if (!chosen) return false;
    bound_ = std::move(bound);
    codec_ = *chosen;
    return true;
}

void TrackSender::attach(const SendScope& shared, const Participant& to, const Publication& track,
                         sfu::PeerId peer) {
    const CodecSlot& slot = slot_of(*track.track, codec_);
    if (!slot.receiver || attached_) return;
    attached_ = true;
    shared.scope.out.command(to.worker, description(shared, to, track, peer));
}

sfu::AddDownTrack TrackSender::description(const SendScope& shared, const Participant& to,
                                           const Publication& track, sfu::PeerId peer) const {
    const CodecSlot& slot = slot_of(*track.track, codec_);
    const livekit::TrackInfo& info = track.track->info;
    sfu::AddDownTrack add;
    add.down_track = id_;
    add.peer = peer;
    add.receiver = *slot.receiver;
    add.home = track.publisher->worker;
    add.kind = track.track->video() ? sfu::MediaKind::kVideo : sfu::MediaKind::kAudio;
    add.ssrc = ssrc_;
    add.rtx_ssrc = rtx_ssrc_;
    add.codecs = send_codecs(bound_);
    if (adds_redundancy(shared.scope.config, *track.track)) add_redundancy(add);
    add.extensions = send_extensions(bound_.extensions, shared.scope.config.send_side_bwe);
    add.cname = stream_id(shared.settings, to, track);
    add.mid = bound_.mid;
    add.settings = applied_;
    add.source = media_source(info.source());
    add.screen_share = info.source() == livekit::SCREEN_SHARE;
    add.encrypted = track.track->encrypted();
    add.sif_trailer = to_vector(as_bytes(shared.settings.sif_trailer));
    if (track.track->video() && add.extensions.playout_delay != 0)
        add.playout_delay = shared.settings.playout_delay;
    add.early_media = to.client.sdk() == livekit::ClientInfo::GO;  // SIG-67
    add.strip_packet_trailers =
        !info.packet_trailer_features().empty() && !to.traits.packet_trailers;  // SIG-66
    return add;
}

bool TrackSender::close(const SendScope& shared, const Participant& to, bool blank_frames) {
    shared.scope.media.down_tracks.erase(id_);
    shared.ssrcs.release(ssrc_);
    shared.ssrcs.release(rtx_ssrc_);
    bound_ = {};
    if (!std::exchange(attached_, false)) return false;
    shared.scope.out.command(to.worker, sfu::RemoveDownTrack{id_, blank_frames});
    return true;
}

// ---------------------------------------------------------------- another codec

bool TrackSender::takes(sfu::Codec codec) const {
    return accepts(bound_, codec);
}

std::optional<std::size_t> TrackSender::try_another(const PublishedTrack& track) {
    untaken_ |= 1U << codec_;
    const auto next = choose_codec(track, bound_, untaken_);
    if (!next) return std::nullopt;
    return switch_to(*next);
}

std::size_t TrackSender::switch_to(std::size_t codec) {
    moving_ = attached_;
    return std::exchange(codec_, codec);
}

void TrackSender::move(const SendScope& shared, const Participant& to, const Publication& track) {
    const CodecSlot& slot = slot_of(*track.track, codec_);
    if (!moving_ || !slot.receiver) return;
    moving_ = false;
    shared.scope.out.command(to.worker,
                             sfu::SwitchDownTrack{id_, *slot.receiver, track.publisher->worker});
}

// ---------------------------------------------------------------- settings

bool TrackSender::apply(const SendScope& shared, const Participant& to,
                        const sfu::DownTrackSettings& settings) {
    if (settings == applied_) return false;
    applied_ = settings;
    if (attached_) shared.scope.out.command(to.worker, sfu::UpdateDownTrack{id_, settings});
    return true;
}

QualityWish TrackSender::wish(const PublishedTrack& track,
                              std::optional<std::size_t> instead_of) const {
    QualityWish wish{id_, codec_, {}, instead_of};
    if (applied_.enabled)
        wish.quality = static_cast<std::uint8_t>(
            quality_for_spatial(track.info.layers(), applied_.max_spatial));
    return wish;
}

}  // namespace confab::room
