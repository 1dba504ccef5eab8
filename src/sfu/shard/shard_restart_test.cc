// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Publishers whose sequence numbers start anew, under the same SSRC (RFC 3550 appendix A.1) or
// another one, through a whole shard: bytes in, bytes out.
#include <doctest/doctest.h>

#include <array>
#include <string>

#include "sfu/shard/shard_testing.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::down_track_to;
using test::opus_receiver;
using test::ReceivedRtp;
using test::vp8_payload;
using test::vp8_receiver;
using test::World;

constexpr std::int64_t kFrame = 20;            // ms
constexpr std::uint32_t kFrameTime = 48 * 20;  // RTP time

// Key frames of a stream that were asked for.
std::size_t asked_for(const Client& publisher, std::uint32_t ssrc) {
    std::size_t asked = 0;
    for (const auto& received : publisher.rtcp) {
        wire::RtcpReader reader(received.compound);
        while (const auto block = reader.next())
            if (const auto pli = wire::parse_pli(*block)) asked += pli->media_ssrc == ssrc;
    }
    return asked;
}

// One talks, one listens, on two workers.
struct Call {
    Call() : world(2), publisher(world.add_client(0)), subscriber(world.add_client(1)) {
        world.run(300);
        AddReceiver receiver = opus_receiver(publisher);
        receiver.codecs[0].nack = nack;
        world.command(0, receiver);
        world.command(1, down_track_to(subscriber, receiver, 0, 6000));
        world.run(10);
    }
    // `count` packets from `sequence` and `timestamp` on, whose first octet is `tag`.
    void talk(std::uint8_t tag, std::uint16_t sequence, std::uint32_t timestamp, int count) {
        for (int i = 0; i < count; ++i) {
            wire::RtpHeader header;
            header.payload_type = 111;
            header.ssrc = ssrc;
            header.sequence = sequence++;
            header.timestamp = timestamp;
            timestamp += kFrameTime;
            std::deque<std::pair<SocketAddress, Bytes>> out;
            publisher.send(header, Bytes(40, tag), out, mid);
            sent.push_back(out.front());
            world.client_out[&publisher].push_back(std::move(out.front()));
            world.run(kFrame);
        }
    }
    // The datagrams once more, as somebody on the way kept them.
    void replay(std::size_t from, std::size_t count) {
        for (std::size_t i = from; i < from + count; ++i)
            world.client_out[&publisher].push_back(sent[i]);
        world.run(kFrame);
    }
    std::size_t heard(std::uint8_t tag) const {
        std::size_t n = 0;
        for (const ReceivedRtp& packet : subscriber.rtp)
            n += packet.payload.front() == tag ? 1U : 0U;
        return n;
    }
    // Numbers go up by one, the time by what passed.
    void check_continuous() const {
        for (std::size_t i = 1; i < subscriber.rtp.size(); ++i) {
            const ReceivedRtp& before = subscriber.rtp[i - 1];
            const ReceivedRtp& packet = subscriber.rtp[i];
            CHECK(static_cast<std::uint16_t>(packet.sequence - before.sequence) == 1);
            const auto passed = static_cast<std::int32_t>(packet.timestamp - before.timestamp);
            CHECK(passed > 0);
            CHECK(passed <= static_cast<std::int32_t>(3 * kFrameTime));
        }
    }
    const bool nack = false;
    std::uint32_t ssrc = 0x5EED;
    std::string mid = "1";
    World world;
    Client& publisher;
    Client& subscriber;
    std::vector<std::pair<SocketAddress, Bytes>> sent;
};

