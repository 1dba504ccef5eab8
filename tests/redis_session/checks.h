// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The checks of a program against a real redis-server, one after the other, as a suite prints them.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <iostream>
#include <limits>

namespace confab::redis {

struct Check {
    const char* name;
    void (*body)(std::uint16_t port);  // throws where something is wrong
};

// The exit code of `program PORT`.
inline int run_checks(int argc, char** argv, std::initializer_list<Check> checks) {
    const int port = argc == 2 ? std::atoi(argv[1]) : 0;
    if (port <= 0 || port > std::numeric_limits<std::uint16_t>::max()) {
        std::cerr << "usage: " << argv[0] << " PORT\n";
        return 2;
    }
    int failed = 0;
    for (const Check& check : checks) {
        try {
            check.body(static_cast<std::uint16_t>(port));
            std::cout << "ok " << check.name << std::endl;
        } catch (const std::exception& error) {
            ++failed;
            std::cout << "FAILED " << check.name << ": " << error.what() << std::endl;
        }
    }
    std::cout << checks.size() - static_cast<std::size_t>(failed) << " passed, " << failed
              << " failed" << std::endl;
    return failed == 0 ? 0 : 1;
}

}  // namespace confab::redis
