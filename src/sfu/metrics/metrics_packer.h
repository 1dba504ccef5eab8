// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Metrics of several batches in one, and those of one in several (01 SIG-124). Names in a batch are
// numbers of its own list of texts, so that they are numbered anew; a name whose text is not there,
// or is no text, is left out. What does not fit any more begins another batch.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "sfu/data/data_packet.h"

namespace confab::sfu {

// METRIC_LABEL_PREDEFINED_MAX_VALUE: text 0 of the list of a batch has this number.
inline constexpr std::uint32_t kFirstMetricText = 4096;

class MetricsPacker {
  public:
    // Room for the times of a batch, and for what stands around it in a packet of nobody's.
    static constexpr std::size_t kAround = 64;
    static constexpr std::size_t kMaxBody = kMaxDataPacketBytes - kAround;

    // What one packet may fill; it is a few, unless somebody made it to be many.
    static constexpr std::size_t kMaxParts = 32;

    explicit MetricsPacker(std::size_t max_body = kMaxBody) : max_body_(max_body) {}

    // The metrics of a batch. Metrics that name no participant get `sender`, unless it is empty.
    // Whatever is full goes to `full`, as take() gives it. False when the batch does not scan, and
    // with more than kMaxParts in `full`, which is where it ends.
    bool add(BytesView batch, std::string_view sender, std::vector<Bytes>& full);
    bool empty() const { return metrics_.empty(); }
    // Texts, series and events of a batch; it is empty then.
    Bytes take();
    // Metrics that fit into no batch.
    std::uint64_t dropped() const { return dropped_; }

  private:
    struct Metric;
    bool read(BytesView message, bool event, Metric& metric) const;
    void add_series(const Metric& metric, std::vector<Bytes>& full);
    void add_event(const Metric& metric, std::vector<Bytes>& full);
    Bytes head_of(const Metric& metric);
    std::size_t most(const Metric& metric) const;
    void make_room(const Metric& metric, std::size_t bytes, std::vector<Bytes>& full);
    std::uint32_t number_of(std::string_view text);

    std::size_t max_body_;
    Bytes texts_;
    Bytes metrics_;
    std::map<std::string, std::uint32_t, std::less<>> numbers_;
    std::vector<std::string_view> given_;  // the texts of the batch that is added
    std::uint64_t dropped_ = 0;
};

// A DataPacket of a batch of metrics: fields that stand in front of it, and those of its times.
Bytes metrics_packet(BytesView front, BytesView times, BytesView body);
// When a batch is sent, and that by our clock.
Bytes metrics_times(UnixTime wall);
// The batches in a DataPacket with the identity that is said to send them; false when it does not
// scan.
bool for_each_batch(BytesView packet,
                    const std::function<bool(BytesView batch, std::string_view sender)>& fn);
// What is said again in each part of a packet: who sends it, the times of the batch.
inline constexpr std::size_t kMaxAroundMetrics = 4'096;
// A packet as normalize_metrics() makes it, in as many as it needs, kMaxParts at most; none of them
// is too large. All batches are one, with the last time of any. Only the first part has the number
// of the packet. Metrics that fit into none are left out.
Result<std::vector<Bytes>, DataError> split_metrics(Bytes packet);

}  // namespace confab::sfu
