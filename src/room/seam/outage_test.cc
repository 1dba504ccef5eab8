// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Outages of the network under a call: real rooms, a real media shard and clients made of our own
// transports, in virtual time. Whatever was cut for 19 s, media flows again in both directions.
#include "room/seam/outage_seam_testing.h"

namespace confab::room::outage {

TEST_CASE(
    "Outage: UDP is cut for 19 s, TCP is not: both directions go on "
    "[SIG-145] [SIG-160] [outside]") {
    for (const bool single : {true, false}) {
        CAPTURE(single);
        TwoInCall call(single, true);
        call.udp_cut = true;
        // Each side looks for another way after 10 s of silence.
        call.run(Duration::seconds(14));
        CHECK(call.heard(call.alice) > 40);
        CHECK(call.heard(call.bob) > 40);
        call.run(Duration::seconds(4));
        call.udp_cut = false;
        call.run(Duration::seconds(10));
        CHECK(call.heard(call.alice) > 40);
        CHECK(call.heard(call.bob) > 40);
        CHECK(call.h.webhook_names().back() != "participant_left");
    }
}

// What a browser does: of the pairs that work it keeps the best, so there is no TCP before a
// restart.
TEST_CASE(
    "Outage: UDP is cut for 19 s, TCP comes with the resume only "
    "[SIG-145] [ICE-15] [outside]") {
    for (const bool single : {true, false}) {
        CAPTURE(single);
        TwoInCall call(single, true);
        call.udp_cut = call.tcp_cut = true;
        call.run(Duration::millis(15'500));
        call.tcp_cut = false;
        call.run(Duration::seconds(3));
        CHECK(call.heard(call.alice) > 40);
        CHECK(call.heard(call.bob) > 40);
        call.run(Duration::seconds(1));
        call.udp_cut = false;
        call.run(Duration::seconds(10));
        CHECK(call.heard(call.alice) > 40);
        CHECK(call.heard(call.bob) > 40);
    }
}

TEST_CASE(
    "Outage: everything is cut for 19 s: both directions are back "
    "[SIG-145] [SIG-160] [outside]") {
    for (const bool single : {true, false}) {
        CAPTURE(single);
        TwoInCall call(single, false);
        call.udp_cut = call.signal_cut = true;
        call.run(Duration::seconds(19));
        CHECK(call.heard(call.alice) == 0);
        call.udp_cut = call.signal_cut = false;
        call.run(Duration::seconds(2));
        CHECK(call.heard(call.alice) > 40);
        CHECK(call.heard(call.bob) > 40);
        CHECK(call.h.webhook_names().back() != "participant_left");
    }
}

TEST_CASE(
    "Outage: media fails while signalling lives: the resume brings it back "
    "[SIG-145] [outside]") {
    for (const bool single : {true, false}) {
        CAPTURE(single);
        TwoInCall call(single, false);
        call.udp_cut = true;
        call.run(Duration::seconds(19));
        call.udp_cut = false;
        call.run(Duration::seconds(4));
        CHECK(call.heard(call.alice) > 40);
        CHECK(call.heard(call.bob) > 40);
    }
}

// The resumes of a client whose media never comes back keep nobody: it goes within the row's time,
// and with the last one the room.
TEST_CASE(
    "Outage: media never comes back though signalling does: all leave, the room ends "
    "[SIG-145] [outside]") {
    for (const bool single : {true, false}) {
        CAPTURE(single);
        TwoInCall call(single, false);
        call.udp_cut = true;
        const auto left = [&] {
            const auto names = call.h.webhook_names();
            return std::count(names.begin(), names.end(), "participant_left");
        };
        // 15 s of silence, then kMaxWithoutMedia.
        call.run(Duration::seconds(15) + Presence::kMaxWithoutMedia + Duration::seconds(2));
        CHECK(call.alice.generation > 0);
        CHECK(call.bob.generation > 0);
        CHECK(left() == 2);
        call.run(Duration::seconds(21));
        CHECK_FALSE(call.h.manager.has_room("r"));
    }
}

}  // namespace confab::room::outage
