// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sequence numbers, answers and waiting of stream resets (RFC 6525 §5).
#include "rtc/sctp/stream_resets.h"

#include <doctest/doctest.h>

#include <array>
#include <vector>

using namespace confab;
using namespace confab::sctp;
using wire::sctp::ResetResult;

namespace {

wire::sctp::ReConfigView written(StreamResets& resets, Bytes& storage) {
    wire::sctp::PacketWriter writer({1, 1, 1}, 1191);
    REQUIRE(resets.write(writer));
    storage = writer.finish();
    const auto packet = wire::sctp::parse_packet(storage);
    wire::sctp::ChunkReader reader(packet->chunks);
    return wire::sctp::parse_re_config(*reader.next()).value();
}

ResetResult answer(StreamResets& resets) {
    Bytes storage;
    const auto view = written(resets, storage);
    REQUIRE(view.response.has_value());
    return view.response->result;
}

wire::sctp::ResetRequestView request(std::uint32_t sequence, BytesView streams,
                                     std::uint16_t type = wire::sctp::kParamOutgoingReset) {
    wire::sctp::ResetRequestView view;
    view.type = type;
    view.request_sequence = sequence;
    view.streams = streams;
    return view;
}

}  // namespace

TEST_CASE(
    "StreamResets: one request at a time, repeated with the same number until answered [DC-08]") {
    StreamResets resets(500);
    Timestamp now;
    const Duration rto = Duration::seconds(1);
    const auto drained = [](std::uint16_t stream) { return stream != 9; };
    for (const int stream : {4, 6, 9})
        resets.want(static_cast<std::uint16_t>(stream));
    resets.start(77, now, rto, drained);
    Bytes storage;
    auto view = written(resets, storage);
    REQUIRE(view.requests[0].has_value());
    CHECK(view.requests[0]->request_sequence == 500);
    CHECK(view.requests[0]->last_tsn == 77);
    REQUIRE(view.requests[0]->stream_count() == 2);
    CHECK(view.requests[0]->stream(1) == 6);
    resets.want(12);
    resets.start(99, now, rto, drained);
    CHECK_FALSE(resets.has_output());
    CHECK(resets.deadline().ms() == 1000);
    CHECK(resets.handle_timeout(resets.deadline(), rto));
    CHECK(written(resets, storage).requests[0]->request_sequence == 500);
    CHECK_FALSE(resets.handle_response({499, ResetResult::kPerformed}).has_value());
    CHECK_FALSE(resets.handle_response({500, ResetResult::kInProgress}).has_value());
    CHECK_FALSE(resets.handle_timeout(resets.deadline(), rto));  // repeated, but not silence
    CHECK(resets.has_output());
    const auto outcome = resets.handle_response({500, ResetResult::kPerformed});
    REQUIRE(outcome.has_value());
    CHECK(outcome->performed);
    CHECK(outcome->streams == std::vector<std::uint16_t>{4, 6});
    resets.start(99, now, rto, drained);
    CHECK(written(resets, storage).requests[0]->request_sequence == 501);
    CHECK_FALSE(resets.handle_response({501, ResetResult::kDenied})->performed);
    CHECK_FALSE(resets.idle());  // stream 9 still has data
}

TEST_CASE(
    "StreamResets: requests of the peer are answered by number, waiting ones when data is there") {
    StreamResets resets(1);
    resets.set_peer_initial_tsn(1000);
    const std::array<std::uint8_t, 2> stream5 = {0, 5};
    using Action = StreamResets::Action;
    CHECK(resets.handle_request(request(1001, stream5), 10, 10) == Action::kAnswered);
    CHECK(answer(resets) == ResetResult::kBadSequenceNumber);
    CHECK(resets.handle_request(request(1000, stream5), 10, 10) == Action::kResetIncoming);
    CHECK(answer(resets) == ResetResult::kPerformed);
    CHECK(resets.handle_request(request(1000, stream5), 10, 10) == Action::kAnswered);
    CHECK(answer(resets) == ResetResult::kPerformed);  // again, but not done again

    CHECK(resets.handle_request(request(1001, stream5), 20, 10) == Action::kAnswered);
    CHECK(answer(resets) == ResetResult::kInProgress);
    CHECK_FALSE(resets.take_deferred(19).has_value());
    CHECK(resets.handle_request(request(1001, stream5), 20, 19) == Action::kAnswered);
    CHECK(answer(resets) == ResetResult::kInProgress);
    CHECK(resets.take_deferred(20) == std::vector<std::uint16_t>{5});
    CHECK(answer(resets) == ResetResult::kPerformed);
    CHECK_FALSE(resets.take_deferred(21).has_value());

    CHECK(resets.handle_request(request(1002, stream5, wire::sctp::kParamIncomingReset), 0, 21) ==
          Action::kResetOutgoing);
    CHECK(answer(resets) == ResetResult::kPerformed);
    CHECK(resets.handle_request(request(1003, {}, 17), 0, 21) == Action::kAnswered);
    CHECK(answer(resets) == ResetResult::kDenied);  // adding streams
    for (int i = 0; i < 100; ++i)
        resets.handle_request(request(1003, {}, 17), 0, 21);
    int answers = 0;
    while (resets.has_output()) {
        answer(resets);
        ++answers;
    }
    CHECK(answers <= 8);
}
