// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "netem/link.h"

#include <algorithm>

namespace confab::netem {

void Link::set_profile(Timestamp now, const LinkProfile& profile) {
    if (profile.bits_per_second == 0) wire_free_ = std::min(wire_free_, now);
    old_until_ = wire_free_;
    old_rate_ = profile_.bits_per_second;
    profile_ = profile;
}

// They stay as many when the rate changes.
double Link::queued_bytes(Timestamp now) const {
    const auto bytes = [](Duration time, std::uint64_t rate) {
        return std::max(time, Duration::zero()).to_seconds() * static_cast<double>(rate) / 8;
    };
    return bytes(std::min(old_until_, wire_free_) - now, old_rate_) +
           bytes(wire_free_ - std::max(now, old_until_), profile_.bits_per_second);
}

bool Link::is_lost() {
    if (profile_.burst_loss > 0) {
        in_burst_ =
            in_burst_ ? rng_.unit() >= profile_.burst_end : rng_.unit() < profile_.burst_begin;
        if (in_burst_ && rng_.unit() < profile_.burst_loss) return true;
    }
    return profile_.loss > 0 && rng_.unit() < profile_.loss;
}

bool Link::is_reordered() {
    if (profile_.reorder <= 0 || ++since_reordered_ < profile_.reorder_gap ||
        rng_.unit() >= profile_.reorder)
        return false;
    since_reordered_ = 0;
    return true;
}

Duration Link::extra_delay() {
    if (profile_.jitter == Duration::zero()) return Duration::zero();
    const double c = profile_.jitter_correlation;
    last_jitter_ = c * last_jitter_ + (1 - c) * rng_.unit();
    return profile_.jitter.scaled(last_jitter_);
}

std::optional<Timestamp> Link::send_over_wire(Timestamp now, std::size_t on_wire) {
    if (profile_.bits_per_second == 0) return now;
    const Duration waiting = std::max(wire_free_ - now, Duration::zero());
    const bool is_full = profile_.queue_time > Duration::zero()
                             ? waiting > profile_.queue_time
                             : queued_bytes(now) + static_cast<double>(on_wire) >
                                   static_cast<double>(profile_.queue_bytes);
    if (is_full) return std::nullopt;
    const std::uint64_t us = on_wire * 8'000'000ULL / profile_.bits_per_second;
    wire_free_ = std::max(wire_free_, now) + Duration::micros(static_cast<std::int64_t>(us));
    return wire_free_;
}

Deliveries Link::offer(Timestamp now, std::size_t size) {
    ++counters_.offered;
    const std::size_t on_wire = size + kHeaderBytes;
    if (on_wire > profile_.mtu) {
        ++counters_.too_big;
        return {};
    }
    if (now < outage_until_) {
        ++counters_.in_outage;
        return {};
    }
    const std::optional<Timestamp> sent = send_over_wire(now, on_wire);
    if (!sent) {
        ++counters_.queue_dropped;
        return {};
    }
    if (is_lost()) {
        ++counters_.lost;
        return {};
    }
    Deliveries out;
    Timestamp arrival = std::max(*sent + profile_.propagation + extra_delay(), last_delivery_);
    if (is_reordered()) {
        ++counters_.reordered;
        arrival = arrival + profile_.reorder_delay;
    } else {
        last_delivery_ = arrival;
    }
    out.at[out.count++] = arrival;
    if (profile_.duplicate > 0 && rng_.unit() < profile_.duplicate) {
        ++counters_.duplicated;
        out.at[out.count++] =
            arrival + Duration::micros(static_cast<std::int64_t>(rng_.below(5000)));
    }
    return out;
}

}  // namespace confab::netem
