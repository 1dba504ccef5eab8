// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/metrics/metrics_packer.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "wire/protobuf_fields.h"

namespace confab::sfu {
namespace {

using namespace wire::protobuf;

// Field numbers of DataPacket, MetricsBatch, TimeSeriesMetric, EventMetric, Timestamp.
constexpr std::uint32_t kPacketIdentity = 4, kPacketTo = 5, kPacketMetrics = 8,
                        kPacketSequence = 16;
constexpr std::uint32_t kBatchTime = 1, kBatchOurs = 2, kBatchTexts = 3, kBatchSeries = 4,
                        kBatchEvents = 5;
constexpr std::uint32_t kLabel = 1, kIdentity = 2, kTrack = 3;  // of both
constexpr std::uint32_t kSamples = 4, kSeriesRid = 5;
constexpr std::uint32_t kEventFirstTime = 4, kEventLastTime = 7, kEventMetadata = 8, kEventRid = 9;
constexpr std::uint32_t kSeconds = 1, kNanos = 2;
constexpr auto kFirstText = kFirstMetricText;

// Key and length of a field, and a number of a text, at most.
constexpr std::size_t kMaxKey = 6;

Bytes timestamp_of(UnixTime wall) {
    Bytes body;
    append_number(body, kSeconds, static_cast<std::uint64_t>(wall.us() / 1'000'000));
    append_number(body, kNanos, static_cast<std::uint64_t>(wall.us() % 1'000'000) * 1000);
    return body;
}

// What is not metrics in a packet of them.
struct Around {
    Bytes front;
    BytesView sequence, time, ours;  // whole fields, the last of each

