// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One WHIP session (RFC 9725, 01 CON-60, CON-61) between its HTTP requests and the signalling of a
// participant with one peer connection:
//
//   POST           the offer joined ──▶ answer and candidates of the room ─▶ 201
//   PATCH          candidates ────────▶ trickle requests                  ─▶ 204
//   PATCH with *   a new offer ───────▶ answer and candidates             ─▶ 200
//   DELETE         ───────────────────▶ leave request                     ─▶ 200
//
// An answer is complete when all candidates are in it: nothing can be trickled to such a client.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/http_types.h"
#include "api/whip/sdp_fragment.h"
#include "api/whip/whip_offer.h"
#include "base/result.h"
#include "livekit_rtc.pb.h"

namespace confab::api {

// Clients say no version; this one has everything that a client without signalling can use.
inline constexpr int kWhipProtocol = 17;

// What a request of a session comes to.
struct WhipAnswer {
    enum class Kind : std::uint8_t {
        kCreated,    // 201
        kRestarted,  // 200
        kTaken,      // 204: candidates
        kEnded,      // 200
    };
    Kind kind = Kind::kTaken;
    // Of the first two alone:
    std::string etag;  // the ICE ufrag of our side
    std::string body;  // the answer; or its fragment
    // Of the first alone:
    std::string participant_sid;
    std::vector<livekit::ICEServer> ice_servers;
};
using WhipOutcome = Result<WhipAnswer, HttpError>;

class WhipSession {
  public:
    static constexpr std::uint32_t kFirstOffer = 1;  // its id in signalling

    // Of the offer that joins; its answer is waited for.
    explicit WhipSession(sdp::Description offer) : offer_(std::move(offer)) {}

    // ---- of the room
    void handle_join(const livekit::JoinResponse& join);
    void handle_signal(const livekit::SignalResponse& response);
    // The answer to the HTTP request that waits, once.
    std::optional<WhipAnswer> poll_answer();
    bool waiting() const { return waiting_ != Waiting::kNothing; }
    // It does not come: what is answered instead.
    void give_up() { waiting_ = Waiting::kNothing; }

    // ---- of the client: what the room is to be asked; empty, with waiting(), for a restart whose
    // answer comes later.
    struct Patch {
        std::vector<livekit::SignalRequest> requests;
        bool restarts = false;  // answered by poll_answer(), else with 204
    };
    // `if_match`: the header; nothing if it is absent.
    Result<Patch, HttpError> patch(std::optional<std::string_view> if_match, std::string_view body);

    const std::string& participant_sid() const { return sid_; }
    const std::string& etag() const { return etag_; }

  private:
    enum class Waiting : std::uint8_t { kJoin, kRestart, kNothing };
    bool complete() const;
    WhipAnswer created();
    WhipAnswer restarted();
    livekit::SignalRequest restart(const SdpFragment& fragment);

    sdp::Description offer_;
    Waiting waiting_ = Waiting::kJoin;
    std::string sid_;
    std::vector<livekit::ICEServer> ice_servers_;
    std::optional<sdp::Description> answer_;  // of the offer that waits
    std::vector<std::string> candidates_;     // trickled to it, behind "candidate:"
    bool all_candidates_ = false;
    std::string etag_;  // the ICE ufrag of our side
    std::uint32_t offers_ = kFirstOffer;
};

// The offer that joins, as the room takes it.
livekit::SessionDescription first_whip_offer(std::string_view sdp);

// ---------------------------------------------------------------- HTTP

// If-Match of an ICE restart.
inline constexpr std::string_view kWhipAnySession = "*";
inline constexpr std::string_view kWhipPath = "/whip/v1";
inline constexpr std::string_view kApplicationSdp = "application/sdp";
inline constexpr std::string_view kApplicationFragment = "application/trickle-ice-sdpfrag";

HttpResponse whip_response(const WhipAnswer& answer);
// `{"error":"…"}` under the content type of the request.
HttpResponse whip_error(const HttpError& error, std::string_view content_type);
// A Link header of RFC 9725 §4.6 for each URL.
std::vector<HttpHeader> ice_server_links(const std::vector<livekit::ICEServer>& servers);

}  // namespace confab::api
