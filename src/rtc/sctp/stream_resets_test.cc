// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sequence numbers, answers and waiting of stream resets (RFC 6525 §5).
#include "rtc/sctp/stream_resets.h"

#include <doctest/doctest.h>

#include <array>
#include <utility>
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
    "StreamResets: one request at a time, repeated with its number, anew where it waits [DC-08]") {
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
    // libwebrtc tells the end of the wait to a new number only, others to the old one.
    CHECK(written(resets, storage).requests[0]->request_sequence == 500);
    CHECK_FALSE(resets.handle_response({500, ResetResult::kInProgress}));
    CHECK_FALSE(resets.handle_timeout(resets.deadline(), rto));
    CHECK(written(resets, storage).requests[0]->request_sequence == 501);
    CHECK(resets.handle_timeout(resets.deadline(), rto));
    CHECK(written(resets, storage).requests[0]->request_sequence == 501);
    CHECK_FALSE(resets.handle_response({500, ResetResult::kPerformed}));
    const auto outcome = resets.handle_response({501, ResetResult::kPerformed});
    REQUIRE(outcome.has_value());
    CHECK(outcome->performed);
    CHECK(outcome->streams == std::vector<std::uint16_t>{4, 6});
    resets.start(99, now, rto, drained);
    CHECK(written(resets, storage).requests[0]->request_sequence == 502);
    CHECK_FALSE(resets.handle_response({502, ResetResult::kDenied})->performed);
    CHECK_FALSE(resets.idle());  // stream 9 still has data
}

TEST_CASE(
    "StreamResets: requests of the peer are answered by number, waiting ones when data is there") {
    StreamResets resets(1);
    resets.set_peer_initial_tsn(1000);
    const std::array<std::uint8_t, 2> stream5 = {0, 5};
    using Action = StreamResets::Action;
    for (const std::uint32_t wrong : {998U, 1008U}) {
        CHECK(resets.handle_request(request(wrong, stream5), 10, 10) == Action::kAnswered);
        CHECK(answer(resets) == ResetResult::kBadSequenceNumber);
    }
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

TEST_CASE("StreamResets: further requests of the peer wait with the first one [DC-08]") {
    StreamResets resets(1);
    resets.set_peer_initial_tsn(1000);
    const std::array<std::uint8_t, 2> stream5 = {0, 5};
    const std::array<std::uint8_t, 2> stream7 = {0, 7};
    using Action = StreamResets::Action;
    const auto answers = [&resets] {
        std::vector<std::pair<std::uint32_t, ResetResult>> all;
        while (resets.has_output()) {
            Bytes storage;
            const auto view = written(resets, storage);
            REQUIRE(view.response);
            all.emplace_back(view.response->response_sequence, view.response->result);
        }
        return all;
    };
    using Answers = std::vector<std::pair<std::uint32_t, ResetResult>>;
    constexpr auto kWaits = ResetResult::kInProgress;
    constexpr auto kDone = ResetResult::kPerformed;
    // libwebrtc asks for the same under the next number; pion for another stream.
    CHECK(resets.handle_request(request(1000, stream5), 20, 10) == Action::kAnswered);
    CHECK(resets.handle_request(request(1001, stream5), 20, 10) == Action::kAnswered);
    CHECK(resets.handle_request(request(1002, stream7), 25, 10) == Action::kAnswered);
    CHECK(resets.handle_request(request(1000, stream5), 20, 10) == Action::kAnswered);
    CHECK(answers() == Answers{{1000, kWaits}, {1001, kWaits}, {1002, kWaits}, {1000, kWaits}});
    // Of another kind, it has to wait by itself.
    CHECK(resets.handle_request(request(1003, stream5, wire::sctp::kParamIncomingReset), 0, 10) ==
          Action::kAnswered);
    CHECK(answers() == Answers{{1003, ResetResult::kAlreadyInProgress}});
    CHECK_FALSE(resets.take_deferred(24));
    CHECK(resets.take_deferred(25) == std::vector<std::uint16_t>{5, 7});
    CHECK(answers() == Answers{{1000, kDone}, {1001, kDone}, {1002, kDone}});
    CHECK(resets.handle_request(request(1002, stream7), 25, 25) == Action::kAnswered);
    CHECK(answers() == Answers{{1002, kDone}});

    // That it was done has not been heard: it is not done again.
    CHECK(resets.handle_request(request(1003, std::array<std::uint8_t, 4>{0, 7, 0, 5}), 25, 25) ==
          Action::kAnswered);
    CHECK(answers() == Answers{{1003, kDone}});

    // One that was overtaken is done when it comes, and the others when they come again.
    CHECK(resets.handle_request(request(1005, stream7), 26, 26) == Action::kAnswered);
    CHECK(answers().empty());
    CHECK(resets.handle_request(request(1004, stream5), 26, 26) == Action::kResetIncoming);
    CHECK(resets.handle_request(request(1005, stream7), 26, 26) == Action::kResetIncoming);
    CHECK(answers() == Answers{{1004, kDone}, {1005, kDone}});

    // All streams are all, and of many numbers the last eight are answered.
    CHECK(resets.handle_request(request(1006, {}), 30, 25) == Action::kAnswered);
    for (std::uint32_t number = 1007; number < 1021; ++number)
        CHECK(resets.handle_request(request(number, stream5), 30, 25) == Action::kAnswered);
    (void)answers();
    const auto all = resets.take_deferred(30);
    REQUIRE(all);
    CHECK(all->empty());
    const Answers told = answers();
    REQUIRE(told.size() == 8);
    CHECK(told.front() == std::pair{1013U, kDone});
    CHECK(told.back() == std::pair{1020U, kDone});
}

TEST_CASE("StreamResets: what waits is bounded [IMM-15]") {
    StreamResets resets(1);
    resets.set_peer_initial_tsn(1000);
    Bytes many;
    for (std::uint16_t stream = 0; stream < 600; ++stream) {
        many.push_back(static_cast<std::uint8_t>(stream >> 8));
        many.push_back(static_cast<std::uint8_t>(stream));
    }
    (void)resets.handle_request(request(1000, many), 20, 10);
    CHECK(answer(resets) == ResetResult::kInProgress);
    (void)resets.handle_request(request(1001, many), 20, 10);
    CHECK(answer(resets) == ResetResult::kAlreadyInProgress);
    CHECK(resets.take_deferred(20)->size() == 600);
}
