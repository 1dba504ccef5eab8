// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The scripts for a MemoryServer, which has no Lua: for simulator and tests.
#pragma once

#include "redis/memory_store.h"

namespace confab::cluster::nodes {

void add_scripts(redis::MemoryStore& store);

}  // namespace confab::cluster::nodes
