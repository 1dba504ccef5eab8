// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a command takes while it waits: itself and what it holds elsewhere.
#pragma once

#include <cstddef>

#include "sfu/shard/commands.h"

namespace confab::worker {

// In bytes, and the same after a move.
std::size_t command_size(const sfu::Command& command);

}  // namespace confab::worker
