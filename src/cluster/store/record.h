// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Serialised protobuf messages of the store, read and changed field by field: what is not named
// here stays byte for byte, also what this version does not know (03 RDS-25). Fields of one message
// only, not of those inside it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace confab::cluster::store {

// tag (varint: number << 3 | type), then by type: 0 a varint · 1 eight octets · 2 a varint and so
// many octets · 5 four octets. Groups (3, 4) are in no message of proto3 and count as garbage.
struct Field {
    std::uint32_t number = 0;
    std::uint64_t value = 0;   // of a varint
    std::string_view content;  // of type 2
    std::string_view whole;    // with its tag
};

class FieldReader {
  public:
    explicit FieldReader(std::string_view record) : rest_(record) {}
    // nullopt: the end, or garbage.
    std::optional<Field> next();
    bool ok() const { return ok_; }

  private:
    bool varint(std::uint64_t& value);
    bool octets(std::uint64_t size, std::string_view& out);

    std::string_view rest_;
    bool ok_ = true;
};

bool is_record(std::string_view record);

// The last field of that number, as protobuf has it; empty and 0 if there is none. Views of
// `record`.
std::string_view text_of(std::string_view record, std::uint32_t number);
std::uint64_t number_of(std::string_view record, std::uint32_t number);
inline std::int64_t signed_of(std::string_view record, std::uint32_t number) {
    return static_cast<std::int64_t>(number_of(record, number));
}

// What of a record that is none stands after the fault is left out.
std::string without(std::string_view record, std::initializer_list<std::uint32_t> numbers);
// A field of type 2: text, bytes or a message.
void append_field(std::string& record, std::uint32_t number, std::string_view content);

}  // namespace confab::cluster::store
