// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The mapping of https://protobuf.dev/programming-guides/json: 64-bit integers, keys of maps and
// numbers that are none in quotes, octets as base64, an enum's unknown values as numbers.
#include "proto/json_print.h"

#include <google/protobuf/descriptor.h>

#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "json/json.h"

namespace confab::proto {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Cpp = FieldDescriptor::CppType;

bool is_well_known(const google::protobuf::Descriptor& type) {
    return type.file()->package() == "google.protobuf";
}

// Asking a message for its reflection each time costs more than reading a field.
struct Source {
    explicit Source(const Message& from) : message(from), reflection(*from.GetReflection()) {}
    const Message& message;
    const Reflection& reflection;
};

// Reads the one value of a field, or one of several.
class Slot {
  public:
    Slot(const Source& source, const FieldDescriptor& field, int index = -1)
        : message_(source.message), reflection_(source.reflection), field_(field), index_(index) {}
    const FieldDescriptor& field() const { return field_; }

    template <auto kOne, auto kOfMany>
    auto get() const {
        return index_ < 0 ? (reflection_.*kOne)(message_, &field_)
                          : (reflection_.*kOfMany)(message_, &field_, index_);
    }
    const Message& message() const {
        return index_ < 0 ? reflection_.GetMessage(message_, &field_)
                          : reflection_.GetRepeatedMessage(message_, &field_, index_);
    }
    const std::string& text(std::string& scratch) const {
        return index_ < 0
                   ? reflection_.GetStringReference(message_, &field_, &scratch)
                   : reflection_.GetRepeatedStringReference(message_, &field_, index_, &scratch);
    }

  private:
    const Message& message_;
    const Reflection& reflection_;
    const FieldDescriptor& field_;
    int index_;
};

class Printer {
  public:
    Printer(const JsonForm& form, std::string& out) : form_(form), out_(out) {}

    bool print(const Message& message);

  private:
    bool is_left_out(const Source& source, const FieldDescriptor& field) const;
    void print_name(const FieldDescriptor& field);
    bool print_field(const Source& source, const FieldDescriptor& field);
    bool print_list(const Source& source, const FieldDescriptor& field);
    bool print_map(const Source& source, const FieldDescriptor& field);
    bool print_value(const Slot& slot);
    void print_enum(const Slot& slot);
    bool print_text(const Slot& slot);

    template <typename T>
    void number(T value) {
        std::array<char, 32> digits;
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
        out_.append(digits.data(), end);
    }
    template <typename T>
    void quoted(T value) {
        out_ += '"';
        number(value);
        out_ += '"';
    }
    template <typename T>
    void real(T value) {
        if (std::isfinite(value)) return number(value);
        out_ += std::isnan(value) ? R"("NaN")" : value > 0 ? R"("Infinity")" : R"("-Infinity")";
    }

