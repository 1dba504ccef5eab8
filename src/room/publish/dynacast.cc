// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/publish/dynacast.h"

#include <algorithm>

namespace confab::room {

WantedQuality Dynacast::largest(const CodecState& state) {
    WantedQuality result;
    for (const auto& [subscriber, quality] : state.wanted)
        result = std::max(result, quality);
    return result;
}

void Dynacast::update(Timestamp now, CodecState& state) {
    const WantedQuality wanted = largest(state);
    const bool ends = state.left && !wanted && state.sent;
    if (ends || (!state.told ? wanted.has_value() : wanted > state.sent)) {
        tell(state);
    } else if (state.told && wanted < state.sent && state.tell_at.is_never()) {
        state.tell_at = now + pause_delay_;
    }
}

void Dynacast::tell(CodecState& state) {
    state.tell_at = Timestamp::never();
    state.told = true;
    state.sent = largest(state);
    dirty_ = true;
}

void Dynacast::published(Timestamp now, std::size_t codec) {
    CodecState& state = codecs_[codec];
    if (!state.told && state.tell_at.is_never()) state.tell_at = now + kFirstReport;
}

void Dynacast::left(Timestamp now, std::size_t codec) {
    const auto state = codecs_.find(codec);
    if (state == codecs_.end()) return;
    state->second.left = true;
    update(now, state->second);
}

void Dynacast::want(Timestamp now, std::size_t codec, std::uint64_t subscriber,
                    WantedQuality quality) {
    CodecState& state = codecs_[codec];
    state.wanted[subscriber] = quality;
    update(now, state);
}

void Dynacast::remove(Timestamp now, std::uint64_t subscriber) {
    for (auto& [codec, state] : codecs_)
        if (state.wanted.erase(subscriber) > 0) update(now, state);
}

void Dynacast::set_muted(bool muted) {
    if (muted_ && !muted) repeat();
    muted_ = muted;
}

void Dynacast::handle_timeout(Timestamp now) {
    for (auto& [codec, state] : codecs_)
        if (state.tell_at <= now) tell(state);
}

Timestamp Dynacast::next_deadline() const {
    Timestamp result = Timestamp::never();
    for (const auto& [codec, state] : codecs_)
        result = earlier(result, state.tell_at);
    return result;
}

void Dynacast::repeat() {
    for (const auto& [codec, state] : codecs_)
        dirty_ = dirty_ || state.told;
}

std::optional<std::vector<Dynacast::Report>> Dynacast::poll_report() {
    if (!dirty_ || muted_) return std::nullopt;
    dirty_ = false;
    std::vector<Report> reports;
    for (const auto& [codec, state] : codecs_)
        if (state.told) reports.push_back({codec, state.sent});
    return reports;
}

}  // namespace confab::room
