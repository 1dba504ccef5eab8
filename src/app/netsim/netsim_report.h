// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What `confab netsim` says of itself.
#pragma once

#include <string>

#include "runtime/netem/relay_node.h"

namespace confab::app {

// "listening udp 127.0.0.1:7000 for 10.0.0.1:7882", a line.
std::string route_line(const netsim::Route& route);
// What passed between the two, for a terminal; no line feed.
std::string progress_text(const netsim::Totals& before, const netsim::Totals& now);
// The table at the end.
std::string totals_text(const netsim::Totals& totals);
// The same as one JSON object, a line.
std::string totals_json(const netsim::Totals& totals);

}  // namespace confab::app
