// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/cluster/slots.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace confab::redis {
namespace {

Value text(std::string_view content) {
    Value value;
    value.kind = Value::Kind::kText;
    value.text = content;
    return value;
}
Value number(std::int64_t content) {
    Value value;
    value.kind = Value::Kind::kInteger;
    value.integer = content;
    return value;
}
Value list(std::vector<Value> items) {
    Value value;
    value.kind = Value::Kind::kList;
    value.items = std::move(items);
    return value;
}
Value error(std::string_view content) {
    Value value = text(content);
    value.kind = Value::Kind::kError;
    return value;
}

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
    const Value reply = list({
        list({number(0), number(5460), list({text("10.0.0.1"), number(7001), text("id")}),
              list({text("10.0.0.4"), number(7001)})}),
        list({number(5461), number(16383), list({text(""), number(7002)})}),
        list({number(3), number(2), list({text("10.0.0.1"), number(7001)})}),
        list({number(0), number(16384), list({text("10.0.0.1"), number(7001)})}),
        list({number(0), number(1), list({text("10.0.0.1"), number(0)})}),
        list({number(0), number(1), list({text("not a host"), number(1)})}),
        list({number(0)}),
        number(7),
    });
    CHECK(read_slots(reply, kAsked) ==
          std::vector<SlotRange>{{0, 5460, {"10.0.0.1", 7001}}, {5461, 16383, {"10.0.0.9", 7002}}});
    CHECK(read_slots(text("OK"), kAsked).empty());
}

TEST_CASE("read_redirection: moved, asked, and what is none [RDS-28]") {
    const auto read = [](std::string_view said) {
        const auto where = read_redirection(error(said), kAsked);
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
    CHECK_FALSE(read_redirection(text("MOVED 1 a:1"), kAsked));
}

}  // namespace confab::redis
