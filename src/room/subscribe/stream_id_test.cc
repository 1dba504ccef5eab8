// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "room/test_support.h"

namespace confab::room::testing {

// The offer and the packets name the same stream: browsers pair picture and sound by it.
TEST_CASE("Streams: one id and one CNAME for what belongs together [SDP-04]") {
    using R = livekit::SignalResponse;
    for (const bool together : {true, false}) {
        Harness h;
        JoinParams first = test_join("r", "alice");
        first.grants.room_config.emplace().set_sync_streams(together);
        const SessionId alice = h.join(first);
        const SessionId bob = h.join_active("r", "bob");
        JoinParams old = test_join("r", "old");
        old.client.set_protocol(0);
        const SessionId carol = h.join(old);
        h.publish(alice, "cam", true);
        h.publish(alice, "mic", false);
        h.advance(Duration::seconds(1));
        const std::string sid = h.of(alice, R::kJoin)[0].join().participant().sid();
        std::set<std::string> names;
        std::size_t plain = 0;
        for (const sfu::AddDownTrack& down : h.commands_of<sfu::AddDownTrack>()) {
            if (down.cname == sid) {
                ++plain;  // protocol 0 knows the participant alone
                continue;
            }
            names.insert(down.cname);
            const std::string sdp = h.of(bob, R::kOffer).back().offer().sdp();
            CHECK(sdp.find("a=msid:" + down.cname + " ") != std::string::npos);
        }
        CHECK(names.size() == (together ? 1 : 2));
        if (together) CHECK(*names.begin() == sid + "|camera");
        CHECK(plain == 2);
        (void)carol;
    }
}

}  // namespace confab::room::testing