TEST_CASE("Shard: a publisher that counts anew from further back is heard [IN-01][FWD-01]") {
    for (const std::uint16_t back : std::array<std::uint16_t, 4>{1024, 5000, 20'000, 32'700}) {
        CAPTURE(back);
        Call call;
        call.talk(1, 40'000, 3'000'000'000, 50);
        // Another encoder: a clock of its own as well.
        call.talk(2, static_cast<std::uint16_t>(40'049 - back), 77, 50);
        CHECK(call.heard(1) == 50);
        // The first one only shows that there may be a second.
        CHECK(call.heard(2) == 49);
    }
}

TEST_CASE("Shard: numbers used before are taken again if their time is new [IN-01][FWD-01]") {
    Call call;
    call.talk(1, 10'000, 1000, 1500);
    // In the middle of what was sent, where the clock has gone on.
    call.talk(2, 10'200, 1000 + 1500 * kFrameTime, 50);
    CHECK(call.heard(1) == 1500);
    CHECK(call.heard(2) == 49);
}

TEST_CASE("Shard: old packets sent once more start nothing [IMM-10][TRAP-06]") {
    Call call;
    call.talk(1, 10'000, 1000, 1500);
    call.replay(0, 40);     // beyond the window of duplicates
    call.replay(1460, 40);  // within
    CHECK(call.heard(1) == 1500);
    call.talk(2, 11'500, 1000 + 1500 * kFrameTime, 10);
    CHECK(call.heard(2) == 10);
    call.check_continuous();
}

TEST_CASE("Shard: after a restart what was sent before it starts nothing either [IMM-10]") {
    Call call;
    call.talk(1, 40'000, 1000, 50);
    call.talk(2, 20'000, 1000 + 50 * kFrameTime, 50);
    REQUIRE(call.heard(2) == 49);
    call.replay(0, 50);  // ahead of the new numbers
    CHECK(call.heard(1) == 50);
    call.talk(3, 20'050, 1000 + 100 * kFrameTime, 10);
    CHECK(call.heard(3) == 10);
}

TEST_CASE("Shard: a restart leaves no hole and no jump for the subscriber [FWD-01][FWD-02]") {
    for (const std::uint32_t timestamp : std::array<std::uint32_t, 3>{77, 2'000'000'000, 48'960}) {
        CAPTURE(timestamp);
        Call call;
        call.talk(1, 40'000, 960, 50);
        call.talk(2, 20'000, timestamp, 50);
        call.check_continuous();
        CHECK(call.subscriber.rtp.size() == 99);
    }
}

TEST_CASE("Shard: another SSRC of the same section goes on where the first ended [FWD-02]") {
    for (const std::uint16_t begin :
         std::array<std::uint16_t, 5>{30'000, 39'000, 40'050, 45'000, 9})
        for (const std::uint32_t timestamp :
             std::array<std::uint32_t, 3>{77, 4'000'000'000, 48'960}) {
            CAPTURE(begin);
            CAPTURE(timestamp);
            Call call;
            call.talk(1, 40'000, 960, 100);
            call.ssrc = 0xB0B;
            call.talk(2, begin, timestamp, 50);
            call.ssrc = 0xB0C;
            call.talk(3, 40'000, 960, 50);
            CHECK(call.heard(2) == 50);
            CHECK(call.heard(3) == 50);
            call.check_continuous();
        }
}

// The numbers of the packet before the first one are those of another encoder.
TEST_CASE("Shard: what another SSRC sent before its first packet has no place [FWD-02][IN-01]") {
    Call call;
    call.talk(1, 40'000, 960, 50);
    call.ssrc = 0xB0B;
    call.talk(2, 20'000, 77, 3);
    const std::size_t before = call.subscriber.rtp.size();
    call.talk(3, 19'999, 77 - kFrameTime, 1);
    CHECK(call.subscriber.rtp.size() == before);
    call.talk(2, 20'003, 77 + 3 * kFrameTime, 3);
    call.check_continuous();
}

TEST_CASE("Shard: a picture under another SSRC goes on with its first key frame [FWD-02][IN-08]") {
    for (const std::size_t there : {0U, 1U}) {
        CAPTURE(there);
        World world(2);
        Client& publisher = world.add_client(0);
        Client& subscriber = world.add_client(there);
        world.run(300);
        const AddReceiver receiver = vp8_receiver(publisher);
        world.command(0, receiver);
        world.command(there, down_track_to(subscriber, receiver, 0, 6000));
        world.run(10);
        const auto show = [&](std::uint32_t ssrc, std::uint16_t first, bool key,
                              std::uint16_t count) {
            for (std::uint16_t i = 0; i < count; ++i) {
                wire::RtpHeader header;
                header.payload_type = 96;
                header.ssrc = ssrc;
                header.sequence = static_cast<std::uint16_t>(first + i);
                header.timestamp = ssrc + header.sequence * 3000U;
                header.marker = true;
                publisher.send(header, vp8_payload(key && i == 0, static_cast<std::uint8_t>(ssrc)),
                               world.client_out[&publisher], "0");
                world.run(33);
            }
        };
        show(0xA1, 1000, true, 30);
        REQUIRE(subscriber.rtp.size() == 30);
        publisher.rtcp.clear();
        show(0xB2, 200, false, 5);
        CHECK(subscriber.rtp.size() == 30);
        CHECK(asked_for(publisher, 0xB2) >= 1);
        show(0xB2, 205, true, 30);
        REQUIRE(subscriber.rtp.size() == 60);
        for (std::size_t i = 1; i < 60; ++i) {
            const ReceivedRtp& last = subscriber.rtp[i - 1];
            const ReceivedRtp& packet = subscriber.rtp[i];
            CHECK(static_cast<std::uint16_t>(packet.sequence - last.sequence) == 1);
            const auto passed = static_cast<std::int32_t>(packet.timestamp - last.timestamp);
            CHECK(passed > 0);
            CHECK(passed < 10 * 3000);
        }
    }
}

TEST_CASE(
    "Shard: a late key frame of another SSRC is no beginning, the next one is [FWD-02][IN-08]") {
    World world(1);
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(0);
    world.run(300);
    const AddReceiver receiver = vp8_receiver(publisher);
    world.command(0, receiver);
    world.command(0, down_track_to(subscriber, receiver, 0, 6000));
    world.run(10);
    const auto show = [&](std::uint32_t ssrc, std::uint16_t sequence, bool key) {
        wire::RtpHeader header;
        header.payload_type = 96;
        header.ssrc = ssrc;
        header.sequence = sequence;
        header.timestamp = sequence * 3000U;
        header.marker = true;
        publisher.send(header, vp8_payload(key, static_cast<std::uint8_t>(ssrc)),
                       world.client_out[&publisher], "0");
        world.run(33);
    };
    for (std::uint16_t i = 0; i < 10; ++i)
        show(0xA1, static_cast<std::uint16_t>(1000 + i), i == 0);
    REQUIRE(subscriber.rtp.size() == 10);
    // Its packets overtook the key frame that they need, and were let go.
    show(0xB2, 198, false);
    for (const std::uint16_t sequence : std::vector<std::uint16_t>{200, 201})
        show(0xB2, sequence, false);
    world.run(1000);
    publisher.rtcp.clear();
    show(0xB2, 199, true);
    show(0xB2, 202, false);
    CHECK(subscriber.rtp.size() == 10);
    world.run(1000);
    CHECK(asked_for(publisher, 0xB2) >= 1);
    show(0xB2, 203, true);
    show(0xB2, 204, false);
    REQUIRE(subscriber.rtp.size() == 12);
    CHECK(static_cast<std::uint16_t>(subscriber.rtp[10].sequence - subscriber.rtp[9].sequence) ==
          1);
}

TEST_CASE("Shard: a section that is moved goes on where it was [FWD-02]") {
    Call call;
    call.talk(1, 40'000, 960, 50);
    AddReceiver receiver = opus_receiver(call.publisher);
    receiver.mid = "7";
    call.world.command(0, receiver);
    call.mid = "7";
    call.ssrc = 0xB0B;
    call.talk(2, 20'000, 77, 50);
    CHECK(call.heard(2) == 50);
    call.check_continuous();
}

}  // namespace
}  // namespace confab::sfu
