// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Runs the impairment relay until a signal, its duration or the end of its commands, and tells on
// stderr where it listens, each second what passes (a terminal), and what it was told to change.
#pragma once

#include <string>

#include "base/result.h"
#include "runtime/netem/relay_node.h"

namespace confab::app {

// The error is a text for people.
Result<netsim::Totals, std::string> run_netsim(netsim::RelayOptions options);

}  // namespace confab::app
