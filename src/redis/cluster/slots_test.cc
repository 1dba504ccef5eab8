// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/cluster/slots.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace confab::redis {
namespace {

const Address kAsked{"10.0.0.9", 7000};

}  // namespace

// The numbers are those of CLUSTER KEYSLOT of redis-server 7.0.
TEST_CASE("slot_of: keys, tags, commands [RDS-23] [RDS-28]") {
    CHECK(slot_of("123456789") == 12739);
    CHECK(slot_of("") == 0);
    CHECK(slot_of("{ingress}_stream_key") == slot_of("ingress"));
    CHECK(slot_of("room_{ingress}:x") == slot_of("ingress"));
    CHECK(slot_of("{}x") != slot_of("{}y"));
    CHECK(slot_of("a{b") == slot_of(std::string_view("a{b")));
    CHECK(slot_of("{a}{b}") == slot_of("a"));
    const auto of = [](std::initializer_list<std::string_view> words) {
        const std::vector<std::string_view> all(words);
        return slot_of(Words(all));
    };
    CHECK(of({"HGET", "rooms", "x"}) == slot_of("rooms"));
    CHECK(of({"EVAL", "return 1", "1", "rooms", "x"}) == slot_of("rooms"));
    CHECK(of({"EVAL", "return 1", "0"}) == std::nullopt);
    CHECK(of({"PING"}) == std::nullopt);
}

TEST_CASE("read_slots: ranges, and what makes no sense [RDS-28]") {
    const Value reply = Value::of_list({
        Value::of_list({Value::of_integer(0), Value::of_integer(5460),
                        Value::of_list({Value::of_text("10.0.0.1"), Value::of_integer(7001),
                                        Value::of_text("id")}),
                        Value::of_list({Value::of_text("10.0.0.4"), Value::of_integer(7001)})}),
        Value::of_list({Value::of_integer(5461), Value::of_integer(16383),
                        Value::of_list({Value::of_text(""), Value::of_integer(7002)})}),
        Value::of_list({Value::of_integer(3), Value::of_integer(2),
                        Value::of_list({Value::of_text("10.0.0.1"), Value::of_integer(7001)})}),
        Value::of_list({Value::of_integer(0), Value::of_integer(16384),
                        Value::of_list({Value::of_text("10.0.0.1"), Value::of_integer(7001)})}),
        Value::of_list({Value::of_integer(0), Value::of_integer(1),
                        Value::of_list({Value::of_text("10.0.0.1"), Value::of_integer(0)})}),
        Value::of_list({Value::of_integer(0), Value::of_integer(1),
                        Value::of_list({Value::of_text("not a host"), Value::of_integer(1)})}),
        Value::of_list({Value::of_integer(0)}),
        Value::of_integer(7),
    });
    CHECK(read_slots(reply, kAsked) ==
          std::vector<SlotRange>{{0, 5460, {"10.0.0.1", 7001}}, {5461, 16383, {"10.0.0.9", 7002}}});
    CHECK(read_slots(Value::of_text("OK"), kAsked).empty());
}

TEST_CASE("read_redirection: moved, asked, and what is none [RDS-28]") {
    const auto read = [](std::string_view said) {
        const auto where = read_redirection(Value::of_error(said), kAsked);
        return where ? (where->moved ? "moved " : "ask ") + std::to_string(where->slot) + " " +
                           to_text(where->to)
                     : "none";
    };
    CHECK(read("MOVED 3999 127.0.0.1:6381") == "moved 3999 127.0.0.1:6381");
    CHECK(read("ASK 16383 2001:db8::1:6381") == "ask 16383 [2001:db8::1]:6381");
    CHECK(read("MOVED 1 :6381") == "moved 1 10.0.0.9:6381");
    for (const char* wrong : {"MOVED", "MOVED 1", "MOVED 16384 a:1", "MOVED x a:1", "MOVED 1 a",
                              "MOVED 1 a:0", "ERR no", "MOVEDX 1 a:1"})
        CHECK_MESSAGE(read(wrong) == "none", wrong);
    CHECK_FALSE(read_redirection(Value::of_text("MOVED 1 a:1"), kAsked));
}

}  // namespace confab::redis
