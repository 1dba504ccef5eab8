// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The mapping of https://protobuf.dev/programming-guides/json: numbers also in quotes, whole ones
// also with a fraction of zero or an exponent, octets in either alphabet of base64, enums by name
// or number.
#include "proto/json_read.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace confab::proto {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using json::Kind;
using json::Value;
using Cpp = FieldDescriptor::CppType;

// The digits of a number, whether it stands in quotes or not.
std::string_view digits_of(const Value& value) {
    if (value.kind == Kind::kNumber) return value.raw;
    return value.kind == Kind::kString ? std::string_view(value.string) : std::string_view();
}

template <typename T>
std::optional<T> whole_text(std::string_view text) {
    T number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

template <typename T>
std::optional<T> read_whole(const Value& value) {
    const std::string_view text = digits_of(value);
    if (const auto number = whole_text<T>(text)) return number;
    if (value.kind != Kind::kNumber) return std::nullopt;
    // 1.0, 1e3 and -0; every value below 2^digits of a double is exact, and so are the bounds.
    const double number = value.number;
    const double end = std::ldexp(1.0, std::numeric_limits<T>::digits);
    const double begin = std::numeric_limits<T>::is_signed ? -end : 0.0;
    // Whole digits that do not fit are beyond the bounds, whatever a double makes of them.
    if (text.find_first_of(".eE") == text.npos && text != "-0") return std::nullopt;
    if (std::trunc(number) != number || number < begin || number >= end) return std::nullopt;
    return static_cast<T>(number);
}

template <typename T>
std::optional<T> read_real(const Value& value) {
    const std::string_view text = digits_of(value);
    if (value.kind == Kind::kString) {
        if (text == "NaN") return std::numeric_limits<T>::quiet_NaN();
        if (text == "Infinity") return std::numeric_limits<T>::infinity();
        if (text == "-Infinity") return -std::numeric_limits<T>::infinity();
        const bool may_begin =
            text.starts_with('-') || (!text.empty() && text[0] >= '0' && text[0] <= '9');
        if (!may_begin) return std::nullopt;  // from_chars takes "inf" and "nan(…)"
    }
    const auto number = whole_text<T>(text);
    return number && std::isfinite(*number) ? number : std::nullopt;
}

std::optional<bool> read_bool(const Value& value) {
    if (value.kind == Kind::kBool) return value.boolean;
    if (value.kind != Kind::kString) return std::nullopt;
    if (value.string == "true") return true;
    if (value.string == "false") return false;
    return std::nullopt;
}

std::optional<std::string> read_octets(std::string text) {
    std::ranges::replace(text, '-', '+');
    std::ranges::replace(text, '_', '/');
    while (text.ends_with('='))
        text.pop_back();
    while (text.size() % 4 != 0)
        text += '=';
    const auto octets = base64_decode(text);
    if (!octets) return std::nullopt;
    return std::string(as_text(*octets));
}

// Sets a field, or adds to a list.
class Place {
  public:
    Place(Message& message, const FieldDescriptor& field, bool adds)
        : message_(message), field_(field), reflection_(*message.GetReflection()), adds_(adds) {}
    const FieldDescriptor& field() const { return field_; }

    template <auto kSet, auto kAdd, typename T>
    bool put(std::optional<T> value) const {
        if (!value) return false;
        (reflection_.*(adds_ ? kAdd : kSet))(&message_, &field_, *std::move(value));
        return true;
    }
    Message& message() const {
        return adds_ ? *reflection_.AddMessage(&message_, &field_)
                     : *reflection_.MutableMessage(&message_, &field_);
    }

  private:
    Message& message_;
    const FieldDescriptor& field_;
    const Reflection& reflection_;
    bool adds_;
};

class Reader {
  public:
    bool read(const Value& object, Message& message);
    bool met_other() const { return met_other_; }

  private:
    bool read_field(const Value& value, Message& message, const FieldDescriptor& field);
    bool read_map(const Value& object, Message& message, const FieldDescriptor& field);
    bool read_value(const Value& value, const Place& place);
    static bool read_enum(const Value& value, const Place& place);
    static bool read_text(const Value& value, const Place& place);

    bool met_other_ = false;
};

const FieldDescriptor* find_field(const google::protobuf::Descriptor& type,
                                  const std::string& name) {
    const FieldDescriptor* const found = type.FindFieldByName(name);
    return found != nullptr ? found : type.FindFieldByCamelcaseName(name);
}

bool Reader::read(const Value& object, Message& message) {
    const auto& type = *message.GetDescriptor();
    met_other_ = met_other_ || type.file()->package() == "google.protobuf";
    if (met_other_ || object.kind != Kind::kObject) return false;
    for (const json::Member& member : object.members) {
        const FieldDescriptor* const field = find_field(type, member.name);
        if (field == nullptr || member.value.is_null()) continue;
        if (!read_field(member.value, message, *field)) return false;
    }
    return true;
}

bool Reader::read_field(const Value& value, Message& message, const FieldDescriptor& field) {
    const Reflection& reflection = *message.GetReflection();
    if (field.is_map()) return read_map(value, message, field);
    if (field.is_repeated()) {
        if (value.kind != Kind::kArray) return false;
        return std::ranges::all_of(value.items, [&](const Value& item) {
            return item.is_null() || read_value(item, {message, field, true});
        });
    }
    const auto* const choice = field.real_containing_oneof();
    if (choice != nullptr && reflection.HasOneof(message, choice)) return false;
    return read_value(value, {message, field, false});
}

// An entry is a message with the fields key and value. A key is there once; null is the default.
bool Reader::read_map(const Value& object, Message& message, const FieldDescriptor& field) {
    if (object.kind != Kind::kObject) return false;
    std::set<std::string_view> keys;
    for (const json::Member& member : object.members) {
        if (!keys.insert(member.name).second) return false;
        Message& entry = *message.GetReflection()->AddMessage(&message, &field);
        Value key;
        key.kind = Kind::kString;
        key.string = member.name;
        if (!read_value(key, {entry, *field.message_type()->map_key(), false})) return false;
        if (member.value.is_null()) continue;
        if (!read_value(member.value, {entry, *field.message_type()->map_value(), false}))
            return false;
    }
    return true;
}

bool Reader::read_value(const Value& value, const Place& place) {
    switch (place.field().cpp_type()) {
        case Cpp::CPPTYPE_INT32:
            return place.put<&Reflection::SetInt32, &Reflection::AddInt32>(
                read_whole<std::int32_t>(value));
        case Cpp::CPPTYPE_UINT32:
            return place.put<&Reflection::SetUInt32, &Reflection::AddUInt32>(
                read_whole<std::uint32_t>(value));
        case Cpp::CPPTYPE_INT64:
            return place.put<&Reflection::SetInt64, &Reflection::AddInt64>(
                read_whole<std::int64_t>(value));
        case Cpp::CPPTYPE_UINT64:
            return place.put<&Reflection::SetUInt64, &Reflection::AddUInt64>(
                read_whole<std::uint64_t>(value));
        case Cpp::CPPTYPE_FLOAT:
            return place.put<&Reflection::SetFloat, &Reflection::AddFloat>(read_real<float>(value));
        case Cpp::CPPTYPE_DOUBLE:
            return place.put<&Reflection::SetDouble, &Reflection::AddDouble>(
                read_real<double>(value));
        case Cpp::CPPTYPE_BOOL:
            return place.put<&Reflection::SetBool, &Reflection::AddBool>(read_bool(value));
        case Cpp::CPPTYPE_ENUM:
            return read_enum(value, place);
        case Cpp::CPPTYPE_STRING:
            return read_text(value, place);
        case Cpp::CPPTYPE_MESSAGE:
            return read(value, place.message());
    }
    return false;
}

bool Reader::read_enum(const Value& value, const Place& place) {
    const auto put = [&place](std::optional<int> number) {
        return place.put<&Reflection::SetEnumValue, &Reflection::AddEnumValue>(number);
    };
    if (value.kind == Kind::kString) {
        const auto* const known = place.field().enum_type()->FindValueByName(value.string);
        if (known != nullptr) return put(known->number());
        const auto number = whole_text<std::int32_t>(value.string);
        return !number || put(number);
    }
    return put(read_whole<std::int32_t>(value));
}

bool Reader::read_text(const Value& value, const Place& place) {
    if (value.kind != Kind::kString) return false;
    const bool octets = place.field().type() == FieldDescriptor::TYPE_BYTES;
    auto text = octets ? read_octets(value.string) : std::optional(value.string);
    return place.put<&Reflection::SetString, &Reflection::AddString>(std::move(text));
}

}  // namespace

JsonRead read_json(const json::Value& object, Message& message) {
    Reader reader;
    if (reader.read(object, message)) return JsonRead::kDone;
    return reader.met_other() ? JsonRead::kOther : JsonRead::kRefused;
}

}  // namespace confab::proto
