// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tracks that cross shards while the rings between them are full, and what need not cross.
#include <doctest/doctest.h>

#include "sfu/shard/shard_testing.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::down_track_to;
using test::opus_receiver;
using test::publish_video;
using test::vp8_payload;
using test::vp8_receiver;
using test::World;

// A publisher on shard 0, a subscriber on shard 1, both connected.
struct Pair {
    Pair() : world(2), publisher(world.add_client(0)), subscriber(world.add_client(1)) {
        world.run(300);
    }
    void publish_until(std::int64_t ms) { publish_video(world, publisher, ms, sequence, frame); }
    int plis() const {
        int count = 0;
        for (const auto& [ms, compound] : publisher.rtcp) {
            wire::RtcpReader reader(compound);
            while (const auto block = reader.next())
                if (wire::parse_pli(*block)) ++count;
        }
        return count;
    }

    World world;
    Client& publisher;
    Client& subscriber;
    std::uint16_t sequence = 100;
    std::int64_t frame = 0;
};

TEST_CASE(
    "Shard: a subscription made while the ring is full takes effect when it is not [DES-41]") {
    Pair pair;
    const AddReceiver receiver = vp8_receiver(pair.publisher);
    pair.world.command(0, receiver);
    pair.world.links.capacity = 0;
    pair.world.command(1, down_track_to(pair.subscriber, receiver, 0, 5000));
    pair.world.run(50);
    pair.world.links.capacity = 100'000;
    pair.world.run(5);
    pair.publish_until(1000);
    CHECK(pair.subscriber.rtp.size() > 50);
}

TEST_CASE("Shard: the end of a subscription waits for a full ring too [DES-41]") {
    Pair pair;
    const AddReceiver receiver = vp8_receiver(pair.publisher);
    pair.world.command(0, receiver);
    pair.world.command(1, down_track_to(pair.subscriber, receiver, 0, 5000));
    pair.world.run(20);
    pair.world.links.capacity = 0;
    pair.world.command(1, ClosePeer{pair.subscriber.id});
    pair.world.run(50);
    pair.world.links.capacity = 100'000;
    pair.world.run(20);
    const std::size_t crossed = pair.world.links.packets;
    pair.publish_until(1000);
    CHECK(pair.world.links.packets == crossed);
}

TEST_CASE("Shard: a subscription that ended and began while the ring was full has all [DES-41]") {
    Pair pair;
    const AddReceiver receiver = opus_receiver(pair.publisher);
    pair.world.command(0, receiver);
    pair.world.command(1, down_track_to(pair.subscriber, receiver, 0, 5000));
    pair.world.run(10);
    Client& next = pair.world.add_client(1);
    pair.world.run(300);
    pair.world.links.capacity = 0;
    pair.world.command(1, ClosePeer{pair.subscriber.id});
    pair.world.run(20);
    pair.world.command(1, down_track_to(next, receiver, 0, 6000));
    pair.world.run(20);
    pair.world.links.capacity = 100'000;
    const std::size_t before = pair.world.links.messages;
    pair.world.run(20);
    // The new subscription, and the source by which it is answered.
    CHECK(pair.world.links.messages == before + 2);
}

TEST_CASE("Shard: packets that a full ring swallowed bring a key frame afterwards [DES-41]") {
    Pair pair;
    const AddReceiver receiver = vp8_receiver(pair.publisher);
    pair.world.command(0, receiver);
    pair.world.command(1, down_track_to(pair.subscriber, receiver, 0, 5000));
    pair.world.run(10);
    pair.publish_until(2000);
    const int before = pair.plis();
    pair.publish_until(2500);
    REQUIRE(pair.plis() == before);  // nothing is missing, nothing is asked for
    pair.world.links.capacity = 0;
    pair.publish_until(2700);
    CHECK(pair.world.shards[0]->snapshot().links_dropped > 0);
    CHECK(pair.plis() == before);  // it could not get across either
    pair.world.links.capacity = 100'000;
    pair.publish_until(3500);
    CHECK(pair.plis() == before + 1);
}

TEST_CASE("Shard: packets do not overtake a message that waits [DES-41]") {
    Pair pair;
    const AddReceiver receiver = vp8_receiver(pair.publisher);
    pair.world.command(0, receiver);
    pair.world.command(1, down_track_to(pair.subscriber, receiver, 0, 5000));
    pair.world.run(10);
    pair.publish_until(1000);
    pair.world.links.capacity = 0;
    pair.world.command(0, MuteReceiver{receiver.receiver, true});
    pair.world.run(20);
    pair.world.command(0, MuteReceiver{receiver.receiver, false});
    pair.world.run(20);
    pair.world.links.capacity = 100'000;
    // The publisher's next key frame finds a subscriber that knows it as unmuted.
    pair.subscriber.rtp.clear();
    pair.frame = 0;
    pair.publish_until(1500);
    CHECK(pair.subscriber.rtp.size() > 20);
}

