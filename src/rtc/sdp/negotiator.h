// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The two sides of negotiation as state machines without time (RFC 8829, RFC 9429):
//   Answerer  a client-offered connection (publisher, or the only one in single mode): takes
//   offers,
//             gives answers, matches published tracks and binds waiting senders (SDP-20…31, 40).
//   Offerer   the server-offered subscriber connection: gives offers, takes answers, keeps the
//   order
//             of sections for ever (SDP-03…07, 01 SIG-90…94).
// Debounce, offer ids and timers belong to the caller (room/negotiate).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/tagged.h"
#include "rtc/sdp/description/description.h"

namespace confab {
class StateReader;
class StateWriter;
}  // namespace confab

namespace confab::sdp {

// What of a client decides how it is answered (01 SIG-67…69; 02 SDP-42).
struct ClientTraits {
    bool firefox = false;
    bool safari = false;
    bool firefox_on_linux_or_android = false;
    bool supports_red = true;                          // not Firefox, not Safari
    bool takes_gcm = false;                            // AES-GCM for SRTP, surely (DES-23)
    bool takes_padding = false;                        // on packets of media, surely (DES-12)
    bool reuses_transceivers = true;                   // protocol > 3, not Safari, no sync streams
    std::vector<std::string> disabled_codecs;          // mime types, both directions
    std::vector<std::string> disabled_publish_codecs;  // mime types
};

// The codecs a room allows, by mime type ("video/VP8", "video/rtx" …) and optional fmtp (SDP-20).
struct EnabledCodec {
    std::string mime;
    std::string fmtp;
    bool operator==(const EnabledCodec&) const = default;
};

// Our side of the transport, the same for every section.
struct LocalTransport {
    std::string ufrag;
    std::string pwd;
    std::string fingerprint_sha256;  // upper-case hex with colons
    std::vector<std::string>
        candidates;                   // values of a=candidate lines, without "candidate:" prefix
    bool candidates_complete = true;  // no further ones follow; without meaning while none is known
    bool ice_lite = false;
};

// What of the remote transport the media worker needs.
struct RemoteTransport {
    std::string ufrag;
    std::string pwd;
    std::string fingerprint_algorithm;   // lower case
    std::string fingerprint_hex;         // as sent, with colons
    Setup setup = Setup::kActPass;       // as sent
    Setup local_setup = Setup::kActive;  // ours: kActive makes us the DTLS client (DTLS-01)
    bool ice_lite = false;
    std::vector<std::string> candidates;
    bool application = false;  // an application section is accepted
    std::uint16_t sctp_port = 5000;
    std::uint32_t max_message_size = 65'536;
};

// A track the client announced by add_track and that waits for its section.
struct PendingTrack {
    std::string cid;
    std::vector<std::string> codec_cids;  // cids of simulcast_codecs, in order
    std::vector<std::string>
        codec_mimes;  // their mime types ("video/vp8"), lower case, may be empty
    Kind kind = Kind::kAudio;
    bool disable_red = false;
    bool stereo = false;
    bool disable_dtx = false;
};

// One codec as negotiated on one section.
struct NegotiatedCodec {
    std::string mime;  // as in rtpmap with kind: "video/VP8"
    std::uint8_t pt = 0;
    std::optional<std::uint8_t> rtx_pt;
    std::uint32_t clock_rate = 0;
    std::uint16_t channels = 0;
    std::string fmtp;
    bool nack = false;
    bool operator==(const NegotiatedCodec&) const = default;
};

// A section on which the client sends, after an answer.
struct PublishSection {
    std::string mid;
    Kind kind = Kind::kAudio;
    std::string cid;                                 // of the matched PendingTrack
    std::size_t codec_index = 0;                     // which of its simulcast codecs
    std::string sdp_track_id;                        // msid track id in the offer
    std::vector<NegotiatedCodec> codecs;             // in answer order, without rtx
    std::map<std::string, std::uint8_t> extensions;  // URI → id
    std::vector<std::string> rids;                   // in offer order; empty without simulcast
    std::vector<std::uint32_t> ssrcs;                // of a=ssrc lines, without RTX ones
    std::map<std::uint32_t, std::uint32_t> rtx_of;   // primary SSRC → RTX SSRC (a=ssrc-group:FID)
    bool operator==(const PublishSection&) const = default;
};

// A track we want to send; chosen by the caller, never changed.
struct Sender {
    std::uint64_t id = 0;  // the caller's key
    Kind kind = Kind::kAudio;
    std::string stream_id;  // "PA_xxx|TR_xxx" (SDP-04), also the CNAME
    std::string track_id;   // "TR_xxx"
    std::uint32_t ssrc = 0;
    std::uint32_t rtx_ssrc = 0;
    std::vector<std::string> mimes;  // codecs of the source, preferred first; empty = all enabled
    bool stereo = false;             // sprop-stereo=1 (SDP-25)
    bool disable_red = false;        // it never is RED: opus is asked for again instead (SDP-21)
    bool red = false;                // the source is RED
};

// Where a Sender ended up.
struct BoundSender {
    std::uint64_t id = 0;
    std::string mid;
    std::vector<NegotiatedCodec> codecs;  // common with the client; empty = CODEC_UNSUPPORTED
    std::map<std::string, std::uint8_t> extensions;
    bool operator==(const BoundSender&) const = default;
};

enum class NegotiationError : std::uint8_t {
    kParse,            // not SDP
    kBadMid,           // a section without mid, or two with the same
    kNoTransport,      // ice-ufrag, ice-pwd or fingerprint missing
    kSectionsChanged,  // fewer sections than before, or another kind or mid in one
    kTooManySections,  // kMaxSections
    kNoOffer,          // an answer without an outstanding offer
    kSectionMismatch,  // the answer does not mirror the offer
};
std::string_view to_text(NegotiationError error);

// Counts of sections a client should add (SIG-84).
struct MissingSections {
    std::uint32_t audio = 0;
    std::uint32_t video = 0;
};

struct Answer {
    std::string sdp;
    RemoteTransport remote;
    std::vector<PublishSection> publish;  // every section that sends now
    // Sent in the last offer, do not now, or send another announced track now (then the mid is in
    // `publish` as well).
    std::vector<std::string> ended_mids;
    std::vector<BoundSender> bound;  // every sender that has a section, old and new
    MissingSections missing;         // for senders still without one
    bool waiting = false;            // some have none, or one only with the next offer
    std::map<std::string, std::string> mid_to_track_id;  // every sending section (SIG-84)
};

struct AnswererConfig {
    ClientTraits client;
    std::vector<EnabledCodec> publish_codecs;
    std::vector<EnabledCodec> subscribe_codecs;
    bool single = false;           // one connection for both directions (SDP-40)
    bool transport_cc = false;     // send-side estimation on sections we send on, in place of REMB
    bool playout_delay = false;    // that extension on a single connection
    std::uint64_t session_id = 0;  // of the o= line, random
    std::uint64_t session_version = 0;  // unix time, +1 per description
};

class Answerer {
  public:
    explicit Answerer(AnswererConfig config);
    ~Answerer();
    Answerer(Answerer&&) noexcept;
    Answerer& operator=(Answerer&&) noexcept;

