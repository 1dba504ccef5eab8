// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a reload of the configuration changes, by the names of the settings; never by their values.
#pragma once

#include <string_view>
#include <vector>

#include "config/config.h"

namespace confab::config {

struct Changes {
    std::vector<std::string_view> live;     // hold at once
    std::vector<std::string_view> restart;  // hold after a restart
    bool empty() const { return live.empty() && restart.empty(); }
};

// In the order of the table. Settings without effect are left out.
Changes changes(const Config& before, const Config& after);

// `running` with the settings of `wanted` that hold without a restart.
Config with_live(Config running, Config wanted);

}  // namespace confab::config