    const JsonForm& form_;
    std::string& out_;
};

bool Printer::is_left_out(const Source& source, const FieldDescriptor& field) const {
    if (form_.unpopulated && !field.has_presence()) return false;
    if (field.is_repeated()) return source.reflection.FieldSize(source.message, &field) == 0;
    return !source.reflection.HasField(source.message, &field);
}

bool Printer::print(const Message& message) {
    const auto& type = *message.GetDescriptor();
    if (is_well_known(type)) return false;
    out_ += '{';
    const Source source(message);
    bool first = true;
    for (int i = 0; i < type.field_count(); ++i) {
        const FieldDescriptor& field = *type.field(i);
        if (is_left_out(source, field)) continue;
        if (!std::exchange(first, false)) out_ += ',';
        print_name(field);
        if (!print_field(source, field)) return false;
    }
    out_ += '}';
    return true;
}

void Printer::print_name(const FieldDescriptor& field) {
    out_ += '"';
    out_ += form_.names == FieldNames::kProto ? field.name() : field.json_name();
    out_ += "\":";
}

bool Printer::print_field(const Source& source, const FieldDescriptor& field) {
    if (field.is_map()) return print_map(source, field);
    if (field.is_repeated()) return print_list(source, field);
    return print_value({source, field});
}

bool Printer::print_list(const Source& source, const FieldDescriptor& field) {
    out_ += '[';
    const int size = source.reflection.FieldSize(source.message, &field);
    for (int i = 0; i < size; ++i) {
        if (i > 0) out_ += ',';
        if (!print_value({source, field, i})) return false;
    }
    out_ += ']';
    return true;
}

// An entry is a message with the fields key and value; the last one of a key counts.
bool Printer::print_map(const Source& source, const FieldDescriptor& field) {
    const FieldDescriptor& key = *field.message_type()->map_key();
    const FieldDescriptor& value = *field.message_type()->map_value();
    std::map<std::string, const Message*> entries;
    const int size = source.reflection.FieldSize(source.message, &field);
    for (int i = 0; i < size; ++i) {
        const Message& entry = source.reflection.GetRepeatedMessage(source.message, &field, i);
        std::string name;
        if (!Printer(form_, name).print_value({Source(entry), key})) return false;
        if (!name.starts_with('"')) name.insert(0, 1, '"').append(1, '"');
        entries.insert_or_assign(std::move(name), &entry);
    }
    out_ += '{';
    for (const auto& [name, entry] : entries) {
        if (out_.back() != '{') out_ += ',';
        out_ += name + ':';
        if (!print_value({Source(*entry), value})) return false;
    }
    out_ += '}';
    return true;
}

bool Printer::print_value(const Slot& slot) {
    switch (slot.field().cpp_type()) {
        case Cpp::CPPTYPE_INT32:
            number(slot.get<&Reflection::GetInt32, &Reflection::GetRepeatedInt32>());
            break;
        case Cpp::CPPTYPE_UINT32:
            number(slot.get<&Reflection::GetUInt32, &Reflection::GetRepeatedUInt32>());
            break;
        case Cpp::CPPTYPE_INT64:
            quoted(slot.get<&Reflection::GetInt64, &Reflection::GetRepeatedInt64>());
            break;
        case Cpp::CPPTYPE_UINT64:
            quoted(slot.get<&Reflection::GetUInt64, &Reflection::GetRepeatedUInt64>());
            break;
        case Cpp::CPPTYPE_FLOAT:
            real(slot.get<&Reflection::GetFloat, &Reflection::GetRepeatedFloat>());
            break;
        case Cpp::CPPTYPE_DOUBLE:
            real(slot.get<&Reflection::GetDouble, &Reflection::GetRepeatedDouble>());
            break;
        case Cpp::CPPTYPE_BOOL:
            out_ +=
                slot.get<&Reflection::GetBool, &Reflection::GetRepeatedBool>() ? "true" : "false";
            break;
        case Cpp::CPPTYPE_ENUM:
            print_enum(slot);
            break;
        case Cpp::CPPTYPE_STRING:
            return print_text(slot);
        case Cpp::CPPTYPE_MESSAGE:
            return print(slot.message());
    }
    return true;
}

void Printer::print_enum(const Slot& slot) {
    const int value = slot.get<&Reflection::GetEnumValue, &Reflection::GetRepeatedEnumValue>();
    const auto* const known = slot.field().enum_type()->FindValueByNumber(value);
    if (known == nullptr) return number(value);
    out_ += '"';
    out_ += known->name();
    out_ += '"';
}

// Text that is no UTF-8 cannot stand in JSON.
bool Printer::print_text(const Slot& slot) {
    std::string scratch;
    const std::string& text = slot.text(scratch);
    if (slot.field().type() == FieldDescriptor::TYPE_BYTES) {
        out_ += '"';
        out_ += base64_encode(as_bytes(text));
        out_ += '"';
        return true;
    }
    if (!is_valid_utf8(text)) return false;
    json::append_string(out_, text);
    return true;
}

}  // namespace

bool print_json(const Message& message, const JsonForm& form, std::string& out) {
    return Printer(form, out).print(message);
}

}  // namespace confab::proto
