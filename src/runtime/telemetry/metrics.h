// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The metrics of a thread, which others are merged into, and their Prometheus text form (03 §6.1).
// Every metric is declared once, in metrics_table.h; an owner sets or adds values, mostly right
// before a scrape from the snapshots of the machines. One thread.
//   metrics.set(Metric::kRoomTotal, 3);
//   metrics.set(Metric::kPacketTotal, {"incoming", "initial", ""}, snapshot.rtp_in);
//   metrics.observe(Metric::kSessionJoinLatencyMs, {"16"}, 12.5);
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/telemetry/metrics_table.h"
#include "runtime/telemetry/network_packets.h"

namespace confab::telemetry {

// One value per label of the metric, in the order of the table; missing ones are "".
using LabelValues = std::initializer_list<std::string_view>;

class Metrics {
  public:
    // Label sets of one metric; a further one is counted in confab_metrics_dropped_total.
    static constexpr std::size_t kMaxSeries = 1000;

    explicit Metrics(std::string node_id);

    // Counters and gauges: the value itself. A counter never goes down: a smaller value is ignored.
    void set(Metric metric, LabelValues labels, double value);
    void set(Metric metric, double value) { set(metric, {}, value); }
    void add(Metric metric, LabelValues labels, double amount = 1);
    void add(Metric metric, double amount = 1) { add(metric, {}, amount); }
    // Histograms.
    void observe(Metric metric, LabelValues labels, double value);
    void observe(Metric metric, double value) { observe(metric, {}, value); }
    // A histogram that somebody else counts: how many values fell into each bucket since the start,
    // one more for those above the last bound, and their sum. Like a counter it never goes down: an
    // older state is ignored.
    void set_histogram(Metric metric, LabelValues labels, std::span<const std::uint64_t> counts,
                       double sum);
    // Adds what another thread has counted: values, counts and buckets.
    void merge(const Metrics& other);
    // The series is no longer written.
    void remove(Metric metric, LabelValues labels);

    // 0 if there is no such series; of a histogram the count.
    double value(Metric metric, LabelValues labels = {}) const;

    // process_* values and packets of the interfaces from the operating system; called before
    // render() by the scrape handler.
    void collect_process();
    // Text exposition format 0.0.4.
    std::string render() const;
    static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  private:
    struct Series {
        std::vector<std::string> labels;
        double value = 0;  // histograms: the sum
        std::uint64_t count = 0;
        std::vector<std::uint64_t> buckets;  // not cumulative
    };
    // nullptr if the metric has kMaxSeries already.
    Series* series(Metric metric, LabelValues labels);
    Series* series(Metric metric, std::vector<std::string> key);

    std::string node_id_;
    NetworkPackets network_before_;                                     // when this was made
    std::vector<std::map<std::vector<std::string>, Series>> families_;  // by Metric
    double dropped_ = 0;
};

// docs/reference/metrics.md: every metric with type, labels and meaning.
std::string metrics_reference();

}  // namespace confab::telemetry
