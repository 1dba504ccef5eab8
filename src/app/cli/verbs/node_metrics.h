// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A node's figures for `top`, out of its /metrics. Of any server of this protocol; what it does not
// tell is left out.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "app/cli/call/credentials.h"
#include "app/commands/host.h"
#include "base/time.h"

namespace confab::app::cli {

struct NodeFigures {
    bool known = false;                      // there are metrics
    bool rates = false;                      // there was a look before this one
    double cpu = 0;                          // of one core, 1.0 is all of it
    double memory = 0;                       // bytes
    double tracks = 0;                       // published
    double packets_in = 0, packets_out = 0;  // a second
    double bytes_in = 0, bytes_out = 0;      // a second
    double nacks = 0;                        // a second
};

std::string node_text(const NodeFigures& figures);
std::string node_json(const NodeFigures& figures);

// Sums by name, and by name{direction="…"} where a sample has one; lines that are none are passed
// over.
std::map<std::string, double, std::less<>> sums_of(std::string_view metrics);

class NodeMeter {
  public:
    NodeFigures look(const Host& host, const Credentials& server);
    // The same of a scrape's text.
    NodeFigures take(std::string_view metrics, UnixTime now);

  private:
    std::map<std::string, double, std::less<>> before_;
    UnixTime before_at_;
    bool is_off_ = false;  // the server has none for us
};

}  // namespace confab::app::cli
