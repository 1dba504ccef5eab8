// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Our association against usrsctp, an independent implementation, over the virtual link.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "rtc/sctp/association/association.h"
#include "rtc/sctp/usrsctp_peer_test.h"
#include "rtc/sctp/virtual_link_test.h"

using namespace confab;
using namespace confab::sctp;

namespace {

struct Interop {
    explicit Interop(const LinkOptions& options, bool both_connect = true)
        : ours({}, Rng(options.seed)), link(ours, theirs, options) {
        link.on_event = [this](int side, Event& event) {
            if (auto* m = std::get_if<MessageReceived>(&event)) {
                messages[side].push_back(std::move(*m));
            } else {
                events[side].push_back(std::move(event));
            }
        };
        theirs.handle_timeout(link.now());
        if (both_connect) ours.connect(link.now());
        theirs.connect();
        REQUIRE(link.run_until([this] { return established(); }, Duration::seconds(60)));
    }
    bool established() const {
        return theirs.connected() && ours.state() == Association::State::kEstablished;
    }
    template <typename T>
    bool has(int side, std::uint16_t stream) const {
        for (const Event& event : events[side])
            if (const auto* e = std::get_if<T>(&event); e != nullptr && e->stream == stream)
                return true;
        return false;
    }
    Association ours;
    UsrsctpPeer theirs;
    VirtualLink<Association, Event, UsrsctpPeer> link;
    std::vector<MessageReceived> messages[2];
    std::vector<Event> events[2];
};

Bytes pattern(std::uint32_t number, std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<std::uint8_t>(i * 31 + number);
    store_be32(bytes.data(), number);
    return bytes;
}

void exchange(Interop& pair, std::uint32_t total, std::size_t size) {
    std::uint32_t from_us = 0;
    std::uint32_t from_them = 0;
    const bool done = pair.link.run_until(
        [&] {
            while (from_us < total && pair.ours.buffered_amount(4) < 300'000 &&
                   pair.ours.send(pair.link.now(), 4, 53, SharedBytes(pattern(from_us, size)),
                                  {}) == SendStatus::kOk)
                ++from_us;
            while (from_them < total && pair.theirs.send(5, 51, pattern(from_them, size), {}))
                ++from_them;
            pair.link.drain();
            return pair.messages[0].size() == total && pair.messages[1].size() == total;
        },
        Duration::seconds(3600));
    CAPTURE(from_us);
    CAPTURE(from_them);
    CAPTURE(pair.messages[0].size());
    CAPTURE(pair.messages[1].size());
    CAPTURE(pair.ours.snapshot().send_bytes);
    CAPTURE(pair.ours.snapshot().receive_bytes);
    CAPTURE(pair.link.now().ms());
    REQUIRE(done);
    for (std::uint32_t i = 0; i < total; ++i) {
        REQUIRE(pair.messages[0][i].payload == pattern(i, size));
        REQUIRE(pair.messages[1][i].payload == pattern(i, size));
    }
    CHECK(pair.messages[0][0].stream == 5);
    CHECK(pair.messages[0][0].ppid == 51);
    CHECK(pair.messages[1][0].stream == 4);
    CHECK(pair.messages[1][0].ppid == 53);
}

}  // namespace

TEST_CASE("Association and usrsctp: simultaneous open, data both ways [DC-01][SCTP-01]") {
    Interop pair({});
    CHECK(pair.ours.peer_extensions().forward_tsn);
    CHECK(pair.ours.peer_extensions().re_config);
    exchange(pair, 500, 1000);
    CHECK(pair.ours.snapshot().retransmissions == 0);
}

TEST_CASE("Association and usrsctp: usrsctp alone opens") {
    Interop pair({}, false);
    exchange(pair, 20, 100);
}

