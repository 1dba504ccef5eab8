// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The servers that the operator has named, with their keys (LKC-03): a YAML file of the form that
// upstream's command line has. Ours is ~/.confab/cli-config.yaml; until there is one,
// ~/.livekit/cli-config.yaml is read, and it is written by `lk` alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/commands/host.h"
#include "base/result.h"

namespace confab::app::cli {

struct Project {
    std::string name;
    std::string id;  // of upstream's cloud
    std::string url;
    std::string api_key;
    std::string api_secret;
};

struct Projects {
    std::string default_name;
    std::vector<Project> all;
    // The file as it was, so that keys which are not ours stay in it.
    std::string text;
    std::string warning;  // others may read it

    const Project* find(std::string_view name) const;
    // By the first label of the URL's host.
    const Project* find_subdomain(std::string_view subdomain) const;
    // "no project foo; there are a, b"
    std::string not_found(std::string_view name) const;
};

// Where they are read from, and where `project add` writes.
std::string projects_file(const Host& host);
Result<Projects, std::string> load_projects(const Host& host);
// The file, 0600 in a folder of 0700; gives its path.
Result<std::string, std::string> save_projects(const Projects& projects, const Host& host);

// "acme" of wss://acme.example.com.
std::string subdomain_of(std::string_view url);

}  // namespace confab::app::cli
