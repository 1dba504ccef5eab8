// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// fuzz: modules rtc/sdp

// A client that sends anything to both negotiators. The input is cut at NUL bytes: each part is one
// offer or answer. Every answer must be a description again and mirror the offer.
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/text.h"
#include "rtc/sdp/negotiator.h"

using namespace confab;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

std::vector<sdp::EnabledCodec> codecs() {
    std::vector<sdp::EnabledCodec> out;
    for (const char* mime : {"audio/PCMU", "audio/opus", "audio/red", "video/VP8", "video/H264",
                             "video/VP9", "video/AV1", "video/rtx"})
        out.push_back({mime, ""});
    return out;
}

const sdp::LocalTransport& local() {
    static const sdp::LocalTransport transport{"u",  "p",  "AA", {"1 1 udp 1 192.0.2.1 1 typ host"},
                                               true, false};
    return transport;
}

sdp::Sender sender(std::uint64_t id) {
    sdp::Sender out;
    out.id = id;
    out.kind = id % 2 == 0 ? sdp::Kind::kAudio : sdp::Kind::kVideo;
    out.track_id = "TR_" + std::to_string(id);
    out.stream_id = "PA|" + out.track_id;
    out.ssrc = static_cast<std::uint32_t>(id + 1);
    out.rtx_ssrc = static_cast<std::uint32_t>(id + 1000);
    return out;
}

std::vector<sdp::PendingTrack> pending() {
    std::vector<sdp::PendingTrack> out(2);
    out[0].cid = "mic";
    out[1].cid = "cam";
    out[1].kind = sdp::Kind::kVideo;
    out[1].codec_cids = {"cam", "cam2"};
    out[1].codec_mimes = {"video/vp9", "video/vp8"};
    return out;
}

void check_answer(std::string_view offer_text, const sdp::Answer& answer) {
    const auto offer = sdp::parse(offer_text);
    const auto ours = sdp::parse(answer.sdp);
    require(offer && ours && offer->sections.size() == ours->sections.size());
    for (std::size_t i = 0; i < ours->sections.size(); ++i) {
        const sdp::MediaSection& theirs = offer->sections[i];
        const sdp::MediaSection& section = ours->sections[i];
        require(section.mid == theirs.mid && section.media == theirs.media);
        require(!theirs.rejected() || section.rejected());
        if (section.rejected() || !section.is_rtp()) continue;
        require(!sdp::sends(section.direction) || sdp::receives(theirs.direction));
        require(!sdp::receives(section.direction) || sdp::sends(theirs.direction));
        for (const sdp::Codec& codec : section.codecs)
            require(sdp::find_codec(theirs, codec.pt) != nullptr);
    }
    for (const sdp::PublishSection& section : answer.publish)
        require(!section.codecs.empty());
}

constexpr std::uint64_t kMaxRounds = 8;

void run_answerer(std::string_view input, bool single) {
    sdp::AnswererConfig config;
    config.publish_codecs = codecs();
    config.subscribe_codecs = codecs();
    config.single = single;
    sdp::Answerer answerer(config);
    std::uint64_t id = 0;
    while (!input.empty() && id < kMaxRounds) {
        const std::string_view offer = next_token(input, '\0');
        answerer.add_sender(sender(id++));
        if (id % 3 == 0) answerer.remove_sender(id - 2);
        if (const auto answer = answerer.answer(offer, pending(), local()))
            check_answer(offer, *answer);
        answerer.match_late(pending());
    }
}

void run_offerer(std::string_view input) {
    sdp::OffererConfig config;
    config.codecs = codecs();
    sdp::Offerer offerer(config);
    std::uint64_t id = 0;
    while (!input.empty() && id < kMaxRounds) {
        offerer.add_sender(sender(id++));
        const sdp::Offer offer = offerer.make_offer(local());
        require(sdp::parse(offer.sdp).has_value());
        const std::string answer = std::string(next_token(input, '\0'));
        if (const auto applied = offerer.apply_answer(answer)) require(!applied->bound.empty());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view input = as_text({bytes, size});
    run_answerer(input, false);
    run_answerer(input, true);
    run_offerer(input);
    return 0;
}
