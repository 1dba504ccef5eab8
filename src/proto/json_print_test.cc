// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "proto/json_print.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "json/json.h"
#include "proto/json_testing.h"
#include "proto/proto_json.h"

namespace confab::proto {
namespace {

// Whatever the order of members and the digits of numbers.
std::string plain(const json::Value& value) {
    std::string out(json::to_text(value.kind));
    // The library gives floats more digits than they need.
    if (value.kind == json::Kind::kNumber && value.raw.find_first_of(".e") != value.raw.npos)
        return out + std::to_string(static_cast<float>(value.number));
    if (value.kind == json::Kind::kNumber) return out + std::string(value.raw);
    out += value.string + (value.boolean ? "+" : "") + "[";
    for (const json::Value& item : value.items)
        out += plain(item) + ",";
    std::vector<std::string> members;
    members.reserve(value.members.size());
    for (const json::Member& member : value.members)
        members.push_back(member.name + ":" + plain(member.value));
    std::ranges::sort(members);
    for (const std::string& member : members)
        out += member + ",";
    return out + "]";
}

std::string plain(const std::string& text) {
    const auto value = json::parse(text);
    return value ? plain(*value) : "no JSON: " + text;
}

std::string printed(const Message& message, const JsonForm& form) {
    std::string out;
    REQUIRE(print_json(message, form, out));
    return out;
}

}  // namespace

TEST_CASE("print_json: says what protobuf's printer says, of every message [API-W2] [HOOK-03]") {
    Rng rng(7);
    std::size_t printed_messages = 0;
    for (const Message* prototype : all_messages())
        for (int round = 0; round < 20; ++round, ++printed_messages) {
            const std::unique_ptr<Message> message(prototype->New());
            if (round > 0) fill_randomly(*message, rng);
            CAPTURE(message->GetTypeName());
            CAPTURE(message->ShortDebugString());
            CHECK(plain(printed(*message, {FieldNames::kProto, true})) ==
                  plain(library_print(*message, true)));
            CHECK(plain(printed(*message, {FieldNames::kCamel, false})) ==
                  plain(library_print(*message, false)));
        }
    CHECK(printed_messages > 3000);
}

TEST_CASE("print_json: fields in the order of their declaration, maps in that of their keys") {
    livekit::ParticipantInfo info;
    (*info.mutable_attributes())["b"] = "2";
    (*info.mutable_attributes())["a\n"] = "<1>";
    (*info.mutable_attributes())["c"] = "";
    info.set_sid("PA_1");
    info.set_joined_at(-5);
    info.set_state(static_cast<livekit::ParticipantInfo::State>(77));
    CHECK(
        printed(info, {FieldNames::kCamel, false}) ==
        R"({"sid":"PA_1","state":77,"joinedAt":"-5","attributes":{"a\u000a":"<1>","b":"2","c":""}})");
}

TEST_CASE("print_json: a key that a reader added twice is printed once") {
    livekit::ParticipantInfo info;
    const auto& field = *info.GetDescriptor()->FindFieldByName("attributes");
    for (const char* value : {"1", "2", "3"}) {
        Message& entry = *info.GetReflection()->AddMessage(&info, &field);
        entry.GetReflection()->SetString(&entry, field.message_type()->map_key(), "k");
        entry.GetReflection()->SetString(&entry, field.message_type()->map_value(), value);
    }
    CHECK(printed(info, {}) == R"({"attributes":{"k":"3"}})");
}

TEST_CASE("print_json: numbers that JSON does not have are text") {
    livekit::ConnectionQualityInfo info;
    const JsonForm form{FieldNames::kProto, false};
    info.set_score(std::nanf(""));
    CHECK(printed(info, form) == R"({"score":"NaN"})");
    info.set_score(HUGE_VALF);
    CHECK(printed(info, form) == R"({"score":"Infinity"})");
    info.set_score(-HUGE_VALF);
    CHECK(printed(info, form) == R"({"score":"-Infinity"})");
    info.set_score(0.1F);
    CHECK(printed(info, form) == R"({"score":0.1})");
}

TEST_CASE("print_json: leaves google.protobuf's types and broken text to the library") {
    livekit::TimeSeriesMetric series;
    auto& time = *series.add_samples()->mutable_normalized_timestamp();
    time.set_seconds(1);
    std::string out;
    CHECK_FALSE(print_json(series, {}, out));
    CHECK(to_camel_json(series).find(R"("normalizedTimestamp":"1970-01-01T00:00:01Z")") !=
          std::string::npos);

    livekit::Room room;
    room.set_name("a\xff");
    CHECK_FALSE(print_json(room, {}, out));
    CHECK(json::parse(to_camel_json(room)));
    room.set_name("a\xc3\xa9");
    CHECK(to_camel_json(room) == "{\"name\":\"a\xc3\xa9\"}");
}

}  // namespace confab::proto
