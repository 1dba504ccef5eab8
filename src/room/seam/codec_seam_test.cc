// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A subscriber agreed to Opus, and what comes is RED that nobody on the way may open, because it is
// encrypted end to end: 02 IN-09, IN-32; 01 SIG-111.
#include <doctest/doctest.h>

#include "room/seam/media_seam_testing.h"

namespace confab::room::testing {

using R = livekit::SignalResponse;

TEST_CASE(
    "Codec: who can not take what is sent is told, not left in silence "
    "[IN-09] [SIG-111] [SUB-08] [outside]") {
    for (const bool encrypted : {true, false}) {
        CAPTURE(encrypted);
        RoomAndShard w;
        const SessionId alice = w.room.join_active("r", "alice");
        w.room.refused_codecs = {"red"};
        const SessionId bob = w.room.join_active("r", "bob");
        livekit::SignalRequest request;
        request.mutable_add_track()->set_cid("mic");
        request.mutable_add_track()->set_type(livekit::AUDIO);
        request.mutable_add_track()->set_source(livekit::MICROPHONE);
        if (encrypted) request.mutable_add_track()->set_encryption(livekit::Encryption::GCM);
        w.room.send(alice, request);
        w.room.offer(alice, make_offer({{"mic", false, {}}}));
        w.run(Duration::seconds(1));
        const sfu::AddReceiver receiver = w.receiver(0);
        REQUIRE(receiver.codecs.front().codec == sfu::Codec::kRed);
        const sfu::AddDownTrack down = w.room.commands_of<sfu::AddDownTrack>().at(0);
        REQUIRE(down.codecs.size() == 1);
        REQUIRE(down.codecs.front().codec == sfu::Codec::kOpus);

        Stream microphone(receiver, 77);
        for (int i = 0; i < 10; ++i) {
            microphone.timestamp += 960;
            w.send(receiver.peer, microphone.at_level(60).packet(Bytes{111, 1, 2, 3, 4}, false));
            w.run(Duration::millis(20));
        }
        const auto told = w.room.of(bob, R::kSubscriptionResponse);
        const auto removed = w.room.commands_of<sfu::RemoveDownTrack>();
        CHECK(w.client(down.peer).rtp.empty() == encrypted);
        CHECK(removed.size() == (encrypted ? 1 : 0));
        REQUIRE(told.size() == (encrypted ? 1 : 0));
        if (!encrypted) continue;
        const std::string sid =
            w.room.of(alice, R::kTrackPublished)[0].track_published().track().sid();
        CHECK(told[0].subscription_response().err() == livekit::SE_CODEC_UNSUPPORTED);
        CHECK(told[0].subscription_response().track_sid() == sid);
        CHECK(removed[0].down_track == down.down_track);
        // The connection keeps working.
        CHECK(w.room.count(bob, R::kLeave) == 0);
    }
}

}  // namespace confab::room::testing
