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
        REQUIRE(names.size() == (together ? 1 : 2));
        if (together) CHECK(*names.begin() == sid + "|camera");
        CHECK(plain == 2);
        (void)carol;
    }
}

// The same draws twice: the second time a publisher sends under what was drawn first.
TEST_CASE("Streams: what a publisher sends under is given to no subscriber [FWD-04]") {
    const auto subscribed = [](std::uint32_t published) {
        Harness h;
        const SessionId alice = h.join_active("r", "alice");
        (void)h.join_active("r", "bob");
        std::string offer = make_offer({{"mic", false, {}}});
        if (published != 0) offer += "a=ssrc:" + std::to_string(published) + " cname:c\r\n";
        h.add_track(alice, "mic", false);
        h.offer(alice, offer);
        h.advance(Duration::seconds(1));
        const auto added = h.commands_of<sfu::AddDownTrack>();
        REQUIRE(added.size() == 1);
        return added[0];
    };
    const sfu::AddDownTrack first = subscribed(0);
    CHECK(subscribed(4711).ssrc == first.ssrc);
    for (const Ssrc taken : {first.ssrc, first.rtx_ssrc}) {
        const sfu::AddDownTrack second = subscribed(taken.value());
        CHECK(second.ssrc != taken);
        CHECK(second.rtx_ssrc != taken);
        CHECK(second.ssrc != second.rtx_ssrc);
    }
}

}  // namespace confab::room::testing
