// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/media_figures.h"

#include <algorithm>

namespace confab::sfu {
namespace {

// Reports may name more than was sent meanwhile.
double percent(std::uint64_t part, std::uint64_t whole) {
    return 100.0 * static_cast<double>(std::min(part, whole)) / static_cast<double>(whole);
}

}  // namespace

void MediaFigures::add(Direction direction, MediaKind kind, MediaSource source,
                       const StreamRound& round) {
    StreamFigures& figures = figures_[index(direction, kind, source)];
    figures.lost += round.lost;
    figures.out_of_order += round.out_of_order;
    if (round.packets > 0)
        figures.loss_percent.add(kPercentBounds, percent(round.lost, round.packets));
    if (const std::uint64_t sent = round.sent.value_or(round.packets); sent > 0)
        figures.out_of_order_percent.add(kPercentBounds, percent(round.out_of_order, sent));
    if (round.jitter)
        figures.jitter_us.add(kJitterBoundsUs, static_cast<double>(round.jitter->us()));
    if (round.rtt) figures.rtt_ms.add(kRttBoundsMs, static_cast<double>(round.rtt->us()) / 1000.0);
}

void MediaFigures::merge(const MediaFigures& other) {
    for (std::size_t i = 0; i < figures_.size(); ++i) {
        figures_[i].lost += other.figures_[i].lost;
        figures_[i].out_of_order += other.figures_[i].out_of_order;
        figures_[i].loss_percent.merge(other.figures_[i].loss_percent);
        figures_[i].out_of_order_percent.merge(other.figures_[i].out_of_order_percent);
        figures_[i].jitter_us.merge(other.figures_[i].jitter_us);
        figures_[i].rtt_ms.merge(other.figures_[i].rtt_ms);
    }
}

}  // namespace confab::sfu
