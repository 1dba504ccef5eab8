// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/rtcp/transport_cc.h"

#include <vector>

#include "wire/video/media_test_util.h"

namespace confab::wire {
namespace {

RtcpBlock only_block(BytesView bytes) {
    RtcpReader reader(bytes);
    const auto block = reader.next();
    REQUIRE(block.has_value());
    CHECK_FALSE(reader.next().has_value());
    CHECK_FALSE(reader.error().has_value());
    return *block;
}

struct Row {
    int sequence;
    std::int64_t arrival_us;  // −1: not received
    bool operator==(const Row&) const = default;
};

std::vector<Row> rows(BytesView bytes) {
    const auto feedback = parse_transport_feedback(only_block(bytes));
    REQUIRE(feedback.has_value());
    TransportStatusCursor cursor(*feedback);
    std::vector<Row> result;
    while (const auto status = cursor.next())
        result.push_back({status->sequence, status->received ? status->arrival.us() : -1});
    CHECK(result.size() == feedback->status_count);
    return result;
}

TEST_CASE("transport-cc: run length and both vector chunks are read") {
    // Base 10, 9 statuses, reference 2 (128 ms), count 7; a run of two small deltas, then the
    // two-bit vector 2 0 1 0 1 0 0; two bytes of padding without announcement.
    const Bytes run_and_vector =
        hex("8fcd0007"
            "00000001"
            "00000002"
            "000a0009"
            "00000207"
            "2002"
            "e110"
            "0408"
            "fffc"
            "01"
            "00"
            "0000");
    CHECK(rows(run_and_vector) == std::vector<Row>{{10, 129'000},
                                                   {11, 131'000},
                                                   {12, 130'000},
                                                   {13, -1},
                                                   {14, 130'250},
                                                   {15, -1},
                                                   {16, 130'250},
                                                   {17, -1},
                                                   {18, -1}});
}

TEST_CASE("transport-cc: one-bit vector, negative reference time") {
    // 14 symbols 10100000000001, 64 ms before zero.
    const Bytes bytes =
        hex("8fcd0006"
            "00000001"
            "00000002"
            "ffff000e"
            "ffffff00"
            "a801"
            "0001"
            "04000000");
    const auto result = rows(bytes);
    REQUIRE(result.size() == 14);
    CHECK(result[0] == Row{65535, -64'000});
    CHECK(result[1] == Row{0, -1});
    CHECK(result[2] == Row{1, -63'750});
    CHECK(result[13] == Row{12, -62'750});
}

ParseError error_of(std::string_view text) {
    return parse_transport_feedback(only_block(hex(text))).error();
}

TEST_CASE("transport-cc: chunks and deltas that do not cover the count are refused [IMM-7]") {
    CHECK(error_of("8fcd0004"
                   "00000001"
                   "00000002"
                   "000a0001"
                   "00000207") == ParseError::kTruncated);  // no chunk
    CHECK(error_of("8fcd0005"
                   "00000001"
                   "00000002"
                   "000a0003"
                   "00000207"
                   "20030101") == ParseError::kTruncated);  // three small deltas, two bytes
    CHECK(error_of("8fcd0005"
                   "00000001"
                   "00000002"
                   "000a0003"
                   "00000207"
                   "60030101") == ParseError::kMalformed);  // symbol 3
    CHECK(error_of("8fcd0005"
                   "00000001"
                   "00000002"
                   "000a0000"
                   "00000207"
                   "20030101") == ParseError::kMalformed);  // nothing reported
    CHECK(error_of("8fcd0005"
                   "00000001"
                   "00000002"
                   "000a0001"
                   "00000207"
                   "00000000") == ParseError::kTruncated);  // runs of length 0
    CHECK(error_of("81cd0005"
                   "00000001"
                   "00000002"
                   "000a0001"
                   "00000207"
                   "20010101") == ParseError::kType);
}

TEST_CASE("transport-cc: symbols behind the count need no delta") {
    CHECK(rows(hex("8fcd0005"
                   "00000001"
                   "00000002"
                   "000a0001"
                   "00000001"
                   "3fff"
                   "0400")) == std::vector<Row>{{10, 1'000}});
    CHECK(rows(hex("8fcd0005"
                   "00000001"
                   "00000002"
                   "000a0001"
                   "00000001"
                   "bfff"
                   "0400")) == std::vector<Row>{{10, 1'000}});
}

struct Built {
    Bytes bytes;
    std::size_t taken = 0;
};

Built build(std::span<const TransportArrival> arrivals, std::size_t room = 4096) {
    Built built;
    built.bytes.resize(room);
    ByteWriter out(built.bytes);
    built.taken = write_transport_feedback(out, 1, 2, 3, arrivals);
    built.bytes.resize(built.taken > 0 ? out.size() : 0);
    return built;
}

TransportArrival at(std::int64_t sequence, std::int64_t us) {
    return {sequence, Timestamp::micros(us)};
}

TEST_CASE("transport-cc: bytes of a small feedback") {
    const std::array<TransportArrival, 3> arrivals{at(100, 130'000), at(101, 131'000),
                                                   at(103, 130'000)};
    // Reference 2 = 128 ms; two-bit vector 1 1 0 2; deltas 8, 4, −4; two bytes of padding.
    CHECK(to_hex(build(arrivals).bytes) ==
          "afcd0006"
          "00000001"
          "00000002"
          "00640004"
          "00000203"
          "d480"
          "0804fffc"
          "0002");
}

TEST_CASE("transport-cc: long equal stretches become runs") {
    std::vector<TransportArrival> arrivals;
    for (int i = 0; i < 500; ++i)
        arrivals.push_back(at(i, i * 1'000));
    const Built built = build(arrivals);
    CHECK(built.taken == 500);
    CHECK(built.bytes.size() == 20 + 2 + 500 + 2);
    // 100 lost in the middle: a run before, one for them, a vector with the large delta, a run.
    arrivals.erase(arrivals.begin() + 200, arrivals.begin() + 300);
    CHECK(build(arrivals).bytes.size() == 20 + 8 + 401 + 3);
}

// Slow model: the statuses one by one, times rounded to 250 µs.
void check_model(std::span<const TransportArrival> arrivals, const Built& built) {
    const auto result = rows(built.bytes);
    std::int64_t sequence = arrivals.front().sequence;
    std::size_t row = 0;
    for (std::size_t i = 0; i < built.taken; ++i) {
        for (; sequence < arrivals[i].sequence; ++sequence) {
            REQUIRE(row < result.size());
            CHECK(result[row++].arrival_us == -1);
        }
        REQUIRE(row < result.size());
        CHECK(result[row].sequence == static_cast<std::uint16_t>(sequence));
        if (arrivals[i].arrival) {
            const std::int64_t error = result[row].arrival_us - arrivals[i].arrival->us();
            CHECK(error >= -125);
            CHECK(error <= 125);
        } else {
            CHECK(result[row].arrival_us == -1);
        }
        ++row;
        ++sequence;
    }
    CHECK(row == result.size());
}

TEST_CASE("transport-cc: random arrivals are read again within half a tick") {
    Rng rng(7);
    for (int round = 0; round < 1000; ++round) {
        std::vector<TransportArrival> arrivals;
        auto sequence = static_cast<std::int64_t>(65'000 + rng.below(1'000));
        auto time = static_cast<std::int64_t>(rng.below(1'000'000'000));
        const std::uint64_t loss = rng.below(4);
        const std::uint64_t spread = 1 + rng.below(200'000);
        const std::size_t count = 1 + rng.below(300);
        for (std::size_t i = 0; i < count; ++i) {
            sequence += 1 + (rng.below(10) < loss ? static_cast<std::int64_t>(rng.below(20)) : 0);
            time += static_cast<std::int64_t>(rng.below(spread));
            if (rng.below(20) == 0)
                time -= static_cast<std::int64_t>(rng.below(time < 9'000'000 ? 1 : 8'000'000));
            arrivals.push_back(rng.below(10) < loss ? TransportArrival{sequence, std::nullopt}
                                                    : at(sequence, time));
        }
        std::span<const TransportArrival> left(arrivals);
        int packets = 0;
        while (!left.empty()) {
            const Built built = build(left, 1200);
            if (built.taken == 0) {
                CHECK_FALSE(left.back().arrival.has_value());
                break;
            }
            check_model(left, built);
            CHECK(built.bytes.size() % 4 == 0);
            CHECK(built.bytes.size() <= 1200);
            left = left.subspan(built.taken);
            ++packets;
        }
        CHECK(packets <= 300);
    }
}

TEST_CASE("transport-cc: what does not fit goes into the next packet") {
    const std::array<TransportArrival, 3> far{at(1, 0), at(2, 8'191'750), at(3, 16'383'750)};
    CHECK(build(far).taken == 2);  // the second delta is 32767, the third would be 32768 ticks
    const std::array<TransportArrival, 2> gap{at(1, 0), at(2'000, 1)};
    CHECK(build(gap).taken == 1);
    const std::array<TransportArrival, 2> unordered{at(5, 0), at(4, 1)};
    CHECK(build(unordered).taken == 1);
    const std::array<TransportArrival, 2> missing{TransportArrival{1, std::nullopt},
                                                  TransportArrival{2, std::nullopt}};
    CHECK(build(missing).taken == 0);
    CHECK(build({}).taken == 0);
    std::vector<TransportArrival> many;
    for (int i = 0; i < 3'000; ++i)
        many.push_back(at(i, i));
    CHECK(build(many).taken == kMaxTransportStatuses);
    for (std::size_t room = 0; room < 64; ++room) {
        const Built built = build(std::span(many).first(100), room);
        CHECK(built.bytes.size() <= room);
        CHECK((built.taken > 0) == (room >= 26));
    }
}

TEST_CASE("transport-cc: reference time wraps at 24 bits") {
    const std::int64_t far = (std::int64_t{1} << 24) * 64'000 + 64'000;
    const std::array<TransportArrival, 1> arrivals{at(1, far)};
    CHECK(rows(build(arrivals).bytes) == std::vector<Row>{{1, 64'000}});
}

TEST_CASE("transport-cc: truncation at every length [IMM-7]") {
    const std::array<TransportArrival, 3> arrivals{at(100, 130'000), at(101, 131'000),
                                                   at(120, 130'000)};
    const Bytes bytes = build(arrivals).bytes;
    for (std::size_t words = 0; words < bytes.size() / 4 - 1; ++words) {
        Bytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(4 * (words + 1)));
        cut[0] &= 0xDF;
        cut[3] = static_cast<std::uint8_t>(words);
        cut.shrink_to_fit();
        CHECK_FALSE(parse_transport_feedback(only_block(cut)).has_value());
    }
}

}  // namespace
}  // namespace confab::wire
