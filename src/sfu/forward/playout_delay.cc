// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 IN-41.
#include "sfu/forward/playout_delay.h"

#include <algorithm>

namespace confab::sfu {
namespace {

std::uint32_t units(Duration d) {
    return static_cast<std::uint32_t>(d.ms() / 10);
}

}  // namespace

PlayoutDelay::PlayoutDelay(const PlayoutDelayLimits& limits)
    : min_(std::clamp(limits.min, Duration::zero(), kGreatest)),
      max_(std::clamp(limits.max, Duration::zero(), kGreatest)) {
    // Without any limit pictures are shown as they come.
    if (max_ == Duration::zero() && min_ > Duration::zero()) max_ = kDefaultMax;
    max_ = std::max(max_, min_);
    delay_ = min_;
}

std::optional<bool> PlayoutDelay::handle_report(std::uint32_t highest, Duration jitter, Sent sent,
                                                Timestamp now) {
    const bool arrived = acknowledged(highest);
    const std::uint64_t packets = std::max<std::uint64_t>(sent.packets - reported_.packets, 1);
    const std::uint64_t percent = (sent.nacked - reported_.nacked) * 100 / packets;
    reported_ = sent;
    if (update(jitter, static_cast<std::int64_t>(percent), now)) return true;
    return arrived ? std::optional(false) : std::nullopt;
}

bool PlayoutDelay::update(Duration jitter, std::int64_t nack_percent, Timestamp now) {
    const std::int64_t wish =
        jitter.ms() * kJitterFactor +
        std::max<std::int64_t>(nack_percent - kTolerableNacks, 0) * kNackFactor;
    // Slowly, so that sound and picture stay together.
    const std::int64_t since_ms =
        updated_ ? std::clamp<std::int64_t>((now - last_).ms(), 0, 1000) : 1000;
    const std::int64_t step = kMaxChange * since_ms / 1000;
    const std::int64_t now_ms = delay_.ms();
    const Duration next =
        std::clamp(Duration::millis(std::clamp(wish, now_ms - step, now_ms + step)), min_, max_);
    updated_ = true;
    last_ = now;
    const bool changed = units(next) != units(delay_);
    delay_ = next;
    if (changed) first_ = -1;
    return changed;
}

void PlayoutDelay::carried(std::int64_t sequence) {
    if (first_ < 0) first_ = sequence;
}

bool PlayoutDelay::acknowledged(std::uint32_t sequence) {
    return first_ >= 0 &&
           static_cast<std::int32_t>(sequence - static_cast<std::uint32_t>(first_)) >= 0;
}

PlayoutDelay::Wire PlayoutDelay::wire() const {
    const std::uint32_t bits = units(delay_) << 12 | units(max_);
    return {static_cast<std::uint8_t>(bits >> 16), static_cast<std::uint8_t>(bits >> 8),
            static_cast<std::uint8_t>(bits)};
}

}  // namespace confab::sfu