TEST_CASE("Association and usrsctp: 64000-byte messages, with and without loss [DC-05]") {
    for (const double loss : {0.0, 0.03}) {
        LinkOptions options;
        options.loss = loss;
        options.jitter = Duration::millis(loss > 0 ? 5 : 0);
        options.seed = 3;
        Interop pair(options);
        exchange(pair, 40, 64'000);
    }
}

TEST_CASE("Association and usrsctp: 3000 messages over a link that loses, doubles and reorders") {
    LinkOptions options;
    options.loss = 0.05;
    options.duplicate = 0.02;
    options.jitter = Duration::millis(10);
    options.seed = 11;
    Interop pair(options);
    exchange(pair, 3000, 700);
}

TEST_CASE("Association and usrsctp: partial reliability skips, reliable goes on [DC-07]") {
    LinkOptions options;
    options.loss = 0.1;
    options.seed = 5;
    Interop pair(options);
    SendOptions lossy;
    lossy.ordered = false;
    lossy.max_retransmits = 0;
    SendOptions lossy_ordered;
    lossy_ordered.max_retransmits = 0;
    constexpr std::uint32_t kTotal = 600;
    for (std::uint32_t i = 0; i < kTotal; ++i) {
        const Timestamp now = pair.link.now();
        pair.ours.send(now, 2, 53, SharedBytes(pattern(i, 300)), lossy);
        pair.ours.send(now, 6, 53, SharedBytes(pattern(i, 3000)), lossy_ordered);
        pair.ours.send(now, 4, 53, SharedBytes(pattern(i, 300)), {});
        pair.theirs.send(3, 53, pattern(i, 300), lossy);
        pair.theirs.send(7, 53, pattern(i, 3000), lossy_ordered);
        REQUIRE(pair.theirs.send(5, 53, pattern(i, 300), {}));
        pair.link.run_for(Duration::millis(50));
    }
    pair.link.run_for(Duration::seconds(120));
    for (int side = 0; side < 2; ++side) {
        CAPTURE(side);
        std::map<std::uint16_t, std::vector<std::uint32_t>> got;
        for (const auto& m : pair.messages[side]) {
            const std::uint32_t number = load_be32(m.payload.data());
            REQUIRE(m.payload == pattern(number, m.payload.size()));
            got[m.stream].push_back(number);
        }
        const std::uint16_t ours = side == 1 ? 0 : 1;  // our streams are the even ones
        const auto& unordered = got[static_cast<std::uint16_t>(2 + ours)];
        const auto& reliable = got[static_cast<std::uint16_t>(4 + ours)];
        const auto& ordered = got[static_cast<std::uint16_t>(6 + ours)];
        REQUIRE(reliable.size() == kTotal);
        for (std::uint32_t i = 0; i < kTotal; ++i)
            REQUIRE(reliable[i] == i);
        CHECK(unordered.size() > kTotal / 2);
        CHECK(unordered.size() < kTotal);
        CHECK(ordered.size() > kTotal / 4);
        CHECK(ordered.size() < kTotal);
        CHECK(std::is_sorted(ordered.begin(), ordered.end()));
    }
    CHECK(pair.ours.snapshot().abandoned > 0);
    CHECK(pair.ours.snapshot().send_bytes == 0);
    CHECK(pair.ours.snapshot().receive_bytes == 0);
}

TEST_CASE("Association and usrsctp: stream resets from either side and the stream again [DC-08]") {
    for (const double loss : {0.0, 0.1}) {
        CAPTURE(loss);
        LinkOptions options;
        options.loss = loss;
        options.seed = 9;
        Interop pair(options);
        exchange(pair, 50, 1000);
        REQUIRE(pair.ours.reset_stream(pair.link.now(), 4));
        REQUIRE(pair.link.run_until(
            [&] { return pair.has<StreamResetDone>(0, 4) && pair.has<StreamReset>(1, 4); },
            Duration::seconds(60)));
        const std::array<std::uint16_t, 1> theirs = {5};
        REQUIRE(pair.theirs.reset_streams(theirs));
        REQUIRE(pair.link.run_until([&] { return pair.has<StreamReset>(0, 5); },
                                    Duration::seconds(60)));
        pair.link.run_for(Duration::seconds(5));
        CHECK(pair.has<StreamResetDone>(1, 5));
        pair.messages[0].clear();
        pair.messages[1].clear();
        exchange(pair, 50, 1000);  // sequence numbers start again at 0 on both sides
    }
}

TEST_CASE("Association and usrsctp: our ABORT ends theirs, our SHUTDOWN is answered") {
    {
        Interop pair({});
        pair.ours.abort(pair.link.now());
        pair.link.run_for(Duration::seconds(1));
        CHECK_FALSE(pair.theirs.connected());
    }
    Interop pair({});
    exchange(pair, 5, 100);
    pair.ours.shutdown(pair.link.now());
    pair.link.run_for(Duration::seconds(5));
    CHECK(pair.ours.state() == Association::State::kClosed);
    REQUIRE(!pair.events[0].empty());
    CHECK(std::holds_alternative<Closed>(pair.events[0].back()));
}
