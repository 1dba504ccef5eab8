// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Data between participants of a room on one and on several shards: order, nothing lost, and who is
// held back by whom.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sfu/metrics/metrics_testing.h"
#include "sfu/shard/shard_data_testing.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::DataWorld;
using test::numbered;
using test::text_packet;
using test::World;

TEST_CASE("Data: reliable packets come once and in order on every worker [SIG-120][SIG-121]") {
    DataWorld data(2, {0, 0, 1});
    constexpr std::size_t kMessages = 400;
    for (std::uint32_t i = 0; i < kMessages; ++i) {
        for (const std::size_t from : {0U, 2U})
            REQUIRE(data.send(from,
                              text_packet(std::to_string(from) + "-" + std::to_string(i), i + 1)));
        if (i % 10 == 0) {
            // What a client sends again after a resume is known (SIG-121).
            REQUIRE(data.send(0, text_packet("again", i + 1)));
            data.world.run(1);
        }
    }
    data.world.run(3000);
    const auto of = [&](std::size_t at, const std::string& from) { return data.texts(at, from); };
    CHECK(of(1, "PA_p0") == numbered("0-", kMessages));
    CHECK(of(2, "PA_p0") == numbered("0-", kMessages));
    CHECK(of(0, "PA_p2") == numbered("2-", kMessages));
    CHECK(of(1, "PA_p2") == numbered("2-", kMessages));
    CHECK(data.texts(0).size() == kMessages);
    CHECK(data.texts(2).size() == kMessages);
    const auto told = data.world.events_of<DataProgress>();
    REQUIRE_FALSE(told.empty());
    const auto last = [&](std::size_t of_client) {
        std::uint32_t sequence = 0;
        for (const DataProgress& one : told)
            if (one.peer == data.clients[of_client]->id) sequence = one.sequence;
        return sequence;
    };
    CHECK(last(0) == kMessages);
    CHECK(last(2) == kMessages);
    CHECK(told.size() < 100);  // control hears of few
}

