// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Small offers and answers of a made-up client, for tests only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rtc/sdp/description/description.h"
#include "rtc/sdp/feature_sets.h"
#include "rtc/sdp/negotiator.h"

namespace confab::sdp::testing {

inline std::vector<EnabledCodec> default_codecs() {
    std::vector<EnabledCodec> out;
    for (const char* mime : {"audio/PCMU", "audio/PCMA", "audio/opus", "audio/red", "video/VP8",
                             "video/H264", "video/VP9", "video/AV1", "video/H265", "video/rtx"})
        out.push_back({mime, ""});
    return out;
}

inline LocalTransport local_transport() {
    return {"ufrag", "passwordpasswordpassword",
            "AA:BB", {"1 1 udp 1 192.0.2.1 7882 typ host"},
            true,    false};
}

inline MediaSection base_section(Kind kind, std::string mid, Direction direction) {
    MediaSection out;
    out.kind = kind;
    out.media = to_text(kind);
    out.protocol = "UDP/TLS/RTP/SAVPF";
    out.mid = std::move(mid);
    out.direction = direction;
    out.setup = Setup::kActPass;
    out.rtcp_mux = true;
    out.rtcp_rsize = true;
    return out;
}

inline MediaSection audio(std::string mid, Direction direction, const std::string& track = "") {
    MediaSection out = base_section(Kind::kAudio, std::move(mid), direction);
    out.codecs = {{111, "opus", 48000, 2, "minptime=10;useinbandfec=1", {"nack", "transport-cc"}},
                  {63, "red", 48000, 2, "111/111", {}},
                  {9, "G722", 8000, 0, "", {}},
                  {0, "PCMU", 8000, 0, "", {}}};
    out.extensions = {{1, std::string(kExtAudioLevel)},
                      {2, std::string(kExtAbsSendTime)},
                      {3, std::string(kExtTransportCc)},
                      {4, std::string(kExtMid)}};
    if (!track.empty()) {
        out.msid = Msid{"stream", track};
        out.ssrcs = {{77, "cname", *out.msid}};
    }
    return out;
}

inline MediaSection video(std::string mid, Direction direction, const std::string& track = "") {
    MediaSection out = base_section(Kind::kVideo, std::move(mid), direction);
    const std::vector<std::string> feedback = {"goog-remb", "transport-cc", "ccm fir", "nack",
                                               "nack pli"};
    out.codecs = {
        {96, "VP8", 90000, 0, "", feedback},
        {97, "rtx", 90000, 0, "apt=96", {}},
        {98, "VP9", 90000, 0, "profile-id=0", feedback},
        {99, "rtx", 90000, 0, "apt=98", {}},
        {35, "VP9", 90000, 0, "profile-id=1", feedback},
        {102, "H264", 90000, 0,
         "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", feedback},
        {118, "ulpfec", 90000, 0, "", {}}};
    out.extensions = {
        {4, std::string(kExtMid)},          {10, std::string(kExtRid)},
        {11, std::string(kExtRepairedRid)}, {12, std::string(kExtDependencyDescriptor)},
        {3, std::string(kExtTransportCc)},  {2, std::string(kExtAbsSendTime)},
        {13, "urn:3gpp:video-orientation"}};
    if (!track.empty()) out.msid = Msid{"stream", track};
    return out;
}

inline MediaSection data(std::string mid) {
    MediaSection out = base_section(Kind::kApplication, std::move(mid), Direction::kSendRecv);
    out.protocol = "UDP/DTLS/SCTP";
    out.formats = {"webrtc-datachannel"};
    out.rtcp_mux = out.rtcp_rsize = false;
    out.sctp_port = std::uint16_t{5000};
    out.max_message_size = 262144U;
    return out;
}

inline Description offer_of(std::vector<MediaSection> sections,
                            const std::string& ufrag = "remote") {
    Description out;
    out.origin = "- 1 1 IN IP4 127.0.0.1";
    out.ufrag = ufrag;
    out.pwd = "remotepasswordremotepass";
    out.fingerprints = {{"sha-256", "11:22"}};
    out.extmap_allow_mixed = true;
    out.bundle.emplace();
    for (const MediaSection& section : sections)
        if (!section.rejected()) out.bundle->push_back(section.mid);
    out.sections = std::move(sections);
    return out;
}

inline PendingTrack pending(std::string cid, Kind kind, std::vector<std::string> mimes = {}) {
    PendingTrack out;
    out.cid = std::move(cid);
    out.kind = kind;
    out.codec_mimes = std::move(mimes);
    return out;
}

inline Sender sender(std::uint64_t id, Kind kind, std::vector<std::string> mimes = {}) {
    Sender out;
    out.id = id;
    out.kind = kind;
    out.track_id = "TR_" + std::to_string(id);
    out.stream_id = "PA_x|" + out.track_id;
    out.ssrc = static_cast<std::uint32_t>(1000 + id);
    out.rtx_ssrc = kind == Kind::kVideo ? static_cast<std::uint32_t>(2000 + id) : 0;
    out.mimes = std::move(mimes);
    return out;
}

// What a browser makes of one of our offers: every section accepted for receiving.
inline Description accept(const Description& offer, const std::string& ufrag = "remote") {
    Description out = offer_of(offer.sections, ufrag);
    for (MediaSection& section : out.sections) {
        section.setup = Setup::kActive;
        section.ufrag.clear();
        section.pwd.clear();
        section.candidates.clear();
        section.ssrcs.clear();
        section.ssrc_groups.clear();
        section.msid.reset();
        if (!section.is_rtp() || section.rejected()) continue;
        section.direction = sends(section.direction) ? Direction::kRecvOnly : Direction::kInactive;
    }
    return out;
}

}  // namespace confab::sdp::testing
