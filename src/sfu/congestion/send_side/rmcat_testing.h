// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The scenarios of RFC 8867 §5 and the network profiles N1 to N7 of 02 §11 for one estimator or the
// other: flows over one bottleneck, and what came of them. A flow is a subscriber of three cameras
// (270 kbit/s to 5.1 Mbit/s in layers) and a microphone: layers are coarser than the encoders that
// the RFC has in mind, so that rates move in steps.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sfu/congestion/send_side/flow_model_testing.h"
#include "sfu/congestion/send_side/tcp_model_testing.h"

namespace confab::sfu::test {

struct RateStep {
    std::int64_t ms = 0;
    double bits_per_second = 0;
};

struct Scenario {
    std::string id;
    std::string title;
    std::int64_t length_ms = 100'000;
    std::vector<RateStep> rates;  // of the bottleneck; the first one from the beginning
    std::vector<RateStep> back;   // of feedback's way; empty: wide
    bwe::test::BottleneckProfile link{};
    std::vector<FlowOptions> flows = std::vector<FlowOptions>(1);
    std::size_t cameras = 3;
    std::vector<TcpOptions> tcp;
    // In which nothing passes at all.
    std::int64_t outage_from_ms = -1;
    std::int64_t outage_until_ms = -1;
};

// One second of one flow.
struct Second {
    float received = 0;  // bits per second
    float estimate = 0;
};

struct Outcome {
    double utilisation = 0;   // of what the bottleneck would have taken while flows were active
    double delay_p50_ms = 0;  // in the bottleneck's queue
    double delay_p95_ms = 0;
    double loss = 0;
    double probes = 0;  // of the bytes sent
    double audio_loss = 0;
    double converge_s = 0;          // longest, after a change of the rate
    double fairness = 0;            // Jain's index over the last third
    double changes_per_minute = 0;  // of the first flow's first track
    double tcp_share = 0;           // of all that arrived
    double last_usage = 0;          // bits per second of the first flow's video, at the end
    std::vector<double> capacity;   // per second
    std::vector<std::vector<Second>> seconds;  // per flow
};

class ScenarioRun {
  public:
    ScenarioRun(const Scenario& scenario, bool send_side, std::uint64_t seed = 1)
        : scenario_(scenario), link_(profile(scenario), seed), back_(wide(), seed + 1) {
        if (!scenario.back.empty()) back_.profile().bits_per_second = first(scenario.back);
        for (FlowOptions options : scenario.flows) {
            options.send_side = send_side;
            if (!scenario.back.empty()) options.back = &back_;
            flows_.push_back(std::make_unique<FlowModel>(link_, options));
            for (std::size_t i = 0; i < scenario.cameras; ++i)
                flows_.back()->tracks().add(wish(source_));
        }
        for (std::size_t i = 0; i < scenario.tcp.size(); ++i)
            tcp_.push_back(std::make_unique<TcpModel>(link_, scenario.tcp[i], seed + 10 + i));
    }

    Outcome run() {
        Outcome out;
        out.seconds.resize(flows_.size());
        std::vector<std::uint64_t> before(flows_.size(), 0);
        for (std::int64_t ms = 0; ms < scenario_.length_ms; ++ms) {
            apply(ms);
            for (const auto& flow : flows_)
                flow->step(ms);
            for (const auto& tcp : tcp_)
                tcp->step(ms);
            if (ms % 1000 != 999) continue;
            out.capacity.push_back(outage(ms) ? 0 : link_.profile().bits_per_second);
            for (std::size_t i = 0; i < flows_.size(); ++i) {
                const std::uint64_t bytes = flows_[i]->totals().bytes;
                out.seconds[i].push_back({static_cast<float>(bytes - before[i]) * 8,
                                          static_cast<float>(flows_[i]->estimate())});
                before[i] = bytes;
            }
        }
        measure(out);
        return out;
    }

  private:
    static bwe::test::BottleneckProfile wide() {
        bwe::test::BottleneckProfile out;
        out.bits_per_second = 100e6;
        out.delay = Duration::zero();
        return out;
    }
    static double first(const std::vector<RateStep>& rates) {
        return rates.front().bits_per_second;
    }
    static bwe::test::BottleneckProfile profile(const Scenario& scenario) {
        bwe::test::BottleneckProfile out = scenario.link;
        out.bits_per_second = first(scenario.rates);
        return out;
    }
    bool outage(std::int64_t ms) const {
        return ms >= scenario_.outage_from_ms && ms < scenario_.outage_until_ms;
    }
    void apply(std::int64_t ms) {
        for (const RateStep& step : scenario_.rates)
            if (step.ms == ms) link_.set_rate(step.bits_per_second, at_ms(ms));
        for (const RateStep& step : scenario_.back)
            if (step.ms == ms) back_.set_rate(step.bits_per_second, at_ms(ms));
        link_.profile().loss = outage(ms) ? 1 : scenario_.link.loss;
    }

