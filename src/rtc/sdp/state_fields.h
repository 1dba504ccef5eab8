// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What was negotiated, as fields of exported state (base/state/state.h): parts of Answerer's and
// Offerer's, and results that their callers keep. Limits are those of descriptions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/state/bounds.h"
#include "base/state/state.h"
#include "rtc/sdp/description/description.h"
#include "rtc/sdp/negotiator.h"

namespace confab::sdp {

// Texts of ours and of signal messages, which may be longer than a line.
inline constexpr std::size_t kMaxStateText = 64 * 1024;
// Tracks on their way to one client, with and without a section.
inline constexpr std::size_t kMaxStateSenders = 65'536;
inline constexpr std::uint8_t kMaxPayloadType = 127;

template <typename Io, typename List>
void text_list(Io& io, std::uint8_t tag, List& texts, std::size_t most) {
    io.list(tag, texts, most, [](auto& inner, auto& text) { inner.field(1, text, kMaxStateText); });
}
template <typename Io, typename T>
void payload_type_field(Io& io, std::uint8_t tag, T& pt) {
    bounded_field(io, tag, pt, 0, kMaxPayloadType);
}
// A map from numbers or texts to numbers or texts, in the order of its keys.
template <typename Key, typename Value, typename Body>
void pair_list(StateWriter& out, std::uint8_t tag, const std::map<Key, Value>& map, std::size_t,
               Body&& body) {
    for (const auto& [key, value] : map)
        out.record(tag, [&](StateWriter& inner) { body(inner, key, value); });
}
template <typename Key, typename Value, typename Body>
void pair_list(StateReader& in, std::uint8_t tag, std::map<Key, Value>& map, std::size_t most,
               Body&& body) {
    std::vector<std::pair<Key, Value>> pairs;
    in.list(tag, pairs, most, [&](auto& inner, auto& pair) {
        body(inner, pair.first, pair.second);
        inner.require(map.insert(pair).second);
    });
}

template <typename Io, typename C>
void codec_fields(Io& io, C& codec) {
    payload_type_field(io, 1, codec.pt);
    io.field(2, codec.name, kMaxLineBytes);
    io.field(3, codec.clock_rate);
    io.field(4, codec.channels);
    io.field(5, codec.fmtp, kMaxLineBytes);
    text_list(io, 6, codec.feedback, kMaxFeedback);
}
template <typename Io, typename E>
void extension_fields(Io& io, E& extension) {
    io.field(1, extension.id);
    io.field(2, extension.uri, kMaxLineBytes);
}

template <typename Io, typename C>
void negotiated_fields(Io& io, C& codec) {
    io.field(1, codec.mime, kMaxLineBytes);
    payload_type_field(io, 2, codec.pt);
    io.field(3, codec.rtx_pt);
    if constexpr (Io::kReads) io.require(codec.rtx_pt.value_or(0) <= kMaxPayloadType);
    io.field(4, codec.clock_rate);
    io.field(5, codec.channels);
    io.field(6, codec.fmtp, kMaxLineBytes);
    io.field(7, codec.nack);
}
template <typename Io, typename Ids>
void extension_ids_field(Io& io, std::uint8_t tag, Ids& ids) {
    pair_list(io, tag, ids, kMaxExtensions, [](auto& inner, auto& uri, auto& id) {
        inner.field(1, uri, kMaxLineBytes);
        inner.field(2, id);
    });
}

template <typename Io, typename P>
void published_fields(Io& io, P& section) {
    io.field(1, section.mid, kMaxMidBytes);
    io.choice(2, section.kind, Kind::kVideo);
    io.field(3, section.cid, kMaxStateText);
    io.field(4, section.codec_index);
    io.field(5, section.sdp_track_id, kMaxLineBytes);
    io.list(6, section.codecs, kMaxCodecs,
            [](auto& inner, auto& codec) { negotiated_fields(inner, codec); });
    extension_ids_field(io, 7, section.extensions);
    text_list(io, 8, section.rids, kMaxRids);
    io.numbers(9, section.ssrcs, kMaxSsrcs);
    pair_list(io, 10, section.rtx_of, kMaxSsrcs, [](auto& inner, auto& ssrc, auto& rtx) {
        inner.field(1, ssrc);
        inner.field(2, rtx);
    });
}

template <typename Io, typename B>
void bound_fields(Io& io, B& bound) {
    io.field(1, bound.id);
    io.field(2, bound.mid, kMaxMidBytes);
    io.list(3, bound.codecs, kMaxCodecs,
            [](auto& inner, auto& codec) { negotiated_fields(inner, codec); });
    extension_ids_field(io, 4, bound.extensions);
}

template <typename Io, typename T>
void pending_fields(Io& io, T& track) {
    io.field(1, track.cid, kMaxStateText);
    text_list(io, 2, track.codec_cids, kMaxCodecs);
    text_list(io, 3, track.codec_mimes, kMaxCodecs);
    io.choice(4, track.kind, Kind::kVideo);
    io.field(5, track.disable_red);
    io.field(6, track.stereo);
    io.field(7, track.disable_dtx);
}

template <typename Io, typename S>
void sender_fields(Io& io, S& sender) {
    io.field(1, sender.id);
    io.choice(2, sender.kind, Kind::kVideo);
    io.field(3, sender.stream_id, kMaxStateText);
    io.field(4, sender.track_id, kMaxStateText);
    io.field(5, sender.ssrc);
    io.field(6, sender.rtx_ssrc);
    text_list(io, 7, sender.mimes, kMaxCodecs);
    io.field(8, sender.stereo);
    io.field(9, sender.disable_red);
    io.field(10, sender.red);
}
template <typename Io, typename List>
void sender_list(Io& io, std::uint8_t tag, List& senders) {
    io.list(tag, senders, kMaxStateSenders,
            [](auto& inner, auto& sender) { sender_fields(inner, sender); });
}
// Each id once.
inline bool are_distinct(const std::vector<Sender>& senders) {
    std::vector<std::uint64_t> ids;
    ids.reserve(senders.size());
    for (const Sender& sender : senders)
        ids.push_back(sender.id);
    std::ranges::sort(ids);
    return std::ranges::adjacent_find(ids) == ids.end();
}

// What is true of the sections of either side: no mid twice among those in use, no sender on two of
// them, none that is not there.
template <typename Sections>
bool is_consistent(const Sections& sections, const std::vector<Sender>& senders) {
    std::vector<std::string> mids;
    std::vector<std::uint64_t> bound;
    for (const auto& section : sections) {
        if (!section.rejected) mids.push_back(section.mid);
        if (!section.sender) continue;
        bound.push_back(*section.sender);
        const auto of = std::ranges::find(senders, *section.sender, &Sender::id);
        if (of == senders.end() || of->kind != section.kind) return false;
    }
    std::ranges::sort(mids);
    std::ranges::sort(bound);
    if (!mids.empty() && mids.front().empty()) return false;
    return std::ranges::adjacent_find(mids) == mids.end() &&
           std::ranges::adjacent_find(bound) == bound.end() && are_distinct(senders);
}

}  // namespace confab::sdp
