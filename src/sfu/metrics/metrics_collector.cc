// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/metrics/metrics_collector.h"

#include <algorithm>
#include <iterator>

#include "sfu/metrics/metrics_packer.h"
#include "wire/protobuf_fields.h"

namespace confab::sfu {
namespace {

using namespace wire::protobuf;

// Field numbers of MetricsBatch, TimeSeriesMetric, MetricSample; of MetricLabel.
constexpr std::uint32_t kBatchSeries = 4, kSeriesLabel = 1, kSeriesSamples = 4, kSampleValue = 3;
constexpr std::uint32_t kPublisherRtt = 17, kSubscriberRtt = 19;

// The next time of a clock that ticks; what was missed is left out.
bool take_tick(Timestamp now, Duration interval, Timestamp& at) {
    if (at > now) return false;
    at = at + interval;
    if (at <= now) at = now + interval;
    return true;
}

}  // namespace

MetricsCollector::MetricsCollector(const Options& options)
    : sampling_(std::max(options.sampling_interval > Duration::zero() ? options.sampling_interval
                                                                      : Options().sampling_interval,
                         kMinInterval)),
      batch_(std::clamp(options.batch_interval, sampling_, sampling_ * kMaxSamples)) {}

void MetricsCollector::start(Timestamp now, RoomId id) {
    const auto [found, first] = rooms_.try_emplace(id);
    if (!first) return;
    found->second.sample_at = now + sampling_;
    found->second.batch_at = now + batch_;
    deadlines_.insert({found->second.due(), id});
}

void MetricsCollector::stop(RoomId id) {
    const auto found = rooms_.find(id);
    if (found == rooms_.end()) return;
    deadlines_.erase({found->second.due(), id});
    rooms_.erase(found);
}

void MetricsCollector::forget(RoomId id, MemberId member) {
    const auto found = rooms_.find(id);
    if (found != rooms_.end()) found->second.participants.erase(member);
}

std::vector<MetricsCollector::Due> MetricsCollector::take_due(Timestamp now) {
    std::vector<Due> all;
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        const RoomId id = deadlines_.begin()->second;
        deadlines_.erase(deadlines_.begin());
        Room& room = rooms_.at(id);
        Due due{id};
        due.sample = take_tick(now, sampling_, room.sample_at);
        due.batch = take_tick(now, batch_, room.batch_at);
        deadlines_.insert({room.due(), id});
        all.push_back(due);
    }
    return all;
}

void MetricsCollector::add(RoomId id, MemberId member, std::string_view identity, UnixTime wall,
                           const RoundTrips& trips) {
    const auto found = rooms_.find(id);
    if (found == rooms_.end() || (!trips.publisher && !trips.subscriber)) return;
    Participant& of = found->second.participants[member];
    of.identity = identity;
    const auto note = [&](std::vector<Sample>& samples, const std::optional<Duration>& value) {
        if (!value || samples.size() >= std::size_t{kMaxSamples}) return;
        samples.push_back({wall, *value});
        ++found->second.samples;
    };
    note(of.publisher, trips.publisher);
    note(of.subscriber, trips.subscriber);
}

bool MetricsCollector::full(RoomId id) const {
    const auto found = rooms_.find(id);
    return found != rooms_.end() && found->second.samples >= kMaxRoomSamples;
}

// A series for each metric, without the name.
Bytes MetricsCollector::batch_of(const Participant& participant) {
    Bytes batch;
    const auto write = [&](std::uint32_t label, const std::vector<Sample>& samples) {
        if (samples.empty()) return;
        Bytes series;
        append_number(series, kSeriesLabel, label);
        for (const Sample& one : samples) {
            Bytes sample = metrics_times(one.at);  // in the same fields as those of a batch
            append_float(sample, kSampleValue, static_cast<float>(one.value.us()) * 1e-6F);
            append_bytes(series, kSeriesSamples, sample);
        }
        append_bytes(batch, kBatchSeries, series);
    };
    write(kPublisherRtt, participant.publisher);
    write(kSubscriberRtt, participant.subscriber);
    return batch;
}

std::vector<Bytes> MetricsCollector::take(RoomId id, UnixTime wall) {
    const auto found = rooms_.find(id);
    if (found == rooms_.end()) return {};
    std::vector<Bytes> packets;
    MetricsPacker packer;
    for (const auto& [member, participant] : found->second.participants) {
        std::vector<Bytes> full;
        (void)packer.add(batch_of(participant), participant.identity, full);
        packets.insert(packets.end(), std::make_move_iterator(full.begin()),
                       std::make_move_iterator(full.end()));
    }
    if (!packer.empty()) packets.push_back(packer.take());
    for (Bytes& body : packets)
        body = metrics_packet({}, metrics_times(wall), body);
    dropped_ += packer.dropped();
    found->second.participants.clear();
    found->second.samples = 0;
    return packets;
}

}  // namespace confab::sfu
