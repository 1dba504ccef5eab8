// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/call/request_fields.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include "base/check.h"
#include "base/text.h"

namespace confab::app::cli {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Cpp = FieldDescriptor::CppType;

const EnumValueDescriptor* enum_value(const EnumDescriptor& type, std::string_view text) {
    for (int i = 0; i < type.value_count(); ++i) {
        const std::string& name = type.value(i)->name();
        if (equals_ignore_case(name, text)) return type.value(i);
        const std::size_t end = name.size() - std::min(name.size(), text.size());
        if (end > 0 && name[end - 1] == '_' && equals_ignore_case(name.substr(end), text))
            return type.value(i);
    }
    return nullptr;
}

std::string names_of(const EnumDescriptor& type) {
    std::string out;
    for (int i = 0; i < type.value_count(); ++i)
        out += (i > 0 ? ", " : "") + type.value(i)->name();
    return out;
}

template <typename T>
using Setter = void (Reflection::*)(Message*, const FieldDescriptor*, T) const;

template <typename T>
Result<void, std::string> set_number(Message& message, const FieldDescriptor& field,
                                     const std::string& text, Setter<T> set) {
    const auto value = parse_decimal<T>(text);
    if (!value) return fail("`" + text + "` is no whole number");
    (message.GetReflection()->*set)(&message, &field, *value);
    return {};
}

Result<void, std::string> set_enum(Message& message, const FieldDescriptor& field,
                                   const std::string& text) {
    const auto* const value = enum_value(*field.enum_type(), text);
    if (value == nullptr) return fail("`" + text + "` is none of " + names_of(*field.enum_type()));
    message.GetReflection()->SetEnum(&message, &field, value);
    return {};
}

Result<void, std::string> set_scalar(Message& message, const FieldDescriptor& field,
                                     const std::string& text) {
    const Reflection& reflection = *message.GetReflection();
    switch (field.cpp_type()) {
        case Cpp::CPPTYPE_STRING:
            if (!is_valid_utf8(text) && field.type() != FieldDescriptor::TYPE_BYTES)
                return fail(std::string("the text is no UTF-8"));
            reflection.SetString(&message, &field, text);
            return {};
        case Cpp::CPPTYPE_BOOL:
            reflection.SetBool(&message, &field, text == "true");
            return {};
        case Cpp::CPPTYPE_UINT32:
            return set_number<std::uint32_t>(message, field, text, &Reflection::SetUInt32);
        case Cpp::CPPTYPE_INT32:
            return set_number<std::int32_t>(message, field, text, &Reflection::SetInt32);
        case Cpp::CPPTYPE_INT64:
            return set_number<std::int64_t>(message, field, text, &Reflection::SetInt64);
        case Cpp::CPPTYPE_UINT64:
            return set_number<std::uint64_t>(message, field, text, &Reflection::SetUInt64);
        case Cpp::CPPTYPE_ENUM:
            return set_enum(message, field, text);
        default:
            return fail(std::string("the field takes no text"));
    }
}

// `library`: what protobuf says of JSON it does not take.
std::string json_error(std::string library, const Message& message) {
    std::string text = "the JSON is no " + message.GetDescriptor()->name() + ": ";
    while (library.ends_with('\n'))
        library.pop_back();
    return text + library;
}

}  // namespace

Result<void, std::string> set_field(Message& message, std::string_view path,
                                    const std::vector<std::string>& texts) {
    Message* inner = &message;
    std::string_view rest = path;
    while (true) {
        const std::string name(next_token(rest, '.'));
        const FieldDescriptor* const field = inner->GetDescriptor()->FindFieldByName(name);
        CONFAB_CHECK(field != nullptr);
        const Reflection& reflection = *inner->GetReflection();
        if (!rest.empty()) {
            inner = reflection.MutableMessage(inner, field);
            continue;
        }
        if (!field->is_repeated())
            return texts.empty() ? Result<void, std::string>{}
                                 : set_scalar(*inner, *field, texts.back());
        CONFAB_CHECK(field->cpp_type() == Cpp::CPPTYPE_STRING);
        reflection.ClearField(inner, field);
        // One empty text: no texts, as upstream takes it for lists.
        if (texts.size() == 1 && texts.front().empty()) return {};
        for (const std::string& text : texts)
            reflection.AddString(inner, field, text);
        return {};
    }
}

Result<void, std::string> read_json_text(std::string_view text, Message& message) {
    google::protobuf::util::JsonParseOptions options;
    options.ignore_unknown_fields = false;
    const auto status =
        google::protobuf::util::JsonStringToMessage(std::string(text), &message, options);
    if (!status.ok())
        return fail(
            json_error(std::string(status.message().data(), status.message().size()), message));
    return {};
}

}  // namespace confab::app::cli
