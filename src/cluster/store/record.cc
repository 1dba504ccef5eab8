// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/record.h"

#include <algorithm>

namespace confab::cluster::store {
namespace {

constexpr std::uint32_t kMaxNumber = (1U << 29) - 1;

void append_varint(std::string& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        out.push_back(static_cast<char>((value & 0x7f) | 0x80));
    out.push_back(static_cast<char>(value));
}

}  // namespace

bool FieldReader::varint(std::uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (rest_.empty()) return false;
        const auto octet = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        if (shift < 64) value |= static_cast<std::uint64_t>(octet & 0x7f) << shift;
        if (octet < 0x80) return true;
    }
    return false;
}

bool FieldReader::octets(std::uint64_t size, std::string_view& out) {
    if (size > rest_.size()) return false;
    out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
}

std::optional<Field> FieldReader::next() {
    if (rest_.empty() || !ok_) return std::nullopt;
    const std::string_view start = rest_;
    Field field;
    std::uint64_t tag = 0;
    std::uint64_t size = 0;
    std::string_view fixed;
    ok_ = varint(tag) && tag >> 3 >= 1 && tag >> 3 <= kMaxNumber;
    switch (ok_ ? tag & 7 : 7) {
        case 0:
            ok_ = varint(field.value);
            break;
        case 1:
            ok_ = octets(8, fixed);
            break;
        case 2:
            ok_ = varint(size) && octets(size, field.content);
            break;
        case 5:
            ok_ = octets(4, fixed);
            break;
        default:
            ok_ = false;
    }
    if (!ok_) return std::nullopt;
    field.number = static_cast<std::uint32_t>(tag >> 3);
    field.whole = start.substr(0, start.size() - rest_.size());
    return field;
}

bool is_record(std::string_view record) {
    FieldReader reader(record);
    while (reader.next()) {
    }
    return reader.ok();
}

std::string_view text_of(std::string_view record, std::uint32_t number) {
    std::string_view found;
    FieldReader reader(record);
    while (const auto field = reader.next())
        if (field->number == number) found = field->content;
    return found;
}

std::uint64_t number_of(std::string_view record, std::uint32_t number) {
    std::uint64_t found = 0;
    FieldReader reader(record);
    while (const auto field = reader.next())
        if (field->number == number) found = field->value;
    return found;
}

std::string without(std::string_view record, std::initializer_list<std::uint32_t> numbers) {
    std::string kept;
    kept.reserve(record.size());
    FieldReader reader(record);
    while (const auto field = reader.next())
        if (std::find(numbers.begin(), numbers.end(), field->number) == numbers.end())
            kept.append(field->whole);
    return kept;
}

void append_field(std::string& record, std::uint32_t number, std::string_view content) {
    append_varint(record, (std::uint64_t{number} << 3) | 2);
    append_varint(record, content.size());
    record.append(content);
}

}  // namespace confab::cluster::store
