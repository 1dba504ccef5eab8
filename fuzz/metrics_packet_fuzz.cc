// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Times of metrics by another clock, on arbitrary bytes. The first octets say how far the clocks
// are apart. Whatever is let through parses as before, with nothing of the sender's in the other
// times.
// fuzz: modules room
#include "base/check.h"
#include "livekit_rtc.pb.h"
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
    CONFAB_CHECK(normalized->size() <= sfu::kMaxDataPacketBytes);
    const Bytes& out = *normalized;
    livekit::DataPacket before, after;
    if (!before.ParseFromArray(input.data(), static_cast<int>(input.size()))) return 0;
    CONFAB_CHECK(after.ParseFromArray(out.data(), static_cast<int>(out.size())));
    CONFAB_CHECK(theirs(before).SerializeAsString() == theirs(after).SerializeAsString());
    if (*sent && after.has_metrics() && after.metrics().timestamp_ms() == (*sent)->ms())
        CONFAB_CHECK(after.metrics().normalized_timestamp().seconds() == wall.s());
    return 0;
}
