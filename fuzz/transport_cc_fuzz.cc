// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Transport-wide feedback: the input is parsed as the body of a feedback block, and its statuses,
// written again, are read to the same arrivals. [IMM-7]
// fuzz: modules base wire
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "wire/rtcp/transport_cc.h"

namespace {

using namespace confab;
using namespace confab::wire;

std::vector<TransportArrival> read_arrivals(const TransportFeedback& feedback) {
    std::vector<TransportArrival> arrivals;
    TransportStatusCursor cursor(feedback);
    std::int64_t sequence = feedback.base_sequence;
    while (const auto status = cursor.next()) {
        CONFAB_CHECK(status->sequence == static_cast<std::uint16_t>(sequence));
        TransportArrival arrival{sequence++, std::nullopt};
        if (status->received) arrival.arrival = Timestamp::micros(status->arrival.us());
        arrivals.push_back(arrival);
    }
    CONFAB_CHECK(arrivals.size() == feedback.status_count);
    return arrivals;
}

// The reference time has 24 bits; differences count modulo that.
bool same_time(std::int64_t a, std::int64_t b) {
    const std::int64_t circle = (std::int64_t{1} << 24) * kTransportCcReferenceUs;
    return (a - b) % circle == 0;
}

void check_written(std::span<const TransportArrival> arrivals) {
    Bytes buffer(1400);
    ByteWriter out(buffer);
    const std::size_t taken = write_transport_feedback(out, 1, 2, 3, arrivals);
    if (taken == 0) return;
    RtcpReader reader(out.written());
    const auto block = reader.next();
    CONFAB_CHECK(block.has_value() && !reader.next());
    const auto feedback = parse_transport_feedback(*block);
    CONFAB_CHECK(feedback.has_value() && feedback->status_count == taken);
    const auto again = read_arrivals(*feedback);
    for (std::size_t i = 0; i < taken; ++i) {
        CONFAB_CHECK(again[i].arrival.has_value() == arrivals[i].arrival.has_value());
        if (!again[i].arrival) continue;
        CONFAB_CHECK(same_time(again[i].arrival->us(), arrivals[i].arrival->us()));
    }
}

void run(BytesView input) {
    const RtcpBlock block{RtcpType::kTransportFeedback, kFormatTransportCc, input};
    const auto feedback = parse_transport_feedback(block);
    if (!feedback) return;
    check_written(read_arrivals(*feedback));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run(confab::BytesView(data, size));
    return 0;
}
