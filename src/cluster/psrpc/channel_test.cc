// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/channel.h"

#include <doctest/doctest.h>

using namespace confab;
using namespace confab::cluster::psrpc;
using rpc::Method;

TEST_CASE("Channel: what is no letter, digit or _ is written as its code point [PSR-06]") {
    CHECK(escape("0azAZ9_") == "0azAZ9_");
    CHECK(escape("my-room") == "myu+002droom");
    CHECK(escape("a.b|c*") == "au+002ebu+007ccu+002a");
    CHECK(escape("team room/é🚀_bob-1") == "teamu+0020roomu+002fu+00e9U+0001f680_bobu+002d1");
    CHECK(escape(std::string_view("\0\x7f", 2)) == "u+0000u+007f");
    CHECK(escape("\u07ff\u0800\uffff\U00010000\U0010ffff") ==
          "u+07ffu+0800u+ffffU+00010000U+0010ffff");
    CHECK(escape("").empty());
}

TEST_CASE("Channel: each byte that is no UTF-8 becomes U+FFFD [PSR-06]") {
    CHECK(escape("a\xff"
                 "b") == "au+fffdb");
    CHECK(escape("\xc3") == "u+fffd");  // cut off
    CHECK(escape("\xe2\x82") == "u+fffdu+fffd");
    CHECK(escape("\xf0\x9f\x9a") == "u+fffdu+fffdu+fffd");
    CHECK(escape("\xc3(") == "u+fffdu+0028");     // no continuation
    CHECK(escape("\xc0\x80") == "u+fffdu+fffd");  // longer than it needs to be
    CHECK(escape("\xc1\xbf") == "u+fffdu+fffd");
    CHECK(escape("\xe0\x9f\xbf") == "u+fffdu+fffdu+fffd");
    CHECK(escape("\xf0\x8f\xbf\xbf") == "u+fffdu+fffdu+fffdu+fffd");
    CHECK(escape("\xed\xa0\x80") == "u+fffdu+fffdu+fffd");            // a surrogate
    CHECK(escape("\xf4\x90\x80\x80") == "u+fffdu+fffdu+fffdu+fffd");  // beyond U+10FFFF
    CHECK(escape("\x80\xfe") == "u+fffdu+fffd");
}

TEST_CASE("Channel: names of servers' and clients' channels [PSR-05]") {
    constexpr Method kDelete{"Room", "DeleteRoom"};
    CHECK(request_channel(kDelete, {"my-room"}) == "Room|DeleteRoom|myu+002droom|REQ");
    CHECK(choice_channel(kDelete, {"a_b", "c"}) == "Room|DeleteRoom|a_b|c|RCLAIM");
    CHECK(stream_channel({"Signal", "RelaySignal"}, {"ND_x"}) == "Signal|RelaySignal|ND_x|STR");
    CHECK(response_channel("Room", "CLI_ab") == "Room|CLI_ab|RES");
    CHECK(claim_channel("Room", "CLI_ab") == "Room|CLI_ab|CLAIM");
    CHECK(client_stream_channel("Signal", "ND_a-b") == "Signal|ND_au+002db|STR");
}

TEST_CASE("Channel: empty topics [PSR-06]") {
    constexpr Method kStart{"EgressInternal", "StartEgress"};
    CHECK(request_channel(kStart, {}) == "EgressInternal|StartEgress|REQ");
    CHECK(request_channel(kStart, {""}) == "EgressInternal|StartEgress|REQ");
    CHECK(request_channel({"AgentInternal", "JobRequest"}, {"", "room"}) ==
          "AgentInternal|JobRequest|room|REQ");
    CHECK(request_channel({"a", "b"}, {"x", ""}) == "a|b|x||REQ");
}