TEST_CASE("Shard: a subscription that comes before its audio track makes an audio track [DES-40]") {
    Pair pair;
    const AddReceiver receiver = opus_receiver(pair.publisher);
    pair.world.command(1, down_track_to(pair.subscriber, receiver, 0, 5000));
    pair.world.run(10);
    pair.world.command(0, receiver);
    const auto publish = [&](int packets) {
        for (int i = 0; i < packets; ++i) {
            wire::RtpHeader header;
            header.payload_type = 111;
            header.ssrc = 0xABCE;
            header.sequence = pair.sequence++;
            header.timestamp = static_cast<std::uint32_t>(pair.frame++ * 960);
            pair.publisher.send(header, Bytes(60, 1), pair.world.client_out[&pair.publisher], "1");
            pair.world.run(20);
        }
    };
    publish(20);
    // Audio has no layers whose bitrates everybody would hear of each 100 ms.
    const std::size_t messages = pair.world.links.messages;
    publish(60);
    CHECK(pair.world.links.messages == messages);
    // A gap in audio asks for no key frame.
    pair.world.links.capacity = 0;
    publish(5);
    pair.world.links.capacity = 100'000;
    publish(20);
    CHECK(pair.plis() == 0);
    CHECK(pair.subscriber.rtp.size() == 100);
}

// Three streams of which each tenth frame is a key frame.
struct Simulcast : Pair {
    explicit Simulcast(std::uint8_t max_spatial,
                       LayerMode mode = LayerMode::kOneSpatialLayerPerStream) {
        receiver = vp8_receiver(publisher);
        receiver.mode = mode;
        receiver.layers = {{"q", 0, std::nullopt, std::nullopt, 320, 180},
                           {"h", 1, std::nullopt, std::nullopt, 640, 360},
                           {"f", 2, std::nullopt, std::nullopt, 1280, 720}};
        world.command(0, receiver);
        down = down_track_to(subscriber, receiver, 0, 5000);
        down.settings.max_spatial = max_spatial;
        world.command(1, down);
        world.run(5);
    }
    void update() {
        world.command(1, UpdateDownTrack{down.down_track, down.settings});
        world.run(5);
    }
    // Packets that cross while so many frames are sent on the streams from `first` on.
    std::size_t crossed(int frames, std::size_t first = 0) {
        static constexpr const char* kRids[] = {"q", "h", "f"};
        const std::size_t before = world.links.packets;
        for (int i = 0; i < frames; ++i, ++frame) {
            for (std::size_t layer = first; layer < 3; ++layer) {
                wire::RtpHeader header;
                header.payload_type = 96;
                header.ssrc = 0xA000 + static_cast<std::uint32_t>(layer);
                header.sequence = sequence;
                header.timestamp = static_cast<std::uint32_t>(frame * 3000);
                header.marker = true;
                publisher.send(header,
                               vp8_payload(frame % 10 == 0, static_cast<std::uint8_t>(layer)),
                               world.client_out[&publisher], "0", kRids[layer]);
            }
            ++sequence;
            world.run(33);
        }
        return world.links.packets - before;
    }
    AddReceiver receiver;
    AddDownTrack down;
};

TEST_CASE("Shard: only streams that somebody there wants cross [DES-43]") {
    Simulcast pair(0);
    CHECK(pair.crossed(30) == 30);
    pair.down.settings.max_spatial = 1;
    pair.update();
    CHECK(pair.crossed(30) == 60);
    // Nobody looks: nothing crosses, and it comes back.
    pair.down.settings.enabled = false;
    pair.update();
    CHECK(pair.crossed(30) == 0);
    pair.down.settings.enabled = true;
    pair.update();
    pair.subscriber.rtp.clear();
    CHECK(pair.crossed(30) == 60);
    CHECK(pair.subscriber.rtp.size() > 15);
}

