// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Times of metrics by another clock, on arbitrary bytes. The first octets say how far the clocks
// are apart. Whatever is let through parses as before, with nothing of the sender's in the other
// times.
// fuzz: modules room
#include "base/check.h"
#include "livekit_rtc.pb.h"
#include "sfu/metrics/metrics_packer.h"
#include "sfu/metrics/metrics_packet.h"
#include "sfu/metrics/metrics_times.h"

namespace {

using namespace confab;

// Without the times by our clock.
livekit::DataPacket theirs(livekit::DataPacket packet) {
    if (!packet.has_metrics()) return packet;
    livekit::MetricsBatch& batch = *packet.mutable_metrics();
    batch.clear_normalized_timestamp();
    for (livekit::TimeSeriesMetric& series : *batch.mutable_time_series())
        for (livekit::MetricSample& sample : *series.mutable_samples())
            sample.clear_normalized_timestamp();
    for (livekit::EventMetric& event : *batch.mutable_events()) {
        event.clear_normalized_start_timestamp();
        event.clear_normalized_end_timestamp();
    }
    return packet;
}

std::size_t count_metrics(const livekit::MetricsBatch& batch) {
    return static_cast<std::size_t>(batch.time_series_size() + batch.events_size());
}

// In small batches and in one, nothing is lost but what fits into none, and all of it parses.
void pack(BytesView packet) {
    for (const std::size_t limit : {std::size_t{200}, std::size_t{1} << 20}) {
        sfu::MetricsPacker packer(limit);
        std::vector<Bytes> bodies;
        const bool scans =
            sfu::for_each_batch(packet, [&](BytesView batch, std::string_view sender) {
                return packer.add(batch, sender, bodies);
            });
        CONFAB_CHECK(bodies.size() <= sfu::MetricsPacker::kMaxParts + 1);
        if (!packer.empty()) bodies.push_back(packer.take());
        std::size_t metrics = static_cast<std::size_t>(packer.dropped());
        for (const Bytes& body : bodies) {
            CONFAB_CHECK(body.size() <= limit);
            livekit::MetricsBatch batch;
            if (!batch.ParseFromArray(body.data(), static_cast<int>(body.size()))) return;
            metrics += count_metrics(batch);
        }
        livekit::DataPacket whole;
        const bool parses = whole.ParseFromArray(packet.data(), static_cast<int>(packet.size()));
        if (scans && parses && whole.has_metrics())
            CONFAB_CHECK(metrics >= count_metrics(whole.metrics()));
    }
    if (const auto parts = sfu::split_metrics(to_vector(packet))) {
        CONFAB_CHECK(parts->size() <= sfu::MetricsPacker::kMaxParts);
        for (const Bytes& part : *parts)
            CONFAB_CHECK(part.size() <= sfu::kMaxDataPacketBytes);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 4) return 0;
    const BytesView input(data + 4, size - 4);
    const UnixTime wall = UnixTime::seconds(load_be32(data));
    const auto sent = sfu::metrics_sent_at(input);
    if (!sent) return 0;
    sfu::MetricsTimes times;
    const Duration shift = times.shift({}, Timestamp(), wall, *sent);
    const auto normalized = sfu::normalize_metrics(input, shift);
    if (!normalized) return 0;
    pack(*normalized);
    const Bytes& out = *normalized;
    livekit::DataPacket before, after;
    if (!before.ParseFromArray(input.data(), static_cast<int>(input.size()))) return 0;
    CONFAB_CHECK(after.ParseFromArray(out.data(), static_cast<int>(out.size())));
    CONFAB_CHECK(theirs(before).SerializeAsString() == theirs(after).SerializeAsString());
    // Zero is not written, so that in a packet of two batches the first one's time would stand.
    if (wall.s() != 0 && *sent && after.has_metrics() &&
        after.metrics().timestamp_ms() == (*sent)->ms())
        CONFAB_CHECK(after.metrics().normalized_timestamp().seconds() == wall.s());
    return 0;
}
