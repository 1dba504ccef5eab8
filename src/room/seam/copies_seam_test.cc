// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The numbers of copies for packets that were lost on their way to a subscriber: 02 FWD-11,
// TRAP-14.
#include <doctest/doctest.h>

#include <vector>

#include "room/seam/call_seam_testing.h"

namespace confab::room::testing {

TEST_CASE(
    "Copies: what is not kept any more uses up no number of the repair stream "
    "[FWD-11] [TRAP-14] [outside]") {
    CallPlan plan;
    plan.options.packet_buffer_size_video = 5;  // of eight that are known by number
    SeamCall c(plan);
    Stream camera = c.stream(77);
    std::vector<std::uint16_t> asked;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 10; ++i) {
            c.send(camera.packet(vp8_payload(round == 0 && i == 0, 0, 300)), 33);
            camera.timestamp += 2'970;
        }
        c.run(200);
        const auto heard = c.heard();
        REQUIRE(heard.size() >= 8);
        asked.clear();
        for (std::size_t i = heard.size() - 8; i < heard.size(); ++i)
            asked.push_back(heard[i].sequence);
        c.ask_again(asked);
        c.run(100);
    }
    const auto copies = c.copies();
    REQUIRE(copies.size() >= 12);
    CHECK(copies.size() < 24);  // some were gone
    for (std::size_t i = 1; i < copies.size(); ++i)
        CHECK(copies[i].sequence == static_cast<std::uint16_t>(copies[i - 1].sequence + 1));
}

}  // namespace confab::room::testing
