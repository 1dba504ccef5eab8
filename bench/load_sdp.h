// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Descriptions of a load client, of the size and shape that Chromium's have: three audio and three
// video sections to receive, one for data, and what is added later (01 SIG-84). Payload types and
// extension ids are those of sim/client, whose encoders send.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "rtc/sdp/description/description.h"
#include "rtc/sdp/feature_sets.h"
#include "sim/client/track_plan.h"

namespace confab::bench {

struct LocalDescription {
    std::string ufrag;
    std::string pwd;
    std::string fingerprint;
};

inline sdp::MediaSection base_section(sdp::Kind kind, std::size_t mid) {
    sdp::MediaSection section;
    section.kind = kind;
    section.media = sdp::to_text(kind);
    section.protocol = kind == sdp::Kind::kApplication ? "UDP/DTLS/SCTP" : "UDP/TLS/RTP/SAVPF";
    section.mid = std::to_string(mid);
    section.direction = sdp::Direction::kRecvOnly;
    section.setup = sdp::Setup::kActPass;
    return section;
}

inline sdp::MediaSection data_section(std::size_t mid) {
    sdp::MediaSection section = base_section(sdp::Kind::kApplication, mid);
    section.direction = sdp::Direction::kSendRecv;
    section.formats = {"webrtc-datachannel"};
    section.sctp_port = std::uint16_t{5000};
    section.max_message_size = 262'144U;
    return section;
}

inline sdp::MediaSection audio_section(std::size_t mid) {
    sdp::MediaSection section = base_section(sdp::Kind::kAudio, mid);
    section.rtcp_mux = section.rtcp_rsize = true;
    section.codecs = {
        {sim::kOpusType, "opus", 48'000, 2, "minptime=10;useinbandfec=1", {"transport-cc"}},
        {63, "red", 48'000, 2, "111/111", {}},
        {9, "G722", 8000, 0, "", {}},
        {0, "PCMU", 8000, 0, "", {}},
        {8, "PCMA", 8000, 0, "", {}},
        {13, "CN", 8000, 0, "", {}},
        {110, "telephone-event", 48'000, 0, "", {}},
        {126, "telephone-event", 8000, 0, "", {}}};
    section.extensions = {{sim::kAudioLevelExtension, std::string(sdp::kExtAudioLevel)},
                          {sim::kAbsSendTimeExtension, std::string(sdp::kExtAbsSendTime)},
                          {sim::kTransportCcExtension, std::string(sdp::kExtTransportCc)},
                          {sim::kMidExtension, std::string(sdp::kExtMid)}};
    return section;
}

inline void add_video_codec(sdp::MediaSection& section, std::uint8_t pt, std::uint8_t rtx,
                            std::string name, std::string fmtp) {
    section.codecs.push_back({pt,
                              std::move(name),
                              90'000,
                              0,
                              std::move(fmtp),
                              {"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"}});
    section.codecs.push_back({rtx, "rtx", 90'000, 0, "apt=" + std::to_string(pt), {}});
}

inline sdp::MediaSection video_section(std::size_t mid) {
    sdp::MediaSection section = base_section(sdp::Kind::kVideo, mid);
    section.rtcp_mux = section.rtcp_rsize = true;
    add_video_codec(section, sim::kVp8Type, sim::kVp8RtxType, "VP8", "");
    const auto vp9 = [](int profile) { return "profile-id=" + std::to_string(profile); };
    add_video_codec(section, 98, 99, "VP9", vp9(0));
    add_video_codec(section, 100, 101, "VP9", vp9(2));
    add_video_codec(section, 35, 36, "VP9", vp9(1));
    add_video_codec(section, 37, 38, "VP9", vp9(3));
    std::uint8_t pt = 102;
    for (const char* profile : {"42001f", "42e01f", "4d001f", "f4001f"})
        for (const char* mode : {"1", "0"}) {
            add_video_codec(section, pt, static_cast<std::uint8_t>(pt + 1), "H264",
                            std::string("level-asymmetry-allowed=1;packetization-mode=") + mode +
                                ";profile-level-id=" + profile);
            pt = static_cast<std::uint8_t>(pt + 2 == 110 ? 112 : pt + 2);
        }
    add_video_codec(section, 45, 46, "AV1", "level-idx=5;profile=0;tier=0");
    add_video_codec(section, 47, 48, "AV1", "level-idx=5;profile=1;tier=0");
    section.codecs.push_back({120, "red", 90'000, 0, "", {}});
    section.codecs.push_back({121, "ulpfec", 90'000, 0, "", {}});
    section.extensions = {{14, "urn:ietf:params:rtp-hdrext:toffset"},
                          {sim::kAbsSendTimeExtension, std::string(sdp::kExtAbsSendTime)},
                          {13, "urn:3gpp:video-orientation"},
                          {sim::kTransportCcExtension, std::string(sdp::kExtTransportCc)},
                          {5, std::string(sdp::kExtPlayoutDelay)},
                          {7, "http://www.webrtc.org/experiments/rtp-hdrext/video-timing"},
                          {8, "http://www.webrtc.org/experiments/rtp-hdrext/color-space"},
                          {sim::kMidExtension, std::string(sdp::kExtMid)},
                          {sim::kRidExtension, std::string(sdp::kExtRid)},
                          {sim::kRepairedRidExtension, std::string(sdp::kExtRepairedRid)},
                          {12, std::string(sdp::kExtDependencyDescriptor)}};
    return section;
}

// The sections of one connection the client offers; they only grow.
class OfferBuilder {
  public:
    // `receiving`: audio and video sections each, before the data section.
    explicit OfferBuilder(LocalDescription local, std::size_t receiving)
        : local_(std::move(local)) {
        add_receiving(receiving, receiving);
        sections_.push_back(data_section(sections_.size()));
    }
    void add_receiving(std::size_t audios, std::size_t videos) {
        for (std::size_t i = 0; i < audios; ++i)
            sections_.push_back(audio_section(sections_.size()));
        for (std::size_t i = 0; i < videos; ++i)
            sections_.push_back(video_section(sections_.size()));
    }
    // Returns the mid.
    std::string add_sending(sdp::Kind kind, const std::string& cid,
                            const std::vector<std::string>& rids) {
        sections_.push_back(kind == sdp::Kind::kAudio ? audio_section(sections_.size())
                                                      : video_section(sections_.size()));
        sdp::MediaSection& section = sections_.back();
        section.direction = sdp::Direction::kSendOnly;
        section.msid = sdp::Msid{"stream", cid};
        section.send_rids = section.simulcast_send = rids;
        return section.mid;
    }
    std::string offer() {
        sdp::Description description;
        description.origin =
            "- 3533972899245380979 " + std::to_string(++version_) + " IN IP4 127.0.0.1";
        description.extmap_allow_mixed = true;
        description.bundle.emplace();
        description.sections = sections_;
        for (sdp::MediaSection& section : description.sections) {
            description.bundle->push_back(section.mid);
            section.ufrag = local_.ufrag;
            section.pwd = local_.pwd;
            section.fingerprints = {{"sha-256", local_.fingerprint}};
        }
        return sdp::write(description);
    }

  private:
    LocalDescription local_;
    std::vector<sdp::MediaSection> sections_;
    unsigned version_ = 1;
};

// What a browser answers: everything accepted for receiving.
inline std::string answer_to(const sdp::Description& offer, const LocalDescription& local) {
    sdp::Description answer = offer;
    answer.ufrag.clear();
    answer.pwd.clear();
    answer.fingerprints.clear();
    answer.setup.reset();
    answer.ice_lite = false;
    for (sdp::MediaSection& section : answer.sections) {
        section.setup = sdp::Setup::kActive;
        section.ufrag = local.ufrag;
        section.pwd = local.pwd;
        section.fingerprints = {{"sha-256", local.fingerprint}};
        section.candidates.clear();
        section.end_of_candidates = false;
        section.ssrcs.clear();
        section.ssrc_groups.clear();
        section.msid.reset();
        if (section.is_rtp())
            section.direction = sdp::sends(section.direction) ? sdp::Direction::kRecvOnly
                                                              : sdp::Direction::kInactive;
    }
    return sdp::write(answer);
}

}  // namespace confab::bench
