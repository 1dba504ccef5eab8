// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Every chunk codec: round trip and truncation at each length (RFC 9260 §3.3, RFC 3758, RFC 6525).
#include "wire/sctp/sctp_chunks.h"

#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include "base/text.h"
#include "wire/sctp/sctp_init.h"
#include "wire/sctp/sctp_reconfig.h"

using namespace confab;
using namespace confab::wire::sctp;

namespace {

// The one chunk of a packet, kept alive together with its bytes.
struct One {
    explicit One(PacketWriter& writer) : bytes(writer.finish()) {
        ChunkReader reader(parse_packet(bytes).value().chunks);
        chunk = reader.next().value();
    }
    Bytes bytes;
    ChunkView chunk;
};

PacketWriter packet(std::size_t mtu = 1191) {
    return PacketWriter({5000, 5000, 1}, mtu);
}

// The chunk with its value cut to `size` bytes.
ChunkView cut(const ChunkView& chunk, std::size_t size) {
    ChunkView shorter = chunk;
    shorter.value = chunk.value.first(size);
    return shorter;
}

}  // namespace

TEST_CASE("SCTP DATA: flags, fields, payload; no payload is an error of its own") {
    for (int flags = 0; flags < 16; ++flags) {
        DataChunk data;
        data.tsn = 0x01020304;
        data.stream = 0x0506;
        data.ssn = 0x0708;
        data.ppid = 0x090A0B0C;
        data.end = (flags & 1) != 0;
        data.begin = (flags & 2) != 0;
        data.unordered = (flags & 4) != 0;
        data.immediate = (flags & 8) != 0;
        data.payload = as_bytes("abc");
        auto writer = packet();
        REQUIRE(write_data(writer, data));
        const One one(writer);
        CHECK(to_hex(one.chunk.raw.subspan(2)) == "00130102030405060708090a0b0c616263");
        CHECK(one.chunk.flags == flags);
        const auto parsed = parse_data(one.chunk);
        REQUIRE(parsed.has_value());
        CHECK(parsed->tsn == data.tsn);
        CHECK(parsed->stream == data.stream);
        CHECK(parsed->ssn == data.ssn);
        CHECK(parsed->ppid == data.ppid);
        CHECK(parsed->end == data.end);
        CHECK(parsed->begin == data.begin);
        CHECK(parsed->unordered == data.unordered);
        CHECK(parsed->immediate == data.immediate);
        CHECK(as_text(parsed->payload) == "abc");
        for (std::size_t size = 0; size < 12; ++size)
            CHECK(parse_data(cut(one.chunk, size)).error() == ParseError::kTooShort);
        CHECK(parse_data(cut(one.chunk, 12)).error() == ParseError::kNoUserData);
    }
}

TEST_CASE("SCTP SACK: round trip, truncation, cut to the room there is") {
    const std::vector<GapBlock> gaps = {{2, 3}, {5, 5}, {7, 900}};
    const std::vector<std::uint32_t> duplicates = {10, 0xFFFFFFFF};
    auto writer = packet();
    REQUIRE(write_sack(writer, 0xDEADBEEF, 123456, gaps, duplicates));
    const One one(writer);
    const auto sack = parse_sack(one.chunk);
    REQUIRE(sack.has_value());
    CHECK(sack->cumulative_tsn == 0xDEADBEEF);
    CHECK(sack->a_rwnd == 123456);
    REQUIRE(sack->gap_count() == 3);
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(sack->gap(i) == gaps[i]);
    REQUIRE(sack->duplicate_count() == 2);
    CHECK(sack->duplicate(1) == 0xFFFFFFFF);
    for (std::size_t size = 0; size < one.chunk.value.size(); ++size)
        CHECK_FALSE(parse_sack(cut(one.chunk, size)).has_value());

    const std::vector<GapBlock> many(400, GapBlock{2, 3});
    auto full = packet();
    REQUIRE(write_sack(full, 1, 1, many, duplicates));
    const One big(full);
    CHECK(big.bytes.size() <= 1191);
    CHECK(parse_sack(big.chunk)->gap_count() == 290);
    auto tiny = packet(24);
    CHECK_FALSE(write_sack(tiny, 1, 1, {}, {}));
}

