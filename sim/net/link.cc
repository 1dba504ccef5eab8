// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/net/link.h"

#include <algorithm>

namespace confab::sim {

LinkProfile perfect_link() {
    return {};
}

LinkProfile wifi_link() {
    LinkProfile p;
    p.bits_per_second = 40'000'000;
    p.propagation = Duration::millis(5);
    p.jitter = Duration::millis(15);
    p.jitter_correlation = 0.3;
    p.burst_begin = 0.002;
    p.burst_end = 0.3;
    p.burst_loss = 0.5;
    return p;
}

LinkProfile cellular_link() {
    LinkProfile p;
    p.bits_per_second = 12'000'000;
    p.queue_bytes = 256 * 1024;
    p.propagation = Duration::millis(35);
    p.jitter = Duration::millis(30);
    p.jitter_correlation = 0.7;
    p.loss = 0.005;
    p.burst_begin = 0.001;
    p.burst_end = 0.1;
    p.burst_loss = 0.6;
    p.reorder = 0.005;
    return p;
}

LinkProfile satellite_link() {
    LinkProfile p;
    p.bits_per_second = 20'000'000;
    p.queue_bytes = 512 * 1024;
    p.propagation = Duration::millis(270);
    p.jitter = Duration::millis(10);
    p.jitter_correlation = 0.5;
    p.loss = 0.005;
    return p;
}

LinkProfile congested_link() {
    LinkProfile p;
    p.bits_per_second = 1'500'000;
    p.queue_bytes = 48 * 1024;
    p.propagation = Duration::millis(25);
    p.jitter = Duration::millis(20);
    p.jitter_correlation = 0.5;
    p.loss = 0.01;
    return p;
}

std::optional<LinkProfile> link_profile(std::string_view name) {
    if (name == "perfect") return perfect_link();
    if (name == "wifi") return wifi_link();
    if (name == "cellular") return cellular_link();
    if (name == "satellite") return satellite_link();
    if (name == "congested") return congested_link();
    return std::nullopt;
}

LinkProfile random_link(Rng& rng, double max_loss) {
    LinkProfile p;
    p.bits_per_second = rng.below(3) == 0 ? 0 : 5'000'000 + rng.below(45'000'000);
    p.propagation = Duration::millis(static_cast<std::int64_t>(1 + rng.below(80)));
    p.jitter = Duration::millis(static_cast<std::int64_t>(rng.below(30)));
    p.jitter_correlation = rng.unit();
    const double loss = max_loss * rng.unit();
    if (rng.below(2) == 0) {
        p.loss = loss;
    } else {
        // The same share of packets, in bursts of about four.
        p.burst_end = 0.25;
        p.burst_loss = 0.8;
        p.burst_begin = 0.25 * loss / (0.8 - loss);
    }
    if (rng.below(2) == 0) p.reorder = 0.05 * rng.unit();
    p.reorder_delay = Duration::millis(static_cast<std::int64_t>(2 + rng.below(40)));
    if (rng.below(3) == 0) p.duplicate = 0.02 * rng.unit();
    return p;
}

bool Link::is_lost() {
    if (profile_.burst_loss > 0) {
        in_burst_ =
            in_burst_ ? rng_.unit() >= profile_.burst_end : rng_.unit() < profile_.burst_begin;
        if (in_burst_ && rng_.unit() < profile_.burst_loss) return true;
    }
    return profile_.loss > 0 && rng_.unit() < profile_.loss;
}

Duration Link::extra_delay() {
    if (profile_.jitter == Duration::zero()) return Duration::zero();
    const double c = profile_.jitter_correlation;
    last_jitter_ = c * last_jitter_ + (1 - c) * rng_.unit();
    return profile_.jitter.scaled(last_jitter_);
}

std::optional<Timestamp> Link::send_over_wire(Timestamp now, std::size_t on_wire) {
    if (profile_.bits_per_second == 0) return now;
    const auto bits = [&](Duration d) {
        return static_cast<double>(d.us()) * static_cast<double>(profile_.bits_per_second) / 1e6;
    };
    const Duration waiting = std::max(wire_free_ - now, Duration::zero());
    if (bits(waiting) / 8 + static_cast<double>(on_wire) >
        static_cast<double>(profile_.queue_bytes))
        return std::nullopt;
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
    if (profile_.reorder > 0 && rng_.unit() < profile_.reorder) {
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

}  // namespace confab::sim
