// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The DTLS role is decided once: the client goes by the answer, the worker by its command, and
// what the one encrypts the other can read: 02 DTLS-01, ICE-03.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "room/seam/media_seam_testing.h"
#include "rtc/sdp/description/description.h"

namespace confab::room::testing {
namespace {

using R = livekit::SignalResponse;

std::string offer_with(std::string_view setup, bool ice_lite) {
    std::string sdp = make_offer({{"mic", false, {}}});
    constexpr std::string_view kFrom = "a=setup:actpass";
    for (auto at = sdp.find(kFrom); at != std::string::npos; at = sdp.find(kFrom, at + 1))
        sdp.replace(at, kFrom.size(), "a=setup:" + std::string(setup));
    if (ice_lite) sdp.insert(sdp.find("a=group:"), "a=ice-lite\r\n");
    return sdp;
}

}  // namespace

TEST_CASE(
    "DTLS: media flows whatever role an offer leaves us, lite or not "
    "[DTLS-01] [ICE-03] [outside]") {
    for (const std::string_view setup : {"actpass", "active", "passive"}) {
        for (const bool lite : {false, true}) {
            CAPTURE(setup);
            CAPTURE(lite);
            RoomAndShard w;
            const SessionId alice = w.room.join_active("r", "alice");
            (void)w.room.join_active("r", "bob");
            w.run(Duration::millis(500));
            w.room.add_track(alice, "mic", false);
            w.room.offer(alice, offer_with(setup, lite));
            REQUIRE(w.room.count(alice, R::kAnswer) == 1);
            const auto answer = sdp::parse(w.room.of(alice, R::kAnswer)[0].answer().sdp());
            REQUIRE(answer.has_value());
            w.client_role = answer->sections.at(0).setup == sdp::Setup::kActive
                                ? dtls::Role::kServer
                                : dtls::Role::kClient;
            w.run(Duration::seconds(1));
            Stream microphone(w.receiver(0), 77);
            const sfu::AddDownTrack down = w.room.commands_of<sfu::AddDownTrack>().at(0);
            for (int i = 0; i < 20; ++i) {
                w.send(w.receiver(0).peer, microphone.packet(Bytes(40, 111), false));
                microphone.timestamp += 960;
                w.run(Duration::millis(20));
            }
            CHECK(w.client(down.peer).rtp.size() == 20);
        }
    }
}

}  // namespace confab::room::testing
