// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Data channels between clients, real rooms and a real shard, chunk by chunk: DTLS is left out, so
// that what passes can be read and lost: 02 §6.1.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "livekit_models.pb.h"
#include "room/seam/media_seam_testing.h"
#include "wire/sctp/sctp_packet.h"

namespace confab::room::testing {
namespace {

using R = livekit::SignalResponse;

constexpr std::size_t kCommonHeader = 12;

// The SCTP packet in a datagram; empty when there is none.
BytesView sctp_in(BytesView datagram) {
    const bool record = datagram.size() > kCommonHeader && datagram[0] == 23;
    return record ? datagram.subspan(1) : BytesView();
}
// The types of its chunks.
std::vector<int> chunks_of(BytesView packet) {
    std::vector<int> result;
    for (std::size_t at = kCommonHeader; at + 4 <= packet.size();) {
        result.push_back(packet[at]);
        const std::size_t size = load_be16(&packet[at + 2]);
        if (size < 4) break;
        at += (size + 3) & ~std::size_t{3};
    }
    return result;
}
constexpr int kData = 0, kInit = 1, kCookieEcho = 10, kForwardTsn = 192;

// alice sends on channels of her own, bob listens on the server's.
struct Pair {
    Pair() {
        w.world.lose = [this](const sfu::test::Client& client, BytesView datagram) {
            const BytesView packet = sctp_in(datagram);
            if (packet.empty()) return false;
            if (lose_down && lose_down(client, packet)) return true;
            for (const int chunk : chunks_of(packet))
                ++down[&client][chunk];
            largest = std::max(largest, packet.size());
            return false;
        };
        w.world.drop_to_shards = [this](BytesView datagram) {
            const BytesView packet = sctp_in(datagram);
            if (packet.empty()) return false;
            for (const int chunk : chunks_of(packet))
                ++up[chunk];
            return lose_up && lose_up(packet);
        };
        alice = w.room.join_active("r", "alice");
        bob = w.room.join_active("r", "bob");
        w.room.offer(alice, make_offer({{"cid", false, {}}}));
        w.run(Duration::millis(1));
        const auto remotes = w.room.commands_of<sfu::SetRemote>();
        sender = &w.client(remotes.back().peer);
        listener = &w.client(w.room.commands_of<sfu::OpenDataChannels>().at(1).peer);
    }
    void open() {
        for (const char* label : {"_reliable", "_lossy"}) {
            peer::WantedChannel channel{label, true, {}};
            if (std::string(label) == "_lossy") channel = {label, false, std::uint16_t{0}};
            sender->transport->want_channel(now(), channel);
        }
        w.run(Duration::seconds(2));
        REQUIRE(sender->channels.contains("_reliable"));
        REQUIRE(sender->channels.contains("_lossy"));
    }
    Timestamp now() const { return sfu::test::world_time(w.world.now_ms); }
    void say(const std::string& label, const std::string& text, std::uint32_t sequence = 0) {
        livekit::DataPacket packet;
        packet.mutable_user()->set_payload(text);
        packet.set_sequence(sequence);
        CHECK(sender->transport->send_message(
                  now(), sender->channels.at(label),
                  sctp::SharedBytes(to_vector(as_bytes(packet.SerializeAsString())))) ==
              sctp::SendStatus::kOk);
    }
    // What bob got so far, in order.
    std::vector<std::string> heard() const {
        std::vector<std::string> result;
        for (const std::string& message : listener->messages) {
            livekit::DataPacket packet;
            REQUIRE(packet.ParseFromString(message));
            result.push_back(packet.user().payload());
        }
        return result;
    }

    RoomAndShard w;
    SessionId alice;
    SessionId bob;
    sfu::test::Client* sender = nullptr;
    sfu::test::Client* listener = nullptr;
    std::map<const sfu::test::Client*, std::map<int, int>> down;
    std::map<int, int> up;
    std::size_t largest = 0;
    std::function<bool(const sfu::test::Client&, BytesView)> lose_down;
    std::function<bool(BytesView)> lose_up;
};

}  // namespace

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
    RtpSource microphone(receiver, 77);
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