    void measure(Outcome& out) const {
        measure_packets(out);
        measure_rates(out);
        std::size_t changes = 0;
        for (const FlowModel::Change& change : flows_[0]->changes())
            changes += change.ms > 1000 ? 1 : 0;
        out.changes_per_minute =
            static_cast<double>(changes) * 60'000 / static_cast<double>(scenario_.length_ms);
        out.last_usage = flows_[0]->usage();
        out.converge_s = convergence(out);
        out.fairness = fairness(out);
    }
    void measure_packets(Outcome& out) const {
        std::vector<float> waits;
        FlowModel::Totals sum;
        double bytes = 0;
        for (const auto& flow : flows_) {
            waits.insert(waits.end(), flow->waits_ms().begin(), flow->waits_ms().end());
            const FlowModel::Totals& t = flow->totals();
            sum.sent += t.sent;
            sum.lost += t.lost;
            sum.probe_bytes += t.probe_bytes;
            sum.audio_sent += t.audio_sent;
            sum.audio_lost += t.audio_lost;
            bytes += static_cast<double>(t.bytes);
        }
        std::sort(waits.begin(), waits.end());
        if (!waits.empty()) {
            out.delay_p50_ms = waits[waits.size() / 2];
            out.delay_p95_ms = waits[waits.size() * 95 / 100];
        }
        out.loss = static_cast<double>(sum.lost) / static_cast<double>(sum.sent);
        out.probes = static_cast<double>(sum.probe_bytes) / bytes;
        out.audio_loss = static_cast<double>(sum.audio_lost) / static_cast<double>(sum.audio_sent);
        double tcp = 0;
        for (const auto& flow : tcp_)
            tcp += static_cast<double>(flow->bytes());
        out.tcp_share = tcp / (tcp + bytes);
    }
    // No more than the flows may want counts as taken or not.
    void measure_rates(Outcome& out) const {
        double taken = 0;
        double there = 0;
        for (std::size_t s = 0; s < out.capacity.size(); ++s) {
            double wanted = 0;
            for (std::size_t i = 0; i < flows_.size(); ++i) {
                taken += out.seconds[i][s].received;
                if (flows_[i]->active(static_cast<std::int64_t>(s) * 1000)) wanted += most();
            }
            there += std::min(out.capacity[s], wanted);
        }
        out.utilisation = taken / there;
    }
    double most() const { return static_cast<double>(scenario_.cameras) * 1'700'000 + 40'000; }

    // Seconds from a change of the bottleneck until all flows together take 65 % to 105 % of it for
    // three seconds; the time to the next change where they never do.
    double convergence(const Outcome& out) const {
        double longest = 0;
        for (std::size_t k = 0; k < scenario_.rates.size(); ++k) {
            const auto from = static_cast<std::size_t>(scenario_.rates[k].ms / 1000);
            const std::size_t until =
                k + 1 < scenario_.rates.size()
                    ? static_cast<std::size_t>(scenario_.rates[k + 1].ms / 1000)
                    : out.capacity.size();
            std::size_t good = 0;
            std::size_t s = from;
            for (; s < until && good < 3; ++s)
                good = within(out, s) ? good + 1 : 0;
            const std::size_t took = good >= 3 ? s - 3 - from : until - from;
            longest = std::max(longest, static_cast<double>(took));
        }
        return longest;
    }
    bool within(const Outcome& out, std::size_t s) const {
        double sum = 0;
        double wanted = 0;
        for (std::size_t i = 0; i < flows_.size(); ++i) {
            sum += out.seconds[i][s].received;
            if (flows_[i]->active(static_cast<std::int64_t>(s) * 1000)) wanted += most();
        }
        const double fit = std::min(out.capacity[s], wanted);
        return sum >= 0.65 * fit && sum <= 1.05 * out.capacity[s];
    }
    static double fairness(const Outcome& out) {
        double sum = 0;
        double squares = 0;
        for (const std::vector<Second>& flow : out.seconds) {
            double rate = 0;
            for (std::size_t s = flow.size() * 2 / 3; s < flow.size(); ++s)
                rate += flow[s].received;
            sum += rate;
            squares += rate * rate;
        }
        return squares > 0 ? sum * sum / (static_cast<double>(out.seconds.size()) * squares) : 0;
    }

    const Scenario& scenario_;
    SourceState source_ = camera();
    bwe::test::Bottleneck link_;
    bwe::test::Bottleneck back_;
    std::vector<std::unique_ptr<FlowModel>> flows_;
    std::vector<std::unique_ptr<TcpModel>> tcp_;
};

inline Outcome run_scenario(const Scenario& scenario, bool send_side, std::uint64_t seed = 1) {
    return ScenarioRun(scenario, send_side, seed).run();
}

}  // namespace confab::sfu::test
