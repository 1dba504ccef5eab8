// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// `confab doctor`: asks the machine, and a server, everything at once, and judges what came.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/doctor/judge.h"

namespace confab::doctor {

struct Request {
    std::string url;  // empty: the server of `config`, if it runs here
    std::string api_key;
    std::string api_secret;
    // This machine's server; null: nothing of this machine is looked at.
    std::shared_ptr<const config::Config> config;
    bool has_config_facts = false;  // also where loading it failed
    ConfigFacts config_facts;
    std::string data_dir;  // where webhooks are kept; empty: nowhere
    std::function<void(const std::string& what)> progress;
};

// Takes less than 15 s, whoever does not answer.
Diagnosis examine(const Request& request);

}  // namespace confab::doctor
