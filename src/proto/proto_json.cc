// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the own printer and reader leave to protobuf's. That reader takes comments, single quotes
// and bare names; the strict reader in front of both refuses these and bounds the nesting (08
// IMM-13).
#include "proto/proto_json.h"

#include <google/protobuf/util/json_util.h>

#include "json/json.h"
#include "proto/json_print.h"
#include "proto/json_read.h"

namespace confab::proto {
namespace {

std::string print(const google::protobuf::Message& message, const JsonForm& form) {
    std::string out;
    if (print_json(message, form, out)) return out;
    google::protobuf::util::JsonPrintOptions options;
    options.always_print_primitive_fields = form.unpopulated;
    options.preserve_proto_field_names = form.names == FieldNames::kProto;
    out.clear();
    // It fails only for a malformed google.protobuf.Any; an empty object is then the best answer.
    if (!google::protobuf::util::MessageToJsonString(message, &out, options).ok()) return "{}";
    return out;
}

}  // namespace

std::string to_api_json(const google::protobuf::Message& message) {
    return print(message, {FieldNames::kProto, true});
}

std::string to_camel_json(const google::protobuf::Message& message) {
    return print(message, {FieldNames::kCamel, false});
}

bool parse_json(std::string_view text, google::protobuf::Message& message) {
    const auto object = json::parse(text);
    if (!object || object->kind != json::Kind::kObject) return false;
    message.Clear();
    const JsonRead result = read_json(*object, message);
    if (result != JsonRead::kOther) return result == JsonRead::kDone;
    google::protobuf::util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    return google::protobuf::util::JsonStringToMessage(
               google::protobuf::StringPiece(text.data(), text.size()), &message, options)
        .ok();
}

}  // namespace confab::proto
