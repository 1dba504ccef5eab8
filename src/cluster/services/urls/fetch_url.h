// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The URL of an ingress that is fetched (04 ING-07), read and written as Go does it, since the
// service that fetches is written in Go.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace confab::cluster::services {

// `url` as it is stored and sent on: the scheme in small letters, what may not stand in a path, a
// fragment, a host or a login as percent and two digits. Or why it is not one of http, https or
// srt, in the words that SDK users know.
Result<std::string, std::string> fetch_url(std::string_view url);

}  // namespace confab::cluster::services
