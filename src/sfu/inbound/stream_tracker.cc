// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 IN-21.
#include "sfu/inbound/stream_tracker.h"

#include <algorithm>
#include <numeric>

namespace confab::sfu {

TrackerOptions TrackerOptions::for_layer(std::uint8_t spatial, bool screen_share) {
    if (screen_share) return {Duration::seconds(2), 1, 1};
    // Differs from upstream, which stops the lowest layer after one cycle too: a browser short of
    // bandwidth leaves more than 500 ms between its frames.
    if (spatial == 0) return {Duration::millis(500), 1, 4, 2};
    return {Duration::millis(500), 5, 20};
}

StreamTracker::Change StreamTracker::packet(Timestamp now) {
    if (state_ == State::kPaused) return Change::kNone;
    ++packets_;
    if (state_ != State::kNew) return Change::kNone;
    state_ = State::kActive;
    good_ = poor_ = 0;
    cycle_end_ = now + options_.cycle;
    return Change::kStarted;
}

StreamTracker::Change StreamTracker::handle_timeout(Timestamp now, const Others& others) {
    if (now < cycle_end_) return Change::kNone;
    const bool good = packets_ >= needed(others);
    packets_ = 0;
    // One call is one cycle, however late it comes.
    cycle_end_ = cycle_end_ + options_.cycle;
    if (cycle_end_ <= now) cycle_end_ = now + options_.cycle;
    poor_ = good ? 0 : poor_ + 1;
    if (state_ == State::kActive && poor_ >= options_.poor_cycles) {
        if (others.all_silent) {
            reset();
            return Change::kStopped;
        }
        state_ = State::kStopped;
        good_ = 0;
        return Change::kStopped;
    }
    if (state_ != State::kStopped) return Change::kNone;
    good_ = good ? good_ + 1 : 0;
    if (good_ < options_.good_cycles) return Change::kNone;
    state_ = State::kActive;
    return Change::kStarted;
}

// A frame may fall to this side of the cycle's end on one layer and to that side on the other.
std::uint32_t StreamTracker::needed(const Others& others) const {
    if (others.lowest == 0) return options_.min_packets;
    return std::min(options_.min_packets, std::max<std::uint32_t>(1, others.lowest - 1));
}

StreamTracker::Change StreamTracker::pause() {
    const bool was_active = active();
    state_ = State::kPaused;
    packets_ = 0;
    cycle_end_ = Timestamp::never();
    return was_active ? Change::kStopped : Change::kNone;
}

void StreamTracker::reset() {
    state_ = State::kNew;
    packets_ = 0;
    good_ = poor_ = 0;
    cycle_end_ = Timestamp::never();
}

bool BitrateMeter::rises(Duration elapsed) const {
    const std::uint64_t bytes = std::accumulate(bytes_.begin(), bytes_.end(), std::uint64_t{0});
    const std::uint64_t rate = std::ranges::max(rates_);
    return bytes * 8 * 1'000'000 > kRises * rate * static_cast<std::uint64_t>(elapsed.us());
}

bool BitrateMeter::update(Timestamp now) {
    if (!started_) return false;
    const Duration elapsed = now - since_;
    if (elapsed < kShortest) return false;
    if (elapsed < interval_ && !rises(elapsed)) return false;
    std::uint64_t sum = 0;
    for (std::size_t t = 0; t < kMaxTemporalLayers; ++t) {
        sum += bytes_[t];
        const bool used = bytes_[t] > 0;
        rates_[t] = used ? sum * 8 * 1'000'000 / static_cast<std::uint64_t>(elapsed.us()) : 0;
        bytes_[t] = 0;
    }
    since_ = now;
    return true;
}

void BitrateMeter::reset() {
    started_ = false;
    bytes_.fill(0);
    rates_.fill(0);
}

}  // namespace confab::sfu
