// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/source_monitor.h"

#include <doctest/doctest.h>

#include "sfu/forward/forward_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;

MediaPacket svc_packet(std::int64_t ms, std::uint8_t spatial) {
    MediaPacket p;
    p.codec = Codec::kVp9;
    p.has_dd = true;
    p.spatial = spatial;
    p.arrival = at_ms(ms);
    return p;
}

}  // namespace

TEST_CASE(
    "SourceMonitor: the mask of an SVC stream tells its layers, few packets or not "
    "[IN-21] [IN-26]") {
    SourceState state;
    state.mode = LayerMode::kMultipleSpatialLayersPerStream;
    wire::DependencyStructure structure;
    REQUIRE(wire::parse_dependency_descriptor(test::from_hex(test::kL3T3KeyStructure), nullptr,
                                              &structure));
    state.decode_targets = DecodeTargets::of(structure);
    SourceMonitor monitor(MediaKind::kVideo, false);
    MediaPacket key = svc_packet(0, 0);
    key.dd.structure_attached = true;
    key.dd.active_targets = 0x1FF;
    CHECK(monitor.packet(key, state));
    CHECK(state.available == 7);
    // Three packets in half a second would end layers 1 and 2 of a simulcast track.
    for (std::int64_t ms = 100; ms < 3000; ms += 100) {
        (void)monitor.packet(svc_packet(ms, static_cast<std::uint8_t>(ms / 100 % 3)), state);
        while (monitor.next_deadline() <= at_ms(ms))
            (void)monitor.handle_timeout(at_ms(ms), state);
        CHECK(state.available == 7);
    }
    // The encoder gives up the top layer, later the stream.
    MediaPacket fewer = svc_packet(3000, 0);
    fewer.dd.has_active_targets = true;
    fewer.dd.active_targets = 0x03F;
    CHECK(monitor.packet(fewer, state));
    CHECK(state.available == 3);
    for (std::int64_t ms = 3000; ms < 4600; ms += 100)
        (void)monitor.handle_timeout(at_ms(ms), state);
    CHECK(state.available == 0);
    monitor.set_muted(true, state);
    monitor.set_muted(false, state);
    CHECK(monitor.packet(svc_packet(5000, 0), state));
    CHECK(state.available == 3);
}

}  // namespace confab::sfu
