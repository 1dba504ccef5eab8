// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/record.h"

#include <doctest/doctest.h>

#include <string>

#include "livekit_models.pb.h"

namespace confab::cluster::store {
namespace {

livekit::Room room() {
    livekit::Room room;
    room.set_sid("RM_x");
    room.set_name("r");
    room.set_creation_time_ms(-5);
    room.set_metadata(std::string(300, 'm'));
    room.add_enabled_codecs()->set_mime("video/VP8");
    return room;
}

}  // namespace

TEST_CASE("record: fields are read as protobuf reads them") {
    const std::string bytes = room().SerializeAsString();
    CHECK(is_record(bytes));
    CHECK(text_of(bytes, livekit::Room::kSidFieldNumber) == "RM_x");
    CHECK(text_of(bytes, livekit::Room::kMetadataFieldNumber) == std::string(300, 'm'));
    CHECK(signed_of(bytes, livekit::Room::kCreationTimeMsFieldNumber) == -5);
    CHECK(text_of(bytes, 99).empty());
    CHECK(number_of(bytes, 99) == 0);
    CHECK(text_of(bytes + bytes.substr(0, 6) + "\x0a\x01z", 1) == "z");  // the last one counts
}

TEST_CASE("record: what is left in stays byte for byte, known or not [RDS-25]") {
    std::string bytes = room().SerializeAsString();
    // Field 1000: fixed64; 1001: fixed32; 1002: text; and an old field twice.
    bytes.append(
        "\xc1\x3e"
        "12345678"
        "\xcd\x3e"
        "1234"
        "\xd2\x3e\x02hi",
        21);
    bytes.append("\x0a\x01z");
    const std::string name = "\x12\x01r";
    const std::size_t at = bytes.find(name);
    REQUIRE(at != bytes.npos);
    std::string expected = bytes;
    expected.erase(at, name.size());
    CHECK(without(bytes, {livekit::Room::kNameFieldNumber}) == expected);
    CHECK(without(bytes, {}) == bytes);
    append_field(expected, 2, "r");
    livekit::Room parsed;
    REQUIRE(parsed.ParseFromString(expected));
    CHECK(parsed.name() == "r");
    CHECK(parsed.sid() == "z");
}

TEST_CASE("record: whatever the bytes are, none outside of them is read") {
    const std::string bytes = room().SerializeAsString();
    livekit::Room parsed;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const std::string part = bytes.substr(0, size);
        CHECK(is_record(part) == parsed.ParseFromString(part));
        CHECK(without(part, {}).size() <= part.size());
    }
    for (const std::string& garbage :
         {std::string("\x00\x01", 2), std::string("\x0b\x0c"), std::string("\x0f"),
          std::string(11, '\xff'), std::string("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
          std::string("\x09"
                      "1234567"),
          std::string("\x0d"
                      "123")})
        CHECK_FALSE(is_record(garbage));
}

}  // namespace confab::cluster::store
