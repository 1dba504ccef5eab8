// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Messages as JSON, by reflection: protobuf's own printer serializes the message and looks up its
// types anew each time, which takes thirty times as long.
#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <string>

namespace confab::proto {

enum class FieldNames : std::uint8_t { kProto, kCamel };  // snake_case, lowerCamelCase

struct JsonForm {
    FieldNames names = FieldNames::kProto;
    // Fields without presence, lists and maps also where nothing is in them.
    bool unpopulated = false;
};

// Appends the message to `out`: fields in the order of their declaration, maps in that of their
// keys. False, and `out` is unspecified, if there is a google.protobuf type in it, which are no
// plain messages in JSON, or text that is no UTF-8.
bool print_json(const google::protobuf::Message& message, const JsonForm& form, std::string& out);

}  // namespace confab::proto
