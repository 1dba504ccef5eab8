// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/record/rate_windows.h"

#include <algorithm>
#include <utility>

namespace confab::cluster::nodes {
namespace {

double memory_load(const NodeFigures& figures) {
    if (figures.memory_total == 0) return 0;
    return static_cast<double>(figures.memory_used) / static_cast<double>(figures.memory_total);
}

}  // namespace

RateWindows::RateWindows(std::vector<Duration> windows) : windows_(std::move(windows)) {
    if (windows_.size() > kMaxWindows) windows_.resize(kMaxWindows);
    for (Duration& window : windows_)
        window = std::clamp(window, Duration::seconds(1), kLongest);
}

void RateWindows::add(const Clock& clock, const NodeFigures& figures) {
    Sample next{clock, figures};
    if (!samples_.empty()) {
        const Sample& last = samples_.back();
        if (clock.now <= last.clock.now) return;
        // What a value was is what it is now: each counts for the time that led to it.
        const double seconds = (clock.now - last.clock.now).to_seconds();
        next.cpu = last.cpu + seconds * static_cast<double>(figures.cpu_load);
        next.memory_load = last.memory_load + seconds * memory_load(figures);
        next.memory_used = last.memory_used + seconds * static_cast<double>(figures.memory_used);
        next.memory_total = last.memory_total + seconds * static_cast<double>(figures.memory_total);
    }
    samples_.push_back(next);
    forget();
}

void RateWindows::forget() {
    Duration longest = Duration::zero();
    for (const Duration window : windows_)
        longest = std::max(longest, window);
    const Timestamp oldest = samples_.back().clock.now - longest;
    while (samples_.size() > 1 && samples_[1].clock.now <= oldest)
        samples_.pop_front();
    if (samples_.size() <= kMaxSamples) return;
    std::deque<Sample> fewer;
    for (std::size_t i = 0; i < samples_.size(); i += 2)
        fewer.push_back(samples_[i]);
    samples_ = std::move(fewer);
}

RateFigures RateWindows::between(const Sample& from, const Sample& to) {
    RateFigures rate;
    const double seconds = (to.clock.now - from.clock.now).to_seconds();
    rate.duration = to.clock.now - from.clock.now;
    rate.ended = to.clock.wall;
    rate.started = to.clock.wall - rate.duration;
    for (std::size_t i = 0; i < kCounters; ++i) {
        const std::uint64_t before = from.figures.counters[i];
        const std::uint64_t after = to.figures.counters[i];
        if (after > before)
            rate.per_second[i] = static_cast<float>(static_cast<double>(after - before) / seconds);
    }
    rate.cpu_load = static_cast<float>((to.cpu - from.cpu) / seconds);
    rate.memory_load = static_cast<float>((to.memory_load - from.memory_load) / seconds);
    rate.memory_used = static_cast<float>((to.memory_used - from.memory_used) / seconds);
    rate.memory_total = static_cast<float>((to.memory_total - from.memory_total) / seconds);
    return rate;
}

std::vector<RateFigures> RateWindows::rates() const {
    std::vector<RateFigures> all;
    if (samples_.empty()) return all;
    const Sample& newest = samples_.back();
    for (const Duration window : windows_) {
        const auto young = std::upper_bound(
            samples_.begin(), samples_.end(), newest.clock.now - window,
            [](Timestamp at, const Sample& sample) { return at < sample.clock.now; });
        if (young != samples_.begin()) all.push_back(between(*std::prev(young), newest));
    }
    return all;
}

}  // namespace confab::cluster::nodes
