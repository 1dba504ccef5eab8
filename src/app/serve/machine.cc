// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/machine.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "app/serve/cpu/cpu_gauge.h"
#include "base/text.h"

namespace confab::app {
namespace {

constexpr std::uint64_t kKilobyte = 1024;

// "MemTotal:       16384 kB"
std::optional<std::uint64_t> bytes_of(std::string_view text, std::string_view name) {
    for (std::string_view line : split(text, '\n')) {
        if (next_token(line, ':') != name) continue;
        std::string_view rest = trim(line);
        const auto value = parse_decimal<std::uint64_t>(next_token(rest, ' '));
        if (!value || *value > UINT64_MAX / kKilobyte) return std::nullopt;
        return *value * kKilobyte;
    }
    return std::nullopt;
}

}  // namespace

Memory parse_memory(std::string_view text) {
    const auto total = bytes_of(text, "MemTotal");
    const auto available = bytes_of(text, "MemAvailable");
    if (!total || !available || *available > *total) return {};
    return {*total, *total - *available};
}

MachineReading read_machine() {
    const auto text = read_system_file("/proc/meminfo");
    return {text ? parse_memory(*text) : Memory{}, telemetry::read_network_packets()};
}

MachineGauge::MachineGauge(Read read) : read_(std::move(read)), start_(read_().packets) {}

MachineReading MachineGauge::read() {
    const auto since = [](std::uint64_t now, std::uint64_t start) {
        return now > start ? now - start : 0;
    };
    MachineReading machine = read_();
    most_.sent = std::max(most_.sent, since(machine.packets.sent, start_.sent));
    most_.dropped = std::max(most_.dropped, since(machine.packets.dropped, start_.dropped));
    machine.packets = most_;
    return machine;
}

}  // namespace confab::app
