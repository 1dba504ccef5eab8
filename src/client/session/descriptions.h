// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a client offers and answers. Offers have the size and shape of Chromium's (01 SIG-84) or
// only what is needed; payload types and extension ids are those of client/media, whose encoders
// send.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/connection/connection.h"
#include "client/media/track_plan.h"
#include "rtc/sdp/description/description.h"

namespace confab::client {

enum class OfferSize : std::uint8_t {
    kBrowser,  // every codec and extension that Chromium lists
    kLean,     // Opus and VP8
};

// The sections of one connection that the client offers; they are never removed (02 SDP-44).
class OfferBuilder {
  public:
    // `receiving`: audio and video sections each, before the data section.
    OfferBuilder(OfferSize size, std::size_t receiving);

    void add_receiving(std::size_t audios, std::size_t videos);
    // A section that sends `plan`; returns its mid.
    std::string add_sending(const TrackPlan& plan, const std::string& cid);
    void stop_sending(const std::string& mid);
    std::string offer(const LocalDescription& local);
    std::size_t sections() const { return sections_.size(); }

  private:
    sdp::MediaSection& add(sdp::Kind kind);

    OfferSize size_;
    std::vector<sdp::MediaSection> sections_;
    unsigned version_ = 1;
};

// What a browser answers: everything accepted for receiving.
std::string answer_to(const sdp::Description& offer, const LocalDescription& local);

// One track that the other side sends, as its description says.
struct RemoteStream {
    std::string participant_sid;
    std::string track_sid;
    std::string mid;
    MediaKind kind = MediaKind::kAudio;
    std::uint32_t ssrc = 0;
    std::uint32_t rtx_ssrc = 0;
    std::uint8_t payload_type = 0;
    std::uint8_t rtx_payload_type = 0;
    bool operator==(const RemoteStream&) const = default;
};
// By track sid.
using RemoteStreams = std::map<std::string, RemoteStream>;
RemoteStreams streams_of(const sdp::Description& remote);

// The candidate line of a RTCIceCandidateInit; nullopt when there is none.
std::optional<std::string> candidate_of(std::string_view init);

}  // namespace confab::client