TEST_CASE("SCTP FORWARD-TSN: round trip and truncation [DC-07]") {
    const std::vector<SkippedStream> skipped = {{1, 2}, {65534, 65535}};
    auto writer = packet();
    REQUIRE(write_forward_tsn(writer, 77, skipped));
    const One one(writer);
    CHECK(to_hex(one.chunk.raw) ==
          "c000"
          "0010"
          "0000004d"
          "00010002"
          "fffeffff");
    const auto view = parse_forward_tsn(one.chunk);
    REQUIRE(view.has_value());
    CHECK(view->new_cumulative_tsn == 77);
    REQUIRE(view->skipped_count() == 2);
    CHECK(view->skipped_stream(1) == skipped[1]);
    for (std::size_t size = 0; size < 12; ++size)
        CHECK(parse_forward_tsn(cut(one.chunk, size)).has_value() == (size == 4 || size == 8));
}

TEST_CASE("SCTP SHUTDOWN, ABORT and ERROR: values and causes") {
    auto writer = packet();
    REQUIRE(write_shutdown(writer, 0x11223344));
    const One shutdown(writer);
    CHECK(parse_shutdown(shutdown.chunk) == 0x11223344);
    for (std::size_t size = 0; size < 4; ++size)
        CHECK_FALSE(parse_shutdown(cut(shutdown.chunk, size)).has_value());

    auto second = packet();
    REQUIRE(write_with_cause(second, ChunkType::kAbort, kFlagTagReflected,
                             Cause::kProtocolViolation, as_bytes("why")));
    const One abort(second);
    CHECK(to_hex(abort.chunk.raw) ==
          "0601000b"
          "000d0007"
          "776879");
    CHECK(first_cause(abort.chunk) == Cause::kProtocolViolation);
    for (std::size_t size = 0; size < 4; ++size)
        CHECK(first_cause(cut(abort.chunk, size)) == Cause::kNone);
    auto third = packet();
    REQUIRE(write_with_cause(third, ChunkType::kAbort, 0, Cause::kNone, {}));
    CHECK(One(third).chunk.value.empty());
}

TEST_CASE("SCTP INIT: round trip with cookie and what was not understood [SCTP-01]") {
    const Bytes strange = from_hex("c0de0005aa").value();
    InitView init;
    init.initiate_tag = 0xCAFEBABE;
    init.a_rwnd = 1 << 20;
    init.outbound_streams = 65535;
    init.inbound_streams = 1024;
    init.initial_tsn = 99;
    const Bytes cookie = {1, 2, 3, 4, 5};
    init.cookie = cookie;
    init.unrecognized[0] = strange;
    init.unrecognized_count = 1;
    auto writer = packet();
    REQUIRE(write_init(writer, ChunkType::kInitAck, init));
    const One one(writer);
    const auto parsed = parse_init(one.chunk);
    REQUIRE(parsed.has_value());
    CHECK(parsed->initiate_tag == init.initiate_tag);
    CHECK(parsed->a_rwnd == init.a_rwnd);
    CHECK(parsed->outbound_streams == 65535);
    CHECK(parsed->inbound_streams == 1024);
    CHECK(parsed->initial_tsn == 99);
    CHECK(to_vector(parsed->cookie) == cookie);
    CHECK(parsed->extensions == Extensions{true, true, false, false});
    bool reported = false;
    for (ParameterReader r(one.chunk.value.subspan(16)); auto p = r.next();)
        reported = reported || (p->type == kParamUnrecognized && to_vector(p->value) == strange);
    CHECK(reported);
    for (std::size_t size = 0; size < 16; ++size)
        CHECK(parse_init(cut(one.chunk, size)).error() == ParseError::kTooShort);
    for (std::size_t size = 16; size < one.chunk.value.size(); ++size)
        (void)parse_init(cut(one.chunk, size));  // may stop at a boundary, never beyond
}

TEST_CASE(
    "SCTP INIT: extensions from either parameter, unknown ones by their bits "
    "[SCTP-01][SCTP-02][DC-06]") {
    const auto parse = [](std::string_view parameters, int* reported = nullptr) {
        const Bytes bytes = from_hex(
                                "cafebabe"
                                "00100000"
                                "ffff"
                                "ffff"
                                "00000001" +
                                std::string(parameters))
                                .value();
        ChunkView chunk;
        chunk.type = ChunkType::kInit;
        chunk.value = bytes;
        const auto init = parse_init(chunk);
        REQUIRE(init.has_value());
        if (reported != nullptr) *reported = static_cast<int>(init->unrecognized_count);
        return init->extensions;
    };
    CHECK(parse("") == Extensions{});
    // As pion sends it: only the list, with I-DATA, and zero checksum.
    CHECK(parse("80080008"
                "82c040c2"
                "80010008"
                "00000001") == Extensions{true, true, true, true});
    CHECK(parse("c0000004") == Extensions{true, false, false, false});
    int reported = 0;
    CHECK(parse("bfff0004"
                "c0000004",
                &reported)
              .forward_tsn);  // skip
    CHECK(reported == 0);
    CHECK(parse("ffff0005aa000000"
                "c0000004",
                &reported)
              .forward_tsn);  // skip and report
    CHECK(reported == 1);
    CHECK_FALSE(parse("3fff0004"
                      "c0000004",
                      &reported)
                    .forward_tsn);  // stop
    CHECK(reported == 0);
    CHECK_FALSE(parse("7fff0004"
                      "c0000004",
                      &reported)
                    .forward_tsn);  // stop and report
    CHECK(reported == 1);
    CHECK(parse("00050008"
                "7f000001"
                "000c0006"
                "00050000"
                "c0000004")
              .forward_tsn);  // addresses
    std::string flood;
    for (int i = 0; i < 50; ++i)
        flood += "fff00004";
    parse(flood, &reported);
    CHECK(reported == static_cast<int>(kMaxUnrecognized));
}

