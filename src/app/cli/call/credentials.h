// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which server, with which key (LKC-01, LKC-02): --project, --subdomain, then flags and
// environment, then --dev, then livekit.toml of the folder, then the default project.
#pragma once

#include <string>

#include "app/cli/values.h"
#include "app/commands/host.h"
#include "base/result.h"

namespace confab::app::cli {

inline constexpr const char* kDefaultUrl = "http://localhost:7880";

struct Credentials {
    std::string url;
    std::string api_key;
    std::string api_secret;
    std::string project;  // empty: from flags or environment
    std::string notice;   // "Using project [x]": lines for stderr, unless --quiet
    std::string warning;  // lines
};

// `values` has the flags of all verbs. The error says which piece is missing.
Result<Credentials, std::string> find_credentials(const Values& values, const Host& host);

// Of a server for which there is a token: found the same way, without key and secret.
Result<Credentials, std::string> find_address(const Values& values, const Host& host);

// ws and wss as http and https; without a slash at the end.
std::string http_url(std::string url);

}  // namespace confab::app::cli
