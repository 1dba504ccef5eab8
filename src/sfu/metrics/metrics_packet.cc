// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/metrics/metrics_packet.h"

#include "wire/protobuf_fields.h"

namespace confab::sfu {
namespace {

using namespace wire::protobuf;

// Field numbers of DataPacket, MetricsBatch, TimeSeriesMetric, MetricSample, EventMetric,
// Timestamp.
constexpr std::uint32_t kPacketMetrics = 8;
constexpr std::uint32_t kBatchTime = 1, kBatchOurs = 2, kBatchSeries = 4, kBatchEvents = 5;
constexpr std::uint32_t kSeriesSamples = 4;
constexpr std::uint32_t kSampleTime = 1, kSampleOurs = 2;
constexpr std::uint32_t kEventStart = 4, kEventEnd = 5, kEventOurStart = 6, kEventOurEnd = 7;
constexpr std::uint32_t kSeconds = 1, kNanos = 2;

// What a google.protobuf.Timestamp may say: the years 1 to 9999.
constexpr std::int64_t kFirstSecond = -62'135'596'800, kLastSecond = 253'402'300'799;

std::optional<UnixTime> time_of(std::uint64_t varint) {
    const auto ms = static_cast<std::int64_t>(varint);
    if (ms == 0 || ms < kFirstSecond * 1000 || ms > kLastSecond * 1000) return std::nullopt;
    return UnixTime::millis(ms);
}

void append_time(Bytes& out, std::uint32_t number, UnixTime time) {
    std::int64_t seconds = time.us() / 1'000'000;
    std::int64_t micros = time.us() % 1'000'000;
    if (micros < 0) {
        micros += 1'000'000;
        --seconds;
    }
    if (seconds < kFirstSecond || seconds > kLastSecond) return;
    Bytes body;
    if (seconds != 0) append_number(body, kSeconds, static_cast<std::uint64_t>(seconds));
    if (micros != 0) append_number(body, kNanos, static_cast<std::uint64_t>(micros) * 1000);
    append_bytes(out, number, body);
}

// A time field of a message, and where the same stands by our clock.
struct TimePair {
    std::uint32_t theirs = 0;
    std::uint32_t ours = 0;
    std::optional<UnixTime> time;
};

// Copies the message: `take(field, out)` is true where it wrote a field itself. The times by our
// clock stand at the end. False when the message does not scan.
template <std::size_t kPairs, typename Take>
bool copy_with_times(BytesView message, Duration shift, TimePair (&pairs)[kPairs], Bytes& out,
                     Take&& take) {
    ByteReader reader(message);
    bool scans = true;
    while (!reader.at_end()) {
        const auto field = read_field(reader, message);
        if (!field) return false;
        bool is_ours = false;
        for (TimePair& pair : pairs) {
            if (field->number == pair.theirs && field->type == kVarint)
                pair.time = time_of(field->varint);
            is_ours |= field->number == pair.ours && field->type == kLength;
        }
        if (!is_ours && !take(*field, out, scans)) append(out, field->whole);
    }
    for (const TimePair& pair : pairs)
        if (pair.time) append_time(out, pair.ours, *pair.time + shift);
    return scans;
}

constexpr auto kTakeNothing = [](const Field&, Bytes&, bool&) { return false; };

bool copy_sample(BytesView sample, Duration shift, Bytes& out) {
    TimePair pairs[] = {{kSampleTime, kSampleOurs, {}}};
    return copy_with_times(sample, shift, pairs, out, kTakeNothing);
}

bool copy_event(BytesView event, Duration shift, Bytes& out) {
    TimePair pairs[] = {{kEventStart, kEventOurStart, {}}, {kEventEnd, kEventOurEnd, {}}};
    return copy_with_times(event, shift, pairs, out, kTakeNothing);
}

// The messages in field `number` as `copy` makes them.
template <typename Copy>
bool take_message(const Field& field, std::uint32_t number, Bytes& out, bool& scans, Copy&& copy) {
    if (field.number != number || field.type != kLength) return false;
    Bytes body;
    scans = copy(field.body, body) && scans;
    append_bytes(out, number, body);
    return true;
}

bool copy_series(BytesView series, Duration shift, Bytes& out) {
    ByteReader reader(series);
    bool scans = true;
    const auto sample = [&](BytesView from, Bytes& to) { return copy_sample(from, shift, to); };
    while (!reader.at_end()) {
        const auto field = read_field(reader, series);
        if (!field) return false;
        if (!take_message(*field, kSeriesSamples, out, scans, sample)) append(out, field->whole);
    }
    return scans;
}

bool copy_batch(BytesView batch, Duration shift, Bytes& out) {
    TimePair pairs[] = {{kBatchTime, kBatchOurs, {}}};
    const auto series = [&](BytesView from, Bytes& to) { return copy_series(from, shift, to); };
    const auto event = [&](BytesView from, Bytes& to) { return copy_event(from, shift, to); };
    return copy_with_times(batch, shift, pairs, out, [&](const Field& f, Bytes& to, bool& scans) {
        return take_message(f, kBatchSeries, to, scans, series) ||
               take_message(f, kBatchEvents, to, scans, event);
    });
}

}  // namespace

Result<std::optional<UnixTime>, DataError> metrics_sent_at(BytesView packet) {
    std::optional<UnixTime> sent;
    ByteReader reader(packet);
    while (!reader.at_end()) {
        const auto field = read_field(reader, packet);
        if (!field) return fail(DataError::kMalformed);
        if (field->number != kPacketMetrics || field->type != kLength) continue;
        ByteReader batch(field->body);
        while (!batch.at_end()) {
            const auto inner = read_field(batch, field->body);
            if (!inner) return fail(DataError::kMalformed);
            if (inner->number == kBatchTime && inner->type == kVarint)
                sent = time_of(inner->varint);
        }
    }
    return sent;
}

Result<Bytes, DataError> normalize_metrics(BytesView packet, Duration shift) {
    Bytes out;
    ByteReader reader(packet);
    bool scans = true;
    const auto batch = [&](BytesView from, Bytes& to) { return copy_batch(from, shift, to); };
    while (!reader.at_end()) {
        const auto field = read_field(reader, packet);
        if (!field) return fail(DataError::kMalformed);
        if (!take_message(*field, kPacketMetrics, out, scans, batch)) append(out, field->whole);
    }
    if (!scans) return fail(DataError::kMalformed);
    return out;
}

}  // namespace confab::sfu
