// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "proto/json_read.h"

#include <doctest/doctest.h>

#include <limits>

#include "proto/json_testing.h"
#include "proto/proto_json.h"

namespace confab::proto {
namespace {

// What both readers say of a text for a T; empty: they refuse it.
template <typename T>
std::string both(std::string_view text) {
    T ours, library;
    CAPTURE(text);
    const bool read = parse_json(text, ours);
    CHECK(read == library_read(text, library));
    if (!read) return "refused";
    CHECK(contents(ours) == contents(library));
    return ours.ShortDebugString();
}

template <typename T>
std::string ours(std::string_view text) {
    T message;
    return parse_json(text, message) ? message.ShortDebugString() : "refused";
}

}  // namespace

TEST_CASE("read_json: reads what either printer printed, of every message [API-W2]") {
    Rng rng(11);
    for (const Message* prototype : all_messages())
        for (int round = 0; round < 10; ++round) {
            const std::unique_ptr<Message> message(prototype->New()), read(prototype->New());
            fill_randomly(*message, rng);
            CAPTURE(message->GetTypeName());
            for (const std::string& text :
                 {to_api_json(*message), to_camel_json(*message), library_print(*message, true)}) {
                CAPTURE(text);
                REQUIRE(parse_json(text, *read));
                CHECK(contents(*read) == contents(*message));
                REQUIRE(library_read(text, *read));
                CHECK(contents(*read) == contents(*message));
            }
        }
}

TEST_CASE("read_json: numbers at their bounds, in quotes, with a fraction [API-W2]") {
    using Create = livekit::CreateRoomRequest;
    const auto timeout = [](const std::string& value) {
        return both<Create>(R"({"empty_timeout":)" + value + "}");
    };
    CHECK(timeout("4294967295") == "empty_timeout: 4294967295");
    CHECK(timeout("4294967294") == "empty_timeout: 4294967294");
    for (const char* text : {"4294967296", "-1", "1.5", "\"-1\"", "\"1 \"", "\" 1\"", "\"x\"",
                             "\"\"", "true", "{}", "1e10"})
        CHECK(timeout(text) == "refused");
    CHECK(timeout("\"7\"") == "empty_timeout: 7");
    CHECK(timeout("7.0") == "empty_timeout: 7");
    CHECK(timeout("7e2") == "empty_timeout: 700");
    CHECK(timeout("null") == "");
    const auto created = [](const std::string& value) {
        return both<livekit::Room>(R"({"creationTime":)" + value + "}");
    };
    CHECK(created("9223372036854775807") == "creation_time: 9223372036854775807");
    CHECK(created("\"-9223372036854775808\"") == "creation_time: -9223372036854775808");
    CHECK(created("9223372036854775808") == "refused");
    CHECK(created("9007199254740993") == "creation_time: 9007199254740993");
    CHECK(created("1e18") == "creation_time: 1000000000000000000");
}

TEST_CASE("read_json: real numbers") {
    const auto score = [](const std::string& value) {
        return both<livekit::ConnectionQualityInfo>(R"({"score":)" + value + "}");
    };
    CHECK(score("1.5") == "score: 1.5");
    CHECK(score("\"2.5\"") == "score: 2.5");
    CHECK(score("\"NaN\"") == "score: nan");
    CHECK(score("\"-Infinity\"") == "score: -inf");
    for (const char* text : {"1e39", "\"\"", "true", "\"x\"", "[]"})
        CHECK(score(text) == "refused");
    for (const char* text : {"\"inf\"", "\"nan(1)\"", "\"infinity\""})
        CHECK(ours<livekit::ConnectionQualityInfo>(R"({"score":)" + std::string(text) + "}") ==
              "refused");
}

TEST_CASE("read_json: names of enums, flags, text and octets") {
    using livekit::ParticipantInfo;
    CHECK(both<ParticipantInfo>(R"({"kind":"AGENT"})") == "kind: AGENT");
    CHECK(both<ParticipantInfo>(R"({"kind":4})") == "kind: AGENT");
    CHECK(both<ParticipantInfo>(R"({"kind":"4"})") == "kind: AGENT");
    CHECK(both<ParticipantInfo>(R"({"kind":"no such","sid":"s"})") == "sid: \"s\"");
    CHECK(both<ParticipantInfo>(R"({"kind":[]})") == "refused");
    CHECK(both<ParticipantInfo>(R"({"isPublisher":"true"})") == "is_publisher: true");
    CHECK(both<ParticipantInfo>(R"({"is_publisher":1})") == "refused");
    CHECK(both<ParticipantInfo>(R"({"sid":5})") == "refused");
    CHECK(both<ParticipantInfo>(R"({"sid":{}})") == "refused");
    CHECK(both<livekit::UserPacket>(R"({"payload":"-_8="})") == R"(payload: "\373\377")");
    CHECK(both<livekit::UserPacket>(R"({"payload":"+/8"})") == R"(payload: "\373\377")");
    CHECK(both<livekit::UserPacket>(R"({"payload":"a"})") == "refused");
    CHECK(both<livekit::UserPacket>(R"({"payload":"*"})") == "refused");
    CHECK(both<livekit::UserPacket>(R"({"payload":"aGVs\nbG8="})") == "refused");
    CHECK(both<livekit::UserPacket>(R"({"payload":"aGk=anything"})") == "refused");
}

TEST_CASE("read_json: lists, maps, messages and choices") {
    CHECK(both<livekit::ListRoomsRequest>(R"({"names":["a","b"]})") == R"(names: "a" names: "b")");
    CHECK(both<livekit::ListRoomsRequest>(R"({"names":null,"x":[{"y":1}]})") == "");
    CHECK(ours<livekit::ListRoomsRequest>(R"({"names":"a"})") == "refused");
    CHECK(both<livekit::ListRoomsRequest>(R"({"names":[1]})") == "refused");
    using livekit::ParticipantInfo;
    CHECK(both<ParticipantInfo>(R"({"attributes":{"k":"v"}})") ==
          R"(attributes { key: "k" value: "v" })");
    CHECK(both<ParticipantInfo>(R"({"attributes":{"k":1}})") == "refused");
    CHECK(ours<ParticipantInfo>(R"({"attributes":[]})") == "refused");
    CHECK(both<ParticipantInfo>(R"({"permission":[]})") == "refused");
    CHECK(both<ParticipantInfo>(R"({"permission":{"canPublish":true}})") ==
          "permission { can_publish: true }");
    CHECK(ours<livekit::SignalRequest>(R"({"ping":"1","simulate":{}})") == "refused");
    ParticipantInfo twice;
    REQUIRE(parse_json(R"({"sid":"a","sid":"b"})", twice));
    CHECK(twice.sid() == "b");
    CHECK(both<ParticipantInfo>(R"({"attributes":{"k":"1","k":"2"}})") == "refused");
    CHECK(both<ParticipantInfo>(R"({"attributes":{"k":null}})") ==
          R"(attributes { key: "k" value: "" })");
}

TEST_CASE("read_json: what was in the message before is gone, and google.protobuf is read") {
    livekit::ListRoomsRequest request;
    request.add_names("before");
    REQUIRE(parse_json("{}", request));
    CHECK(request.names().empty());
    CHECK(both<livekit::TimeSeriesMetric>(
              R"({"samples":[{"normalizedTimestamp":"1970-01-01T00:00:01Z"}]})") ==
          "samples { normalized_timestamp { seconds: 1 } }");
    for (const char* text : {"[]", "1", "\"{}\"", "", "{", "{'a':1}", "{a:1}", "{} {}", "{//\n}"})
        CHECK_FALSE(parse_json(text, request));
}

}  // namespace confab::proto
