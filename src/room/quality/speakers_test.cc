// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/quality/speakers.h"

#include <doctest/doctest.h>

namespace confab::room {

TEST_CASE("Speakers: only changes, quantised, stops once [SIG-134] [IN-31]") {
    Speakers speakers;
    const sfu::ReceiverId a(1), b(2), c(3);
    speakers.set_level(a, "PA_a", 0.20, true);
    speakers.set_level(b, "PA_b", 0.60, true);
    speakers.set_level(c, "PA_a", 0.05, true);
    auto changes = speakers.poll_changes();
    REQUIRE(changes.size() == 2);
    CHECK(changes[0].sid() == "PA_b");
    CHECK(changes[0].level() == doctest::Approx(0.625));
    CHECK(changes[1].level() == doctest::Approx(0.25));
    speakers.set_level(a, "PA_a", 0.21, true);
    CHECK(speakers.poll_changes().empty());
    speakers.set_level(b, "PA_b", 0, false);
    changes = speakers.poll_changes();
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].sid() == "PA_b");
    CHECK_FALSE(changes[0].active());
    CHECK(changes[0].level() == doctest::Approx(0));
    CHECK(speakers.poll_changes().empty());
}

}  // namespace confab::room
