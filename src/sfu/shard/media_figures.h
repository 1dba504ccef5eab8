// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Loss, order, jitter and round trips of all streams of a shard, as distributions with fixed bounds
// (03 §6.1). Fed once per stream and round of a few seconds, never per packet; counts only grow.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sfu/shard/commands.h"

namespace confab::sfu {

// How many values fell below or on each of N ascending bounds and above those before; the last
// count is of what lies above all.
template <std::size_t N>
struct Distribution {
    std::array<std::uint64_t, N + 1> counts{};
    double sum = 0;

    void add(const std::array<double, N>& bounds, double value, std::uint64_t times = 1) {
        std::size_t i = 0;
        while (i < N && value > bounds[i])
            ++i;
        counts[i] += times;
        sum += value * static_cast<double>(times);
    }
    void merge(const Distribution& other) {
        for (std::size_t i = 0; i < counts.size(); ++i)
            counts[i] += other.counts[i];
        sum += other.sum;
    }
    std::uint64_t count() const {
        std::uint64_t total = 0;
        for (const std::uint64_t one : counts)
            total += one;
        return total;
    }
};

inline constexpr std::array kPercentBounds = {0., 0.1, 0.3, 0.5, 0.7, 1., 5., 10., 40., 100.};
inline constexpr std::array kJitterBoundsUs = {1000.,   10000.,  30000.,  50000.,  70000.,
                                               100000., 300000., 600000., 1000000.};
inline constexpr std::array kRttBoundsMs = {50.,  100., 150.,  200.,  250.,
                                            500., 750., 1000., 5000., 10000.};

// What one stream did in a round.
struct StreamRound {
    std::uint64_t packets = 0;  // that should have arrived
    std::uint64_t lost = 0;
    std::uint64_t out_of_order = 0;
    std::optional<Duration> jitter;  // none: nothing was measured
    std::optional<Duration> rtt;
    std::uint64_t bytes = 0;   // that came, headers included
    std::uint32_t frames = 0;  // whose last packet came
    std::optional<std::uint64_t> sent =
        std::nullopt;  // what `out_of_order` is of, if not `packets`
};

struct StreamFigures {
    std::uint64_t lost = 0;
    std::uint64_t out_of_order = 0;
    Distribution<kPercentBounds.size()> loss_percent;
    Distribution<kPercentBounds.size()> out_of_order_percent;
    Distribution<kJitterBoundsUs.size()> jitter_us;
    Distribution<kRttBoundsMs.size()> rtt_ms;
};

// From publishers, or to subscribers.
enum class Direction : std::uint8_t { kIncoming, kOutgoing };

class MediaFigures {
  public:
    // A round without packets tells nothing of loss and order.
    void add(Direction direction, MediaKind kind, MediaSource source, const StreamRound& round);
    void merge(const MediaFigures& other);
    const StreamFigures& of(Direction direction, MediaKind kind, MediaSource source) const {
        return figures_[index(direction, kind, source)];
    }

  private:
    static std::size_t index(Direction direction, MediaKind kind, MediaSource source) {
        return (static_cast<std::size_t>(direction) * 2 + (kind == MediaKind::kVideo ? 1 : 0)) *
                   kMediaSources +
               static_cast<std::size_t>(source);
    }
    std::array<StreamFigures, 2 * 2 * kMediaSources> figures_{};
};

}  // namespace confab::sfu
