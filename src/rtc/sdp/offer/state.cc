// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The offering side as bytes (base/state/state.h): sections with payload types and extension ids,
// senders, whether an offer is outstanding, the version of the next description. Codecs and traits
// of the client are settings.
#include <algorithm>

#include "rtc/sdp/offer/offerer_state.h"
#include "rtc/sdp/state_fields.h"

namespace confab::sdp {
namespace {

constexpr std::uint32_t kVersion = 1;

template <typename Io, typename List>
void codec_list(Io& io, std::uint8_t tag, List& codecs) {
    io.list(tag, codecs, kMaxCodecs, [](auto& inner, auto& codec) { codec_fields(inner, codec); });
}

template <typename Io, typename S>
void section_fields(Io& io, S& section) {
    io.choice(1, section.kind, Kind::kApplication);
    io.field(2, section.mid, kMaxMidBytes);
    io.field(3, section.rejected);
    io.field(4, section.sender);
    io.field(5, section.offered);
    io.field(6, section.idle);
    codec_list(io, 7, section.codecs);
    io.list(8, section.extensions, kMaxExtensions,
            [](auto& inner, auto& extension) { extension_fields(inner, extension); });
}

template <typename Io, typename S>
void state_fields(Io& io, S& state) {
    state_version(io, kVersion);
    io.field(2, state.config.session_id);
    io.field(3, state.config.session_version);
    io.list(4, state.sections, kMaxSections,
            [](auto& inner, auto& section) { section_fields(inner, section); });
    sender_list(io, 5, state.senders);
    io.field(6, state.changed);
    io.field(7, state.outstanding);
    io.field(8, state.offered_sections);
    codec_list(io, 9, state.common[0]);
    codec_list(io, 10, state.common[1]);
    io.field(11, state.transport_cc);
}

// Sections are appended and never moved: the next one's mid is its number.
bool is_sound(const std::vector<OfferSection>& sections) {
    bool has_data = false;
    for (std::size_t i = 0; i < sections.size(); ++i) {
        const OfferSection& section = sections[i];
        if (section.mid != std::to_string(i)) return false;
        if (section.kind != Kind::kApplication) continue;
        if (std::exchange(has_data, true) || section.sender || section.offered) return false;
    }
    return true;
}

}  // namespace

void Offerer::save(StateWriter& out) const {
    const State& state = *state_;
    state_fields(out, state);
}

void Offerer::load(StateReader& in) {
    State& state = *state_;
    state_fields(in, state);
    in.require(is_sound(state.sections) && is_consistent(state.sections, state.senders));
    in.require(state.offered_sections <= state.sections.size());
}

}  // namespace confab::sdp
