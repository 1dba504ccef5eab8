// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/roster/lifecycle.h"

#include <doctest/doctest.h>

namespace confab::room {

namespace {

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

}  // namespace

TEST_CASE("Lifecycle: empty, departure and dependents [ROOM-05]") {
    Lifecycle room(at_ms(0), 300, 20);
    CHECK(room.next_deadline() == at_ms(300'000));
    room.set_present(at_ms(0), 0);  // a dependent came
    CHECK(room.next_deadline() == at_ms(300'000));
    room.set_present(at_ms(1'000), 1);
    CHECK(room.next_deadline().is_never());
    room.left(at_ms(5'000));
    room.set_present(at_ms(5'000), 0);
    CHECK(room.next_deadline() == at_ms(25'000));
    room.left(at_ms(9'000));  // the dependent went
    CHECK(room.next_deadline() == at_ms(29'000));
    CHECK(room.expired(at_ms(29'000)));
    room.set_present(at_ms(10'000), 1);
    room.set_present(at_ms(11'000), 0);  // became a dependent
    CHECK(room.next_deadline() == at_ms(31'000));
}

TEST_CASE("HeadCount: each one counts as what it is now [ROOM-05] [ROOM-10] [SIG-138]") {
    HeadCount heads;
    Standing alice;
    heads.change(alice, {true, false, false});
    heads.change(alice, {true, true, false});
    CHECK(heads.present() == 1);
    CHECK(heads.publishers() == 1);
    heads.change(alice, {false, true, true});
    CHECK(heads.present() == 0);
    CHECK(heads.recorders() == 1);
    heads.change(alice, {});
    CHECK(heads.publishers() + heads.recorders() + heads.present() == 0);
}

}  // namespace confab::room