TEST_CASE("Data: a message of 60 KB crosses to another worker whole [DC-05][DES-41]") {
    DataWorld data(2, {0, 1});
    std::string text(60'000, 'x');
    for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<char>('a' + i % 23);
    REQUIRE(data.send(0, text_packet(text, 1)));
    REQUIRE(data.send(0, text_packet("after", 2)));
    data.world.run(2000);
    CHECK(data.texts(1) == std::vector<std::string>{text, "after"});
}

TEST_CASE("Data: a ring that is full delays messages and loses none [DES-41]") {
    DataWorld data(2, {0, 1});
    data.world.links.capacity = 3;
    for (std::uint32_t i = 0; i < 300; ++i)
        REQUIRE(data.send(0, text_packet(std::to_string(i) + std::string(1000, '.'), i + 1)));
    data.world.run(4000);
    REQUIRE(data.texts(1).size() == 300);
    for (std::size_t i = 0; i < 300; ++i)
        CHECK(data.texts(1)[i].starts_with(std::to_string(i) + "."));
}

TEST_CASE("Data: what is addressed reaches the one named, wherever it lives [SIG-120]") {
    DataWorld data(2, {0, 0, 1});
    REQUIRE(data.send(0, text_packet("for p2", 1, "p2")));
    REQUIRE(data.send(0, text_packet("for p1", 2, "p1")));
    REQUIRE(data.send(0, text_packet("for me", 3, "p0")));
    REQUIRE(data.send(0, text_packet("for nobody", 4, "nobody")));
    data.world.run(300);
    CHECK(data.texts(1) == std::vector<std::string>{"for p1"});
    CHECK(data.texts(2) == std::vector<std::string>{"for p2"});
    CHECK(data.texts(0).empty());
}

TEST_CASE("Data: who may not send any more is not heard any more, at once [TOK-13][SIG-120]") {
    DataWorld data(2, {0, 0, 1});
    std::uint32_t sequence = 0;
    const auto flood = [&](const std::string& prefix) {
        for (int i = 0; i < 50; ++i)
            REQUIRE(data.send(0, text_packet(prefix + std::to_string(i), ++sequence)));
    };
    flood("before");
    data.world.run(1000);
    data.members[0].may_publish = false;
    data.world.command(0, data.members[0]);
    flood("after");
    data.world.run(1000);
    for (const std::size_t at : {1U, 2U})
        CHECK(data.texts(at) == numbered("before", 50));
    CHECK(data.dropped() == 50);
}

TEST_CASE(
    "Data: transcriptions are agents' alone, metrics for who may hear them [SIG-120][SIG-124]") {
    DataWorld data(2, {0, 0, 1});
    const auto value = [](unsigned number, const std::string& text, bool disguised) {
        test::WireMessage packet;
        packet.message(number, test::WireMessage().text(1, "[[[" + text + "]]]"));
        if (disguised) packet.text(200, "a field that nobody knows");
        return packet.encoded();
    };
    data.members[2].hears_metrics = true;
    data.world.command(1, data.members[2]);
    for (const bool disguised : {false, true}) {
        REQUIRE(data.send(0, value(7, "transcription", disguised)));
        REQUIRE(data.send(0, value(8, "metrics", disguised)));
    }
    data.world.run(300);
    CHECK(data.texts(1).empty());
    CHECK(data.texts(2) == std::vector<std::string>{"metrics", "metrics"});
    CHECK(data.dropped() == 2);
    data.members[0].agent = true;
    data.world.command(0, data.members[0]);
    REQUIRE(data.send(0, value(7, "spoken", false)));
    data.world.run(300);
    CHECK(data.texts(1) == std::vector<std::string>{"spoken"});
    CHECK(data.texts(2).back() == "spoken");
}

TEST_CASE("Data: round-trip times of all connections, for who may hear metrics [SIG-124]") {
    ShardOptions options;
    options.metrics.collector = {Duration::millis(1'000), Duration::millis(3'000)};
    DataWorld data(2, {0, 0, 1}, options);
    for (DataMember& member : data.members) {
        member.publisher = member.peer;
        if (member.identity != "p1") member.subscriber = member.peer;
        member.hears_metrics = member.identity == "p2";
    }
    data.members[1].subscriber = PeerId(1'000);  // not there yet
    for (std::size_t i = 0; i < data.members.size(); ++i)
        data.world.command(data.clients[i]->shard, data.members[i]);
    for (std::size_t i = 0; i < 2; ++i)
        data.world.command(i, DataWorkers{RoomId(1), {0, 1}, true});
    const auto told = [&](std::size_t to) {
        std::vector<std::string> lines;
        for (const std::string& packet : std::exchange(data.clients[to]->messages, {}))
            for (const std::string& line : test::metrics_of(as_bytes(packet)))
                lines.push_back(line);
        std::sort(lines.begin(), lines.end());
        std::string all;
        for (const std::string& line : lines)
            all += line + "\n";
        return all;
    };
    data.world.run(3'500);
    // The check that proved the path told the first one.
    CHECK(told(2) == "17 p0 - - x3\n17 p1 - - x3\n17 p2 - - x3\n19 p0 - - x3\n19 p2 - - x3\n");
    data.world.run(3'000);
    CHECK(told(2) == "17 p0 - - x3\n17 p1 - - x3\n17 p2 - - x3\n19 p0 - - x3\n19 p2 - - x3\n");
    CHECK(told(0).empty());
    CHECK(told(1).empty());
    // One that is away for long is not measured any more.
    data.world.cut = data.clients[0];
    data.world.run(20'000);
    (void)told(2);
    data.world.run(3'000);
    CHECK(told(2) == "17 p1 - - x3\n17 p2 - - x3\n19 p2 - - x3\n");
}

TEST_CASE("Data: a hidden sender is not named, its sid stays [SIG-120]") {
    DataWorld data(2, {0, 1});
    data.members[0].hidden = true;
    data.world.command(0, data.members[0]);
    REQUIRE(data.send(0, text_packet("boo", 1)));
    data.world.run(300);
    REQUIRE(data.clients[1]->messages.size() == 1);
    const std::string& packet = data.clients[1]->messages[0];
    CHECK(packet.find("PA_p0") != std::string::npos);
    CHECK(packet.find("p0", packet.find("PA_p0") + 5) == std::string::npos);
    CHECK(packet.find("p0") == packet.find("PA_p0") + 3);
}

// The receiver takes nothing: what was acknowledged to the sender is kept until it does, and the
// sender's window is closed meanwhile.
void slowed_not_lost(std::size_t worker_of_receiver) {
    DataWorld data(2, {0, worker_of_receiver, 1 - worker_of_receiver});
    constexpr std::size_t kMessages = 9'000;
    const std::string filling(1000, '.');
    std::size_t sent = 0;
    const auto flood = [&] {
        while (sent < kMessages && data.send(0, text_packet(std::to_string(sent) + filling,
                                                            static_cast<std::uint32_t>(sent + 1))))
            ++sent;
    };
    data.clients[1]->deaf = true;
    for (int ms = 0; ms < 3000; ++ms) {
        flood();
        data.world.run(1);
    }
    // 4 MiB wait in the sender's own connection; all of it did not get through.
    CHECK(sent < kMessages);
    // Others go on: who sends to somebody else, and who is sent to by somebody else.
    REQUIRE(data.send(2, text_packet("hello", 1, "p0")));
    data.world.run(200);
    CHECK(data.texts(0, "PA_p2") == std::vector<std::string>{"hello"});
    data.clients[1]->deaf = false;
    for (int ms = 0; ms < 20'000 && data.clients[1]->messages.size() < kMessages; ++ms) {
        flood();
        data.world.run(1);
    }
    data.world.run(200);  // until the others have all of it, too
    const auto got = data.texts(1, "PA_p0");
    REQUIRE(got.size() == kMessages);
    for (std::size_t i = 0; i < kMessages; i += 97)
        CHECK(got[i].starts_with(std::to_string(i) + "."));
    CHECK(data.texts(2, "PA_p0").size() == kMessages);
    CHECK(data.dropped() == 0);
    // Control heard of none of it but how far it is.
    CHECK(data.world.shards[0]->snapshot().events_dropped == 0);
    CHECK(data.world.events_of<CallAnswered>().empty());
}

TEST_CASE("Data: a receiver that is behind slows its sender, nothing is lost [SIG-122][DC-20]") {
    slowed_not_lost(0);
}

TEST_CASE("Data: the same with the receiver on another worker [SIG-122][DC-20][DES-41]") {
    slowed_not_lost(1);
}

// Of 10 KB each: more than a client and the window of its sender take.
constexpr std::uint32_t kMany = 200;

TEST_CASE("Data: who is held back says what may be lost all the same [DC-20] [DC-23]") {
    for (const std::size_t worker : {0U, 1U}) {
        DataWorld data(2, {0, worker, 0});
        const DataTrackId track(77);
        data.world.command(0, AddDataTrack{RoomId(1), data.members[0].member, 5, track});
        data.world.command(0, FlowDataTrack{RoomId(1), data.members[2].member, track, 6});
        data.clients[1]->deaf = true;
        const std::string filling(10'000, '.');
        for (std::uint32_t i = 0; i < kMany; ++i)
            REQUIRE(data.send(0, text_packet(std::to_string(i) + filling, i + 1)));
        data.world.run(1000);
        const std::size_t held = data.clients[2]->messages.size();
        REQUIRE(held < kMany);  // the rest waits in the sender's connection
        for (int i = 0; i < 100; ++i) {
            REQUIRE(data.send(0, text_packet("quick"), "_lossy"));
            Bytes frame(40, 7);
            store_be16(&frame[2], 5);
            REQUIRE(data.send(0, frame, "_data_track"));
            data.world.run(5);
        }
        CHECK(data.clients[2]->messages.size() == held + 200);
        data.clients[1]->deaf = false;
        data.world.run(3000);
        CHECK(data.clients[2]->messages.size() == kMany + 200);
        CHECK(data.texts(1).size() == kMany + 100);
        CHECK(data.dropped() == 0);
    }
}

TEST_CASE("Data: no channel of its own gets a message past the window of its sender [IMM-15]") {
    DataWorld data(1, {0, 0, 0});
    data.clients[0]->transport->want_channel(test::world_time(data.world.now_ms),
                                             {"own", false, std::uint16_t{0}});
    data.world.run(300);
    data.clients[1]->deaf = true;
    const std::string filling(10'000, '.');
    for (std::uint32_t i = 0; i < kMany; ++i)
        REQUIRE(data.send(0, text_packet(std::to_string(i) + filling, i + 1)));
    data.world.run(1000);
    const std::size_t held = data.clients[2]->messages.size();
    REQUIRE(held < kMany);
    for (int i = 0; i < 20; ++i)
        REQUIRE(data.send(0, Bytes(1'000, 7), "own"));
    data.world.run(1000);
    CHECK(data.clients[2]->messages.size() == held);
    data.clients[1]->deaf = false;
    data.world.run(3000);
    CHECK(data.clients[2]->messages.size() == kMany + 20);
}

TEST_CASE("Data: who takes nothing for 5 s holds nobody back any more, and is counted [DC-25]") {
    DataWorld data(1, {0, 0, 0});
    const std::string filling(1000, '.');
    std::uint32_t sequence = 0;
    const auto flood = [&](int ms) {
        for (int i = 0; i < ms; ++i) {
            for (int k = 0; k < 8; ++k)
                if (!data.send(0, text_packet(std::to_string(sequence) + filling, sequence + 1)))
                    break;
                else
                    ++sequence;
            data.world.run(1);
        }
    };
    data.clients[1]->deaf = true;
    flood(3000);
    const std::size_t held = data.clients[2]->messages.size();
    flood(1000);
    CHECK(data.clients[2]->messages.size() - held < 10);  // held back by the deaf one
    CHECK(data.dropped() == 0);
    flood(8000);
    CHECK(data.dropped() > 0);
    const std::size_t before = data.clients[2]->messages.size();
    flood(1000);
    CHECK(data.clients[2]->messages.size() > before + 500);
    CHECK_FALSE(data.world.events_of<DataChannelFailed>().empty());
}

TEST_CASE("Data: an outage of 8 s delays messages and loses none [DC-25]") {
    DataWorld data(1, {0, 0, 0});
    const std::string filling(1000, '.');
    std::uint32_t sent = 0;
    const auto talk = [&](int ms) {
        for (int i = 0; i < ms; ++i) {
            if (i % 5 == 0 && data.send(0, text_packet(std::to_string(sent) + filling, sent + 1)))
                ++sent;
            data.world.run(1);
        }
    };
    talk(200);
    data.world.cut = data.clients[1];
    talk(8000);
    CHECK(sent > 1000);
    data.world.cut = nullptr;
    talk(15'000);
    data.world.run(5000);
    for (const std::size_t at : {1U, 2U}) {
        const auto got = data.texts(at);
        REQUIRE(got.size() == sent);
        for (std::size_t i = 0; i < got.size(); ++i)
            REQUIRE(got[i].starts_with(std::to_string(i) + "."));
    }
    CHECK(data.dropped() == 0);
}

TEST_CASE("Data: a flood of one sender leaves room for the others' messages [DC-20]") {
    DataWorld data(1, {0, 0, 0});
    const std::string filling(1000, '.');
    std::size_t sent = 0;
    for (; sent < 3000; ++sent)
        if (!data.send(0, text_packet(std::to_string(sent) + filling))) break;
    data.world.run(20);
    REQUIRE(data.send(1, text_packet("quick")));
    for (int ms = 0; ms < 3000 && data.texts(2, "PA_p1").empty(); ++ms)
        data.world.run(1);
    REQUIRE(data.texts(2, "PA_p1").size() == 1);
    // Not behind all that the other had to say.
    CHECK(data.texts(2, "PA_p0").size() < sent / 2);
    data.world.run(6000);
    CHECK(data.texts(2, "PA_p0").size() == sent);
}

TEST_CASE("Data: what came before its sender left is delivered, half messages are not [IMM-15]") {
    DataWorld data(2, {0, 0, 1});
    for (std::uint32_t i = 0; i < 20; ++i)
        REQUIRE(data.send(0, text_packet("m" + std::to_string(i), i + 1)));
    data.world.run(100);
    REQUIRE(data.send(0, text_packet(std::string(60'000, 'x'), 21)));
    data.world.run(2);  // its first fragments are on their way
    data.world.command(0, DataMemberGone{RoomId(1), data.members[0].member});
    data.world.command(0, ClosePeer{data.clients[0]->id});
    data.world.run(1000);
    for (const std::size_t at : {1U, 2U})
        CHECK(data.texts(at) == numbered("m", 20));
    REQUIRE(data.send(1, text_packet("still here", 1)));
    data.world.run(100);
    CHECK(data.texts(2).back() == "still here");
}

// The sender saw all of it acknowledged, said goodbye and went, while a receiver lagged: what
// waited in its connection is not lost with it.
TEST_CASE("Data: what was acknowledged before its sender left is delivered [SIG-122][DC-20]") {
    for (const std::size_t worker : {0U, 1U}) {
        DataWorld data(2, {0, worker});
        const std::string filling(10'000, '.');
        constexpr std::uint32_t kMessages = 220;
        data.clients[1]->deaf = true;
        for (std::uint32_t i = 0; i < kMessages; ++i)
            REQUIRE(data.send(0, text_packet(std::to_string(i) + filling, i + 1)));
        data.world.run(3000);
        REQUIRE(data.clients[0]->transport->data().buffered_amount(
                    data.clients[0]->channels.at("_reliable")) == 0);
        data.world.command(0, DataMemberGone{RoomId(1), data.members[0].member});
        data.world.command(0, ClosePeer{data.clients[0]->id});
        data.clients[1]->deaf = false;
        data.world.run(6000);
        const auto got = data.texts(1);
        CHECK(got.size() == kMessages);
        for (std::size_t i = 0; i < got.size(); ++i)
            REQUIRE(got[i].starts_with(std::to_string(i) + "."));
        CHECK(data.dropped() == 0);
    }
}

TEST_CASE("Data: what a sender that goes had too much of is counted as dropped [DC-20] [IMM-15]") {
    DataWorld data(1, {0, 0, 0, 0});
    const std::string filling(10'000, '.');
    constexpr std::uint32_t kLarge = 180;
    constexpr std::uint32_t kMessages = 4'000;
    data.clients[1]->deaf = true;
    for (std::uint32_t i = 0; i < kMessages; ++i)
        REQUIRE(data.send(0, text_packet(std::to_string(i) + (i < kLarge ? filling : "."), i + 1)));
    data.world.run(3000);
    REQUIRE(data.clients[0]->transport->data().buffered_amount(
                data.clients[0]->channels.at("_reliable")) == 0);
    REQUIRE(data.texts(2).size() < kLarge);  // the rest waits in the sender's connection
    data.world.command(0, DataMemberGone{RoomId(1), data.members[0].member});
    data.world.command(0, ClosePeer{data.clients[0]->id});
    data.clients[1]->deaf = false;
    data.world.run(6000);
    CHECK(data.dropped() > 0);
    for (const std::size_t at : {1U, 2U, 3U})
        CHECK(data.texts(at).size() + data.dropped() == kMessages);
}

TEST_CASE("Data: frames of a track reach who has a handle, on every worker [SIG-126][DT-01]") {
    DataWorld data(2, {0, 0, 1});
    const DataTrackId track(77);
    data.members[0].hidden = true;
    data.world.command(0, data.members[0]);
    data.world.command(0, AddDataTrack{RoomId(1), data.members[0].member, 5, track});
    data.world.command(1, FlowDataTrack{RoomId(1), data.members[2].member, track, 0x1234});
    Bytes frame(40, 7);
    store_be16(&frame[2], 5);
    REQUIRE(data.send(0, frame, "_data_track"));
    data.world.run(100);
    CHECK(data.clients[1]->messages.empty());
    REQUIRE(data.clients[2]->messages.size() == 1);
    store_be16(&frame[2], 0x1234);
    CHECK(data.clients[2]->messages[0] == as_text(frame));  // and nothing that names the sender
    data.world.command(1, FlowDataTrack{RoomId(1), data.members[2].member, track, 0});
    store_be16(&frame[2], 5);
    REQUIRE(data.send(0, frame, "_data_track"));
    store_be16(&frame[2], 6);  // no such track
    REQUIRE(data.send(0, frame, "_data_track"));
    data.world.run(100);
    CHECK(data.clients[2]->messages.size() == 1);
    CHECK(data.dropped() == 1);
}

TEST_CASE("Data: one packet of two senders with the same nonce comes once [SIG-123]") {
    DataWorld data(2, {0, 1});
    SendData send;
    send.room = RoomId(1);
    send.payload = text_packet("api");
    send.nonce = Bytes(16, 3);
    for (int i = 0; i < 2; ++i)
        for (const std::size_t shard : {0U, 1U})
            data.world.command(shard, send);
    data.world.run(100);
    CHECK(data.texts(0) == std::vector<std::string>{"api"});
    CHECK(data.texts(1) == std::vector<std::string>{"api"});
}

TEST_CASE("Shard: a client that restarts ICE again and again costs no memory [ICE-14][IMM-15]") {
    World world(1);
    Client& client = world.add_client(0);
    world.run(300);
    for (int i = 0; i < 1000; ++i) {
        RestartIce restart;
        restart.peer = client.id;
        restart.local = {"arestart" + std::to_string(i), "a_password_of_enough_length_123"};
        world.command(0, restart);
    }
    CHECK(world.shards[0]->routes().known_ufrags() == ShardPeer::kMaxUfrags);
    world.command(0, ClosePeer{client.id});
    CHECK(world.shards[0]->routes().known_ufrags() == 0);
}

TEST_CASE("Shard: the generation that works lives on, however often ICE is restarted [ICE-14]") {
    World world(1);
    Client& client = world.add_client(0);
    world.run(300);
    for (std::size_t i = 0; i < 2 * ShardPeer::kMaxUfrags; ++i) {
        RestartIce restart;
        restart.peer = client.id;
        restart.local = {"arestart" + std::to_string(i), "a_password_of_enough_length_123"};
        world.command(0, restart);
    }
    world.run(1000);
    const std::uint64_t unknown = world.shards[0]->snapshot().unknown_datagrams;
    world.run(12'000);
    CHECK(world.shards[0]->snapshot().unknown_datagrams == unknown);
    CHECK(unknown == 0);
    for (const PeerStateChanged& event : world.events_of<PeerStateChanged>()) {
        CHECK(event.state != PeerState::kDisconnected);
        CHECK(event.state != PeerState::kFailed);
    }
}

}  // namespace
}  // namespace confab::sfu
