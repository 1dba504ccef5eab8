// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A session description as values (RFC 8866), with the attributes that WebRTC endpoints use
// (RFC 8829 §5): BUNDLE (RFC 8843), ICE (RFC 8839), DTLS (RFC 8122, 5763), msid (RFC 8830), rid and
// simulcast (RFC 8851, 8853), header extensions (RFC 8285), SCTP (RFC 8841).
// parse() is bounded everywhere and lenient: lines may end with \n, unknown attributes are left
// out. Attributes that are kept survive parse(write(x)) unchanged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace confab::sdp {

// The largest signal message (01 §7.1, 2 MiB). A browser's video section takes about 5 KB and
// sections are never removed (02 SDP-44), so a smaller limit would cut long sessions off.
inline constexpr std::size_t kMaxDescriptionBytes = 2 * 1024 * 1024;
inline constexpr std::size_t kMaxLineBytes = 16 * 1024;
inline constexpr std::size_t kMaxSections = 1024;
// Per section.
inline constexpr std::size_t kMaxCodecs = 128;
inline constexpr std::size_t kMaxFeedback = 16;  // per codec
inline constexpr std::size_t kMaxExtensions = 64;
inline constexpr std::size_t kMaxSsrcs = 64;
inline constexpr std::size_t kMaxSsrcGroups = 64;
inline constexpr std::size_t kMaxRids = 16;
inline constexpr std::size_t kMaxCandidates = 128;
inline constexpr std::size_t kMaxFingerprints = 8;
inline constexpr std::size_t kMaxMidBytes = 64;

enum class Kind : std::uint8_t {
    kAudio,
    kVideo,
    kApplication,
    kOther,  // any other media type: always rejected
};
enum class Setup : std::uint8_t { kActPass, kActive, kPassive };
enum class Direction : std::uint8_t { kSendRecv, kSendOnly, kRecvOnly, kInactive };

// One payload type: a=rtpmap, a=fmtp and a=rtcp-fb together.
struct Codec {
    std::uint8_t pt = 0;
    std::string name;  // "opus", "VP8", "rtx"
    std::uint32_t clock_rate = 0;
    std::uint16_t channels = 0;  // 0 when not written
    std::string fmtp;
    std::vector<std::string> feedback;  // "nack", "nack pli", "ccm fir" …
    bool operator==(const Codec&) const = default;
};

struct ExtMap {
    std::uint8_t id = 0;  // 1…255
    std::string uri;
    bool operator==(const ExtMap&) const = default;
};

struct Fingerprint {
    std::string algorithm;  // lower case
    std::string value;      // hex with colons, as sent
    bool operator==(const Fingerprint&) const = default;
};

struct Msid {
    std::string stream;
    std::string track;
    bool operator==(const Msid&) const = default;
};

struct SsrcInfo {
    std::uint32_t ssrc = 0;
    std::string cname;
    Msid msid;
    bool operator==(const SsrcInfo&) const = default;
};

struct SsrcGroup {
    std::string semantics;  // "FID", "SIM"
    std::vector<std::uint32_t> ssrcs;
    bool operator==(const SsrcGroup&) const = default;
};

// One m= section.
struct MediaSection {
    Kind kind = Kind::kAudio;
    std::string media;  // the word behind m=
    std::uint16_t port = 9;
    std::string protocol;              // "UDP/TLS/RTP/SAVPF"
    std::vector<std::string> formats;  // of non-RTP sections only: "webrtc-datachannel"
    std::string connection = "IN IP4 0.0.0.0";

    std::string mid;
    bool bundle_only = false;
    Direction direction = Direction::kSendRecv;
    std::optional<Setup> setup;
    std::string ufrag;
    std::string pwd;
    std::vector<Fingerprint> fingerprints;
    std::vector<std::string> candidates;  // behind "candidate:"
    bool end_of_candidates = false;
    bool rtcp_mux = false;
    bool rtcp_rsize = false;

    std::vector<Codec> codecs;  // in order of preference, RTX included
    std::vector<ExtMap> extensions;
    std::optional<Msid> msid;  // the first one
    std::vector<SsrcInfo> ssrcs;
    std::vector<SsrcGroup> ssrc_groups;
    std::vector<std::string> send_rids;  // a=rid:… send, without pause marks or repetitions
    std::vector<std::string> recv_rids;
    std::vector<std::string> simulcast_send;
    std::vector<std::string> simulcast_recv;

    std::optional<std::uint16_t> sctp_port;
    std::optional<std::uint32_t> max_message_size;

    // Port 0 turns a section off, unless it only waits for its bundle (RFC 8843 §6, 02 SDP-45).
    bool rejected() const { return port == 0 && !bundle_only; }
    bool is_rtp() const { return kind == Kind::kAudio || kind == Kind::kVideo; }
    bool operator==(const MediaSection&) const = default;
};

struct Description {
    std::string origin;  // behind o=
    std::string msid_semantic;
    std::optional<std::vector<std::string>> bundle;  // mids of a=group:BUNDLE
    bool extmap_allow_mixed = false;
    bool ice_lite = false;
    std::string ufrag;
    std::string pwd;
    std::optional<Setup> setup;
    std::vector<Fingerprint> fingerprints;
    std::vector<MediaSection> sections;
    bool operator==(const Description&) const = default;
};

enum class SdpError : std::uint8_t {
    kTooLarge,         // the text or one line
    kNotSdp,           // no v=0 at the beginning, or no o= line
    kMalformed,        // a line or an attribute we need can not be read
    kTooManySections,  // kMaxSections
    kTooMany,          // a limit inside a section
};
std::string_view to_text(SdpError error);

Result<Description, SdpError> parse(std::string_view text);
std::string write(const Description& description);

std::string_view to_text(Kind kind);            // "audio", "video", "application", ""
std::string_view to_text(Direction direction);  // "sendrecv" …
std::string_view to_text(Setup setup);          // "actpass" …
constexpr bool sends(Direction d) {
    return d == Direction::kSendRecv || d == Direction::kSendOnly;
}
constexpr bool receives(Direction d) {
    return d == Direction::kSendRecv || d == Direction::kRecvOnly;
}

const Codec* find_codec(const MediaSection& section, std::uint8_t pt);
bool has_feedback(const Codec& codec, std::string_view value);

}  // namespace confab::sdp
