// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A subscriber behind a bottleneck in virtual time, for tests of the whole control loop: a queue of
// limited length before a link of a given rate, and a receiver that estimates like a browser does
// (draft-ietf-rmcat-gcc-02 §5: down to 0.85 of what arrives when the queue grows, else up to at
// most 1.5 times of what arrives, by 8 % per second or, near where the queue grew last, in small
// steps), sends REMBs and asks for what it misses.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "sfu/congestion/allocator_testing.h"

namespace confab::sfu::test {

class LinkModel {
  public:
    static constexpr std::int64_t kStep = 10;   // ms
    static constexpr double kPacket = 1200;     // bytes
    static constexpr double kSmallStep = 2000;  // bits per second, each 100 ms

    struct Link {
        double bits_per_second = 100'000'000;
        double queue_ms = 300;
    };
    struct Change {
        std::int64_t ms = 0;
        Layer sent;
        bool paused = false;
    };

    explicit LinkModel(BandwidthOptions options = {}) : bandwidth_(options) {}

    RembBandwidth& bandwidth() { return bandwidth_; }
    Tracks& tracks() { return tracks_; }
    Link& link() { return link_; }
    std::int64_t now() const { return now_; }
    double estimated() const { return estimate_; }
    const std::vector<Change>& changes() const { return changes_; }
    const std::vector<std::int64_t>& probes() const { return probes_; }
    std::uint64_t bytes_arrived() const { return arrived_total_; }
    void set_report_interval(std::int64_t ms) { report_interval_ = ms; }

    void run_until(std::int64_t ms) {
        while (now_ < ms) {
            now_ += kStep;
            send(static_cast<double>(tracks_.usage()) * kStep / 8000, true);
            drain();
            if (now_ % 100 == 0) estimate();
            const bool report = now_ % report_interval_ == 0 && arrived_total_ > 0;
            if (report) bandwidth_.handle_remb(static_cast<std::uint64_t>(estimate_), at_ms(now_));
            if (report || at_ms(now_) >= bandwidth_.next_deadline()) allocate();
        }
    }
    void allocate() {
        const bool before = bandwidth_.probing();
        (void)bandwidth_.allocate(tracks_.demands, tracks_.shares, at_ms(now_));
        if (!before && bandwidth_.probing()) probes_.push_back(now_);
        if (const std::size_t bytes = bandwidth_.poll_probe(at_ms(now_)); bytes > 0) {
            send(static_cast<double>(bytes), false);
            bandwidth_.probe_sent(bytes, at_ms(now_));
        }
        const Change change{now_, tracks_.sent(0), tracks_.shares[0].cap == kNoLayer};
        if (changes_.empty() || changes_.back().sent != change.sent) changes_.push_back(change);
    }

  private:
    void send(double bytes, bool media) {
        const double room = link_.bits_per_second / 8000 * link_.queue_ms - queue_;
        const double taken = std::clamp(bytes, 0.0, std::max(room, 0.0));
        queue_ += taken;
        if (!media || tracks_.demands.empty()) return;
        // A copy sent again is lost as often as the packet was.
        const double lost = bytes > 0 ? (bytes - taken) / bytes : 0;
        packets_ += bytes / kPacket;
        repeats_ += bytes / kPacket * lost * lost / std::max(1 - lost, 0.1);
        tracks_.demands[0].packets = static_cast<std::uint64_t>(packets_);
        tracks_.demands[0].nack_repeats = static_cast<std::uint64_t>(repeats_);
    }
    void drain() {
        const double out = std::min(queue_, link_.bits_per_second / 8000 * kStep);
        queue_ -= out;
        arrived_.push_back(out);
        if (arrived_.size() > 50) arrived_.pop_front();
        arrived_total_ += static_cast<std::uint64_t>(out);
    }
    void estimate() {
        double rate = 0;
        for (const double bytes : arrived_)
            rate += bytes;
        rate *= 8.0 * 1000 / (static_cast<double>(arrived_.size()) * kStep);
        const double delay = queue_ * 8000 / link_.bits_per_second;
        const bool grows = delay > last_delay_ + 2;
        const bool over = (grows && delay > 25) || delay > 0.9 * link_.queue_ms;
        last_delay_ = delay;
        if (over) {
            estimate_ = std::min(estimate_, 0.85 * rate);
            convergence_ = rate;
        } else if (delay < 15) {
            if (rate > 1.1 * convergence_) convergence_ = 0;
            const double up = convergence_ > 0 ? estimate_ + kSmallStep : estimate_ * 1.008;
            estimate_ = std::max(estimate_, std::min(up, 1.5 * rate + 10'000));
        }
    }

    RembBandwidth bandwidth_;
    Tracks tracks_;
    Link link_;
    std::int64_t now_ = 0;
    std::int64_t report_interval_ = 200;
    double queue_ = 0;  // bytes
    double last_delay_ = 0;
    double convergence_ = 0;  // what arrived when the queue grew last
    double estimate_ = 5'000'000;
    double packets_ = 0;
    double repeats_ = 0;
    std::deque<double> arrived_;
    std::uint64_t arrived_total_ = 0;
    std::vector<Change> changes_;
    std::vector<std::int64_t> probes_;
};

}  // namespace confab::sfu::test
