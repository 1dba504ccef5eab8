// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/signal/signal_queue.h"

#include <doctest/doctest.h>

#include <string>

#include "room/roster/part_testing.h"
#include "room/signal/responses.h"

namespace confab::room {
namespace {

using testing::PartWorld;
using Info = livekit::ParticipantInfo;

livekit::SignalResponse told(const std::string& identity, Info::State state) {
    Info info;
    info.set_identity(identity);
    info.set_state(state);
    info.set_disconnect_reason(livekit::CLIENT_INITIATED);
    return update_message({info});
}

}  // namespace

TEST_CASE("SignalQueue: with a connection all goes out, after it nothing does [SIG-01]") {
    PartWorld w;
    SignalQueue queue(w.scope);
    queue.open(SessionId(4));
    queue.send(told("bob", Info::ACTIVE));
    CHECK(w.sorted().of(4, livekit::SignalResponse::kUpdate).size() == 1);
    queue.close();
    queue.close();  // has none any more
    CHECK(w.take().size() == 1);
    queue.send(told("bob", Info::DISCONNECTED));
    CHECK(w.take().empty());
    CHECK(w.counters.dropped_signals == 1);
}

TEST_CASE("SignalQueue: who left meanwhile is known, with the reason, once [SIG-63]") {
    PartWorld w;
    SignalQueue queue(w.scope);
    queue.send(told("bob", Info::DISCONNECTED));
    queue.send(told("carol", Info::DISCONNECTED));
    queue.send(told("dave", Info::ACTIVE));
    queue.miss(told("carol", Info::JOINED));  // here again
    const auto missed = queue.take_missed();
    REQUIRE(missed.size() == 1);
    CHECK(missed[0].identity() == "bob");
    CHECK(missed[0].disconnect_reason() == livekit::CLIENT_INITIATED);
    CHECK(queue.take_missed().empty());
}

TEST_CASE("SignalQueue: of those who left a bounded number is known [SIG-63] [IMM-15]") {
    PartWorld w;
    SignalQueue queue(w.scope);
    for (std::size_t i = 0; i < SignalQueue::kMaxMissed + 3; ++i)
        queue.send(told("p" + std::to_string(i), Info::DISCONNECTED));
    CHECK(queue.take_missed().size() == SignalQueue::kMaxMissed);
}

TEST_CASE("SignalQueue: of who has no client nothing is lost or kept [API-11]") {
    PartWorld w;
    SignalQueue queue(w.scope);
    queue.discard();
    queue.send(told("bob", Info::DISCONNECTED));
    queue.miss(told("carol", Info::DISCONNECTED));
    CHECK(w.take().empty());
    CHECK(w.counters.dropped_signals == 0);
    CHECK(queue.take_missed().empty());
}

}  // namespace confab::room
