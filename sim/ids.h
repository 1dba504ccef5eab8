// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who and what is which in a run, by number: a client of the scenario, which joins again under the
// same one, a server, and whatever must not be taken for another: tracks, speakers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace confab::sim {

using ClientId = std::size_t;
using NodeId = std::size_t;
// Gives each number once.
using Numbers = std::function<std::uint32_t()>;

}  // namespace confab::sim
