// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// JSON as messages, by reflection, from the tree of json/json.h: protobuf's own reader goes through
// the octets of the message and looks up its types anew each time.
#pragma once

#include <google/protobuf/message.h>

#include <cstdint>

#include "json/json.h"

namespace confab::proto {

enum class JsonRead : std::uint8_t {
    kDone,
    kRefused,  // a value of the wrong type or range, two members of a oneof
    kOther,    // there is a google.protobuf type in it, which are no plain messages in JSON
};

// Adds what `object` has to `message`, which is unspecified unless all is done. Names may be
// lowerCamelCase or snake_case; unknown ones, unknown names of enums and null are passed over.
JsonRead read_json(const json::Value& object, google::protobuf::Message& message);

}  // namespace confab::proto
