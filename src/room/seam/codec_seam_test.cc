// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is sent and what was agreed on: RED that nobody on the way may open, because it is encrypted
// end to end, for a subscriber that agreed to Opus; a track whose next offer has another codec. 02
// IN-09, IN-12, IN-32; 01 SIG-100, SIG-111.
#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

#include "room/seam/call_seam_testing.h"

namespace confab::room::testing {

using R = livekit::SignalResponse;

namespace {

// rtc-node tells its codec to nobody but its transceiver, and may offer before it has done so.
CallPlan unnamed_codec(std::size_t workers, const std::vector<std::string>& rids) {
    CallPlan plan;
    plan.config = test_config(workers);
    plan.config.participants_per_worker = 1;
    plan.rids = rids;
    plan.announce = [](livekit::AddTrackRequest& add) { add.clear_simulcast_codecs(); };
    return plan;
}

}  // namespace

TEST_CASE(
    "Codec: a track whose next offer has another one is seen in that one "
    "[IN-12] [SDP-22] [SIG-100] [outside]") {
    for (const std::size_t workers : {1U, 2U})
        for (const std::vector<std::string>& rids :
             {std::vector<std::string>{}, std::vector<std::string>{"q", "h", "f"}})
            for (const bool flowed : {false, true}) {
                CAPTURE(workers);
                CAPTURE(rids.size());
                CAPTURE(flowed);
                const CallPlan plan = unnamed_codec(workers, rids);
                SeamCall c(plan);
                REQUIRE(c.receiver.codecs[0].codec == sfu::Codec::kVp8);
                Stream before = c.stream(77, rids.empty() ? "" : "q");
                const auto play = [&](Stream& stream, const Bytes& payload, int count) {
                    for (int i = 0; i < count; ++i) {
                        stream.timestamp += 3000;
                        c.send(stream.packet(payload), 33);
                    }
                };
                if (flowed) {
                    play(before, vp8_payload(true, 8, 200), 10);
                    REQUIRE(c.heard().size() == 10);
                }
                c.w.room.offer(c.alice, with_h264_alone(SeamCall::offer_of(plan)), 2);
                c.run(100);
                const sfu::AddReceiver now = c.w.receiver(1);
                CHECK(now.receiver == c.receiver.receiver);
                REQUIRE(now.codecs.size() == 1);
                CHECK(now.codecs[0].codec == sfu::Codec::kH264);
                // Others are told, and have a section for it.
                const auto told = c.w.room.of(c.bob, R::kUpdate).back().update();
                CHECK(told.participants(0).tracks(0).mime_type() == "video/H264");
                CHECK(told.participants(0).tracks(0).codecs(0).mime_type() == "video/H264");
                const auto tracks = c.w.room.commands_of<sfu::AddDownTrack>();
                REQUIRE(tracks.size() == 2);
                CHECK(tracks[1].codecs[0].codec == sfu::Codec::kH264);
                CHECK(c.w.room.commands_of<sfu::RemoveDownTrack>().size() == 1);
                Stream after = before;
                after.pt = now.codecs[0].pt.value();
                // What was still under way is of no use to anybody.
                play(before, vp8_payload(true, 8, 200), 3);
                after.sequence = before.sequence;
                after.timestamp = before.timestamp;
                play(after, Bytes{0x67, 0x42, 0x00, 0x1F, 1, 2}, 20);
                c.down = tracks[1];
                CHECK(c.heard().size() == 20);
                for (const ReceivedRtp& packet : c.heard())
                    CHECK(packet.payload[0] == 0x67);
                // Who comes now sees it, too.
                const SessionId carol = c.w.room.join_active("r", "carol");
                c.run(500);
                play(after, Bytes{0x67, 0x42, 0x00, 0x1F, 1, 2}, 20);
                c.down = c.w.room.commands_of<sfu::AddDownTrack>().at(2);
                CHECK(c.heard().size() >= 20);
                for (const SessionId who : {c.bob, carol})
                    CHECK(c.w.room.count(who, R::kSubscriptionResponse) == 0);
            }
}

// libwebrtc goes on in the next codec that was agreed on, without an offer.
TEST_CASE(
    "Codec: when a publisher's encoder fails, those who watch see what comes in its place "
    "[IN-09] [IN-12] [DYN-01] [outside]") {
    for (const std::size_t workers : {1U, 2U})
        for (const auto& [backup, sdk] : {std::pair{false, livekit::ClientInfo::JS},
                                          {true, livekit::ClientInfo::JS},
                                          {true, livekit::ClientInfo::GO}}) {
            CAPTURE(workers);
            CAPTURE(backup);
            CAPTURE(sdk);
            const bool goes_on = backup && sdk != livekit::ClientInfo::GO;
            CallPlan plan;
            plan.config = test_config(workers);
            plan.config.participants_per_worker = 1;
            plan.codec = "H264";
            plan.next_codec = "VP8";
            plan.announce = [second = backup](livekit::AddTrackRequest& add) {
                if (second) add.add_simulcast_codecs()->set_codec("vp8");
            };
            plan.subscriber.client.set_sdk(sdk);
            SeamCall c(plan);
            REQUIRE(c.receiver.codecs[0].codec == sfu::Codec::kH264);
            Stream media = c.stream(77);
            const auto play = [&](const Bytes& payload, int count) {
                for (int i = 0; i < count; ++i) {
                    media.timestamp += 3000;
                    c.send(media.packet(payload), 33);
                }
            };
            const auto pictures = [&] {  // without the padding that may lead the way
                auto heard = c.heard();
                std::erase_if(heard, [](const auto& packet) { return packet.payload.empty(); });
                return heard;
            };
            play(Bytes{0x67, 0x42, 0x00, 0x1F, 1, 2}, 20);
            REQUIRE(pictures().size() == 20);
            const auto asked = [&] { return told_by(c.publisher(), wire::parse_pli).size(); };
            const std::size_t before = asked();
            const std::size_t offers = c.w.room.count(c.bob, R::kOffer);
            media.pt = 100;
            play(vp8_payload(false, 8, 200), 10);
            CHECK(asked() == before + 1);
            play(vp8_payload(true, 8, 200), 20);
            // With the codec in its section a browser's stream goes on, else there is another.
            const auto tracks = c.w.room.commands_of<sfu::AddDownTrack>();
            REQUIRE(tracks.size() == (goes_on ? 1 : 2));
            CHECK(c.w.room.count(c.bob, R::kOffer) == offers + (goes_on ? 0 : 1));
            c.down = tracks.back();
            const auto heard = pictures();
            REQUIRE(heard.size() >= (goes_on ? 40 : 15));
            for (std::size_t i = 1; i < heard.size(); ++i)
                CHECK(heard[i].sequence == static_cast<std::uint16_t>(heard[i - 1].sequence + 1));
            CHECK(c.w.world.now_ms - heard.back().ms < 100);
            CHECK(heard.back().payload.back() == 8);
            // Its publisher is asked for what it announced: told of another one, it starts a
            // second.
            for (const auto& told : c.w.room.of(c.alice, R::kSubscribedQualityUpdate))
                CHECK(told.subscribed_quality_update().subscribed_codecs(0).codec() == "h264");
            // What comes late, or again, of the one before is nobody's.
            media.pt = 96;
            play(Bytes{0x67, 0x42, 0x00, 0x1F, 1, 2}, 2);
            media.pt = 100;
            CHECK(pictures().size() == heard.size());
            // Who comes now sees it, too; nobody is told of an error.
            const SessionId carol = c.w.room.join_active("r", "carol");
            c.run(500);
            play(vp8_payload(true, 8, 200), 20);
            c.down = c.w.room.commands_of<sfu::AddDownTrack>().back();
            CHECK(c.heard().size() >= 20);
            for (const SessionId who : {c.bob, carol})
                CHECK(c.w.room.count(who, R::kSubscriptionResponse) == 0);
        }
}

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
