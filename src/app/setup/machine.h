// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// `confab setup` and the machine it runs on: what is there, and the files that it writes.
#pragma once

#include <string>
#include <vector>

#include "app/setup/plan.h"

namespace confab::setup {

// `offline`: nobody is asked over the network. `root`: where the files go, "" for this machine.
Found look_around(bool offline, const std::string& root);

// All or none: each is written beside its place first. Without `force` nothing that is there is
// replaced. What is secret goes to the user `confab`, where there is one and we may.
Result<void, std::string> write_files(const std::vector<PlannedFile>& files, bool force);

// A unit that a package has installed.
bool has_package_unit(const std::string& root);

}  // namespace confab::setup
