// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "netem/models.h"

namespace confab::netem {

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

}  // namespace confab::netem
