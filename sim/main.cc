// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// confab_sim_runner.
#include "sim/runner.h"

int main(int argc, char** argv) {
    return confab::sim::run_simulator(std::vector<std::string>(argv + 1, argv + argc));
}
