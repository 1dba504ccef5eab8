// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The default codecs (02 §2.3, 01 SIG-90, ROOM-08) and the part of them a room and a client allow.
#include "rtc/sdp/codec_table.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "rtc/sdp/description/fmtp.h"

namespace confab::sdp {
namespace {

constexpr std::uint32_t kVideoClock = 90'000;

// In the order of our first offers; the RTX payload type is the one behind each video codec.
constexpr std::array kTable = {
    CodecEntry{Kind::kAudio, "opus", 111, 48'000, 2, "minptime=10;useinbandfec=1"},
    CodecEntry{Kind::kAudio, "red", 63, 48'000, 2, "111/111"},
    CodecEntry{Kind::kAudio, "PCMU", 0, 8'000, 0, ""},
    CodecEntry{Kind::kAudio, "PCMA", 8, 8'000, 0, ""},
    CodecEntry{Kind::kVideo, "VP8", 96, kVideoClock, 0, ""},
    CodecEntry{Kind::kVideo, "VP9", 98, kVideoClock, 0, "profile-id=0"},
    CodecEntry{Kind::kVideo, "VP9", 100, kVideoClock, 0, "profile-id=1"},
    CodecEntry{Kind::kVideo, "H264", 125, kVideoClock, 0,
               "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f"},
    CodecEntry{Kind::kVideo, "H264", 108, kVideoClock, 0,
               "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"},
    CodecEntry{Kind::kVideo, "H264", 123, kVideoClock, 0,
               "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640032",
               TableUse::kPublishOnly},
    CodecEntry{Kind::kVideo, "H264", 104, kVideoClock, 0,
               "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f"},
    CodecEntry{Kind::kVideo, "H264", 102, kVideoClock, 0,
               "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f"},
    CodecEntry{Kind::kVideo, "H264", 39, kVideoClock, 0,
               "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=4d001f",
               TableUse::kExactOnly},
    CodecEntry{Kind::kVideo, "H264", 106, kVideoClock, 0,
               "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f",
               TableUse::kExactOnly},
    CodecEntry{Kind::kVideo, "AV1", 35, kVideoClock, 0, ""},
    CodecEntry{Kind::kVideo, "H265", 116, kVideoClock, 0, ""},
};

bool contains_mime(const std::vector<std::string>& mimes, std::string_view mime) {
    return std::ranges::any_of(mimes, [&](const auto& m) { return equals_ignore_case(m, mime); });
}

bool is_disabled(const ClientTraits& client, std::string_view mime, Purpose purpose) {
    return contains_mime(client.disabled_codecs, mime) ||
           (purpose == Purpose::kPublish && contains_mime(client.disabled_publish_codecs, mime));
}

bool is_enabled(const CodecEntry& entry, const std::vector<EnabledCodec>& enabled) {
    const std::string mime = mime_of(entry.kind, entry.name);
    return std::ranges::any_of(enabled, [&](const EnabledCodec& codec) {
        if (!equals_ignore_case(codec.mime, mime)) return false;
        if (codec.fmtp.empty()) return entry.use != TableUse::kExactOnly;
        return equals_ignore_case(codec.fmtp, entry.fmtp);
    });
}

// Do the parameters that tell variants of a codec apart agree?
bool same_variant(const CodecEntry& entry, const Codec& codec) {
    if (entry.name == "H264") return h264_key(entry.fmtp) == h264_key(codec.fmtp);
    if (entry.name == "VP9")
        return fmtp_value(entry.fmtp, "profile-id").value_or("0") ==
               fmtp_value(codec.fmtp, "profile-id").value_or("0");
    if (entry.name == "AV1") return fmtp_value(codec.fmtp, "profile").value_or("0") == "0";
    return true;
}

bool same_codec(const CodecEntry& entry, Kind kind, const Codec& codec) {
    // One channel may be left out (RFC 8866 §6.6).
    const auto channels = [](std::uint16_t said) { return std::max<std::uint16_t>(said, 1); };
    return entry.kind == kind && is_codec(codec, entry.name) &&
           entry.clock_rate == codec.clock_rate &&
           channels(entry.channels) == channels(codec.channels);
}

}  // namespace

CodecSet enabled_codecs(const std::vector<EnabledCodec>& enabled, const ClientTraits& client,
                        Purpose purpose) {
    CodecSet out;
    for (const CodecEntry& entry : kTable) {
        if (entry.use == TableUse::kPublishOnly && purpose != Purpose::kPublish) continue;
        if (!is_enabled(entry, enabled)) continue;
        if (is_disabled(client, mime_of(entry.kind, entry.name), purpose)) continue;
        out.entries.push_back(&entry);
        if (entry.name == "red") out.red = true;
    }
    out.rtx = std::ranges::any_of(
        enabled, [](const EnabledCodec& c) { return equals_ignore_case(c.mime, "video/rtx"); });
    return out;
}

const CodecEntry* match_codec(const CodecSet& set, Kind kind, const Codec& codec) {
    const auto it = std::ranges::find_if(set.entries, [&](const CodecEntry* entry) {
        return same_codec(*entry, kind, codec) && same_variant(*entry, codec);
    });
    return it == set.entries.end() ? nullptr : *it;
}

std::vector<Codec> known_codecs(const CodecSet& set, const MediaSection& offered) {
    std::vector<Codec> known;
    std::vector<Codec> by_name;
    for (const Codec& codec : offered.codecs) {
        if (match_codec(set, offered.kind, codec) != nullptr) known.push_back(codec);
        const auto is = [&](const CodecEntry* e) { return same_codec(*e, offered.kind, codec); };
        if (std::ranges::any_of(set.entries, is)) by_name.push_back(codec);
    }
    return known.empty() ? by_name : known;
}

std::vector<Codec> offered_codecs(const CodecSet& set, Kind kind) {
    std::vector<Codec> out;
    for (const CodecEntry* entry : set.entries) {
        if (entry->kind != kind) continue;
        out.push_back({entry->pt,
                       std::string(entry->name),
                       entry->clock_rate,
                       entry->channels,
                       std::string(entry->fmtp),
                       {}});
        if (kind != Kind::kVideo || !set.rtx) continue;
        const auto rtx_pt = static_cast<std::uint8_t>(entry->pt + 1);
        out.push_back(
            {rtx_pt, "rtx", entry->clock_rate, 0, "apt=" + std::to_string(entry->pt), {}});
    }
    return out;
}

std::string mime_of(Kind kind, std::string_view name) {
    std::string out(to_text(kind));
    out.push_back('/');
    out.append(name);
    return out;
}

bool is_codec(const Codec& codec, std::string_view name) {
    return equals_ignore_case(codec.name, name);
}

std::optional<std::uint8_t> rtx_target(const Codec& codec) {
    if (!is_codec(codec, "rtx")) return std::nullopt;
    const auto apt = fmtp_value(codec.fmtp, "apt");
    return apt ? parse_decimal<std::uint8_t>(*apt) : std::nullopt;
}

RtxIndex::RtxIndex(const std::vector<Codec>& codecs) {
    for (const Codec& codec : codecs) {
        const auto target = rtx_target(codec);
        if (target && *target < by_pt_.size() && by_pt_[*target] == nullptr)
            by_pt_[*target] = &codec;
    }
}

std::vector<NegotiatedCodec> negotiated(const MediaSection& section) {
    const RtxIndex rtx_codecs(section.codecs);
    std::vector<NegotiatedCodec> out;
    for (const Codec& codec : section.codecs) {
        if (is_codec(codec, "rtx")) continue;
        NegotiatedCodec& entry = out.emplace_back();
        entry.mime = mime_of(section.kind, codec.name);
        entry.pt = codec.pt;
        if (const Codec* rtx = rtx_codecs.of(codec.pt)) entry.rtx_pt = rtx->pt;
        entry.clock_rate = codec.clock_rate;
        entry.channels = codec.channels;
        entry.fmtp = codec.fmtp;
        entry.nack = has_feedback(codec, "nack");
    }
    return out;
}

std::vector<NegotiatedCodec> negotiated_for(const Sender& sender, const MediaSection& section,
                                            const ClientTraits& client) {
    std::vector<NegotiatedCodec> all = negotiated(section);
    if (!client.supports_red)
        std::erase_if(all, [](const auto& c) { return equals_ignore_case(c.mime, "audio/red"); });
    std::vector<std::string> wanted;
    if (sender.red) wanted.emplace_back("audio/red");
    wanted.insert(wanted.end(), sender.mimes.begin(), sender.mimes.end());
    // A RED source is sent as plain opus to those who do not take RED.
    if (sender.red && !sender.mimes.empty()) wanted.emplace_back("audio/opus");
    std::vector<NegotiatedCodec> out;
    for (const std::string& mime : wanted)
        for (const NegotiatedCodec& codec : all)
            if (equals_ignore_case(codec.mime, mime) && std::ranges::find(out, codec) == out.end())
                out.push_back(codec);
    if (!sender.mimes.empty()) return out;
    for (const NegotiatedCodec& codec : all)
        if (std::ranges::find(out, codec) == out.end()) out.push_back(codec);
    return out;
}

}  // namespace confab::sdp
