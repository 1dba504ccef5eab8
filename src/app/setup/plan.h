// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// From answers to files and to what is left to do; nothing is written here.
#pragma once

#include <string>
#include <vector>

#include "app/setup/questions.h"
#include "base/result.h"

namespace confab::setup {

struct PlannedFile {
    std::string path;
    std::string text;
    unsigned mode = 0644;
    bool is_secret = false;  // for the server's user alone; its text is not shown
};

struct Plan {
    std::vector<PlannedFile> files;  // the configuration first
    std::vector<std::string> notes;  // for the operator, a line each
    std::string url;                 // under which clients reach the server
    std::string page;                // that opens a meeting; empty: there is none
};

struct Keys {
    std::string key;
    std::string secret;
};

struct PlanOptions {
    std::string root;               // before all paths; empty: "/"
    bool has_package_unit = false;  // a package has installed unit, user and limits
};

// The error names the answer that does not go with the others.
Result<Plan, std::string> make_plan(const Answers& answers, const Keys& keys,
                                    const PlanOptions& options);

// The configuration of another server as ours: its text as it is. `file` is named in the header.
// The error is what is wrong with it.
Result<Plan, std::string> make_import(const std::string& file, std::string_view text,
                                      const Answers& answers, const PlanOptions& options);

}  // namespace confab::setup