TEST_CASE("SCTP INIT: zero tag or stream counts and bad parameter lengths are refused") {
    const auto parse = [](std::string_view hex) {
        const Bytes bytes = from_hex(hex).value();
        ChunkView chunk;
        chunk.value = bytes;
        return parse_init(chunk).has_value();
    };
    CHECK(
        parse("00000001"
              "00000000"
              "0001"
              "0001"
              "00000000"));
    CHECK_FALSE(
        parse("00000000"
              "00000000"
              "0001"
              "0001"
              "00000000"));
    CHECK_FALSE(
        parse("00000001"
              "00000000"
              "0000"
              "0001"
              "00000000"));
    CHECK_FALSE(
        parse("00000001"
              "00000000"
              "0001"
              "0000"
              "00000000"));
    CHECK_FALSE(
        parse("00000001"
              "00000000"
              "0001"
              "0001"
              "00000000"
              "80080003"));
    CHECK_FALSE(
        parse("00000001"
              "00000000"
              "0001"
              "0001"
              "00000000"
              "80080009"
              "82c0"));
    CHECK_FALSE(
        parse("00000001"
              "00000000"
              "0001"
              "0001"
              "00000000"
              "8008"));
}

TEST_CASE("SCTP RE-CONFIG: requests and response round trip, truncation, at most two [DC-08]") {
    const std::vector<std::uint16_t> streams = {1, 3, 65534};
    auto writer = packet();
    REQUIRE(write_outgoing_reset(writer, 10, 20, 30, streams));
    const One one(writer);
    CHECK(to_hex(one.chunk.raw) ==
          "8200001a"
          "000d0016"
          "0000000a"
          "00000014"
          "0000001e"
          "00010003fffe");
    const auto view = parse_re_config(one.chunk);
    REQUIRE(view.has_value());
    REQUIRE(view->requests[0].has_value());
    CHECK(view->requests[0]->request_sequence == 10);
    CHECK(view->requests[0]->response_sequence == 20);
    CHECK(view->requests[0]->last_tsn == 30);
    REQUIRE(view->requests[0]->stream_count() == 3);
    CHECK(view->requests[0]->stream(2) == 65534);
    CHECK_FALSE(view->response.has_value());
    for (std::size_t size = 0; size < one.chunk.value.size(); ++size)
        CHECK_FALSE(parse_re_config(cut(one.chunk, size)).has_value());

    auto second = packet();
    REQUIRE(write_incoming_reset(second, 11, streams));
    const One incoming(second);
    CHECK(parse_re_config(incoming.chunk)->requests[0]->type == kParamIncomingReset);
    CHECK(parse_re_config(incoming.chunk)->requests[0]->stream_count() == 3);

    auto third = packet();
    REQUIRE(write_reset_response(third, {12, ResetResult::kInProgress}));
    const One response(third);
    REQUIRE(parse_re_config(response.chunk)->response.has_value());
    CHECK(parse_re_config(response.chunk)->response->response_sequence == 12);
    CHECK(parse_re_config(response.chunk)->response->result == ResetResult::kInProgress);

    const std::string one_response =
        "0010000c"
        "0000000c"
        "00000001";
    const Bytes three = from_hex(one_response + one_response + one_response).value();
    ChunkView crowd;
    crowd.value = three;
    CHECK_FALSE(parse_re_config(crowd).has_value());
    crowd.value = BytesView(three).first(24);
    CHECK(parse_re_config(crowd).has_value());
    const Bytes odd = from_hex(
                          "000d0011"
                          "0000000a"
                          "00000014"
                          "0000001e"
                          "00000000")
                          .value();
    crowd.value = odd;
    CHECK_FALSE(parse_re_config(crowd).has_value());
}