    std::size_t size() const { return front.size() + sequence.size() + time.size() + ours.size(); }
    Bytes times() const {
        Bytes both = to_vector(time);
        append(both, ours);
        return both;
    }
    // False when the batch does not scan.
    bool take_times(BytesView batch) {
        ByteReader reader(batch);
        while (!reader.at_end()) {
            const auto field = read_field(reader, batch);
            if (!field) return false;
            if (field->number == kBatchTime && field->type == kVarint) time = field->whole;
            if (field->number == kBatchOurs && field->type == kLength) ours = field->whole;
        }
        return true;
    }
};

// To whom it is says nothing: metrics are for all who may hear them.
Result<Around, DataError> around_metrics(BytesView packet) {
    Around around;
    ByteReader reader(packet);
    while (!reader.at_end()) {
        const auto field = read_field(reader, packet);
        if (!field) return fail(DataError::kMalformed);
        if (field->number == kPacketMetrics) {
            if (field->type == kLength && !around.take_times(field->body))
                return fail(DataError::kMalformed);
        } else if (field->number == kPacketSequence) {
            if (field->type == kVarint) around.sequence = field->whole;
        } else if (field->number != kPacketTo) {
            append(around.front, field->whole);
        }
    }
    return around;
}

bool is_text(const Field& field) {
    return field.type == kLength && is_valid_utf8(as_text(field.body));
}

}  // namespace

// As it came.
struct MetricsPacker::Metric {
    std::uint32_t label = 0;
    std::string_view label_text;  // unless the label is one of the known ones
    std::string_view identity;
    std::string_view track;
    std::string_view rid;
    std::uint32_t rid_field = kSeriesRid;
    std::vector<BytesView> samples;  // whole fields
    Bytes rest;                      // of an event
};

// ---------------------------------------------------------------- reading

bool MetricsPacker::read(BytesView message, bool event, Metric& metric) const {
    const auto text = [&](std::uint64_t number) -> std::string_view {
        if (number < kFirstText || number - kFirstText >= given_.size()) return {};
        return given_[static_cast<std::size_t>(number - kFirstText)];
    };
    metric.rid_field = event ? kEventRid : kSeriesRid;
    ByteReader reader(message);
    while (!reader.at_end()) {
        const auto field = read_field(reader, message);
        if (!field) return false;
        const std::uint32_t number = field->number;
        if (number == kLabel && field->type == kVarint) {
            metric.label =
                field->varint < kFirstText ? static_cast<std::uint32_t>(field->varint) : 0;
            metric.label_text = text(field->varint);
        } else if (number == kIdentity && field->type == kVarint) {
            metric.identity = text(field->varint);
        } else if (number == kTrack && field->type == kVarint) {
            metric.track = text(field->varint);
        } else if (number == metric.rid_field && field->type == kVarint) {
            metric.rid = text(field->varint);
        } else if (!event && number == kSamples && field->type == kLength) {
            metric.samples.push_back(field->whole);
        } else if (event && ((number >= kEventFirstTime && number <= kEventLastTime) ||
                             (number == kEventMetadata && is_text(*field)))) {
            append(metric.rest, field->whole);
        }
    }
    return true;
}

bool MetricsPacker::add(BytesView batch, std::string_view sender, std::vector<Bytes>& full) {
    given_.clear();
    ByteReader texts(batch);
    while (!texts.at_end()) {
        const auto field = read_field(texts, batch);
        if (!field) return false;
        if (field->number == kBatchTexts && field->type == kLength)
            given_.push_back(is_text(*field) ? as_text(field->body) : std::string_view());
    }
    ByteReader reader(batch);
    while (!reader.at_end()) {
        const auto field = read_field(reader, batch);
        const bool event = field->number == kBatchEvents;
        if (field->type != kLength || (!event && field->number != kBatchSeries)) continue;
        Metric metric;
        if (!read(field->body, event, metric)) return false;
        if (metric.identity.empty()) metric.identity = sender;
        event ? add_event(metric, full) : add_series(metric, full);
        if (full.size() > kMaxParts) return false;
    }
    return true;
}

// ---------------------------------------------------------------- writing

std::uint32_t MetricsPacker::number_of(std::string_view text) {
    if (const auto found = numbers_.find(text); found != numbers_.end()) return found->second;
    const auto number = kFirstText + static_cast<std::uint32_t>(numbers_.size());
    numbers_.emplace(text, number);
    append_bytes(texts_, kBatchTexts, as_bytes(text));
    return number;
}

// What its names may need here, in the list of texts, too.
std::size_t MetricsPacker::most(const Metric& metric) const {
    std::size_t bytes = 2 * kMaxKey;
    for (const std::string_view text :
         {metric.label_text, metric.identity, metric.track, metric.rid})
        bytes += kMaxKey + (numbers_.contains(text) ? 0 : kMaxKey + text.size());
    return bytes;
}

void MetricsPacker::make_room(const Metric& metric, std::size_t bytes, std::vector<Bytes>& full) {
    if (empty() || texts_.size() + metrics_.size() + most(metric) + bytes <= max_body_) return;
    full.push_back(take());
}

Bytes MetricsPacker::head_of(const Metric& metric) {
    Bytes head;
    const std::uint32_t label =
        metric.label_text.empty() ? metric.label : number_of(metric.label_text);
    if (label != 0) append_number(head, kLabel, label);
    if (!metric.identity.empty()) append_number(head, kIdentity, number_of(metric.identity));
    if (!metric.track.empty()) append_number(head, kTrack, number_of(metric.track));
    if (!metric.rid.empty()) append_number(head, metric.rid_field, number_of(metric.rid));
    return head;
}

void MetricsPacker::add_event(const Metric& metric, std::vector<Bytes>& full) {
    make_room(metric, metric.rest.size(), full);
    if (texts_.size() + metrics_.size() + most(metric) + metric.rest.size() > max_body_) {
        ++dropped_;
        return;
    }
    Bytes event = head_of(metric);
    append(event, metric.rest);
    append_bytes(metrics_, kBatchEvents, event);
}

// In as many as its samples need.
void MetricsPacker::add_series(const Metric& metric, std::vector<Bytes>& full) {
    auto sample = metric.samples.begin();
    do {
        make_room(metric, sample == metric.samples.end() ? 0 : sample->size(), full);
        std::size_t size = texts_.size() + metrics_.size() + most(metric);
        const auto first = sample;
        for (; sample != metric.samples.end() && size + sample->size() <= max_body_; ++sample)
            size += sample->size();
        if (size > max_body_ || (sample == first && sample != metric.samples.end())) {
            ++dropped_;
            return;
        }
        Bytes series = head_of(metric);
        for (auto one = first; one != sample; ++one)
            append(series, *one);
        append_bytes(metrics_, kBatchSeries, series);
    } while (sample != metric.samples.end() && full.size() <= kMaxParts);
}

Bytes MetricsPacker::take() {
    Bytes body = std::exchange(texts_, {});
    append(body, metrics_);
    metrics_.clear();
    numbers_.clear();
    return body;
}

// ---------------------------------------------------------------- packets

Bytes metrics_times(UnixTime wall) {
    Bytes times;
    append_number(times, kBatchTime, static_cast<std::uint64_t>(wall.ms()));
    append_bytes(times, kBatchOurs, timestamp_of(wall));
    return times;
}

Bytes metrics_packet(BytesView front, BytesView times, BytesView body) {
    Bytes batch = to_vector(times);
    append(batch, body);
    Bytes packet = to_vector(front);
    append_bytes(packet, kPacketMetrics, batch);
    return packet;
}

bool for_each_batch(BytesView packet,
                    const std::function<bool(BytesView batch, std::string_view sender)>& fn) {
    std::string_view sender;
    std::vector<BytesView> batches;
    ByteReader reader(packet);
    while (!reader.at_end()) {
        const auto field = read_field(reader, packet);
        if (!field) return false;
        if (field->number == kPacketIdentity && is_text(*field)) sender = as_text(field->body);
        if (field->number == kPacketMetrics && field->type == kLength)
            batches.push_back(field->body);
    }
    return std::all_of(batches.begin(), batches.end(),
                       [&](BytesView batch) { return fn(batch, sender); });
}

Result<std::vector<Bytes>, DataError> split_metrics(Bytes packet) {
    std::vector<Bytes> parts;
    if (packet.size() <= kMaxDataPacketBytes) {
        parts.push_back(std::move(packet));
        return parts;
    }
    CONFAB_TRY(const Around around, around_metrics(packet));
    if (around.size() > kMaxAroundMetrics) return fail(DataError::kTooLarge);
    // All batches share it: what is said once for each part is not to be said once for each batch.
    MetricsPacker packer(kMaxDataPacketBytes - around.size() - 2 * kMaxKey);
    std::vector<Bytes> bodies;
    const bool scans = for_each_batch(
        packet, [&](BytesView batch, std::string_view) { return packer.add(batch, {}, bodies); });
    if (!packer.empty()) bodies.push_back(packer.take());
    if (bodies.size() > MetricsPacker::kMaxParts) return fail(DataError::kTooLarge);
    if (!scans) return fail(DataError::kMalformed);
    for (const Bytes& body : bodies) {
        parts.push_back(metrics_packet(around.front, around.times(), body));
        if (parts.size() == 1) append(parts.back(), around.sequence);
    }
    return parts;
}

}  // namespace confab::sfu
