// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Fields of a Protocol Buffers message one by one, for code that passes messages on and changes few
// of them. A field is
//    key (varint: number << 3 | wire type) · value (varint | 8 bytes | length + bytes | 4 bytes)
// (Protocol Buffers encoding). Groups are no part of the messages here and refused.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace confab::wire::protobuf {

enum WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

struct Field {
    std::uint32_t number = 0;
    std::uint8_t type = 0;
    std::uint64_t varint = 0;
    BytesView body;   // of a length-delimited field
    BytesView whole;  // key and value as they came
};

inline std::optional<std::uint64_t> read_varint(ByteReader& reader) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const std::uint8_t byte = reader.u8();
        if (!reader.ok()) return std::nullopt;
        value |= std::uint64_t{byte & 0x7FU} << shift;
        if ((byte & 0x80) == 0) return value;
    }
    return std::nullopt;
}

// The next field, or nothing when the input is malformed.
inline std::optional<Field> read_field(ByteReader& reader, BytesView message) {
    const std::size_t start = reader.position();
    const auto key = read_varint(reader);
    if (!key || *key > 0xFFFF'FFFFU || (*key >> 3) == 0) return std::nullopt;
    Field field;
    field.number = static_cast<std::uint32_t>(*key >> 3);
    field.type = static_cast<std::uint8_t>(*key & 7);
    if (field.type == kVarint) {
        const auto value = read_varint(reader);
        if (!value) return std::nullopt;
        field.varint = *value;
    } else if (field.type == kFixed64) {
        reader.skip(8);
    } else if (field.type == kFixed32) {
        reader.skip(4);
    } else if (field.type == kLength) {
        const auto size = read_varint(reader);
        if (!size || *size > reader.remaining()) return std::nullopt;
        field.body = reader.bytes(static_cast<std::size_t>(*size));
    } else {
        return std::nullopt;
    }
    if (!reader.ok()) return std::nullopt;
    field.whole = message.subspan(start, reader.position() - start);
    return field;
}

inline void append(Bytes& out, BytesView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}
inline void append_varint(Bytes& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        out.push_back(static_cast<std::uint8_t>(value | 0x80));
    out.push_back(static_cast<std::uint8_t>(value));
}
inline void append_number(Bytes& out, std::uint32_t number, std::uint64_t value) {
    append_varint(out, std::uint64_t{number} << 3);
    append_varint(out, value);
}
inline void append_bytes(Bytes& out, std::uint32_t number, BytesView body) {
    append_varint(out, (std::uint64_t{number} << 3) | kLength);
    append_varint(out, body.size());
    append(out, body);
}
inline void append_text(Bytes& out, std::uint32_t number, std::string_view text) {
    if (!text.empty()) append_bytes(out, number, as_bytes(text));
}
// Four bytes, the lowest first.
inline void append_float(Bytes& out, std::uint32_t number, float value) {
    append_varint(out, (std::uint64_t{number} << 3) | kFixed32);
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (unsigned shift = 0; shift < 32; shift += 8)
        out.push_back(static_cast<std::uint8_t>(bits >> shift));
}
inline void append_true(Bytes& out, std::uint32_t number) {
    append_number(out, number, 1);
}

}  // namespace confab::wire::protobuf