TEST_CASE("Shard: a layer crosses until its subscriber has left it for a lower one [DES-43]") {
    // Without sender reports, for which a switch would wait.
    Simulcast pair(2, LayerMode::kOneSpatialLayerPerStreamIncompleteRtcpSr);
    CHECK(pair.crossed(33) == 99);  // three frames behind a key frame
    pair.down.settings.max_spatial = 0;
    pair.update();
    pair.subscriber.rtp.clear();
    (void)pair.crossed(7);
    const auto shown = [&](std::uint8_t layer) {
        std::size_t count = 0;
        for (const auto& packet : pair.subscriber.rtp)
            count += packet.payload.back() == layer ? 1U : 0U;
        return count;
    };
    CHECK(shown(2) == 7);  // no freeze while it waits for a key frame
    (void)pair.crossed(1);
    CHECK(shown(0) == 1);
    CHECK(pair.crossed(9) == 9);
    CHECK(shown(0) == 10);
    // Up again, and out.
    pair.down.settings.max_spatial = 1;
    pair.update();
    CHECK(pair.crossed(10) == 20);
    pair.down.settings.enabled = false;
    pair.update();
    CHECK(pair.crossed(5) == 0);
}

TEST_CASE("Shard: where less is wanted than there is the least there is crosses [DES-43][BWE-01]") {
    Simulcast pair(0);
    CHECK(pair.crossed(30, 2) >= 29);
    CHECK(pair.subscriber.rtp.size() > 15);
}

TEST_CASE("Shard: a receiver that is made anew goes on to other shards [DES-40]") {
    Pair pair;
    AddReceiver receiver = vp8_receiver(pair.publisher);
    pair.world.command(0, receiver);
    pair.world.command(1, down_track_to(pair.subscriber, receiver, 0, 5000));
    pair.world.run(10);
    pair.publish_until(1000);
    pair.world.command(0, RemoveReceiver{receiver.receiver});
    pair.world.run(50);
    pair.world.command(0, receiver);
    pair.world.run(10);
    const std::size_t before = pair.world.links.packets;
    for (std::uint16_t i = 0; i < 30; ++i) {
        wire::RtpHeader header;
        header.payload_type = 96;
        header.ssrc = 0xABCF;
        header.sequence = i;
        header.timestamp = i * 3000U;
        pair.publisher.send(header, vp8_payload(i == 0, 1), pair.world.client_out[&pair.publisher],
                            "0");
        pair.world.run(33);
    }
    CHECK(pair.world.links.packets == before + 30);
}

TEST_CASE("LinkOutbox: newest of each subject, in order, up to a limit [DES-41]") {
    struct Ring final : ShardLinks {
        bool push(WorkerIndex, const LinkMessage& message, BytesView) override {
            if (!open) return false;
            taken.push_back(message.body);
            return true;
        }
        bool open = false;
        std::vector<LinkBody> taken;
    } ring;
    LinkOutbox outbox(ring, 0, 2);
    const ReceiverId one(1), two(2);
    outbox.push(1, LinkSubscribe{one, MediaKind::kVideo, true, 2});
    outbox.push(1, LinkKeyFrame{one, 0});
    outbox.push(1, LinkKeyFrame{one, 1});
    outbox.push(1, LinkSubscribe{two, MediaKind::kVideo, true, 2});
    outbox.push(1, LinkSubscribe{one, MediaKind::kVideo, false, -1});
    outbox.push(1, LinkKeyFrame{one, 1});
    CHECK(outbox.waiting_for(1) == 4);
    CHECK_FALSE(outbox.push_packet(1, {}, {}));
    CHECK(outbox.dropped() == 1);
    ring.open = true;
    CHECK(outbox.push_packet(1, {}, {}));
    REQUIRE(ring.taken.size() == 5);
    CHECK(std::get<LinkKeyFrame>(ring.taken[0]).spatial == 0);
    CHECK(std::get<LinkSubscribe>(ring.taken[1]).receiver == two);
    CHECK_FALSE(std::get<LinkSubscribe>(ring.taken[2]).subscribed);
    CHECK(std::get<LinkKeyFrame>(ring.taken[3]).spatial == 1);
    CHECK(std::holds_alternative<LinkPacket>(ring.taken[4]));
    CHECK_FALSE(outbox.waiting());

    ring.open = false;
    for (std::uint64_t i = 0; i <= LinkOutbox::kMaxWaiting; ++i)
        outbox.push(1, LinkEnded{ReceiverId(i + 1)});
    CHECK(outbox.waiting_for(1) == LinkOutbox::kMaxWaiting);
    CHECK(outbox.dropped() == 2);
    ring.open = true;
    CHECK_FALSE(outbox.flush());
    outbox.push(7, LinkEnded{one});  // no such worker
}

}  // namespace
}  // namespace confab::sfu
