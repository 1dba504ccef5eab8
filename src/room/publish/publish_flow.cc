// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/publish/publish_flow.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/rng.h"
#include "room/publish/codec_lists.h"
#include "room/publish/layers.h"
#include "token/permission.h"

namespace confab::room {
namespace {

using Response = livekit::RequestResponse;

auto refuse(Response::Reason reason, std::string message) {
    return tl::unexpected<AddTrackRefusal>(AddTrackRefusal{reason, std::move(message)});
}

}  // namespace

Result<livekit::TrackInfo, AddTrackRefusal> PublishFlow::add_track(
    const livekit::AddTrackRequest& request, const Rules& rules, Rng& rng) {
    if (!rules.permitted)
        return refuse(Response::NOT_ALLOWED, "does not have permission to publish this source");
    if (request.type() != livekit::AUDIO && request.type() != livekit::VIDEO)
        return refuse(Response::UNSUPPORTED_TYPE, "only audio and video tracks can be added");
    if (request.ByteSizeLong() > kMaxRequestBytes)
        return refuse(Response::LIMIT_EXCEEDED, "request too large");
    if (!request.sid().empty()) return add_backup(request, rules);
    if (cid_in_use(request.cid())) return queue(request);
    if (pending_.size() >= kMaxPending || tracks_.size() >= kMaxTracks)
        return refuse(Response::LIMIT_EXCEEDED, "too many tracks");
    pending_.push_back({request.cid(), track_info_of(request, rules, rng), rules.now, rules.now});
    return pending_.back().info;
}

Result<livekit::TrackInfo, AddTrackRefusal> PublishFlow::add_backup(
    const livekit::AddTrackRequest& request, const Rules& rules) {
    PublishedTrack* track = find(request.sid());
    if (track == nullptr) return refuse(Response::NOT_FOUND, "no published track has this sid");
    for (const livekit::SimulcastCodec& asked : request.simulcast_codecs()) {
        const std::string mime = resolve_codec(*rules.codecs, asked.codec(), track->info.type());
        for (int i = 0; i < track->info.codecs_size(); ++i) {
            livekit::SimulcastCodecInfo& codec = *track->info.mutable_codecs(i);
            if (codec_of(codec.mime_type()) != codec_of(mime)) continue;
            codec.set_cid(asked.cid());
            if (!asked.layers().empty()) *codec.mutable_layers() = asked.layers();
            normalize_layers(*codec.mutable_layers());
            const auto index = static_cast<std::size_t>(i);
            if (!track->slots[index].receiver && backups_.size() < kMaxPending)
                backups_.push_back({asked.cid(), request.sid(), index});
        }
    }
    return track->info;
}

Result<livekit::TrackInfo, AddTrackRefusal> PublishFlow::queue(
    const livekit::AddTrackRequest& request) {
    const auto same = std::count_if(queued_.begin(), queued_.end(), [&](const auto& waiting) {
        return waiting.cid() == request.cid();
    });
    if (static_cast<std::size_t>(same) >= kMaxQueuedPerCid ||
        queued_.size() >= kMaxPending * kMaxQueuedPerCid)
        return refuse(Response::LIMIT_EXCEEDED, "too many tracks queued with this cid");
    queued_.push_back(request);
    return refuse(Response::QUEUED, "a track with this cid exists");
}

bool PublishFlow::cid_in_use(std::string_view cid) const {
    if (cid.empty()) return false;
    const bool waits = std::any_of(pending_.begin(), pending_.end(),
                                   [&](const Pending& p) { return p.cid == cid; });
    return waits || std::any_of(tracks_.begin(), tracks_.end(), [&](const auto& item) {
               const auto& codecs = item.second.info.codecs();
               return std::any_of(codecs.begin(), codecs.end(), [&](const auto& codec) {
                   return codec.cid() == cid && !cid.empty();
               });
           });
}

std::vector<sdp::PendingTrack> PublishFlow::pending_sections() const {
    std::vector<sdp::PendingTrack> result;
    for (const Pending& pending : pending_) {
        sdp::PendingTrack& track = result.emplace_back();
        track.cid = pending.cid;
        const livekit::TrackInfo& info = pending.info;
        track.kind = info.type() == livekit::VIDEO ? sdp::Kind::kVideo : sdp::Kind::kAudio;
        track.disable_red = info.disable_red();
        track.stereo = info.stereo();
        track.disable_dtx = info.disable_dtx();
        for (const livekit::SimulcastCodecInfo& codec : info.codecs()) {
            track.codec_cids.push_back(codec.cid());
            track.codec_mimes.push_back(codec.mime_type());
        }
    }
    for (const Backup& backup : backups_) {
        const auto track = tracks_.find(backup.sid);
        if (track == tracks_.end()) continue;
        const auto& codec = track->second.info.codecs(static_cast<int>(backup.codec));
        sdp::PendingTrack& pending = result.emplace_back();
        pending.cid = backup.cid;
        pending.kind = track->second.video() ? sdp::Kind::kVideo : sdp::Kind::kAudio;
        pending.codec_cids.push_back(backup.cid);
        pending.codec_mimes.push_back(codec.mime_type());
    }
    return result;
}

std::optional<PublishFlow::Match> PublishFlow::match(const sdp::PublishSection& section) {
    const auto backup = std::find_if(backups_.begin(), backups_.end(),
                                     [&](const Backup& b) { return b.cid == section.cid; });
    if (backup != backups_.end()) {
        const Match found{find(backup->sid), backup->codec};
        backups_.erase(backup);
        return found.track == nullptr ? std::nullopt : std::optional(found);
    }
    const auto pending = std::find_if(pending_.begin(), pending_.end(),
                                      [&](const Pending& p) { return p.cid == section.cid; });
    if (pending == pending_.end()) return match_backup(section);
    const std::string sid = pending->info.sid();
    PublishedTrack& track = tracks_[sid];
    track.info = std::move(pending->info);
    track.requested_at = pending->since;
    track.slots.resize(static_cast<std::size_t>(track.info.codecs_size()));
    track.any_codec = track.video() && track.info.codecs(0).mime_type().empty();
    CONFAB_CHECK(!track.slots.empty());  // track_info_of() gives each one codec at least
    pending_.erase(pending);
    std::size_t codec = std::min(section.codec_index, track.slots.size() - 1);
    // A client that can not encode what it announced sends one of its backups at once.
    const sfu::Codec negotiated =
        section.codecs.empty() ? sfu::Codec::kNone : codec_of(section.codecs.front().mime);
    const auto is = [&](std::size_t i) {
        return codec_of(track.info.codecs(static_cast<int>(i)).mime_type()) == negotiated;
    };
    if (!is(codec))
        for (std::size_t i = 0; i < track.slots.size(); ++i)
            if (is(i)) codec = i;
    return Match{&track, codec};
}

// A backup codec's section may come before its add_track, by the cid that the codec was announced
// with at first.
std::optional<PublishFlow::Match> PublishFlow::match_backup(const sdp::PublishSection& section) {
    for (auto& [sid, track] : tracks_) {
        const auto& codecs = track.info.codecs();
        const bool same = std::any_of(codecs.begin(), codecs.end(), [&](const auto& codec) {
            return !codec.cid().empty() && codec.cid() == section.cid;
        });
        const std::size_t codec = section.codec_index;
        if (!same || codec >= track.slots.size() || track.slots[codec].receiver) continue;
        return Match{&track, codec};
    }
    return std::nullopt;
}

void PublishFlow::fill(PublishedTrack& track, std::size_t codec,
                       const sdp::PublishSection& section) {
    livekit::SimulcastCodecInfo& info = *track.info.mutable_codecs(static_cast<int>(codec));
    track.slots[codec].mid = section.mid;
    if (!section.codecs.empty()) (void)take_codec(track, codec, section.codecs.front().mime);
    info.set_mid(section.mid);
    const auto& codecs = track.info.codecs();
    const bool announced_cid = std::any_of(codecs.begin(), codecs.end(), [&](const auto& c) {
        return c.cid() == section.sdp_track_id;
    });
    if (!announced_cid) info.set_sdp_cid(section.sdp_track_id);
    if (track.video()) {
        const auto rids = order_rids(section.rids);
        assign_rids(*info.mutable_layers(), rids);
        if (section.rids.empty() && section.ssrcs.size() == 1 && !info.layers().empty()) {
            const auto rtx = section.rtx_of.find(section.ssrcs.front());
            info.mutable_layers(0)->set_ssrc(section.ssrcs.front());
            if (rtx != section.rtx_of.end()) info.mutable_layers(0)->set_repair_ssrc(rtx->second);
        }
    }
    if (codec != 0 && !track.info.mime_type().empty()) return;
    track.info.set_mime_type(info.mime_type());
    if (codec == 0) {
        track.info.set_mid(section.mid);
    } else {
        assign_rids(*track.info.mutable_codecs(0)->mutable_layers(), order_rids(section.rids));
    }
    *track.info.mutable_layers() = track.info.codecs(0).layers();
}

bool take_codec(PublishedTrack& track, std::size_t codec, const std::string& mime) {
    livekit::SimulcastCodecInfo& info = *track.info.mutable_codecs(static_cast<int>(codec));
    CodecSlot& slot = track.slots[codec];
    const sfu::Codec before = std::exchange(slot.codec, codec_of(mime));
    if (slot.instead == mime) return before != slot.codec;  // under the name of the other one
    slot.instead.clear();
    // A track has the type of one of its codecs, once it has one.
    const std::string& shown = track.info.mime_type();
    if (!shown.empty() && shown == info.mime_type()) track.info.set_mime_type(mime);
    info.set_mime_type(mime);
    return before != slot.codec;
}

std::optional<PublishFlow::Match> PublishFlow::take_section(const sdp::PublishSection& section,
                                                            UnixTime wall) {
    if (find_by_mid(section.mid) != nullptr) return std::nullopt;
    const auto found = match(section);
    if (!found) return std::nullopt;
    fill(*found->track, found->codec, section);
    if (!found->track->info.has_version())
        found->track->info.mutable_version()->set_unix_micro(wall.us());
    return found;
}

PublishedTrack* PublishFlow::find_by_mid(std::string_view mid) {
    for (auto& [sid, track] : tracks_)
        for (const CodecSlot& slot : track.slots)
            if (slot.receiver && slot.mid == mid) return &track;
    return nullptr;
}

bool PublishFlow::has_mid(std::string_view mid) const {
    for (const auto& [sid, track] : tracks_)
        for (const CodecSlot& slot : track.slots)
            if (slot.receiver && slot.mid == mid) return true;
    return false;
}

PublishedTrack* PublishFlow::find(const std::string& sid) {
    const auto it = tracks_.find(sid);
    return it == tracks_.end() ? nullptr : &it->second;
}

std::vector<livekit::AddTrackRequest> PublishFlow::remove(const std::string& sid) {
    std::vector<std::string> cids;
    if (const livekit::TrackInfo* info = info_of(sid))
        for (const livekit::SimulcastCodecInfo& codec : info->codecs())
            cids.push_back(codec.cid());
    std::erase_if(pending_, [&](const Pending& p) { return p.info.sid() == sid; });
    std::erase_if(backups_, [&](const Backup& b) { return b.sid == sid; });
    tracks_.erase(sid);
    mutes_.erase(sid);
    std::vector<livekit::AddTrackRequest> retry;
    for (const std::string& cid : cids) {
        const auto next = std::find_if(queued_.begin(), queued_.end(),
                                       [&](const auto& waiting) { return waiting.cid() == cid; });
        if (next == queued_.end()) continue;
        retry.push_back(std::move(*next));
        queued_.erase(next);
    }
    return retry;
}

std::vector<std::string> PublishFlow::refused_by(
    const livekit::ParticipantPermission& permission) const {
    std::vector<std::string> result;
    for (const auto& [sid, track] : tracks_)
        if (!token::may_publish(permission, track.info.source())) result.push_back(sid);
    for (const Pending& pending : pending_)
        if (!token::may_publish(permission, pending.info.source()))
            result.push_back(pending.info.sid());
    return result;
}

void PublishFlow::drop_pending() {
    pending_.clear();
    backups_.clear();
    queued_.clear();
}

void PublishFlow::mute_asked(Timestamp now, const std::string& sid, bool muted) {
    if (info_of(sid) != nullptr) mutes_[sid] = {muted, now};
}

std::map<std::string, bool> PublishFlow::repeat_mutes(Timestamp now, Timestamp since) {
    std::map<std::string, bool> result;
    for (auto& [sid, mute] : mutes_) {
        const livekit::TrackInfo* info = info_of(sid);
        // It may have changed its mind, which it told us.
        if (mute.at < since || info == nullptr || info->muted() != mute.muted) continue;
        result[sid] = mute.muted;
        mute.at = now;
    }
    return result;
}

std::vector<livekit::TrackType> PublishFlow::pending_types() const {
    std::vector<livekit::TrackType> result;
    result.reserve(pending_.size());
    for (const Pending& pending : pending_)
        result.push_back(pending.info.type());
    return result;
}

Timestamp PublishFlow::oldest_pending() const {
    Timestamp result = Timestamp::never();
    for (const Pending& pending : pending_)
        if (!pending.info.muted()) result = earlier(result, pending.unmuted_at);
    return result;
}

const livekit::TrackInfo* PublishFlow::mute_pending(Timestamp now, const std::string& sid,
                                                    bool muted) {
    const auto found = std::find_if(pending_.begin(), pending_.end(),
                                    [&](const Pending& p) { return p.info.sid() == sid; });
    if (found == pending_.end()) return nullptr;
    if (found->info.muted() && !muted) found->unmuted_at = now;
    found->info.set_muted(muted);
    return &found->info;
}

bool PublishFlow::is_pending(const std::string& sid) const {
    return std::any_of(pending_.begin(), pending_.end(),
                       [&](const Pending& p) { return p.info.sid() == sid; });
}

livekit::TrackInfo* PublishFlow::info_of(const std::string& sid) {
    if (PublishedTrack* track = find(sid)) return &track->info;
    for (Pending& pending : pending_)
        if (pending.info.sid() == sid) return &pending.info;
    return nullptr;
}

}  // namespace confab::room
