// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/descriptions.h"

#include <algorithm>

#include "base/text.h"
#include "rtc/sdp/feature_sets.h"

namespace confab::client {
namespace {

constexpr std::uint32_t kMaxMessageSize = 262'144;
constexpr std::size_t kMaxInit = 4096;

sdp::MediaSection base_section(sdp::Kind kind, std::size_t mid) {
    sdp::MediaSection section;
    section.kind = kind;
    section.media = sdp::to_text(kind);
    section.protocol = kind == sdp::Kind::kApplication ? "UDP/DTLS/SCTP" : "UDP/TLS/RTP/SAVPF";
    section.mid = std::to_string(mid);
    section.direction = sdp::Direction::kRecvOnly;
    section.setup = sdp::Setup::kActPass;
    section.rtcp_mux = section.rtcp_rsize = kind != sdp::Kind::kApplication;
    return section;
}

void make_data_section(sdp::MediaSection& section) {
    section.direction = sdp::Direction::kSendRecv;
    section.formats = {"webrtc-datachannel"};
    section.sctp_port = std::uint16_t{5000};
    section.max_message_size = kMaxMessageSize;
}

void fill_audio(sdp::MediaSection& section, OfferSize size) {
    section.codecs = {
        {kOpusType, "opus", 48'000, 2, "minptime=10;useinbandfec=1", {"transport-cc"}}};
    if (size == OfferSize::kBrowser)
        for (const sdp::Codec& codec :
             {sdp::Codec{kRedType, "red", 48'000, 2, "111/111", {}},
              sdp::Codec{9, "G722", 8000, 0, "", {}}, sdp::Codec{0, "PCMU", 8000, 0, "", {}},
              sdp::Codec{8, "PCMA", 8000, 0, "", {}}, sdp::Codec{13, "CN", 8000, 0, "", {}},
              sdp::Codec{110, "telephone-event", 48'000, 0, "", {}},
              sdp::Codec{126, "telephone-event", 8000, 0, "", {}}})
            section.codecs.push_back(codec);
    section.extensions = {{kAudioLevelExtension, std::string(sdp::kExtAudioLevel)},
                          {kAbsSendTimeExtension, std::string(sdp::kExtAbsSendTime)},
                          {kTransportCcExtension, std::string(sdp::kExtTransportCc)},
                          {kMidExtension, std::string(sdp::kExtMid)}};
}

void add_video_codec(sdp::MediaSection& section, std::uint8_t pt, std::uint8_t rtx,
                     std::string name, std::string fmtp) {
    section.codecs.push_back({pt,
                              std::move(name),
                              90'000,
                              0,
                              std::move(fmtp),
                              {"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"}});
    section.codecs.push_back({rtx, "rtx", 90'000, 0, "apt=" + std::to_string(pt), {}});
}

void add_other_video_codecs(sdp::MediaSection& section) {
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
}

void fill_video(sdp::MediaSection& section, OfferSize size) {
    add_video_codec(section, kVp8Type, kVp8RtxType, "VP8", "");
    section.extensions = {{kAbsSendTimeExtension, std::string(sdp::kExtAbsSendTime)},
                          {kTransportCcExtension, std::string(sdp::kExtTransportCc)},
                          {kMidExtension, std::string(sdp::kExtMid)},
                          {kRidExtension, std::string(sdp::kExtRid)},
                          {kRepairedRidExtension, std::string(sdp::kExtRepairedRid)}};
    if (size == OfferSize::kLean) return;
    add_other_video_codecs(section);
    for (const sdp::ExtMap& extension :
         {sdp::ExtMap{14, "urn:ietf:params:rtp-hdrext:toffset"},
          sdp::ExtMap{13, "urn:3gpp:video-orientation"},
          sdp::ExtMap{5, std::string(sdp::kExtPlayoutDelay)},
          sdp::ExtMap{7, "http://www.webrtc.org/experiments/rtp-hdrext/video-timing"},
          sdp::ExtMap{8, "http://www.webrtc.org/experiments/rtp-hdrext/color-space"},
          sdp::ExtMap{12, std::string(sdp::kExtDependencyDescriptor)}})
        section.extensions.push_back(extension);
}

void describe_local(sdp::MediaSection& section, const LocalDescription& local) {
    section.ufrag = local.ufrag;
    section.pwd = local.pwd;
    section.fingerprints = {{"sha-256", local.fingerprint}};
}

const sdp::Codec* main_codec(const sdp::MediaSection& section) {
    const std::string_view wanted = section.kind == sdp::Kind::kAudio ? "opus" : "VP8";
    const auto found = std::ranges::find_if(
        section.codecs, [&](const sdp::Codec& c) { return equals_ignore_case(c.name, wanted); });
    return found == section.codecs.end() ? nullptr : &*found;
}

}  // namespace

// ---------------------------------------------------------------- offers

OfferBuilder::OfferBuilder(OfferSize size, std::size_t receiving) : size_(size) {
    add_receiving(receiving, receiving);
    make_data_section(add(sdp::Kind::kApplication));
}

sdp::MediaSection& OfferBuilder::add(sdp::Kind kind) {
    sections_.push_back(base_section(kind, sections_.size()));
    if (kind == sdp::Kind::kAudio) fill_audio(sections_.back(), size_);
    if (kind == sdp::Kind::kVideo) fill_video(sections_.back(), size_);
    return sections_.back();
}

void OfferBuilder::add_receiving(std::size_t audios, std::size_t videos) {
    const auto room = [&] { return sections_.size() + 1 < sdp::kMaxSections; };
    for (std::size_t i = 0; i < audios && room(); ++i)
        (void)add(sdp::Kind::kAudio);
    for (std::size_t i = 0; i < videos && room(); ++i)
        (void)add(sdp::Kind::kVideo);
}

std::string OfferBuilder::add_sending(const TrackPlan& plan, const std::string& cid) {
    sdp::MediaSection& section =
        add(plan.kind == MediaKind::kAudio ? sdp::Kind::kAudio : sdp::Kind::kVideo);
    section.direction = sdp::Direction::kSendOnly;
    section.msid = sdp::Msid{"stream", cid};
    for (const LayerPlan& layer : plan.layers) {
        if (!layer.rid.empty()) section.send_rids.push_back(layer.rid);
        if (!plan.announce_ssrcs) continue;
        section.ssrcs.push_back({layer.ssrc, "stream", *section.msid});
        if (layer.rtx_ssrc == 0) continue;
        section.ssrcs.push_back({layer.rtx_ssrc, "stream", *section.msid});
        section.ssrc_groups.push_back({"FID", {layer.ssrc, layer.rtx_ssrc}});
    }
    section.simulcast_send = section.send_rids;
    return section.mid;
}

void OfferBuilder::stop_sending(const std::string& mid) {
    for (sdp::MediaSection& section : sections_) {
        if (section.mid != mid) continue;
        section.direction = sdp::Direction::kInactive;
        section.ssrcs.clear();
        section.ssrc_groups.clear();
    }
}

std::string OfferBuilder::offer(const LocalDescription& local) {
    sdp::Description description;
    description.origin =
        "- 3533972899245380979 " + std::to_string(++version_) + " IN IP4 127.0.0.1";
    description.extmap_allow_mixed = true;
    description.bundle.emplace();
    description.sections = sections_;
    for (sdp::MediaSection& section : description.sections) {
        description.bundle->push_back(section.mid);
        describe_local(section, local);
    }
    return sdp::write(description);
}

// ---------------------------------------------------------------- answers

std::string answer_to(const sdp::Description& offer, const LocalDescription& local) {
    sdp::Description answer = offer;
    answer.ufrag.clear();
    answer.pwd.clear();
    answer.fingerprints.clear();
    answer.setup.reset();
    answer.ice_lite = false;
    for (sdp::MediaSection& section : answer.sections) {
        section.setup = sdp::Setup::kActive;
        describe_local(section, local);
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

RemoteStreams streams_of(const sdp::Description& remote) {
    RemoteStreams streams;
    for (const sdp::MediaSection& section : remote.sections) {
        const bool sends = section.is_rtp() && !section.rejected() &&
                           sdp::sends(section.direction) && section.msid && !section.ssrcs.empty();
        const sdp::Codec* codec = sends ? main_codec(section) : nullptr;
        if (codec == nullptr) continue;
        RemoteStream stream;
        const std::string_view owner = section.msid->stream;
        stream.participant_sid = owner.substr(0, owner.find('|'));
        stream.track_sid = section.msid->track;
        stream.mid = section.mid;
        stream.kind = section.kind == sdp::Kind::kAudio ? MediaKind::kAudio : MediaKind::kVideo;
        stream.ssrc = section.ssrcs.front().ssrc;
        stream.payload_type = codec->pt;
        for (const sdp::SsrcGroup& group : section.ssrc_groups)
            if (group.semantics == "FID" && group.ssrcs.size() == 2)
                stream.rtx_ssrc = group.ssrcs[1];
        const std::string apt = "apt=" + std::to_string(codec->pt);
        for (const sdp::Codec& rtx : section.codecs)
            if (equals_ignore_case(rtx.name, "rtx") && rtx.fmtp == apt)
                stream.rtx_payload_type = rtx.pt;
        streams[stream.track_sid] = std::move(stream);
    }
    return streams;
}

// The value is a candidate line: no escapes, by its grammar (RFC 8839 §5.1).
std::optional<std::string> candidate_of(std::string_view init) {
    constexpr std::string_view kKey = "\"candidate\":\"";
    if (init.size() > kMaxInit) return std::nullopt;
    const std::size_t key = init.find(kKey);
    if (key == std::string_view::npos) return std::nullopt;
    const std::string_view rest = init.substr(key + kKey.size());
    const std::size_t end = rest.find('"');
    if (end == std::string_view::npos || end == 0) return std::nullopt;
    return std::string(rest.substr(0, end));
}

}  // namespace confab::client
