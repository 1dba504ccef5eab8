// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/signal_link.h"

#include <doctest/doctest.h>

#include <vector>

namespace confab::client {
namespace {

constexpr Timestamp kStart = Timestamp::micros(1'000'000);
using Case = livekit::SignalRequest::MessageCase;

Timestamp at(int seconds) {
    return kStart + Duration::seconds(seconds);
}
livekit::SignalRequest wish() {
    livekit::SignalRequest request;
    request.mutable_subscription();
    return request;
}
std::vector<livekit::SignalRequest> drain(SignalLink& link) {
    std::vector<livekit::SignalRequest> all;
    while (const auto text = link.poll()) {
        all.emplace_back();
        REQUIRE(all.back().ParseFromString(*text));
    }
    return all;
}

}  // namespace

TEST_CASE("SignalLink: without a WebSocket wishes wait, what belongs to it is gone [SIG-160]") {
    SignalLink link{UnixTime{}};
    link.opening(kStart);
    link.send(wish());
    livekit::SignalRequest of_negotiation;
    of_negotiation.mutable_offer();
    link.send(of_negotiation);
    of_negotiation.mutable_answer();
    link.send(of_negotiation);
    of_negotiation.mutable_trickle();
    link.send(of_negotiation);
    CHECK_FALSE(link.poll().has_value());
    link.opened(kStart);
    CHECK(link.is_open());
    // What is said first goes first.
    link.send(of_negotiation);
    link.release();
    const auto sent = drain(link);
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].has_trickle());
    CHECK(sent[1].has_subscription());
    link.release();
    CHECK_FALSE(link.poll().has_value());
}

TEST_CASE("SignalLink: what was on its way dies with the WebSocket, by its end or by the next") {
    for (const bool ended : {true, false}) {
        CAPTURE(ended);
        SignalLink link{UnixTime{}};
        link.opened(kStart);
        link.send(wish());
        if (ended) link.closed();
        if (!ended) link.opening(kStart);
        CHECK_FALSE(link.is_open());
        CHECK_FALSE(link.poll().has_value());
    }
}

TEST_CASE("SignalLink: either queue holds kMaxMessages, the newest is dropped") {
    for (const bool open : {true, false}) {
        CAPTURE(open);
        SignalLink link{UnixTime{}};
        if (open) link.opened(kStart);
        for (std::size_t i = 0; i < SignalLink::kMaxMessages; ++i)
            link.send(wish());
        CHECK(link.dropped() == 0);
        link.send(wish());
        CHECK(link.dropped() == 1);
        if (!open) link.release();
        CHECK(drain(link).size() == SignalLink::kMaxMessages);
    }
}

TEST_CASE("SignalLink: a ping has the time of the wall [SIG-13]") {
    SignalLink link(UnixTime::seconds(1'700'000'000));
    link.opened(Timestamp{});
    CHECK(link.next_deadline() == Timestamp{} + Duration::seconds(5));
    CHECK_FALSE(link.handle_timeout(Timestamp{} + Duration::seconds(5) - Duration::micros(1)));
    CHECK_FALSE(link.poll().has_value());
    CHECK_FALSE(link.handle_timeout(Timestamp{} + Duration::seconds(5)));
    const auto pings = drain(link);
    REQUIRE(pings.size() == 1);
    CHECK(pings[0].ping_req().timestamp() == 1'700'000'005'000);
    CHECK(link.next_deadline() == Timestamp{} + Duration::seconds(10));
}

TEST_CASE(
    "SignalLink: silence of the whole time-out is told once, a message begins anew [CON-43]") {
    SignalLink link{UnixTime{}};
    link.opening(kStart);
    link.set_ping_times(2, 7);
    link.set_ping_times(0, -1);  // say nothing
    link.opened(kStart);
    link.received(at(1));
    for (const int seconds : {2, 4, 6})
        CHECK_FALSE(link.handle_timeout(at(seconds)));
    CHECK(link.handle_timeout(at(8)));
    CHECK_FALSE(link.handle_timeout(at(60)));
    CHECK(link.next_deadline().is_never());
    CHECK(drain(link).size() == 3);
    // Closed it has nothing to wait for.
    link.opened(at(60));
    CHECK(link.next_deadline() == at(62));
    link.closed();
    CHECK(link.next_deadline().is_never());
}

}  // namespace confab::client
