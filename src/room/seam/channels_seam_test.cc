// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Data channels between clients, real rooms and a real shard, chunk by chunk: DTLS is left out, so
// that what passes can be read and lost: 02 §6.1.
#include <doctest/doctest.h>

#include <set>

#include "room/seam/channels_seam_testing.h"

namespace confab::room::testing {

TEST_CASE(
    "Channels: both ends begin, one association comes of it; messages in fragments "
    "[DC-01] [DC-06] [outside]") {
    Pair c;
    c.open();
    CHECK(c.up[kInit] >= 2);  // both clients
    for (const sfu::test::Client* end : {c.sender, c.listener})
        CHECK(c.down[end][kInit] >= 1);
    c.say("_reliable", "hello", 1);
    c.w.run(Duration::millis(200));
    CHECK(c.heard() == std::vector<std::string>{"hello"});
    const int before = c.down[c.listener][kData];
    c.say("_reliable", std::string(16'000, 'x'), 2);
    c.w.run(Duration::seconds(1));
    REQUIRE(c.heard().size() == 2);
    CHECK(c.heard()[1].size() == 16'000);
    CHECK(c.down[c.listener][kData] - before == 14);
    CHECK(c.largest <= 1'191);
    // Opened again over the same channels, nothing is doubled.
    CHECK(c.down[c.listener][kCookieEcho] + c.up[kCookieEcho] <= 4);
}

TEST_CASE(
    "Channels: what is lost of _lossy stays lost, and delays nothing of _reliable "
    "[DC-07] [outside]") {
    Pair c;
    c.open();
    Rng rng(3);
    c.lose_down = [&](const sfu::test::Client& client, BytesView) {
        return &client == c.listener && rng.below(10) == 0;
    };
    constexpr int kMessages = 300;
    std::vector<std::string> reliable;
    for (int i = 0; i < kMessages; ++i) {
        c.say("_lossy", "l" + std::to_string(i) + std::string(300, '.'));
        if (i % 10 == 0) {
            reliable.push_back("r" + std::to_string(i));
            c.say("_reliable", reliable.back(), static_cast<std::uint32_t>(i + 1));
        }
        c.w.run(Duration::millis(20));
    }
    c.w.run(Duration::seconds(2));
    std::vector<std::string> got;
    std::set<std::string> lossy;
    for (const std::string& text : c.heard()) {
        if (text[0] == 'r')
            got.push_back(text);
        else
            CHECK(lossy.insert(text.substr(0, text.find('.'))).second);
    }
    CHECK(got == reliable);
    CHECK(lossy.size() < kMessages);
    CHECK(lossy.size() > kMessages * 8 / 10);
    CHECK(c.down[c.listener][kForwardTsn] > 0);
}

TEST_CASE(
    "Channels: without them a client is active and has media, and hears no messages until they are "
    "open "
    "[DC-09] [SIG-137] [outside]") {
    Pair c;
    bool blocked = true;
    c.lose_down = [&](const sfu::test::Client& client, BytesView) {
        return blocked && &client == c.listener;
    };
    c.w.room.add_track(c.alice, "cid", false);
    c.open();
    c.w.run(Duration::seconds(1));
    REQUIRE(c.listener->channels.empty());
    livekit::RoomParticipantIdentity who;
    who.set_room("r");
    who.set_identity("bob");
    CHECK(c.w.room.manager.get_participant(who)->state() == livekit::ParticipantInfo::ACTIVE);
    const sfu::AddReceiver receiver = c.w.receiver(0);
    Stream microphone(receiver, 77);
    for (int i = 0; i < 20; ++i) {
        c.w.send(receiver.peer, microphone.packet(Bytes(30, 1), false));
        microphone.timestamp += 960;
        c.w.run(Duration::millis(20));
    }
    CHECK(c.listener->rtp.size() >= 15);
    std::uint32_t number = 0;
    for (; number < 5; ++number) {
        c.say("_reliable", std::to_string(number), number + 1);
        c.w.run(Duration::millis(100));
    }
    CHECK(c.heard().empty());
    blocked = false;
    for (; number < 30; ++number) {
        c.say("_reliable", std::to_string(number), number + 1);
        c.w.run(Duration::millis(400));
    }
    const auto heard = c.heard();
    REQUIRE(!heard.empty());
    // From some message on all of them, once and in order; some of before the channels opened.
    const int first = std::stoi(heard.front());
    for (std::size_t i = 0; i < heard.size(); ++i)
        CHECK(heard[i] == std::to_string(first + static_cast<int>(i)));
    CHECK(heard.back() == "29");
}

}  // namespace confab::room::testing
