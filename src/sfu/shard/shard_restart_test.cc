// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Publishers whose sequence numbers start anew under the same SSRC, through a whole shard: bytes
// in, bytes out (RFC 3550 appendix A.1).
#include <doctest/doctest.h>

#include <array>

#include "sfu/shard/shard_testing.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::down_track_to;
using test::opus_receiver;
using test::ReceivedRtp;
using test::World;

constexpr std::int64_t kFrame = 20;            // ms
constexpr std::uint32_t kFrameTime = 48 * 20;  // RTP time

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
            header.ssrc = 0x5EED;
            header.sequence = sequence++;
            header.timestamp = timestamp;
            timestamp += kFrameTime;
            std::deque<std::pair<SocketAddress, Bytes>> out;
            publisher.send(header, Bytes(40, tag), out, "1");
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
            n += packet.payload.front() == tag ? 1 : 0;
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

}  // namespace
}  // namespace confab::sfu
