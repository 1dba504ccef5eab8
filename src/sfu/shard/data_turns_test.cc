// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/data_turns.h"

#include "sfu/data/data_packet_testing.h"
#include "sfu/tracks/stage_testing.h"

namespace confab::sfu {
namespace {

using test::Stage;
using test::text_packet;

// Connections of one room, whose messages are handed in by the test.
struct Hall : Stage {
    explicit Hall(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            ShardPeer& peer = *connect().peer;
            peer.note_channel(1, "_reliable");
            DataMember member;
            member.room = RoomId(1);
            member.member = MemberId(i + 1);
            member.peer = peer.id();
            member.identity = "p" + std::to_string(i);
            member.sid = "PA_" + member.identity;
            member.may_publish = true;
            member.expects_channels = false;
            data.router().apply(now(), member);
        }
    }
    ShardPeer& peer(std::size_t i) { return *seats[i]->peer; }
    void take(std::size_t i, const Bytes& packet = text_packet("x")) {
        data.take(now(), peer(i), {1, packet});
    }
    // Messages of one that are taken in a turn that has nothing else to do.
    std::size_t taken_of(std::size_t i) {
        std::size_t count = 0;
        for (; count < 10'000 && data.may_take(peer(i)); ++count)
            take(i);
        return count;
    }
    std::vector<std::uint64_t> line() {
        std::vector<std::uint64_t> order;
        while (const ShardPeer* one = data.next())
            order.push_back(one->id().value());
        return order;
    }
    ShardClock clock{UnixTime::seconds(1'700'000'000), Timestamp()};
    ShardOptions options;
    DataTurns data{kSelf, {peers, events, links, queue, wheel, clock, options}};
};

using Order = std::vector<std::uint64_t>;

TEST_CASE("DataTurns: a turn ends with kMaxDeliveriesPerTurn, the next has as much [DC-20]") {
    constexpr std::size_t kMax = DataTurns::kMaxDeliveriesPerTurn;
    // Each message counts itself and those who get it.
    for (const std::size_t members : {1U, 2U, 4U}) {
        Hall hall(members);
        CHECK(hall.taken_of(0) == kMax / members);
        CHECK(hall.peer(0).data_waiting);
        CHECK(hall.data.is_over());
        CHECK(hall.data.next() == nullptr);
        hall.data.begin_turn();
        CHECK(hall.data.next() == &hall.peer(0));
        CHECK_FALSE(hall.peer(0).data_waiting);
        CHECK(hall.taken_of(0) == kMax / members);
    }
}

TEST_CASE("DataTurns: what is refused counts for a turn too, so a flood of it ends [DC-20]") {
    Hall hall(1);
    std::size_t count = 0;
    for (; count < 10'000 && hall.data.may_take(hall.peer(0)); ++count)
        hall.take(0, Bytes(30, 0xFF));
    CHECK(count == DataTurns::kMaxDeliveriesPerTurn);
    CHECK(hall.data.dropped() == count);
}

TEST_CASE("DataTurns: senders have their turns in the order in which they came [DC-20]") {
    Hall hall(4);
    (void)hall.taken_of(2);
    CHECK_FALSE(hall.data.may_take(hall.peer(0)));
    CHECK_FALSE(hall.data.may_take(hall.peer(3)));
    hall.data.begin_turn();
    // There would be room, but others were first.
    CHECK_FALSE(hall.data.may_take(hall.peer(1)));
    CHECK(hall.line() == Order{3, 1, 4, 2});
    CHECK(hall.data.may_take(hall.peer(1)));
    CHECK(hall.line().empty());
}

TEST_CASE("DataTurns: with the end of a turn the line stays as it is [DC-20]") {
    Hall hall(3);
    (void)hall.taken_of(0);
    for (const std::size_t i : {1U, 2U})
        CHECK_FALSE(hall.data.may_take(hall.peer(i)));
    hall.data.begin_turn();
    CHECK(hall.data.next() == &hall.peer(0));
    while (!hall.data.is_over())
        hall.take(0);
    CHECK(hall.data.next() == nullptr);
    hall.data.line_up(hall.peer(0));
    hall.data.begin_turn();
    CHECK(hall.line() == Order{2, 3, 1});
}

TEST_CASE("DataTurns: who goes is in no line [IMM-15]") {
    Hall hall(3);
    (void)hall.taken_of(0);
    for (const std::size_t i : {1U, 2U})
        CHECK_FALSE(hall.data.may_take(hall.peer(i)));
    hall.data.closed(hall.peer(1));
    hall.peers.erase(hall.peer(1).id());
    hall.data.begin_turn();
    CHECK(hall.line() == Order{1, 3});
}

TEST_CASE("DataTurns: what came is counted, whoever gets it") {
    Hall hall(2);
    const Bytes payload = text_packet("x");
    hall.peer(0).note_channel(2, "_lossy");
    for (int i = 0; i < 3; ++i)
        hall.data.take(hall.now(), hall.peer(0), {2, payload});
    CHECK(hall.peer(0).data_count == DataCount{3, 3 * payload.size(), 0, 0});
    CHECK(hall.peer(1).data_count == DataCount{});
}

TEST_CASE("DataTurns: lossy messages beyond a participant's rate are dropped [OPS-05]") {
    Hall hall(2);
    hall.data.apply(hall.now(), {{1, 5}, {}});
    hall.peer(0).note_channel(2, "_lossy");
    const auto say = [&](std::size_t i, int times) {
        for (int k = 0; k < times; ++k)
            hall.data.take(hall.now(), hall.peer(i), {2, text_packet("x")});
    };
    say(0, 20);
    CHECK(hall.data.over_rate() == 15);
    CHECK_FALSE(hall.peer(0).data_paused);
    CHECK(hall.data.paused() == 0);
    hall.peer(1).note_channel(2, "_lossy");
    say(1, 5);  // another has its own
    CHECK(hall.data.over_rate() == 15);
}

TEST_CASE("DataTurns: reliable messages beyond a participant's rate wait, none is lost [OPS-05]") {
    Hall hall(2);
    hall.data.apply(hall.now(), {{}, {1'000, 4'000}});
    const Bytes packet = text_packet(std::string(900, 'x'));
    std::size_t taken = 0;
    for (; taken < 100 && hall.data.may_take(hall.peer(0)); ++taken)
        hall.take(0, packet);
    CHECK(taken == 5);  // the last one made the debt
    CHECK(hall.data.over_rate() == 0);
    CHECK(hall.data.paused() == 1);
    CHECK(hall.peer(0).data_waiting);
    CHECK(hall.data.may_take(hall.peer(1)));
    // It is in no line before its time, and comes back by itself.
    hall.data.flush(hall.now());
    CHECK(hall.line().empty());
    // 500 octets and a few are owed.
    hall.data.flush(hall.now() + Duration::millis(400));
    CHECK(hall.peer(0).data_paused);
    CHECK(hall.wheel.next_deadline() <= hall.now() + Duration::seconds(1));
    hall.data.flush(hall.now() + Duration::seconds(1));
    CHECK_FALSE(hall.peer(0).data_paused);
    CHECK(hall.data.next() == &hall.peer(0));
}

TEST_CASE("DataTurns: who goes while it waits is looked for no more [OPS-05] [IMM-15]") {
    Hall hall(2);
    hall.data.apply(hall.now(), {{1, 1}, {}});
    for (int i = 0; i < 3 && hall.data.may_take(hall.peer(0)); ++i)
        hall.take(0);
    REQUIRE(hall.peer(0).data_paused);
    CHECK_FALSE(hall.data.may_take(hall.peer(0)));
    const PeerId gone = hall.peer(0).id();
    hall.data.closed(hall.peer(0));
    hall.peers.erase(gone);
    hall.data.flush(hall.now() + Duration::seconds(60));
    CHECK(hall.line().empty());
}

TEST_CASE("DataTurns: a turn comes at once while somebody waits, and not else [DC-20]") {
    Hall hall(2);
    hall.data.flush(hall.now());
    CHECK(hall.wheel.next_deadline().is_never());
    (void)hall.taken_of(0);
    hall.data.flush(hall.now());
    CHECK(hall.wheel.next_deadline() <= hall.now());
    hall.data.begin_turn();
    CHECK(hall.line() == Order{1});
    hall.data.flush(hall.now());
    CHECK(hall.wheel.next_deadline() > hall.now());
    // A number is told to control in a while.
    hall.take(0, text_packet("x", 1));
    hall.data.flush(hall.now());
    CHECK(hall.wheel.next_deadline() > hall.now());
    CHECK(hall.wheel.next_deadline() <= hall.data.router().next_deadline());
}

TEST_CASE("DataTurns: the rest of one that goes is counted apart from the turn's [IMM-15]") {
    Hall hall(2);
    for (int i = 0; i < 10; ++i)
        hall.take(1);
    const std::size_t before = hall.data.begin_rest();
    CHECK(before == DataTurns::kMaxDeliveriesPerTurn - 20);
    std::size_t count = 0;
    for (; count < 10'000 && !hall.data.is_over(); ++count)
        hall.take(0);
    CHECK(count == DataTurns::kMaxDeliveriesAtEnd / 2);
    hall.data.end_rest(before);
    CHECK_FALSE(hall.data.is_over());
    CHECK(hall.taken_of(1) == before / 2);
    const std::uint64_t dropped = hall.data.dropped();
    hall.data.drop_one();
    CHECK(hall.data.dropped() == dropped + 1);
}

TEST_CASE("DataTurns: the batches of a turn leave the rings some room [DES-41] [IMM-15]") {
    Hall hall(2);
    hall.data.router().apply(hall.now(), DataWorkers{RoomId(1), {0, 1}});
    const Bytes large = text_packet(std::string(60'000, '.'));
    for (int i = 0; i < 8; ++i)
        hall.take(0, large);
    for (int i = 0; i < 10; ++i)
        hall.data.flush(hall.now());
    CHECK(hall.kept.take<LinkData>(1).size() == LinkStream::kMaxPiecesPerFlush);
    // The next turn is not far, and has as many.
    CHECK(hall.wheel.next_deadline() <= hall.now() + LinkSender::kRetry);
    for (int i = 0; i < 10; ++i)
        hall.data.flush(hall.now() + LinkSender::kRetry);
    CHECK(hall.kept.take<LinkData>(1).size() == LinkStream::kMaxPiecesPerFlush);
    for (int i = 2; i < 20; ++i)
        hall.data.flush(hall.now() + LinkSender::kRetry * std::int64_t{i});
    CHECK(hall.kept.take<LinkData>(1).size() > 8 * 60'000 / LinkStream::kMaxPiece - 128);
}

TEST_CASE("DataTurns: control hears once of a receiver's channel that is gone [DC-25] [SIG-146]") {
    Hall hall(2);
    const auto failed = [&] {
        std::size_t count = 0;
        while (auto event = hall.events.poll())
            if (const auto* one = std::get_if<DataChannelFailed>(&*event)) {
                CHECK(one->peer == hall.peer(1).id());
                CHECK(one->channel == DataChannel::kReliable);
                ++count;
            }
        return count;
    };
    const auto say = [&] {
        for (int i = 0; i < 3; ++i) {
            hall.take(0);
            hall.data.take(hall.now(), hall.peer(0), {2, text_packet("x")});
        }
    };
    hall.peer(0).note_channel(2, "_lossy");
    say();
    CHECK(failed() == 0);  // the one for lossy messages was never there
    hall.peer(1).forget_channel(1);
    CHECK(failed() == 0);  // nor was anything sent yet
    say();
    CHECK(failed() == 1);
    // Opened again it may be lost again; one that took its place is none that is lost.
    hall.peer(1).note_channel(3, "_reliable");
    say();
    hall.peer(1).note_channel(5, "_reliable");
    hall.peer(1).forget_channel(3);
    say();
    CHECK(failed() == 0);
    hall.peer(1).forget_channel(5);
    hall.peer(1).note_channel(7, "_reliable");
    say();
    CHECK(failed() == 0);
    hall.peer(1).forget_channel(7);
    say();
    CHECK(failed() == 1);
}

TEST_CASE("DataTurns: who is held back is in no line until there is room again [DC-20] [DES-41]") {
    Hall hall(8);
    hall.data.router().apply(hall.now(), DataWorkers{RoomId(1), {0, 1}});
    hall.kept.full = true;
    const Bytes large = text_packet(std::string(60'000, '.'));
    for (std::size_t i = 1; i < 8; ++i)
        for (int k = 0; k < 3; ++k)
            hall.take(i, large);
    CHECK_FALSE(hall.data.may_take(hall.peer(0)));
    CHECK(hall.peer(0).data_waiting);
    CHECK(hall.line().empty());
    // As long as the ring is full it is tried again each millisecond.
    for (int i = 0; i < 3; ++i) {
        hall.data.flush(hall.now());
        CHECK(hall.wheel.next_deadline() <= hall.now() + LinkSender::kRetry);
        CHECK(hall.line().empty());
    }
    hall.kept.full = false;
    Order resumed;
    for (int i = 0; i < 1'000 && resumed.empty(); ++i) {
        hall.run(1);
        hall.data.flush(hall.now());
        resumed = hall.line();
    }
    CHECK(resumed == Order{1});
    CHECK_FALSE(hall.peer(0).data_waiting);
}

}  // namespace
}  // namespace confab::sfu
