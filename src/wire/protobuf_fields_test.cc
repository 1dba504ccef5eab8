// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/protobuf_fields.h"

#include <doctest/doctest.h>

#include <string>

namespace confab::wire::protobuf {
namespace {

std::optional<Field> first(const Bytes& message) {
    ByteReader reader(message);
    return read_field(reader, message);
}

// The varint of the first field, after `message` was cut to `size` octets.
std::optional<std::uint64_t> number_of(Bytes message, std::size_t size) {
    message.resize(size);
    const auto field = first(message);
    return field ? std::optional(field->varint) : std::nullopt;
}

}  // namespace

TEST_CASE("protobuf: what is written is read, field by field") {
    Bytes message;
    append_number(message, 1, 300);
    append_text(message, 2, "text");
    append_text(message, 3, "");  // a text that is empty is none
    append_true(message, 536'870'911);
    ByteReader reader(message);
    const auto number = read_field(reader, message);
    REQUIRE(number);
    CHECK(number->number == 1);
    CHECK(number->varint == 300);
    CHECK(to_vector(number->whole) == Bytes{0x08, 0xAC, 0x02});
    const auto text = read_field(reader, message);
    REQUIRE(text);
    CHECK(text->type == kLength);
    CHECK(as_text(text->body) == "text");
    const auto last = read_field(reader, message);
    REQUIRE(last);
    CHECK(last->number == 536'870'911);
    CHECK(last->varint == 1);
    CHECK(reader.at_end());
}

TEST_CASE("protobuf: fixed fields are passed over, groups refused") {
    CHECK(first(Bytes{0x09, 1, 2, 3, 4, 5, 6, 7, 8})->whole.size() == 9);
    CHECK_FALSE(first(Bytes{0x09, 1, 2, 3, 4, 5, 6, 7}));
    CHECK(first(Bytes{0x0D, 1, 2, 3, 4})->whole.size() == 5);
    CHECK_FALSE(first(Bytes{0x0D, 1, 2, 3}));
    for (const Bytes& group : {Bytes{0x0B}, Bytes{0x0C}, Bytes{0x0E, 1}, Bytes{0x0F, 1}})
        CHECK_FALSE(first(group));
    CHECK_FALSE(first(Bytes{0x00, 1}));  // number 0
}

TEST_CASE("protobuf: a number has ten octets at most, a length what is there") {
    Bytes largest;
    append_number(largest, 1, ~std::uint64_t{0});
    REQUIRE(largest.size() == 11);
    CHECK(number_of(largest, 11) == ~std::uint64_t{0});
    CHECK_FALSE(number_of(largest, 10));
    largest.insert(largest.begin() + 1, 0xFF);
    CHECK_FALSE(number_of(largest, 12));
    Bytes text;
    append_bytes(text, 1, Bytes(200, 'x'));
    CHECK(first(text)->body.size() == 200);
    text.pop_back();
    CHECK_FALSE(first(text));
    CHECK_FALSE(first(Bytes{0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}));
    CHECK_FALSE(first(Bytes{}));
}

}  // namespace confab::wire::protobuf
