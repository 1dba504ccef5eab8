// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DCEP messages byte by byte (RFC 8832 §5).
#include "wire/sctp/dcep.h"

#include <doctest/doctest.h>

#include <string>

#include "base/text.h"

using namespace confab;
using namespace confab::wire::dcep;

TEST_CASE("DCEP: OPEN of a lossy channel is type 0x81 with parameter 0 [DC-03]") {
    Open open;
    open.ordered = false;
    open.reliability = Reliability::kMaxRetransmits;
    open.label = "_lossy";
    const Bytes bytes = make_open(open);
    CHECK(to_hex(bytes) ==
          "03810000"
          "00000000"
          "00060000"
          "5f6c6f737379");
    CHECK(parse_type(bytes) == MessageType::kOpen);
    const auto parsed = parse_open(bytes);
    REQUIRE(parsed.has_value());
    CHECK_FALSE(parsed->ordered);
    CHECK(parsed->reliability == Reliability::kMaxRetransmits);
    CHECK(parsed->label == "_lossy");
    CHECK(parsed->protocol.empty());
    CHECK(to_hex(make_ack()) == "02");
    CHECK(parse_type(make_ack()) == MessageType::kAck);
}

TEST_CASE("DCEP: all six channel types, label and protocol survive [DC-03]") {
    const std::string long_label(65535, 'l');
    for (const bool ordered : {true, false}) {
        for (const Reliability r :
             {Reliability::kReliable, Reliability::kMaxRetransmits, Reliability::kMaxLifetimeMs}) {
            Open open;
            open.ordered = ordered;
            open.reliability = r;
            open.parameter = 0x01020304;
            open.priority = 256;
            open.label = long_label;
            open.protocol = "p";
            const Bytes bytes = make_open(open);
            const auto parsed = parse_open(bytes);
            REQUIRE(parsed.has_value());
            CHECK(parsed->ordered == ordered);
            CHECK(parsed->reliability == r);
            CHECK(parsed->parameter == (r == Reliability::kReliable ? 0 : 0x01020304));
            CHECK(parsed->priority == 256);
            CHECK(parsed->label == long_label);
            CHECK(parsed->protocol == "p");
        }
    }
}

TEST_CASE("DCEP: truncation, trailing bytes, unknown types") {
    Open open;
    open.label = "label";
    open.protocol = "protocol";
    Bytes bytes = make_open(open);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        CHECK_FALSE(parse_open(BytesView(bytes).first(size)).has_value());
    bytes.push_back(0);
    CHECK(parse_open(bytes).error() == Error::kBadLength);
    bytes.pop_back();
    bytes[1] = 0x03;
    CHECK(parse_open(bytes).error() == Error::kUnknownChannelType);
    bytes[0] = 0x02;
    CHECK(parse_open(bytes).error() == Error::kUnknownMessage);
    CHECK(parse_type({}).error() == Error::kTooShort);
    CHECK(parse_type(Bytes{0x00}).error() == Error::kUnknownMessage);
}
