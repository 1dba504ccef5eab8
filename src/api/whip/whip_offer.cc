// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/whip/whip_offer.h"

#include <array>
#include <set>
#include <utility>

namespace confab::api {
namespace {

tl::unexpected<HttpError> refuse(int status, std::string text) {
    return tl::unexpected<HttpError>(HttpError{status, std::move(text)});
}

// Encodings of a simulcast from the smallest up; sizes are learned from the pictures (SDP-27).
void add_layers(livekit::AddTrackRequest& track, std::size_t rids) {
    constexpr std::array<livekit::VideoQuality, 3> kQualities{
        livekit::VideoQuality::LOW, livekit::VideoQuality::MEDIUM, livekit::VideoQuality::HIGH};
    for (std::size_t i = 0; i < std::min(rids, kQualities.size()); ++i)
        track.add_layers()->set_quality(kQualities[i]);
}

// The first of a kind is the camera or the microphone, others are of no known source.
livekit::AddTrackRequest make_track(const sdp::MediaSection& section, bool first) {
    const bool audio = section.kind == sdp::Kind::kAudio;
    livekit::AddTrackRequest track;
    track.set_cid(section.msid && !section.msid->track.empty() ? section.msid->track
                                                               : "whip-" + section.mid);
    track.set_type(audio ? livekit::AUDIO : livekit::VIDEO);
    std::string name = audio ? "synthesized-microphone" : "synthesized-camera";
    if (first) {
        track.set_source(audio ? livekit::MICROPHONE : livekit::CAMERA);
    } else {
        name += "-" + section.mid;
    }
    track.set_name(std::move(name));
    if (section.send_rids.size() > 1) add_layers(track, section.send_rids.size());
    return track;
}

// RFC 8829 §5.8 leaves it open whether they stand in the session part or in the sections.
std::string missing_in(const sdp::Description& description) {
    bool any = false;
    for (const sdp::MediaSection& section : description.sections) {
        if (section.rejected()) continue;
        any = true;
        if (section.mid.empty()) return "a=mid";
        if (!is_ufrag(section.ufrag.empty() ? description.ufrag : section.ufrag))
            return "valid a=ice-ufrag";
        if (!is_ice_pwd(section.pwd.empty() ? description.pwd : section.pwd))
            return "valid a=ice-pwd";
        if (section.fingerprints.empty() && description.fingerprints.empty())
            return "a=fingerprint";
    }
    return any ? "" : "media";
}

}  // namespace

Result<WhipOffer, HttpError> read_whip_offer(std::string_view body) {
    if (body.size() > kMaxWhipBody) return refuse(413, "request body too large");
    if (body.empty()) return refuse(400, "the body has no SDP offer");
    auto parsed = sdp::parse(body);
    if (!parsed) return refuse(400, "invalid SDP offer: " + std::string(to_text(parsed.error())));
    WhipOffer offer;
    offer.description = *std::move(parsed);
    bool audio = false;
    bool video = false;
    std::set<std::string> cids;
    for (const sdp::MediaSection& section : offer.description.sections) {
        if (!section.is_rtp() || section.rejected()) continue;
        if (sdp::receives(section.direction)) ++offer.receiving;
        if (!sdp::sends(section.direction)) continue;
        bool& seen = section.kind == sdp::Kind::kAudio ? audio : video;
        offer.tracks.push_back(make_track(section, !std::exchange(seen, true)));
        // Some encoders call all of their tracks the same.
        livekit::AddTrackRequest& track = offer.tracks.back();
        if (!cids.insert(track.cid()).second) track.set_cid("whip-" + section.mid);
    }
    if (const std::string missing = missing_in(offer.description); !missing.empty())
        return refuse(400, "the SDP offer has no " + missing);
    if (offer.tracks.size() > kMaxWhipTracks)
        return refuse(400, "the SDP offer has too many media");
    return offer;
}

bool is_ufrag(std::string_view text) {
    return text.size() >= 4 && text.size() <= 256;
}

bool is_ice_pwd(std::string_view text) {
    return text.size() >= 22 && text.size() <= 256;
}

std::string restarted_offer(sdp::Description description, const WhipIce& ice) {
    if (!description.ufrag.empty()) description.ufrag = ice.ufrag;
    if (!description.pwd.empty()) description.pwd = ice.pwd;
    bool first = true;
    for (sdp::MediaSection& section : description.sections) {
        // Who has them in the session part has them there only.
        if (!section.ufrag.empty()) section.ufrag = ice.ufrag;
        if (!section.pwd.empty()) section.pwd = ice.pwd;
        section.candidates.clear();
        if (!section.rejected() && std::exchange(first, false)) section.candidates = ice.candidates;
        section.end_of_candidates = false;
    }
    return sdp::write(description);
}

}  // namespace confab::api
