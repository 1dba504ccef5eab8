// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/figures.h"

namespace confab::load {
namespace {

constexpr double kBusy = 0.85;
constexpr Duration kLate = Duration::millis(5);

}  // namespace

void StreamFigures::add(const StreamFigures& other) {
    if (other.packets == 0) return;
    first = packets == 0 ? other.first : std::min(first, other.first);
    last = packets == 0 ? other.last : std::max(last, other.last);
    packets += other.packets;
    bytes += other.bytes;
    missing += other.missing;
    repaired += other.repaired;
    lost += other.lost;
    repeated += other.repeated;
    asks += other.asks;
    key_asks += other.key_asks;
    freezes += other.freezes;
    frozen = frozen + other.frozen;
    audio_gaps += other.audio_gaps;
    stopped += other.stopped;
}

void JoinTimes::merge(const JoinTimes& other) {
    web_socket.merge(other.web_socket);
    joined.merge(other.joined);
    ice.merge(other.ice);
    connected.merge(other.connected);
    first_rtp.merge(other.first_rtp);
    first_key_frame.merge(other.first_key_frame);
}

void Figures::merge(const Figures& other) {
    received.add(other.received);
    latency.merge(other.latency);
    settled_latency.merge(other.settled_latency);
    joins.merge(other.joins);
    sent += other.sent;
    resent += other.resent;
    key_frames += other.key_frames;
    decrypted += other.decrypted;
    joined += other.joined;
    tracks += other.tracks;
    expected_tracks += other.expected_tracks;
    data_sent += other.data_sent;
    data_received += other.data_received;
    data_latency.merge(other.data_latency);
    for (const auto& [why, count] : other.errors)
        errors[why] += count;
}

std::uint64_t Figures::failed() const {
    std::uint64_t sum = 0;
    for (const auto& [why, count] : errors)
        sum += count;
    return sum;
}

bool TesterFigures::is_bound() const {
    return drops > 0 || busiest > kBusy || lateness.percentile(0.99) > kLate;
}

}  // namespace confab::load
