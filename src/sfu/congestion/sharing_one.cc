// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One track changed while the link is short: it takes what is free, else what others can spare (02
// BWE-03).
#include <algorithm>
#include <array>
#include <tuple>

#include "sfu/congestion/layer_cost.h"
#include "sfu/congestion/sharing.h"

namespace confab::sfu {
namespace {

struct Gift {
    Layer layer;  // to go down to
    std::uint64_t bits = 0;
};

// The step down that saves most for what it costs the eye: another spatial layer needs a key frame
// and is worth ten temporal steps.
Gift best_gift(const VideoDemand& d, Layer from) {
    constexpr double kSpatialCost = 10;
    Gift best;
    if (!from.valid()) return best;
    const std::uint64_t now = bits_of(*d.source, from);
    const double steps = top_temporal(d, from.spatial) + 1;
    double best_value = 0;
    for (std::int8_t s = 0; s <= from.spatial; ++s) {
        if (!can_choose(d, s)) continue;
        for (std::int8_t t = least_temporal(d, s); t <= from.temporal; ++t) {
            const std::uint64_t then = bits_of(*d.source, {s, t});
            if (then >= now || then == 0) continue;
            const double cost = (s != from.spatial ? kSpatialCost : 0) +
                                steps * (from.spatial - s) + (from.temporal - t);
            const double value = static_cast<double>(now - then) / cost;
            if (value <= best_value) continue;
            best_value = value;
            best = {{s, t}, now - then};
        }
    }
    return best;
}

// Others that may give, the least important and best served first.
class Givers {
  public:
    Givers(const TrackList& tracks, std::size_t taker) : tracks_(tracks) {
        for (std::size_t i = 0; i < tracks.size(); ++i) {
            if (i == taker || !is_managed(tracks.demands[i])) continue;
            distance_[i] = distance_of(tracks.demands[i], tracks.shares[i]);
            order_[count_++] = static_cast<std::uint16_t>(i);
        }
        std::sort(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(count_),
                  [&](std::uint16_t a, std::uint16_t b) { return rank(a) < rank(b); });
    }
    // Takes at least `bits` from them, or nothing.
    bool collect(std::uint64_t bits) {
        std::uint64_t sum = 0;
        std::size_t used = 0;
        for (; used < count_ && sum < bits; ++used) {
            const std::size_t i = order_[used];
            const VideoDemand& d = tracks_.demands[i];
            gifts_[used] = best_gift(d, layer_under(d, tracks_.shares[i].cap));
            sum += gifts_[used].bits;
        }
        if (sum < bits) return false;
        for (std::size_t k = 0; k < used; ++k)
            if (gifts_[k].bits > 0)
                settle_on(tracks_.demands[order_[k]], tracks_.shares[order_[k]], gifts_[k].layer);
        return true;
    }

  private:
    std::tuple<std::uint8_t, double, std::uint16_t> rank(std::uint16_t i) const {
        return {tracks_.demands[i].priority, distance_[i], i};
    }

    const TrackList& tracks_;
    std::size_t count_ = 0;
    std::array<std::uint16_t, kMaxAllocatedTracks> order_{};
    std::array<double, kMaxAllocatedTracks> distance_{};
    std::array<Gift, kMaxAllocatedTracks> gifts_{};
};

void start_track(const TrackList& tracks, std::size_t index, SharingRule rule) {
    const VideoDemand& d = tracks.demands[index];
    VideoShare& share = tracks.shares[index];
    share.cap = kNoLayer;
    const std::uint64_t others = usage_of(tracks);
    const std::uint64_t room = rule.capacity > others ? rule.capacity - others : 0;
    const Layer fitting = largest_within(d, room);
    if (fitting.valid()) {
        settle_on(d, share, fitting);
        return;
    }
    const Layer least = minimal_layer(d);
    const std::uint64_t wanted = others + bits_of(*d.source, least);
    const bool given = Givers(tracks, index).collect(wanted - std::min(wanted, rule.capacity));
    settle_on(d, share, given || !rule.allow_pause ? least : kNoLayer);
}

}  // namespace

void share_one(const TrackList& tracks, std::size_t index, Layer was_sent, SharingRule rule) {
    const VideoDemand& d = tracks.demands[index];
    VideoShare& share = tracks.shares[index];
    if (!is_managed(d)) {
        // What it took is free for others.
        open_up(share);
        boost(tracks, rule.capacity);
        return;
    }
    if (was_sent.valid()) was_sent = layer_under(d, was_sent);
    if (!was_sent.valid() || !can_choose(d, was_sent.spatial)) {
        start_track(tracks, index, rule);
        return;
    }
    // It stays where it is, or goes down to what it may want now; either may leave room.
    settle_on(d, share, was_sent);
    boost(tracks, rule.capacity);
}

}  // namespace confab::sfu
