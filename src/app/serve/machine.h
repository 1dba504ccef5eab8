// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a node tells of the machine that it runs on (03 NODE-03).
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "runtime/telemetry/network_packets.h"

namespace confab::app {

struct Memory {
    std::uint64_t total = 0;  // bytes; 0: not known
    std::uint64_t used = 0;
};
// The text of /proc/meminfo; used is what programs could not have.
Memory parse_memory(std::string_view text);

struct MachineReading {
    Memory memory;
    telemetry::NetworkPackets packets;
};
MachineReading read_machine();

// Packets since this was made, never fewer than before (an interface may go).
class MachineGauge {
  public:
    using Read = std::function<MachineReading()>;
    explicit MachineGauge(Read read = read_machine);
    MachineReading read();

  private:
    Read read_;
    telemetry::NetworkPackets start_;
    telemetry::NetworkPackets most_;
};

}  // namespace confab::app
