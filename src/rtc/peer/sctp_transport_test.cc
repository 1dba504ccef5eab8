// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/peer/sctp_transport.h"

#include <doctest/doctest.h>

#include "base/machine.h"

namespace confab::peer {
namespace {

static_assert(SansIoMachine<SctpTransport>);

constexpr std::size_t kWindow = 128 * 1024;

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

// Two ends whose packets arrive at once; `b` hands its events out when the test wants them.
struct Pair {
    SctpTransport a;
    SctpTransport b;
    std::int64_t now_ms = 0;

    void start() {
        sctp::DataChannels::Config config;
        config.association.a_rwnd = kWindow;
        config.dtls_client = true;
        a.start(at_ms(now_ms), config, Rng(1));
        config.dtls_client = false;
        b.start(at_ms(now_ms), config, Rng(2));
    }
    void move(SctpTransport& from, SctpTransport& to) const {
        while (const auto packet = from.poll_transmit())
            to.handle_packet(at_ms(now_ms), *packet);
        to.drain();
    }
    void run(std::int64_t ms) {
        for (const std::int64_t end = now_ms + ms; now_ms < end; ++now_ms) {
            for (SctpTransport* side : {&a, &b}) {
                if (at_ms(now_ms) >= side->next_timeout()) side->handle_timeout(at_ms(now_ms));
                side->drain();
            }
            move(a, b);
            move(b, a);
        }
    }
    // The first channel that this side was told of.
    static std::optional<std::uint16_t> opened(SctpTransport& side) {
        while (const auto event = side.poll_event())
            if (const auto* channel = std::get_if<ChannelOpened>(&*event)) return channel->channel;
        return std::nullopt;
    }
};

TEST_CASE("SctpTransport: before the association there is nothing to do [SCTP-01]") {
    SctpTransport idle;
    CHECK_FALSE(idle.started());
    CHECK(idle.next_deadline().is_never());
    CHECK(idle.next_timeout().is_never());
    idle.handle_packet(at_ms(0), Bytes(40, 1));
    idle.handle_timeout(at_ms(0));
    idle.drain();
    CHECK_FALSE(idle.poll_transmit());
    CHECK_FALSE(idle.poll_event());
    CHECK_FALSE(idle.next_is_message());
    CHECK(idle.buffered_amount(1) == 0);
    CHECK(idle.send(at_ms(0), 1, sctp::SharedBytes(Bytes{1})) == sctp::SendStatus::kClosed);
}

TEST_CASE("SctpTransport: channels wanted early are opened with the association [SCTP-01][DC-02]") {
    Pair pair;
    pair.a.want_channel(at_ms(0), {"_reliable", true, std::nullopt});
    pair.a.want_channel(at_ms(0), {"_lossy", false, std::uint16_t{0}});
    CHECK_FALSE(pair.a.poll_transmit());
    pair.start();
    CHECK(pair.a.started());
    pair.run(100);
    std::vector<std::string> labels;
    while (const auto event = pair.b.poll_event())
        if (const auto* channel = std::get_if<ChannelOpened>(&*event)) {
            CHECK(channel->channel % 2 == 0);  // the DTLS client's are even
            labels.push_back(channel->label);
        }
    CHECK(labels == std::vector<std::string>{"_reliable", "_lossy"});
    // Later ones at once.
    pair.a.want_channel(at_ms(pair.now_ms), {"_data_track", false, std::uint16_t{0}});
    pair.run(100);
    CHECK(Pair::opened(pair.b).has_value());
}

TEST_CASE("SctpTransport: messages that nobody takes close the sender's window [DC-20]") {
    constexpr std::size_t kCount = 20;
    constexpr std::size_t kSize = 30'000;
    Pair pair;
    pair.a.want_channel(at_ms(0), {"_reliable", true, std::nullopt});
    pair.start();
    pair.run(300);
    const auto channel = Pair::opened(pair.a);
    REQUIRE(channel.has_value());
    (void)Pair::opened(pair.b);
    for (std::size_t i = 0; i < kCount; ++i)
        CHECK(pair.a.send(at_ms(pair.now_ms), *channel,
                          sctp::SharedBytes(Bytes(kSize, static_cast<std::uint8_t>(i)))) ==
              sctp::SendStatus::kOk);
    pair.run(3000);
    CHECK(pair.b.next_is_message());
    // All but the window, and the message that went beyond.
    CHECK(pair.a.buffered_amount(*channel) >= kCount * kSize - kWindow - 2 * kSize);
    // Taken, they come on: each once, in order, none lost.
    std::size_t taken = 0;
    while (taken < kCount && pair.now_ms < 60'000) {
        while (const auto event = pair.b.poll_event()) {
            const auto* message = std::get_if<MessageReceived>(&*event);
            REQUIRE(message != nullptr);
            CHECK(message->payload == Bytes(kSize, static_cast<std::uint8_t>(taken)));
            ++taken;
        }
        pair.run(10);
    }
    CHECK(taken == kCount);
    pair.run(500);
    CHECK(pair.a.buffered_amount(*channel) == 0);
}

TEST_CASE(
    "SctpTransport: it is idle when nothing is on its way, and goes on when asked [SCTP-01]") {
    Pair pair;
    CHECK(pair.a.idle());
    pair.a.want_channel(at_ms(0), {"_reliable", true, std::nullopt});
    pair.start();
    CHECK_FALSE(pair.a.idle());
    pair.run(1'000);
    const auto channel = Pair::opened(pair.a);
    REQUIRE(channel.has_value());
    CHECK(pair.a.idle());
    CHECK(pair.b.idle());
    CHECK(pair.a.next_deadline().is_never());
    for (int i = 0; i < 3; ++i) {
        REQUIRE(pair.a.send(at_ms(pair.now_ms), *channel, sctp::SharedBytes(Bytes{1})) ==
                sctp::SendStatus::kOk);
        CHECK_FALSE(pair.a.idle());
        CHECK_FALSE(pair.a.next_timeout().is_never());
        const auto packet = pair.a.poll_transmit();
        REQUIRE(packet);
        CHECK_FALSE(pair.a.poll_transmit());  // it waits for the acknowledgement
        CHECK_FALSE(pair.a.idle());
        const Timestamp again = pair.a.next_deadline();
        CHECK(again > at_ms(pair.now_ms));
        pair.a.handle_timeout(again);
        CHECK(pair.a.poll_transmit() == packet);
        pair.b.handle_packet(at_ms(pair.now_ms), *packet);
        pair.run(1'000);
        CHECK(pair.a.idle());
        CHECK(pair.a.buffered_amount(*channel) == 0);
    }
}

// What `b` was told, in short: o (opened), c (closed) and messages' first octets, by channel.
std::string told(SctpTransport& side, std::size_t limit = 1'000) {
    std::string all;
    for (std::size_t i = 0; i < limit; ++i) {
        const auto event = side.poll_event();
        if (!event) break;
        if (const auto* opened = std::get_if<ChannelOpened>(&*event))
            all += "o" + std::to_string(opened->channel) + " ";
        else if (const auto* closed = std::get_if<ChannelClosed>(&*event))
            all += "c" + std::to_string(closed->channel) + " ";
        else if (const auto* message = std::get_if<MessageReceived>(&*event))
            all += std::string(1, static_cast<char>(message->payload[0])) +
                   std::to_string(message->channel) + " ";
    }
    return all;
}

// `a` has opened these, of which `b` knows; `a` says letters.
struct Letters : Pair {
    Letters() {
        a.want_channel(at_ms(0), {"_reliable", true, std::nullopt});
        a.want_channel(at_ms(0), {"_lossy", true, std::uint16_t{0}});
        start();
        run(300);
    }
    void say(std::uint16_t channel, const std::string& letters) {
        for (const char letter : letters)
            CHECK(a.send(at_ms(now_ms), channel,
                         sctp::SharedBytes(Bytes(1, static_cast<std::uint8_t>(letter)))) ==
                  sctp::SendStatus::kOk);
        run(10);
    }
};

TEST_CASE("SctpTransport: what may be lost waits behind no other channel [DC-20] [DC-23]") {
    Letters pair;
    // Of channels that the owner does not know yet all is in its order.
    pair.say(2, "a");
    pair.say(0, "x");
    pair.say(2, "b");
    CHECK_FALSE(pair.b.next_may_be_lost());
    CHECK(told(pair.b, 2) == "o0 o2 ");
    CHECK(pair.b.next_may_be_lost() == 2);
    pair.say(0, "y");
    pair.say(2, "c");
    CHECK(told(pair.b) == "a2 b2 c2 x0 y0 ");
    CHECK_FALSE(pair.b.next_is_message());
}

TEST_CASE("SctpTransport: a channel that opens again is told in its order [DC-08] [DC-10]") {
    Letters pair;
    CHECK(told(pair.b) == "o0 o2 ");
    pair.say(0, "x");
    pair.say(2, "a");
    pair.a.want_channel(at_ms(pair.now_ms), {"_lossy", true, std::uint16_t{0}});
    pair.run(100);
    pair.say(4, "b");
    CHECK(told(pair.b) == "a2 x0 c2 o4 b4 ");
    pair.say(0, "y");
    pair.say(4, "c");
    CHECK(told(pair.b) == "c4 y0 ");
}

TEST_CASE("SctpTransport: what waits at its owner goes on elsewhere [DC-20] [SIO-11]") {
    Letters pair;
    CHECK(told(pair.b) == "o0 o2 ");
    pair.say(0, "xy");
    pair.say(2, "a");
    sctp::DataChannels::Config config;
    config.association.a_rwnd = kWindow;
    config.dtls_client = false;
    StateWriter out(at_ms(pair.now_ms));
    pair.b.save(out);
    StateReader in(out.view(), at_ms(pair.now_ms));
    SctpTransport next;
    next.load(config, Rng(3), in);
    REQUIRE(in.finish());
    pair.b = std::move(next);
    pair.say(2, "b");
    CHECK(told(pair.b) == "a2 b2 x0 y0 ");
}

// `b` takes some octets in each step; how late the slowest letter comes that may be lost.
std::int64_t latest_letter(std::size_t taken_per_step, std::int64_t every) {
    Letters pair;
    (void)told(pair.b);
    std::int64_t latest = 0;
    std::size_t credit = 0;
    const std::int64_t begin = pair.now_ms;
    while (pair.now_ms < begin + 20'000) {
        while (pair.a.buffered_amount(0) < 2 * kWindow)
            REQUIRE(pair.a.send(at_ms(pair.now_ms), 0, sctp::SharedBytes(Bytes(10'000, 'x'))) ==
                    sctp::SendStatus::kOk);
        if (pair.now_ms % every == 0) {
            Bytes now(9, 'a');
            store_be64(&now[1], static_cast<std::uint64_t>(pair.now_ms));
            (void)pair.a.send(at_ms(pair.now_ms), 2, sctp::SharedBytes(now));
        }
        pair.run(10);
        credit = std::min<std::size_t>(credit + taken_per_step, 20'000);
        while (pair.b.next_may_be_lost() || credit >= 10'000) {
            const auto event = pair.b.poll_event();
            if (!event) break;
            const auto* message = std::get_if<MessageReceived>(&*event);
            REQUIRE(message != nullptr);
            if (message->channel == 0)
                credit -= 10'000;
            else if (pair.now_ms > begin + 5'000)
                latest = std::max(latest, pair.now_ms - static_cast<std::int64_t>(
                                                            load_be64(&message->payload[1])));
        }
    }
    return latest;
}

TEST_CASE("SctpTransport: an owner that takes little is told of what may be lost soon [DC-20]") {
    // The window opens for some packets at a time: after 10 KB and a message that was begun.
    CHECK(latest_letter(1'000, 200) < 400);
    CHECK(latest_letter(200, 1'000) < 2'000);
}

TEST_CASE("SctpTransport: an association without progress is reported [DC-25]") {
    Pair pair;
    pair.a.want_channel(at_ms(0), {"_reliable", true, std::nullopt});
    pair.start();
    pair.run(300);
    const auto channel = Pair::opened(pair.a);
    REQUIRE(channel.has_value());
    CHECK(pair.a.send(at_ms(pair.now_ms), *channel, sctp::SharedBytes(Bytes{1})) ==
          sctp::SendStatus::kOk);
    bool failed = false;
    for (const std::int64_t end = pair.now_ms + 10'000; pair.now_ms < end; ++pair.now_ms) {
        if (at_ms(pair.now_ms) >= pair.a.next_timeout()) pair.a.handle_timeout(at_ms(pair.now_ms));
        while (pair.a.poll_transmit()) {  // and lost
        }
        pair.a.drain();
        while (const auto event = pair.a.poll_event())
            failed = failed || std::holds_alternative<DataFailed>(*event);
    }
    CHECK(failed);
}

}  // namespace
}  // namespace confab::peer
