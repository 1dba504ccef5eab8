// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 BWE-04.
#include "sfu/bandwidth.h"

#include <algorithm>
#include <array>

namespace confab::sfu {
namespace {

// The best there is of a source within the wish.
Layer optimum(const VideoDemand& d) {
    const std::int8_t spatial = d.source->highest_available(d.max.spatial);
    return {spatial < 0 ? d.max.spatial : spatial, d.max.temporal};
}

std::uint64_t bits_of(const SourceState& source, Layer layer) {
    if (!layer.valid()) return 0;
    const auto& row = source.bitrate[static_cast<std::size_t>(layer.spatial)];
    // Temporal layers that were never measured cost what the ones below them cost.
    std::uint64_t bits = 0;
    for (std::int8_t t = 0; t <= layer.temporal; ++t)
        bits = std::max(bits, row[static_cast<std::size_t>(t)]);
    return bits;
}

bool is_available(const SourceState& source, std::int8_t spatial) {
    return (source.available >> spatial & 1) != 0;
}

// The highest temporal layer that adds bits; those above it are the same stream.
std::int8_t top_temporal(const SourceState& source, Layer layer) {
    const std::uint64_t all = bits_of(source, layer);
    std::int8_t t = layer.temporal;
    while (t > 0 && bits_of(source, {layer.spatial, static_cast<std::int8_t>(t - 1)}) == all)
        --t;
    return t;
}

class Sharing {
  public:
    Sharing(std::span<const VideoDemand> demands, std::uint64_t capacity, bool allow_pause,
            std::span<VideoShare> shares)
        : demands_(demands), shares_(shares), allow_pause_(allow_pause), left_(capacity) {
        count_ = std::min(demands.size(), RembBandwidth::kMaxTracks);
        for (std::size_t i = 0; i < count_; ++i)
            order_[i] = static_cast<std::uint16_t>(i);
        // Ties in the order given; a stable sort would ask for memory.
        std::sort(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(count_),
                  [&](std::uint16_t a, std::uint16_t b) {
                      const auto pa = demands_[a].priority;
                      const auto pb = demands_[b].priority;
                      return pa != pb ? pa > pb : a < b;
                  });
    }

    std::uint64_t run() {
        for (std::size_t i = 0; i < count_; ++i)
            begin(i);
        for (std::int8_t s = 0; s < static_cast<std::int8_t>(kMaxSpatialLayers); ++s)
            for (std::int8_t t = 0; t < static_cast<std::int8_t>(kMaxTemporalLayers); ++t)
                for (std::size_t k = 0; k < count_; ++k)
                    offer(order_[k], {s, t});
        for (std::size_t i = 0; i < count_; ++i)
            finish(i);
        return used_;
    }

  private:
    bool takes_part(const VideoDemand& d) const { return !d.muted && !d.exempt; }
    void pay(std::uint64_t bits) {
        left_ -= std::min(left_, bits);
        used_ += bits;
    }
    void begin(std::size_t i) {
        const VideoDemand& d = demands_[i];
        shares_[i] = {kNoLayer, false};
        if (takes_part(d)) return;
        shares_[i].cap = kTopLayer;
        if (!d.muted) pay(bits_of(*d.source, optimum(d)));
    }
    void offer(std::size_t i, Layer layer) {
        const VideoDemand& d = demands_[i];
        const Layer best = optimum(d);
        if (!takes_part(d) || layer.spatial > best.spatial || layer.temporal > best.temporal)
            return;
        if (!is_available(*d.source, layer.spatial)) return;
        Layer& cap = shares_[i].cap;
        // Within one spatial layer the temporal ones are taken without a step left out.
        if (cap.valid() && layer.temporal > 0 &&
            (cap.spatial != layer.spatial || cap.temporal != layer.temporal - 1))
            return;
        if (!cap.valid() && layer.temporal > 0) return;
        const std::uint64_t now = bits_of(*d.source, cap);
        const std::uint64_t then = bits_of(*d.source, layer);
        const std::uint64_t more = then > now ? then - now : 0;
        const bool must = !cap.valid() && !allow_pause_;
        if (more > left_ && !must) return;
        pay(more);
        cap = layer;
    }
    void finish(std::size_t i) {
        const VideoDemand& d = demands_[i];
        if (!takes_part(d)) return;
        Layer& cap = shares_[i].cap;
        const Layer best = optimum(d);
        // A source of which nothing flows takes nothing; it may start with anything.
        if (d.source->available == 0) {
            cap = kTopLayer;
            return;
        }
        // Only layers above the wish flow: the smallest of them is sent, if anything.
        if (d.source->highest_available(d.max.spatial) < 0) {
            cap = kTopLayer;
            return;
        }
        const bool whole = cap.valid() && cap.spatial >= best.spatial &&
                           cap.temporal >= top_temporal(*d.source, best);
        shares_[i].deficient = !whole;
        if (whole) cap = kTopLayer;
    }

