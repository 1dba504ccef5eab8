// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Protobuf messages as JSON, in the two dialects of the API.
//   Twirp (01 API-W2)      snake_case names, unpopulated fields included
//   webhooks, text frames  camelCase names, empty fields left out (01 HOOK-03, CON-42)
// Reading takes either kind of names and ignores unknown fields and unknown enum names.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

namespace confab::proto {

std::string to_api_json(const google::protobuf::Message& message);
std::string to_camel_json(const google::protobuf::Message& message);

// False if `text` is no strict JSON object (json/json.h) or has a value of the wrong type or
// range; `message` is then unspecified.
bool parse_json(std::string_view text, google::protobuf::Message& message);

}  // namespace confab::proto
