// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Answers of the console's interface: JSON that nobody keeps, and that no other site can read.
#pragma once

#include <string>
#include <string_view>

#include "runtime/control/routes/endpoint.h"

namespace confab::control {

// May be given more headers before it goes.
net::HttpResponse console_response(int status, std::string json);
void answer_json(Call& call, std::string json);
// `text` names the remedy.
void answer_error(Call& call, int status, std::string_view text);

}  // namespace confab::control
