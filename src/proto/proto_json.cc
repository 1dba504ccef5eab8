// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Protobuf's JSON reader takes comments, single quotes and bare names; the strict reader in front
// of it refuses these and bounds the nesting (08 IMM-13).
#include "proto/proto_json.h"

#include <google/protobuf/util/json_util.h>

#include "json/json.h"

namespace confab::proto {
namespace {

std::string print(const google::protobuf::Message& message,
                  const google::protobuf::util::JsonPrintOptions& options) {
    std::string out;
    // It fails only for a malformed google.protobuf.Any; an empty object is then the best answer.
    if (!google::protobuf::util::MessageToJsonString(message, &out, options).ok()) return "{}";
    return out;
}

}  // namespace

std::string to_api_json(const google::protobuf::Message& message) {
    google::protobuf::util::JsonPrintOptions options;
    options.always_print_primitive_fields = true;
    options.preserve_proto_field_names = true;
    return print(message, options);
}

std::string to_camel_json(const google::protobuf::Message& message) {
    return print(message, {});
}

bool parse_json(std::string_view text, google::protobuf::Message& message) {
    if (!json::is_object(text)) return false;
    google::protobuf::util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    return google::protobuf::util::JsonStringToMessage(
               google::protobuf::StringPiece(text.data(), text.size()), &message, options)
        .ok();
}

}  // namespace confab::proto
