// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Texts of the command line as fields of a message, by reflection.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace confab::app::cli {

// Sets the field at "trunk.auth_username"; lists get all texts, everything else the last. Enums
// are named as in the protocol or by what stands behind the common prefix, without regard to case.
// The error says what the field takes. The field is there: a path that is none is our mistake.
Result<void, std::string> set_field(google::protobuf::Message& message, std::string_view path,
                                    const std::vector<std::string>& texts);

// A request as JSON (LKC-05): `given` is a literal, a file, or "-" for what comes by stdin. Fields
// that the message does not have are an error.
Result<void, std::string> read_json_text(std::string_view text, google::protobuf::Message& message);

}  // namespace confab::app::cli
