// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Nodes of a cluster over a real redis-server, which tests/cluster/run_cluster_redis starts.
// usage: cluster_redis PORT
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>
#include <iostream>
#include <limits>

#include "node.h"

std::uint16_t confab::redis_port = 0;

int main(int argc, char** argv) {
    const int port = argc == 2 ? std::atoi(argv[1]) : 0;
    if (port <= 0 || port > std::numeric_limits<std::uint16_t>::max()) {
        std::cerr << "usage: cluster_redis PORT\n";
        return 2;
    }
    confab::redis_port = static_cast<std::uint16_t>(port);
    return doctest::Context(1, argv).run();
}
