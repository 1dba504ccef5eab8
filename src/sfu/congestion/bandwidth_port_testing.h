// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The port of a downlink whose answers are a test's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "sfu/congestion/bandwidth_port.h"

namespace confab::sfu::test {

// Keeps what it hears; its answers are the test's.
struct RecordingPort final : BandwidthPort {
    void packets_sent(std::span<const SentPacket> packets) override {
        ++calls;
        sent.insert(sent.end(), packets.begin(), packets.end());
    }
    void handle_transport_feedback(std::span<const PacketResult> packets, Timestamp) override {
        known_at_feedback = sent.size();
        results.insert(results.end(), packets.begin(), packets.end());
    }
    void handle_remb(std::uint64_t, Timestamp, std::span<const std::uint32_t>) override {}
    void update_rtt(Duration rtt, Timestamp) override { last_rtt = rtt; }
    void set_limit(std::uint64_t) override {}
    bool allocate(std::span<const VideoDemand> demands, std::span<VideoShare> shares,
                  Timestamp) override {
        demanded = demands.size();
        if (look) look(demands, shares);
        for (VideoShare& share : shares)
            share.cap = cap;
        return changes;
    }
    Timestamp next_deadline() const override { return deadline; }
    bool deficient() const override { return is_deficient; }
    std::uint64_t target_bitrate() const override { return target; }
    std::uint64_t pacing_rate() const override { return pacing; }
    std::size_t poll_probe(Timestamp) override { return std::exchange(probe_wanted, 0); }
    std::uint8_t probe_cluster() const override { return 3; }
    void probe_sent(std::size_t bytes, Timestamp) override { probed.push_back(bytes); }
    void save(StateWriter& out) const override { out.field(1, known); }
    void load(StateReader& in) override { in.field(1, known); }
    std::uint64_t target = kUnlimitedCapacity;
    std::uint64_t pacing = kUnlimitedCapacity;
    bool is_deficient = false;
    int calls = 0;
    std::vector<SentPacket> sent;
    std::vector<PacketResult> results;
    std::size_t known_at_feedback = 0;  // packets it had heard of
    Duration last_rtt;
    std::size_t demanded = 0;
    Layer cap = kTopLayer;
    std::size_t probe_wanted = 0;     // bytes, for the next question
    std::vector<std::size_t> probed;  // that were sent for each round
    bool changes = true;
    std::uint64_t known = 0;  // of the link
    Timestamp deadline = Timestamp::never();
    std::function<void(std::span<const VideoDemand>, std::span<VideoShare>)> look;
};

}  // namespace confab::sfu::test
