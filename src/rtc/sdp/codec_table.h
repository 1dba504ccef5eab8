// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The codecs we know, with the payload types of our own offers (02 §2.3, 01 SIG-90), and how a
// client's codecs are held against them (RFC 6184 §8.1, RFC 9628 §6, RFC 7587 §7, RFC 4588 §8.6).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rtc/sdp/description/description.h"
#include "rtc/sdp/negotiator.h"

namespace confab::sdp {

enum class TableUse : std::uint8_t {
    kBoth,
    kPublishOnly,  // taken from clients, not in our offers
    kExactOnly,    // only in rooms that enable this very fmtp
};

struct CodecEntry {
    Kind kind = Kind::kAudio;
    std::string_view name;
    std::uint8_t pt = 0;
    std::uint32_t clock_rate = 0;
    std::uint16_t channels = 0;
    std::string_view fmtp;
    TableUse use = TableUse::kBoth;
};

// For what a list of codecs is made.
enum class Purpose : std::uint8_t { kPublish, kSubscribe };

// The enabled part of the table.
struct CodecSet {
    std::vector<const CodecEntry*> entries;  // both kinds, in the order of our offers
    bool rtx = false;                        // "video/rtx" is enabled (SDP-20)
    bool red = false;                        // "audio/red" is enabled
};
CodecSet enabled_codecs(const std::vector<EnabledCodec>& enabled, const ClientTraits& client,
                        Purpose purpose);

// The entry that the client's codec is; nullptr if none.
const CodecEntry* match_codec(const CodecSet& set, Kind kind, const Codec& codec);

// Those of a client's section that are in the set, RTX aside, in its order. We decode nothing: a
// section without any variant of the table, such as H.264 in Main alone, has all whose name is in
// the set (SDP-22).
std::vector<Codec> known_codecs(const CodecSet& set, const MediaSection& offered);

// Our codecs of a kind as they stand in a first offer: each with its RTX behind it, no feedback.
std::vector<Codec> offered_codecs(const CodecSet& set, Kind kind);

// "video/VP8"; the name is written as in rtpmap.
std::string mime_of(Kind kind, std::string_view name);
bool is_codec(const Codec& codec, std::string_view name);
// The payload type that this RTX codec repairs.
std::optional<std::uint8_t> rtx_target(const Codec& codec);
// The RTX codecs of a list by what they repair; refers into the list. The first one counts.
class RtxIndex {
  public:
    explicit RtxIndex(const std::vector<Codec>& codecs);
    const Codec* of(std::uint8_t pt) const { return pt < by_pt_.size() ? by_pt_[pt] : nullptr; }

  private:
    std::array<const Codec*, 128> by_pt_{};
};

// The codecs of a section without RTX, with their RTX payload types.
std::vector<NegotiatedCodec> negotiated(const MediaSection& section);
// Those of them that carry the sender's media, its preferred ones first; empty if there is none.
std::vector<NegotiatedCodec> negotiated_for(const Sender& sender, const MediaSection& section,
                                            const ClientTraits& client);

}  // namespace confab::sdp