    // Single mode: senders to bind with the next offers; removing frees the section.
    void add_sender(Sender sender);
    void remove_sender(std::uint64_t id);
    // Sections still missing for unbound senders, as of the last offer.
    MissingSections missing() const;

    // `pending`: announced tracks without a section, oldest first. Tracks published earlier keep
    // their section and are repeated in Answer::publish with their old cid.
    Result<Answer, NegotiationError> answer(std::string_view offer,
                                            const std::vector<PendingTrack>& pending,
                                            const LocalTransport& local);
    // Tracks announced after the offer that holds their section (02 SDP-30): the sections that send
    // already and belong to one of `pending`. To be asked after each add_track.
    std::vector<PublishSection> match_late(const std::vector<PendingTrack>& pending);

    // Another one goes on where this one stands (base/state/state.h). The next version of the
    // description goes along, so that its client sees one row of them.
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

struct OffererConfig {
    ClientTraits client;
    std::vector<EnabledCodec> codecs;
    bool application = true;  // a data section in the first offer (SIG-94)
    bool playout_delay = false;
    bool transport_cc = false;  // send-side estimation: transport-cc in place of REMB (SIG-92)
    std::uint64_t session_id = 0;
    std::uint64_t session_version = 0;
};

struct Offer {
    std::string sdp;
    std::map<std::string, std::string> mid_to_track_id;
};

struct AppliedAnswer {
    RemoteTransport remote;
    std::vector<BoundSender> bound;
};

class Offerer {
  public:
    explicit Offerer(OffererConfig config);
    ~Offerer();
    Offerer(Offerer&&) noexcept;
    Offerer& operator=(Offerer&&) noexcept;

    void add_sender(Sender sender);
    void remove_sender(std::uint64_t id);
    // Are there changes that no offer has carried yet?
    bool needs_offer() const;
    // A new description; makes any outstanding offer void.
    Offer make_offer(const LocalTransport& local);
    bool has_outstanding_offer() const;
    Result<AppliedAnswer, NegotiationError> apply_answer(std::string_view answer);

    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace confab::sdp
