// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The answering side as bytes (base/state/state.h): sections with their tracks and senders, the
// DTLS role and the version of the next description. Codecs and traits of the client are settings.
#include <algorithm>

#include "rtc/sdp/answer/answerer_state.h"
#include "rtc/sdp/state_fields.h"

namespace confab::sdp {
namespace {

constexpr std::uint32_t kVersion = 1;

template <typename Io, typename C>
void claim_fields(Io& io, C& claim) {
    io.record(1, [&claim](auto& inner) { pending_fields(inner, claim.track); });
    io.field(2, claim.codec_index);
    io.field(3, claim.guessed);
}

template <typename Io, typename S>
void section_fields(Io& io, S& section) {
    io.choice(1, section.kind, Kind::kOther);
    io.field(2, section.mid, kMaxMidBytes);
    io.field(3, section.rejected);
    io.choice(4, section.offered, Direction::kInactive);
    io.field(5, section.sending);
    io.field(6, section.matched);
    io.maybe(7, section.track, [](auto& inner, auto& claim) { claim_fields(inner, claim); });
    io.field(8, section.sender);
    io.field(9, section.ever_bound);
    pair_list(io, 10, section.first_fmtp, kMaxCodecs, [](auto& inner, auto& pt, auto& fmtp) {
        inner.field(1, pt);
        inner.field(2, fmtp, kMaxLineBytes);
    });
    io.record(11, [&section](auto& inner) { published_fields(inner, section.published); });
    io.field(12, section.shown, kMaxStateText);
}

template <typename Io, typename S>
void state_fields(Io& io, S& state) {
    state_version(io, kVersion);
    io.field(2, state.config.session_id);
    io.field(3, state.config.session_version);
    io.list(4, state.sections, kMaxSections,
            [](auto& inner, auto& section) { section_fields(inner, section); });
    sender_list(io, 5, state.senders);
    io.maybe(6, state.role,
             [](auto& inner, auto& role) { inner.choice(1, role, Setup::kPassive); });
}

// What answers and matches are made from may be taken for granted there.
bool is_sound(const AnswerSection& section) {
    const bool rtp = section.kind == Kind::kAudio || section.kind == Kind::kVideo;
    if (section.sending && (section.rejected || !rtp || !sends(section.offered))) return false;
    if (section.matched && (!section.sending || !section.track)) return false;
    return !section.sender || (section.ever_bound && section.offered == Direction::kRecvOnly);
}

}  // namespace

void Answerer::save(StateWriter& out) const {
    const State& state = *state_;
    state_fields(out, state);
}

void Answerer::load(StateReader& in) {
    state_fields(in, *state_);
    in.require(std::ranges::all_of(state_->sections, is_sound) &&
               is_consistent(state_->sections, state_->senders));
    in.require(state_->role != Setup::kActPass);
    in.require(state_->sections.empty() || state_->role);
}

}  // namespace confab::sdp
