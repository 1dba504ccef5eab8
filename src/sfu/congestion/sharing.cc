// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 BWE-04, BWE-05, BWE-06.
#include "sfu/congestion/sharing.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/check.h"
#include "sfu/congestion/layer_cost.h"

namespace confab::sfu {
namespace {

class Sharing {
  public:
    Sharing(const TrackList& tracks, SharingRule rule)
        : tracks_(tracks), rule_(rule), left_(rule.capacity) {
        for (std::size_t i = 0; i < tracks.size(); ++i)
            order_[i] = static_cast<std::uint16_t>(i);
        // Ties in the order given; a stable sort would ask for memory.
        const auto rank = [&](std::uint16_t i) {
            const VideoDemand& d = tracks_.demands[i];
            return std::tuple(-d.priority, -d.max.spatial, -d.max.temporal, i);
        };
        std::sort(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(tracks.size()),
                  [&](std::uint16_t a, std::uint16_t b) { return rank(a) < rank(b); });
    }

    std::uint64_t run() {
        CONFAB_CHECK(tracks_.size() <= order_.size());
        for (std::size_t i = 0; i < tracks_.size(); ++i)
            begin(i);
        for (std::int8_t s = 0; s < static_cast<std::int8_t>(kMaxSpatialLayers); ++s)
            for (std::int8_t t = 0; t < static_cast<std::int8_t>(kMaxTemporalLayers); ++t)
                for (std::size_t k = 0; k < tracks_.size(); ++k)
                    offer(order_[k], {s, t});
        for (std::size_t i = 0; i < tracks_.size(); ++i)
            if (is_managed(tracks_.demands[i]))
                settle_on(tracks_.demands[i], tracks_.shares[i], tracks_.shares[i].cap);
        return used_;
    }

  private:
    void pay(std::uint64_t bits) {
        left_ -= std::min(left_, bits);
        used_ += bits;
    }
    void repay(std::uint64_t bits) {
        CONFAB_DCHECK(used_ >= bits);
        left_ += bits;
        used_ -= bits;
    }
    void begin(std::size_t i) {
        const VideoDemand& d = tracks_.demands[i];
        open_up(tracks_.shares[i]);
        if (is_managed(d))
            tracks_.shares[i].cap = kNoLayer;
        else
            pay(bits_sent(d, tracks_.shares[i]));
    }
    void offer(std::size_t i, Layer layer) {
        const VideoDemand& d = tracks_.demands[i];
        Layer& cap = tracks_.shares[i].cap;
        if (!is_managed(d) || !can_choose(d, layer.spatial)) return;
        if (layer.temporal > top_temporal(d, layer.spatial)) return;
        const std::int8_t least = least_temporal(d, layer.spatial);
        // Within one spatial layer the temporal ones are taken without a step left out.
        const bool follows = cap.spatial == layer.spatial && cap.temporal == layer.temporal - 1;
        if (layer.temporal < least || (layer.temporal > least && !follows)) return;
        const std::uint64_t now = bits_of(*d.source, cap);
        const std::uint64_t then = bits_of(*d.source, layer);
        const bool must = !cap.valid() && !rule_.allow_pause;
        if (then > now && then - now > left_ && !must) return;
        if (then >= now)
            pay(then - now);
        else
            repay(now - then);
        cap = layer;
    }

    const TrackList& tracks_;
    SharingRule rule_;
    std::uint64_t left_;
    std::uint64_t used_ = 0;
    std::array<std::uint16_t, kMaxAllocatedTracks> order_{};
};

// The tracks that could have more, most distant first within each priority.
class Wanting {
  public:
    explicit Wanting(const TrackList& tracks) : tracks_(tracks) {
        for (std::size_t i = 0; i < tracks.size(); ++i)
            measure(i);
    }
    void measure(std::size_t i) {
        const bool wants = is_managed(tracks_.demands[i]) && tracks_.shares[i].deficient;
        distance_[i] = wants ? distance_of(tracks_.demands[i], tracks_.shares[i]) : kSatisfied;
    }
    void give_up(std::size_t i) { distance_[i] = kSatisfied; }
    std::optional<std::size_t> first() const {
        std::optional<std::size_t> best;
        for (std::size_t i = 0; i < tracks_.size(); ++i) {
            if (distance_[i] == kSatisfied) continue;
            if (!best || ahead(i, *best)) best = i;
        }
        return best;
    }

  private:
    static constexpr double kSatisfied = -1000;
    bool ahead(std::size_t a, std::size_t b) const {
        const auto pa = tracks_.demands[a].priority;
        const auto pb = tracks_.demands[b].priority;
        return pa != pb ? pa > pb : distance_[a] > distance_[b];
    }

    const TrackList& tracks_;
    std::array<double, kMaxAllocatedTracks> distance_{};
};

}  // namespace

std::uint64_t share_all(const TrackList& tracks, SharingRule rule) {
    return Sharing(tracks, rule).run();
}

void boost(const TrackList& tracks, std::uint64_t capacity, std::uint64_t percent) {
    Wanting wanting(tracks);
    std::uint64_t used = usage_of(tracks);
    while (const auto i = wanting.first()) {
        const VideoDemand& d = tracks.demands[*i];
        VideoShare& share = tracks.shares[*i];
        const Layer now = layer_under(d, share.cap);
        const Layer next = next_layer(d, now);
        const std::uint64_t more = added_bits(d, now, next);
        if (!next.valid() || used + more * percent / 100 > capacity) {
            wanting.give_up(*i);
            continue;
        }
        settle_on(d, share, next);
        used += bits_of(*d.source, next);
        used -= bits_of(*d.source, now);
        wanting.measure(*i);
    }
}

std::optional<ProbeStep> next_probe_step(const TrackList& tracks) {
    Wanting wanting(tracks);
    while (const auto i = wanting.first()) {
        const VideoDemand& d = tracks.demands[*i];
        const Layer now = layer_under(d, tracks.shares[*i].cap);
        const Layer next = next_layer(d, now);
        if (next.valid()) return ProbeStep{*i, next, added_bits(d, now, next)};
        wanting.give_up(*i);
    }
    return std::nullopt;
}

}  // namespace confab::sfu
