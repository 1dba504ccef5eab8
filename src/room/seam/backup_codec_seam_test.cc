// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A second codec of a picture for who does not take the first: who is told to send what, and what
// those who watch get: 02 DYN-04, DYN-05.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>

#include "room/seam/call_seam_testing.h"

namespace confab::room::testing {
namespace {

using R = livekit::SignalResponse;

// VP9 without layers: a descriptor with a picture id of 7 bits.
Bytes vp9_payload(bool key, int number) {
    Bytes payload{static_cast<std::uint8_t>(key ? 0x8C : 0xCC),
                  static_cast<std::uint8_t>(number & 0x7F)};
    // An uncompressed header, of a key frame or another.
    const Bytes header = key ? Bytes{0x82, 0x49, 0x83, 0x42} : Bytes{0x86};
    payload.insert(payload.end(), header.begin(), header.end());
    payload.resize(200, 9);
    return payload;
}

CallPlan vp9_with_backup(livekit::BackupCodecPolicy policy) {
    CallPlan plan;
    plan.codec = "VP9";
    plan.descriptors = false;
    plan.announce = [policy](livekit::AddTrackRequest& add) {
        add.mutable_simulcast_codecs(0)->set_video_layer_mode(
            livekit::VideoLayer::MULTIPLE_SPATIAL_LAYERS_PER_STREAM);
        add.add_simulcast_codecs()->set_codec("vp8");
        add.set_backup_codec_policy(policy);
    };
    return plan;
}

struct TwoCodecs : SeamCall {
    explicit TwoCodecs(const CallPlan& plan) : SeamCall(plan), first(stream(77)) {}
    void play(std::int64_t ms, bool vp8_key = false) {
        for (std::int64_t at = 0; at < ms; at += 33, ++count) {
            first.timestamp += 2970;
            if (first_on) send(first.packet(vp9_payload(count % 30 == 0, count)));
            if (second) {
                second->timestamp += 2970;
                send(second->packet(vp8_payload(vp8_key && at == 0, 8, 200)));
            }
            run(33);
        }
    }
    // The publisher's second sender, as the client makes it when it is told.
    void publish_second(const CallPlan& plan) {
        livekit::SignalRequest request;
        livekit::AddTrackRequest& add = *request.mutable_add_track();
        add.set_cid("second");
        add.set_sid(sid);
        add.set_type(livekit::VIDEO);
        add.add_simulcast_codecs()->set_codec("vp8");
        add.mutable_simulcast_codecs(0)->set_cid("second");
        w.room.send(alice, request);
        w.room.offer(alice, offer_of(plan, "second"), 2);
        play(200);
        second.emplace(w.receiver(1), 177);
    }
    // By codec, what the publisher was told last to send: its highest quality, -1 for none.
    std::map<std::string, int> wanted() {
        std::map<std::string, int> result;
        const auto told = w.room.of(alice, R::kSubscribedQualityUpdate);
        if (told.empty()) return result;
        for (const auto& codec : told.back().subscribed_quality_update().subscribed_codecs()) {
            int& highest = result[codec.codec()] = -1;
            for (const auto& quality : codec.qualities())
                if (quality.enabled()) highest = std::max(highest, int{quality.quality()});
        }
        return result;
    }
    Stream first;
    std::optional<Stream> second;
    bool first_on = true;
    int count = 0;
};

}  // namespace

TEST_CASE(
    "Backup codec: sent for who does not take the first; everybody goes there, or each keeps its "
    "own "
    "[DYN-04] [DYN-05] [outside]") {
    for (const auto policy :
         {livekit::PREFER_REGRESSION, livekit::SIMULCAST, livekit::REGRESSION}) {
        CAPTURE(policy);
        const CallPlan plan = vp9_with_backup(policy);
        TwoCodecs c(plan);
        REQUIRE(c.receiver.codecs[0].codec == sfu::Codec::kVp9);
        c.play(2'000);
        REQUIRE(c.heard().size() > 50);
        CHECK(c.wanted().at("vp9") == 2);
        CHECK(c.wanted()["vp8"] <= 0);
        c.w.room.refused_codecs = {"VP9"};
        const SessionId carol = c.w.room.join_active("r", "carol");
        c.play(500);
        // Told at once.
        CHECK(c.wanted().at("vp9") == 2);
        CHECK(c.wanted().at("vp8") >= 0);
        c.publish_second(plan);
        REQUIRE(c.w.receiver(1).codecs[0].codec == sfu::Codec::kVp8);
        const std::size_t before = c.heard().size();
        c.play(500);  // who changes waits for a key frame
        for (const ReceivedRtp& packet : c.heard())
            CHECK(packet.payload.back() == 9);
        if (policy == livekit::SIMULCAST) CHECK(c.heard().size() >= before + 15);
        c.play(1'000, true);
        const bool regressed = policy != livekit::SIMULCAST;
        const auto heard = c.heard();
        CHECK(heard.back().payload.back() == (regressed ? 8 : 9));
        for (std::size_t i = 1; i < heard.size(); ++i) {
            CHECK(heard[i].sequence == static_cast<std::uint16_t>(heard[i - 1].sequence + 1));
            const auto step =
                static_cast<std::int32_t>(heard[i].timestamp - heard[i - 1].timestamp);
            CHECK(std::abs(step - (heard[i].ms - heard[i - 1].ms) * 90) <= 90 * 90);
        }
        if (regressed) CHECK(heard.back().pt != heard.front().pt);
        // Off at once: who publishes sends it to nobody (DYN-05).
        if (regressed) CHECK(c.wanted().at("vp9") == -1);
        // Who could not take the first one has the other.
        const auto tracks = c.w.room.commands_of<sfu::AddDownTrack>();
        const auto of_carol = std::find_if(tracks.begin(), tracks.end(), [&](const auto& track) {
            return track.peer != c.down.peer;
        });
        REQUIRE(of_carol != tracks.end());
        const auto& ears = c.w.client(of_carol->peer).rtp;
        REQUIRE(!ears.empty());
        CHECK(ears.back().payload.back() == 8);
        c.play(6'000);
        CHECK(c.wanted().at("vp9") == (regressed ? -1 : 2));
        CHECK(c.wanted().at("vp8") >= 0);
        // It stays so when there is no need any more.
        if (!regressed) continue;
        c.w.room.close(carol);
        livekit::SignalRequest leave;
        leave.mutable_leave()->set_reason(livekit::CLIENT_INITIATED);
        c.w.room.send(carol, leave);
        c.first_on = false;
        c.play(3'000);
        CHECK(c.heard().back().payload.back() == 8);
        CHECK(c.w.world.now_ms - c.heard().back().ms < 100);
    }
}

TEST_CASE(
    "Backup codec: a first one that nobody takes goes off [DYN-01] [DYN-04] [DYN-05] [outside]") {
    CallPlan plan = vp9_with_backup(livekit::PREFER_REGRESSION);
    plan.refused = {"VP9"};
    plan.watched = false;
    TwoCodecs c(plan);
    c.play(500);
    REQUIRE(c.wanted() == std::map<std::string, int>{{"vp8", 2}});
    c.publish_second(plan);
    c.play(11'000);
    CHECK(c.wanted() == std::map<std::string, int>{{"vp8", 2}, {"vp9", -1}});
}

TEST_CASE("Backup codec: one that comes unasked goes off [DYN-01] [DYN-04] [outside]") {
    const CallPlan plan = vp9_with_backup(livekit::SIMULCAST);
    TwoCodecs c(plan);
    c.play(1'000);
    c.publish_second(plan);
    c.play(9'000);
    REQUIRE(c.wanted() == std::map<std::string, int>{{"vp9", 2}});
    c.play(1'500);
    CHECK(c.wanted() == std::map<std::string, int>{{"vp8", -1}, {"vp9", 2}});
}

TEST_CASE(
    "Backup codec: who can not change the codec of a track gets it as a new one [SDP-42] [SIG-67] "
    "[DYN-05]") {
    CallPlan plan = vp9_with_backup(livekit::REGRESSION);
    plan.subscriber.client.set_sdk(livekit::ClientInfo::GO);
    TwoCodecs c(plan);
    c.play(1'000);
    REQUIRE(c.heard().size() > 20);
    c.w.room.refused_codecs = {"VP9"};
    (void)c.w.room.join_active("r", "carol");
    c.w.room.refused_codecs.clear();
    c.play(500);
    c.publish_second(plan);
    c.play(1'000, true);
    // It is told of the new one by an offer, and hears both codecs, each under its own name.
    const auto tracks = c.w.room.commands_of<sfu::AddDownTrack>();
    const auto again = std::find_if(tracks.begin(), tracks.end(), [&](const auto& track) {
        return track.peer == c.down.peer && track.down_track != c.down.down_track;
    });
    REQUIRE(again != tracks.end());
    CHECK(again->ssrc != c.down.ssrc);
    CHECK(again->receiver == c.w.receiver(1).receiver);
    CHECK(c.w.room.commands_of<sfu::SwitchDownTrack>().empty());
    for (const ReceivedRtp& packet : c.heard())
        CHECK(packet.pt == c.heard().front().pt);
    c.down = *again;
    REQUIRE(!c.heard().empty());
    CHECK(c.w.world.now_ms - c.heard().back().ms < 100);
    // Padding leads the way.
    for (const ReceivedRtp& packet : c.heard())
        if (!packet.payload.empty()) CHECK(packet.payload.back() == 8);
}

}  // namespace confab::room::testing
