// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/reply_reader.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace confab;
using namespace confab::redis;
using Kind = Value::Kind;

namespace {

struct Outcome {
    std::vector<Value> values;
    std::optional<ReplyError> error;
};

Outcome read(std::string_view text, std::size_t cut, ReplyReader& reader) {
    Outcome outcome;
    while (!text.empty() && !outcome.error) {
        BytesView piece = as_bytes(text.substr(0, cut));
        text.remove_prefix(piece.size());
        while (!outcome.error) {
            auto value = reader.read(piece);
            if (!value) {
                outcome.error = value.error();
            } else if (*value) {
                outcome.values.push_back(std::move(**value));
            } else {
                CHECK(piece.empty());
                break;
            }
        }
    }
    return outcome;
}

std::vector<Value> values(std::string_view text) {
    ReplyReader whole;
    ReplyReader bytes;
    Outcome outcome = read(text, text.size(), whole);
    CHECK_FALSE(outcome.error);
    CHECK(read(text, 1, bytes).values == outcome.values);
    return outcome.values;
}

ReplyError error(std::string_view text) {
    ReplyReader reader;
    const Outcome outcome = read(text, 3, reader);
    REQUIRE(outcome.error);
    return *outcome.error;
}

Value text(std::string value) {
    return {Kind::kText, false, 0, std::move(value), {}};
}
Value integer(std::int64_t value) {
    return {Kind::kInteger, false, value, {}, {}};
}

}  // namespace

TEST_CASE("ReplyReader: every type of RESP2 and RESP3, however its bytes are cut") {
    CHECK(values("+OK\r\n$5\r\na\r\nbc\r\n$0\r\n\r\n=8\r\ntxt:four\r\n,1.5\r\n("
                 "99999999999999999999\r\n") == std::vector{text("OK"), text("a\r\nbc"), text(""),
                                                            text("txt:four"), text("1.5"),
                                                            text("99999999999999999999")});
    CHECK(values(":-12\r\n:+3\r\n#t\r\n#f\r\n") ==
          std::vector{integer(-12), integer(3), integer(1), integer(0)});
    CHECK(values("_\r\n$-1\r\n*-1\r\n") == std::vector{Value{}, Value{}, Value{}});
    const auto errors = values("-WRONGPASS no\r\n!6\r\nERR no\r\n-ERR\r\n");
    REQUIRE(errors.size() == 3);
    CHECK(errors[0].error_code() == "WRONGPASS");
    CHECK(errors[1].error_code() == "ERR");
    CHECK(errors[2].error_code() == "ERR");
    CHECK(text("ERR no").error_code().empty());
    CHECK(values("*2\r\n:1\r\n%1\r\n+k\r\n~1\r\n_\r\n>1\r\n+message\r\n*0\r\n") ==
          std::vector<Value>{
              {Kind::kList,
               false,
               0,
               {},
               {integer(1),
                {Kind::kMap, false, 0, {}, {text("k"), {Kind::kList, false, 0, {}, {Value{}}}}}}},
              {Kind::kPush, false, 0, {}, {text("message")}},
              {Kind::kList, false, 0, {}, {}}});
}

TEST_CASE("ReplyReader: attributes are not part of what they are said about") {
    CHECK(values("|1\r\n+ttl\r\n:5\r\n+OK\r\n|0\r\n:7\r\n*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n") ==
          std::vector<Value>{
              text("OK"), integer(7), {Kind::kList, false, 0, {}, {integer(1), integer(2)}}});
}

TEST_CASE("ReplyReader: what is no RESP is an error at once") {
    CHECK(error("HTTP/1.1 400 Bad Request\r\n") == ReplyError::kType);
    CHECK(error("$?\r\n") == ReplyError::kNumber);
    CHECK(error("$-2\r\n") == ReplyError::kNumber);
    CHECK(error("$1073741825\r\n") == ReplyError::kNumber);
    CHECK(error("*99999999999\r\n") == ReplyError::kNumber);
    CHECK(error(":1x\r\n") == ReplyError::kNumber);
    CHECK(error(":\r\n") == ReplyError::kNumber);
    CHECK(error("#x\r\n") == ReplyError::kNumber);
    CHECK(error("+OK\n") == ReplyError::kLine);
    CHECK(error("\r\n") == ReplyError::kLine);
    CHECK(error("$2\r\nabc\r\n") == ReplyError::kLine);
    CHECK(error("$2\r\nab\rX") == ReplyError::kLine);
    CHECK(error("+" + std::string(ReplyReader::kMaxLine, 'x')) == ReplyError::kLine);
    std::string deep;
    for (std::size_t i = 0; i < ReplyReader::kMaxDepth; ++i)
        deep += "*1\r\n";
    CHECK(values(deep + ":1\r\n").size() == 1);
    CHECK(error(deep + "*1\r\n") == ReplyError::kDepth);
}

TEST_CASE("ReplyReader: what is too big is read past and said to be cut") {
    constexpr std::size_t kLimit = 4000;
    ReplyReader reader(kLimit);
    const std::string big = "$5000\r\n" + std::string(5000, 'x') + "\r\n";
    const auto one = read(">3\r\n+message\r\n+c\r\n" + big + ":1\r\n", 100, reader);
    REQUIRE(one.values.size() == 2);
    CHECK(one.values[0].cut);
    CHECK(one.values[0].items.back().text.empty());
    CHECK(one.values[1] == integer(1));  // the next one is whole again
    // A million items: the first of them.
    std::string many = "*1000000\r\n";
    for (int i = 0; i < 1'000'000; ++i)
        many += ":1\r\n";
    const auto list = read(many, 10'000, reader);
    REQUIRE(list.values.size() == 1);
    CHECK(list.values[0].cut);
    CHECK(list.values[0].items.size() == kLimit / sizeof(Value));
    CHECK(reader.bytes_held() < kLimit);
}
