// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the verbs of phone calls have in common.
#pragma once

#include <functional>

#include "app/cli/call/call.h"

namespace confab::app::cli {

// One call for each request that was given as JSON; none was: one of flags alone. `fill` puts the
// flags in. The sip verbs print the ids of what was made.
Outcome for_each_request(
    Call& call, const Api& api, const Print& print,
    const std::function<Result<void, std::string>(google::protobuf::Message&)>& fill);

// One call for each id; `field` is where it goes.
Outcome for_each_id(Call& call, const Api& api, const Print& print, std::string_view field);

// An update: JSON replaces what was, flags change parts of it. `field`: of the id, in the request
// and in the JSON.
Outcome update_by_json_or_flags(Call& call, const Api& api, const Print& print,
                                std::string_view field);

}  // namespace confab::app::cli
