// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/quality/loss_history.h"

#include <doctest/doctest.h>

namespace confab::sfu {

TEST_CASE("LossHistory: a quarter is much, of the last 32 reports [ICE-16]") {
    LossHistory losses;
    CHECK(losses.bad_reports() == 0);
    losses.note(63);
    CHECK(losses.bad_reports() == 0);
    for (int i = 0; i < 40; ++i)
        losses.note(64);
    CHECK(losses.bad_reports() == 32);
    losses.note(0);
    CHECK(losses.bad_reports() == 31);
    for (int i = 0; i < 31; ++i)
        losses.note(0);
    CHECK(losses.bad_reports() == 0);
    losses.note(255);
    losses.clear();
    CHECK(losses.bad_reports() == 0);
}

}  // namespace confab::sfu
