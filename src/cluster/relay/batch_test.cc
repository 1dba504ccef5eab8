// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/batch.h"

#include <doctest/doctest.h>

#include "base/bytes.h"
#include "base/text.h"
#include "cluster/relay/settings.h"
#include "rpc_signal.pb.h"

using namespace confab;
using namespace confab::cluster::relay;

namespace {

std::string bytes_of(std::string_view hex) {
    return std::string(as_text(*from_hex(hex)));
}
std::string hex_of(std::string_view bytes) {
    return to_hex(as_bytes(bytes));
}
std::vector<std::string> strings(const Batch& batch) {
    return {batch.messages.begin(), batch.messages.end()};
}

livekit::SignalResponse leave_response() {
    livekit::SignalResponse response;
    response.mutable_leave()->set_reason(livekit::CLIENT_INITIATED);
    return response;
}

// Decodes, and gives the same bytes again.
Batch check_round(BatchKind kind, const std::string& bytes) {
    const auto batch = decode_batch(kind, bytes);
    REQUIRE(batch);
    CHECK(hex_of(encode_batch(kind, batch->seq, batch->close, batch->messages)) == hex_of(bytes));
    return *batch;
}

}  // namespace

// What livekit-server 1.13.5 wrote.
TEST_CASE("Batch: the bytes of another implementation, there and back [RPC-34]") {
    const std::string leave = bytes_of("1a04420210012017");
    Batch batch = check_round(BatchKind::kRequests, leave);
    CHECK(batch.seq == 23);
    CHECK(!batch.close);
    REQUIRE(batch.messages.size() == 1);
    livekit::SignalRequest request;
    CHECK(request.ParseFromString(std::string(batch.messages[0])));
    CHECK(request.leave().reason() == livekit::CLIENT_INITIATED);

    const std::string last = bytes_of("120442021001181a2001");
    batch = check_round(BatchKind::kResponses, last);
    CHECK(batch.seq == 26);
    CHECK(batch.close);
    CHECK(strings(batch) == std::vector{leave_response().SerializeAsString()});

    const std::string first = bytes_of("1a058201020801");
    CHECK(check_round(BatchKind::kRequests, first).seq == 0);
    const std::string four = bytes_of("1a0582010208011a0582010208011a0582010208011a058201020801");
    CHECK(check_round(BatchKind::kRequests, four).messages.size() == 4);
}

TEST_CASE("Batch: the same as the generated messages write [RPC-34]") {
    ::rpc::RelaySignalResponse whole;
    *whole.add_responses() = leave_response();
    whole.add_responses()->mutable_pong_resp()->set_timestamp(5);
    whole.set_seq(1'000'000'000'000);
    whole.set_close(true);
    const std::vector<std::string> parts{whole.responses(0).SerializeAsString(),
                                         whole.responses(1).SerializeAsString()};
    CHECK(encode_batch(BatchKind::kResponses, 1'000'000'000'000, true, parts) ==
          whole.SerializeAsString());
}

TEST_CASE("Batch: fields of later releases are read past, those in messages stay [RDS-25]") {
    // 99: a varint, 98: bytes, 97: 32 bits, 96: 64 bits, 95: a group; then a message that has field
    // 2000.
    const std::string bytes = bytes_of(
        "98060592060161"
        "8d0601020304"
        "81060102030405060708"
        "fb0508"
        "01fc05"
        "1a0482fa01002001");
    const auto batch = decode_batch(BatchKind::kRequests, bytes);
    REQUIRE(batch);
    CHECK(batch->seq == 1);
    REQUIRE(batch->messages.size() == 1);
    CHECK(hex_of(batch->messages[0]) == "82fa0100");
    // What starts a session is read from requests only.
    CHECK(decode_batch(BatchKind::kRequests, bytes_of("0a00"))->start_session);
    CHECK(!decode_batch(BatchKind::kResponses, bytes_of("0a00"))->start_session);
}

TEST_CASE("Batch: cut anywhere it is malformed or shorter, never read beyond [RPC-34]") {
    const std::vector<std::string> messages{"abc", std::string(200, 'x')};
    const std::string whole = encode_batch(BatchKind::kRequests, 300, true, messages);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const std::string part = whole.substr(0, size);  // a copy of the exact size
        const auto batch = decode_batch(BatchKind::kRequests, part);
        if (batch) CHECK(batch->messages.size() <= 2);
        if (!batch) CHECK(batch.error() == BatchError::kMalformed);
    }
    for (const char* hex :
         {"00",
          "1a04420210012017"
          "00",
          "1aff", "1affffffff0f", "1affffffff7f", "20ffffffffffffffffffff01", "07", "1c", "08"}) {
        INFO(hex);
        const auto batch = decode_batch(BatchKind::kRequests, bytes_of(hex));
        REQUIRE(!batch);
        CHECK(batch.error() == BatchError::kMalformed);
    }
}

TEST_CASE("Batch: limits of number and size [RPC-34]") {
    const std::vector<std::string> most(kMaxReceived);
    CHECK(decode_batch(BatchKind::kRequests, encode_batch(BatchKind::kRequests, 0, false, most)));
    const std::vector<std::string> more(kMaxReceived + 1);
    const auto many =
        decode_batch(BatchKind::kRequests, encode_batch(BatchKind::kRequests, 0, false, more));
    REQUIRE(!many);
    CHECK(many.error() == BatchError::kTooMany);

    const std::vector<std::string> large{std::string(kMaxMessageBytes, 'x')};
    CHECK(decode_batch(BatchKind::kRequests, encode_batch(BatchKind::kRequests, 0, false, large)));
    const std::vector<std::string> larger{std::string(kMaxMessageBytes + 1, 'x')};
    const auto one =
        decode_batch(BatchKind::kRequests, encode_batch(BatchKind::kRequests, 0, false, larger));
    REQUIRE(!one);
    CHECK(one.error() == BatchError::kTooLarge);
    const auto bytes = decode_batch(BatchKind::kRequests, std::string(kMaxStreamMessage + 1, '\0'));
    REQUIRE(!bytes);
    CHECK(bytes.error() == BatchError::kTooLarge);
}