    std::span<const VideoDemand> demands_;
    std::span<VideoShare> shares_;
    bool allow_pause_;
    std::uint64_t left_;
    std::uint64_t used_ = 0;
    std::size_t count_ = 0;
    std::array<std::uint16_t, RembBandwidth::kMaxTracks> order_{};
};

Layer sent_layer(const VideoDemand& d, const VideoShare& share) {
    const Layer best = optimum(d);
    return share.cap.valid() ? lower_of(share.cap, best) : kNoLayer;
}

std::uint64_t used_bits(std::span<const VideoDemand> demands, std::span<const VideoShare> shares) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < demands.size(); ++i)
        if (!demands[i].muted)
            sum += bits_of(*demands[i].source, sent_layer(demands[i], shares[i]));
    return sum;
}

// Bits that the cheapest improvement of any deficient track would add; 0 when there is none.
std::uint64_t cheapest_step(std::span<const VideoDemand> demands,
                            std::span<const VideoShare> shares) {
    std::uint64_t best = 0;
    for (std::size_t i = 0; i < demands.size(); ++i) {
        if (!shares[i].deficient || demands[i].muted) continue;
        const SourceState& source = *demands[i].source;
        const Layer top = optimum(demands[i]);
        const std::uint64_t now = bits_of(source, shares[i].cap);
        for (std::int8_t s = 0; s <= top.spatial; ++s)
            for (std::int8_t t = 0; t <= top.temporal; ++t) {
                const std::uint64_t then = bits_of(source, {s, t});
                if (!is_available(source, s) || then <= now) continue;
                if (best == 0 || then - now < best) best = then - now;
            }
    }
    return best;
}

}  // namespace

std::uint64_t share_capacity(std::span<const VideoDemand> demands, std::uint64_t capacity,
                             bool allow_pause, std::span<VideoShare> shares) {
    return Sharing(demands, capacity, allow_pause, shares).run();
}

void RembBandwidth::handle_remb(std::uint64_t bits_per_second, Timestamp) {
    estimate_ = std::max(bits_per_second, std::max<std::uint64_t>(options_.min_capacity, 1));
}

std::uint64_t RembBandwidth::effective() const {
    if (!options_.enabled) return kUnlimited;
    return limit_ > 0 ? std::min(limit_, capacity_) : capacity_;
}

void RembBandwidth::cut(std::uint64_t capacity, Timestamp now) {
    capacity_ = capacity;
    // A rise that did not hold makes the next one wait longer.
    const bool failed = rose_ && now - last_rise_ < hold_ * 2;
    hold_ = failed ? std::min(hold_ * 2, kHoldMax) : kHold;
    rose_ = false;
    low_since_ = Timestamp::never();
    rise_after_ = now + hold_;
}

void RembBandwidth::adjust_capacity(std::uint64_t used, std::uint64_t next_step, Timestamp now) {
    if (estimate_ == 0) return;
    const bool low = static_cast<double>(estimate_) < kDownBelow * static_cast<double>(used);
    if (low) {
        if (low_since_.is_never()) low_since_ = now;
        if (now - low_since_ >= kConfirm) cut(estimate_, now);
        return;
    }
    low_since_ = Timestamp::never();
    if (!deficient_ || rise_after_.is_never() || now < rise_after_) return;
    // An estimate follows what is sent, so it says little about more. Where it clears what is
    // used, the next step is tried; the wait before the next one grows if that was wrong.
    const auto goal = used + next_step;
    const bool known = static_cast<double>(estimate_) >= kHeadroom * static_cast<double>(goal);
    const bool plausible = static_cast<double>(estimate_) >= kHeadroom * static_cast<double>(used);
    if (!known && !plausible) return;
    capacity_ = std::max(estimate_, goal);
    rose_ = true;
    last_rise_ = now;
    rise_after_ = now + hold_;
}

bool RembBandwidth::allocate(std::span<const VideoDemand> demands, std::span<VideoShare> shares,
                             Timestamp now) {
    const std::size_t count = std::min({demands.size(), shares.size(), kMaxTracks});
    demands = demands.first(count);
    shares = shares.first(count);
    adjust_capacity(used_bits(demands, shares), cheapest_step(demands, shares), now);
    std::array<VideoShare, kMaxTracks> fresh;
    const std::span<VideoShare> next = std::span(fresh).first(count);
    (void)share_capacity(demands, effective(), options_.allow_pause, next);
    bool changed = false;
    deficient_ = false;
    for (std::size_t i = 0; i < count; ++i) {
        changed |= shares[i].cap != next[i].cap || shares[i].deficient != next[i].deficient;
        shares[i] = next[i];
        deficient_ |= next[i].deficient;
    }
    if (!deficient_ && capacity_ < kUnlimited && !rise_after_.is_never() && now >= rise_after_ &&
        low_since_.is_never()) {
        capacity_ = kUnlimited;  // everything is sent again: the link is not the limit any more
        rise_after_ = Timestamp::never();
    }
    return changed;
}

Timestamp RembBandwidth::next_deadline() const {
    if (!low_since_.is_never()) return low_since_ + kConfirm;
    return deficient_ ? rise_after_ : Timestamp::never();
}

}  // namespace confab::sfu
