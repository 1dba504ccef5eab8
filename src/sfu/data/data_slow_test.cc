// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Receivers below and above rtc.datachannel_slow_threshold, and how much waits on lossy channels.
#include <doctest/doctest.h>

#include <algorithm>

#include "sfu/data/data_router_testing.h"

namespace confab::sfu {
namespace {

using test::DataRouters;
using test::text_packet;
using test::Texts;

constexpr std::uint64_t kThreshold = 20'000;  // bits per second
constexpr std::size_t kLeast = DataReceivers::kMinUnacknowledged;
constexpr Duration kTurn = Duration::millis(50);

// Alice says all the time what she may; Bob takes so many bits per second, Carol takes all.
struct Slow : DataRouters {
    explicit Slow(DataLimits limits, std::size_t workers = 1)
        : DataRouters(workers, limits),
          alice(join("alice")),
          bob(join("bob", workers > 1 ? 1 : 0)),
          carol(join("carol")) {
        if (workers > 1) spread({0, 1});
        connection(bob).keeps = true;
    }
    void turn(std::uint64_t bits_per_second) {
        credit += static_cast<std::size_t>(bits_per_second) * 50 / 8000;
        const std::size_t taken = std::min(credit, connection(bob).buffered);
        connection(bob).buffered -= taken;
        credit = connection(bob).buffered == 0 ? 0 : credit - taken;
        router(place(bob)).made_room(now, bob.peer);
        for (int i = 0; i < 100 && may_send(alice); ++i)
            (void)say(alice, text_packet(std::to_string(++said) + std::string(900, '.')));
        exchange();
        (void)resumed();
        run(kTurn);
    }
    void turns(std::uint64_t bits_per_second, Duration time) {
        for (Duration past; past < time; past = past + kTurn)
            turn(bits_per_second);
    }
    std::vector<std::size_t> numbers(const DataMember& at) {
        std::vector<std::size_t> result;
        for (const std::string& text : heard(at))
            result.push_back(std::stoul(text));
        return result;
    }
    bool complete(const DataMember& at) {
        const auto got = numbers(at);
        for (std::size_t i = 0; i < got.size(); ++i)
            if (got[i] != i + 1) return false;
        return true;
    }
    DataMember alice, bob, carol;
    std::size_t said = 0;
    std::size_t credit = 0;
};

DataLimits threshold(std::uint64_t bits) {
    DataLimits limits;
    limits.slow_threshold = bits;
    return limits;
}

}  // namespace

TEST_CASE(
    "Data slow: who takes less than the threshold loses, and nobody waits [SIG-122] [DC-21]") {
    for (const std::size_t workers : {1U, 2U}) {
        CAPTURE(workers);
        Slow room(threshold(kThreshold), workers);
        room.turns(kThreshold / 2, Duration::seconds(10));
        const std::size_t before = room.said;
        room.turns(kThreshold / 2, Duration::seconds(2));
        CHECK(room.said - before > 3'000);
        CHECK(room.numbers(room.carol).size() == room.said);
        CHECK(room.complete(room.carol));
        const auto got = room.numbers(room.bob);
        CHECK(std::is_sorted(got.begin(), got.end()));
        CHECK_FALSE(room.complete(room.bob));
        CHECK(room.router(room.place(room.bob)).dropped() + got.size() == room.said);
        CHECK_FALSE(room.router(room.place(room.bob)).lagging());
    }
}

TEST_CASE("Data slow: who takes the threshold is waited for, and gets all [SIG-122] [DC-21]") {
    for (const std::size_t workers : {1U, 2U}) {
        CAPTURE(workers);
        Slow room(threshold(kThreshold), workers);
        room.turns(kThreshold + kThreshold / 10, Duration::seconds(40));
        const std::size_t before = room.said;
        room.turns(kThreshold + kThreshold / 10, Duration::seconds(60));
        CHECK(room.said - before < 250);  // as slow as it is: 165 KB, told home in pieces of 64 KiB
        CHECK(room.said > before);
        room.turns(100 * kThreshold, Duration::seconds(5));
        room.connection(room.bob).keeps = false;
        room.acknowledge(room.bob);
        CHECK(room.router(room.place(room.bob)).dropped() == 0);
        CHECK(room.complete(room.bob));
        CHECK(room.complete(room.carol));
    }
}

TEST_CASE("Data slow: one that takes nothing is slow when that was so for 2 s [DC-21] [DC-22]") {
    Slow room(threshold(kThreshold));
    room.turns(0, Duration::millis(1'950));
    CHECK(room.router().lagging());
    CHECK(room.router().dropped() == 0);
    CHECK_FALSE(room.may_send(room.alice));
    room.turns(0, Duration::millis(600));
    CHECK(room.router().dropped() > 0);
    CHECK(room.may_send(room.alice));
    CHECK_FALSE(room.router().lagging());
}

TEST_CASE("Data slow: with the message that finds it slow, what waited is lost [DC-21]") {
    Slow room(threshold(kThreshold));
    room.connection(room.bob).buffered = kLeast;
    for (const int ms : {0, 1'999, 1}) {
        room.now = room.now + Duration::millis(ms);
        room.say(room.alice, text_packet("x"));
        CHECK(room.router().dropped() == (ms == 1 ? 3 : 0));
        CHECK(room.router().lagging() == (ms != 1));
    }
}

TEST_CASE("Data slow: one that was is waited for again once it is quick [SIG-122]") {
    Slow room(threshold(kThreshold));
    room.turns(kThreshold / 4, Duration::seconds(10));
    CHECK(room.router().dropped() > 0);
    room.turns(50 * kThreshold, Duration::seconds(5));
    const std::uint64_t dropped = room.router().dropped();
    room.turns(50 * kThreshold, Duration::seconds(5));
    CHECK(room.router().dropped() == dropped);
    CHECK(room.router().lagging());
}

TEST_CASE("Data slow: one that took all there was for a while is waited for again [SIG-122]") {
    Slow room(threshold(kThreshold));
    auto& bob = room.connection(room.bob);
    room.turns(kThreshold / 4, Duration::seconds(10));
    CHECK(room.router().dropped() > 0);
    // A trickle that is acknowledged late: less than the threshold, since there is no more.
    for (int i = 0; i < 50; ++i) {
        bob.buffered = 100;
        room.say(room.alice, text_packet("x"));
        room.run(Duration::millis(100));
    }
    const std::uint64_t dropped = room.router().dropped();
    bob.buffered = kLeast;
    for (int i = 0; i < 20; ++i)
        room.say(room.alice, text_packet(std::string(900, '.')));
    CHECK(room.router().dropped() == dropped);
}

TEST_CASE("Data slow: on another worker, too, what it loses holds nobody back [SIG-122]") {
    Slow room(threshold(kThreshold), 2);
    auto& bob = room.connection(room.bob);
    for (int i = 0; i < 20; ++i) {
        bob.buffered = kLeast;
        // Behind, for so long that it is slow; then quick enough to be waited for again.
        for (const int ms : {0, 1'999, 1}) {
            room.now = room.now + Duration::millis(ms);
            (void)room.say(room.alice, text_packet(std::string(60'000, '.')));
            room.exchange();
        }
        bob.buffered = 0;
        room.run(Duration::seconds(5));
        room.exchange();
        (void)room.resumed();
        CHECK(room.may_send(room.alice));
    }
    CHECK(room.router(1).dropped() >= 20);
}

TEST_CASE("Data slow: one that was sent little is not slow when much comes at once [DC-21]") {
    Slow room(threshold(kThreshold));
    auto& bob = room.connection(room.bob);
    // 500 octets each 100 ms that take as long to be acknowledged: 40 000 bit/s at most are known.
    for (int i = 0; i < 30; ++i) {
        bob.buffered = i % 2 == 0 ? 100 : 0;
        room.say(room.alice, text_packet(std::string(60, '.')));
        room.run(Duration::millis(100));
    }
    const std::size_t before = bob.sent.size();
    bob.buffered = kLeast;
    for (int i = 0; i < 20; ++i)
        room.say(room.alice, text_packet(std::string(900, '.')));
    room.run(Duration::seconds(1));
    CHECK(room.router().dropped() == 0);
    room.connection(room.bob).keeps = false;
    room.acknowledge(room.bob);
    CHECK(bob.sent.size() == before + 20);
}

TEST_CASE("Data slow: what is under way to one is what it takes in a second [DC-21]") {
    const Bytes packet = text_packet("x");
    for (const std::size_t waiting : {kLeast - 1, kLeast, kLeast + 1}) {
        Slow room(threshold(kThreshold));
        room.connection(room.bob).buffered = waiting;
        room.say(room.alice, packet);
        CHECK(room.router().lagging() == (waiting >= kLeast));
    }
    Slow room(threshold(kThreshold));
    auto& bob = room.connection(room.bob);
    bob.buffered = 200'000;
    room.say(room.alice, packet);
    // 10 000 octets in each 100 ms, so 100 000 in a second.
    for (int i = 1; i <= 10; ++i) {
        bob.buffered -= 10'000;
        room.now = room.now + Duration::millis(100);
        room.router().made_room(room.now, room.bob.peer);
        CHECK(bob.sent.empty());
    }
    bob.buffered = 99'999;
    room.router().made_room(room.now, room.bob.peer);
    CHECK(bob.sent.size() == 1);
    // Never more than without a threshold.
    Slow quick(threshold(1));
    quick.turns(100'000'000, Duration::seconds(1));
    CHECK(quick.connection(quick.bob).buffered <= DataReceivers::kMaxUnacknowledged + 1'200);
}

TEST_CASE("Data slow: without a threshold nothing is lost above 64 KiB in 5 s [DC-20]") {
    Slow room{DataLimits{}};
    room.turns(150'000, Duration::seconds(12));
    CHECK(room.router().dropped() == 0);
    CHECK_FALSE(room.may_send(room.alice));
}

TEST_CASE("Data slow: lossy messages wait no longer than the latency aimed at [DC-23]") {
    DataLimits limits;
    limits.lossy_latency = Duration::millis(100);
    Slow room(limits);
    auto& bob = room.connection(room.bob);
    const Bytes packet = text_packet(std::string(500, '.'));
    const auto say = [&] {
        const std::size_t before = bob.sent.size();
        room.say(room.alice, packet, DataChannel::kLossy);
        return bob.sent.size() > before;
    };
    // Nothing is known of it: all goes.
    bob.lossy_buffered = 200'000;
    CHECK(say());
    // 1 600 kbit/s, of which 100 ms are 20 000 octets.
    for (int i = 1; i <= 10; ++i) {
        bob.lossy_buffered = static_cast<std::size_t>(200'000 - i * 10'000);
        room.now = room.now + kTurn;
        const bool went = say();
        CHECK(went == (i == 1));  // a slot must be over
    }
    const std::uint64_t dropped = room.router().dropped();
    CHECK(dropped == 9);
    bob.lossy_buffered = 100'000;
    CHECK_FALSE(say());
    CHECK(room.router().dropped() == dropped + 1);
    // Above 8 KiB, and not more than it takes in that time.
    bob.lossy_buffered = 15'000;
    CHECK(say());
    // Reliable ones are not asked.
    room.say(room.alice, packet);
    CHECK(bob.sent.back().channel == DataChannel::kReliable);
}

TEST_CASE("Data slow: 8 KiB of lossy messages always wait, however slow it is [DC-23]") {
    DataLimits limits;
    limits.lossy_latency = Duration::millis(100);
    for (const std::size_t waiting : {8'191U, 8'192U, 8'193U}) {
        Slow room(limits);
        auto& bob = room.connection(room.bob);
        const Bytes packet = text_packet("x");
        bob.lossy_buffered = waiting + 10;
        room.say(room.alice, packet, DataChannel::kLossy);
        bob.lossy_buffered = waiting;
        room.now = room.now + Duration::seconds(1);
        const std::size_t before = bob.sent.size();
        room.say(room.alice, packet, DataChannel::kLossy);
        CHECK((bob.sent.size() > before) == (waiting <= DataReceivers::kAlwaysBuffered));
    }
}

TEST_CASE("Data slow: frames of data tracks have a latency of their own [DC-23]") {
    DataLimits limits;
    limits.data_track_latency = Duration::millis(100);
    for (const bool limited : {true, false}) {
        Slow room(limited ? limits : DataLimits{});
        room.command(0, AddDataTrack{RoomId(1), room.alice.member, 7, DataTrackId(3)});
        room.command(0, FlowDataTrack{RoomId(1), room.bob.member, DataTrackId(3), 9});
        auto& bob = room.connection(room.bob);
        Bytes frame(500);
        store_be16(&frame[2], 7);
        for (int i = 0; i <= 20; ++i) {
            bob.lossy_buffered = static_cast<std::size_t>(40'000 - i * 100);
            (void)room.say(room.alice, frame, DataChannel::kDataTrack);
            room.now = room.now + kTurn;
        }
        CHECK(bob.sent.size() == (limited ? 2 : 21));
        CHECK(room.router().dropped() == 21 - bob.sent.size());
        // Lossy messages are not meant.
        (void)room.say(room.alice, text_packet("x"), DataChannel::kLossy);
        CHECK(bob.sent.back().channel == DataChannel::kLossy);
    }
}

TEST_CASE("Data slow: what is under way for a round trip does not wait [DC-23]") {
    DataLimits limits;
    limits.lossy_latency = Duration::millis(100);
    // 200 octets in each millisecond, so 30 000 in the latency and a round trip.
    for (const std::size_t waiting : {29'000U, 31'000U}) {
        Slow room(limits);
        auto& bob = room.connection(room.bob);
        bob.least_round_trip = kTurn;
        std::size_t before = 0;
        for (const std::size_t more : {50'000U, 40'000U, 20'000U, 10'000U, 0U}) {
            before = bob.sent.size();
            bob.lossy_buffered = waiting + more;
            room.say(room.alice, text_packet("x"), DataChannel::kLossy);
            room.now = room.now + kTurn;
        }
        CHECK((bob.sent.size() > before) == (waiting < 30'000));
    }
}

TEST_CASE("Data slow: another connection is measured anew [DC-22]") {
    Slow room(threshold(kThreshold));
    room.turns(0, Duration::seconds(3));
    CHECK(room.router().dropped() > 0);
    room.router().closed(room.bob.peer);
    room.bob.peer = PeerId(77);
    room.tell(room.bob);
    room.connection(room.bob).buffered = kLeast;
    const std::uint64_t dropped = room.router().dropped();
    room.say(room.alice, text_packet("x"));
    CHECK(room.router().dropped() == dropped);
    CHECK(room.router().lagging());
}

}  // namespace confab::sfu
