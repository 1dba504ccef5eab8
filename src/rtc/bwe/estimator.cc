// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/bwe/estimator.h"

#include <algorithm>

namespace confab::bwe {

void Estimator::handle_sent(Timestamp at, std::uint32_t bytes) {
    alr_.handle_sent(bytes, at);
    probe_.handle_sent(at, bytes);
}

void Estimator::handle_arrival(const PacketFeedback& packet, Timestamp now) {
    acknowledged_.add(packet.arrival, packet.bytes, alr_.limited());
    standing_.add(packet.sent, packet.arrival, packet.bytes);
    const auto delta = groups_.add(packet.sent, packet.arrival, now);
    if (!delta) return;
    const double trend = trend_.add(*delta);
    const LinkUse use = detector_.detect({trend, trend_.deltas(), delta->sent, delta->complete});
    if (use == LinkUse::kOverusing) overused_now_ = true;
}

void Estimator::handle_feedback(std::span<const PacketFeedback> packets, Timestamp now) {
    if (was_limited_ && !alr_.limited()) acknowledged_.expect_change();
    was_limited_ = alr_.limited();
    overused_now_ = false;
    bool arrived = false;
    for (const PacketFeedback& packet : packets) {
        loss_.add(packet);
        probe_.handle_feedback(packet);
        if (!packet.received) {
            standing_.lost(packet.sent);
            continue;
        }
        arrived = true;
        handle_arrival(packet, now);
    }
    const auto acknowledged = acknowledged_.bits_per_second();
    loss_.update(acknowledged, alr_.limited());
    if (!arrived) return;
    standing_.look();
    if (overused_now_) overused_ = now;
    // An overuse within a report counts although it ended in it, and is answered once per round
    // trip.
    const LinkUse use = overused_now_ ? LinkUse::kOverusing : detector_.state();
    if (use != LinkUse::kOverusing || !aimd_.known() ||
        aimd_.may_reduce(acknowledged.value_or(AimdRateControl::kMax), now))
        aimd_.update({use, acknowledged, alr_.limited()}, now);
    if (aimd_.known()) alr_.set_target(aimd_.rate());
}

void Estimator::set_rate(double bits_per_second, Timestamp now) {
    aimd_.set_estimate(bits_per_second, now);
    aimd_.handle_probe(bits_per_second);
    alr_.set_target(aimd_.rate());
}

std::optional<double> Estimator::rate() const {
    std::optional<double> rate;
    if (aimd_.known()) rate = aimd_.rate();
    if (const auto limit = loss_.limit(); limit && (!rate || *limit < *rate)) rate = limit;
    return rate;
}

}  // namespace confab::bwe
