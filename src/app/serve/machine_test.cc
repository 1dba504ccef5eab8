// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/machine.h"

#include <doctest/doctest.h>

namespace confab::app {

TEST_CASE("parse_memory: what the system has, and what programs could not have of it [NODE-03]") {
    const Memory memory = parse_memory(
        "MemTotal:       16384 kB\nMemFree:         1000 kB\nMemAvailable:    4384 kB\n"
        "HugePages_Total:       0\n");
    CHECK(memory.total == 16384 * 1024);
    CHECK(memory.used == 12000 * 1024);
    for (const char* text :
         {"", "MemTotal: 5 kB\n", "MemAvailable: 5 kB\n", "MemTotal: 5 kB\nMemAvailable: 6 kB\n",
          "MemTotal: x kB\nMemAvailable: 5 kB\n",
          "MemTotal: 18446744073709551615 kB\nMemAvailable: 5 kB\n"}) {
        CAPTURE(text);
        CHECK(parse_memory(text).total == 0);
        CHECK(parse_memory(text).used == 0);
    }
}

TEST_CASE("read_machine: of the machine that this runs on [NODE-03]") {
    const MachineReading machine = read_machine();
    CHECK(machine.memory.total > 0);
    CHECK(machine.memory.used > 0);
    CHECK(machine.memory.used < machine.memory.total);
}

TEST_CASE("MachineGauge: packets since the start, never fewer than before [NODE-03]") {
    MachineReading now{{1000, 400}, {5'000'000'000, 70}};
    MachineGauge gauge([&now] { return now; });
    CHECK(gauge.read().packets.sent == 0);
    now.packets = {5'000'000'100, 75};
    now.memory.used = 500;
    CHECK(gauge.read().packets.sent == 100);
    CHECK(gauge.read().packets.dropped == 5);
    CHECK(gauge.read().memory.used == 500);
    now.packets = {4'000'000'000, 60};  // an interface is gone
    CHECK(gauge.read().packets.sent == 100);
    CHECK(gauge.read().packets.dropped == 5);
}

}  // namespace confab::app
