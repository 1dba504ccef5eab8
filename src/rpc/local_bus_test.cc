// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rpc/local_bus.h"

#include <doctest/doctest.h>

#include "base/machine.h"
#include "livekit_room.pb.h"
#include "rpc/bus_contract_testing.h"
#include "rpc/typed.h"

namespace confab::rpc {
namespace {

static_assert(SansIoMachine<LocalHub>);

struct Local {
    LocalHub hub;
    LocalBus a{hub, "ND_a"};
    LocalBus b{hub, "ND_b"};
    Timestamp now = Timestamp::micros(1'000'000);

    void pass(Duration time) {
        const Timestamp end = now + time;
        for (Timestamp next = hub.next_deadline(); next <= end; next = hub.next_deadline()) {
            now = std::max(now, next);
            hub.handle_timeout(now);
        }
        now = end;
    }
    testing::Network network() {
        return {a, b, [this] { return now; }, [this](Duration time) { pass(time); }};
    }
};

}  // namespace

TEST_CASE("LocalBus: calls and their errors [PSR-08] [PSR-18] [PSR-21]") {
    Local local;
    testing::check_unary(local.network());
}
TEST_CASE("LocalBus: who is chosen [PSR-09] [PSR-11]") {
    Local local;
    testing::check_selection(local.network());
}
TEST_CASE("LocalBus: waiting and giving up [PSR-12]") {
    Local local;
    testing::check_waiting(local.network());
}
TEST_CASE("LocalBus: many servers, many listeners [PSR-07] [PSR-14]") {
    Local local;
    testing::check_many(local.network());
}
TEST_CASE("LocalBus: streams [PSR-16]") {
    Local local;
    testing::check_streams(local.network());
}

TEST_CASE("LocalBus: nobody there is known at once, not after the selection timeout [API-W7]") {
    Local local;
    testing::Network network = local.network();
    testing::Caller caller(network);
    caller.start({"EgressInternal", "StartEgress", Flow::kAffinity}, {}, "x");
    local.pass(Duration::zero());
    CHECK(caller.answer() == "unavailable: no response from servers");
    CHECK(local.hub.next_deadline().is_never());
    CHECK(local.hub.snapshot().unanswered == 1);
    CHECK(local.hub.snapshot().pending == 0);
}

TEST_CASE("LocalBus: one call more than kMaxPending is refused [IMM-15]") {
    constexpr Method kEcho{"Room", "Echo", Flow::kQueue};
    constexpr std::size_t kMax = LocalHub::kMaxPending;
    for (const std::size_t calls : {kMax - 1, kMax, kMax + 1}) {
        Local local;
        std::size_t exhausted = 0;
        const auto count = [&exhausted](const Outcome& outcome) {
            exhausted += outcome.error().code == Code::kResourceExhausted ? 1U : 0U;
        };
        for (std::size_t i = 0; i < calls; ++i)
            local.a.call(local.now, kEcho, {}, "x", {}, count);
        const std::size_t beyond = calls > kMax ? 1U : 0U;
        CHECK(local.hub.snapshot().refused == beyond);
        for (std::size_t turn = 0; local.hub.snapshot().pending > 0 && turn < 100; ++turn)
            local.pass(Duration::millis(1));
        local.pass(Duration::seconds(5));
        CHECK(exhausted == beyond);
        CHECK(local.hub.snapshot().pending == 0);
    }
}

TEST_CASE("LocalBus: handlers, replies and registrations outlive the hub") {
    auto hub = std::make_unique<LocalHub>();
    LocalBus bus(*hub, "ND_a");
    constexpr Method kEcho{"Room", "Echo", Flow::kQueue};
    Reply held;
    auto registration =
        bus.serve(kEcho, {}, [&held](const Request&, Reply reply) { held = std::move(reply); }, {});
    const Timestamp now = Timestamp::micros(1);
    bus.call(now, kEcho, {}, "x", {}, [](const Outcome&) { FAIL("answered"); });
    hub->handle_timeout(now);
    REQUIRE(held);
    hub.reset();
    held(std::string("late"));
    *registration = Registration();
}

TEST_CASE("rpc::call: messages are read and written, what cannot be read is an error [PSR-03]") {
    Local local;
    constexpr Method kUpdate{"Room", "UpdateRoomMetadata", Flow::kQueue};
    const auto server = serve<livekit::UpdateRoomMetadataRequest, livekit::Room>(
        local.b, kUpdate, {"r"},
        [](const livekit::UpdateRoomMetadataRequest& message, const Request&,
           Callback<Result<livekit::Room, Error>> reply) {
            livekit::Room room;
            room.set_metadata(message.metadata());
            reply(std::move(room));
        });
    REQUIRE(server);
    std::string seen;
    const auto note = [&seen](const Result<livekit::Room, Error>& result) {
        seen = result ? result->metadata() : std::string(to_text(result.error().code));
    };
    livekit::UpdateRoomMetadataRequest request;
    request.set_metadata("new");
    call<livekit::Room>(local.a, local.now, kUpdate, {"r"}, request, {}, note);
    local.pass(Duration::seconds(1));
    CHECK(seen == "new");

    local.a.call(local.now, kUpdate, {"r"}, "\xff", {}, [&seen](const Outcome& outcome) {
        seen = std::string(to_text(outcome.error().code));
    });
    local.pass(Duration::seconds(1));
    CHECK(seen == "malformed_request");

    constexpr Method kOdd{"Room", "Odd", Flow::kQueue};
    const auto odd = local.b.serve(kOdd, {}, testing::answers("\xff"), {});
    call<livekit::Room>(local.a, local.now, kOdd, {}, request, {}, note);
    local.pass(Duration::seconds(1));
    CHECK(seen == "malformed_result");
}

TEST_CASE("Error codes: words both ways [PSR-18]") {
    for (int i = 0; i <= static_cast<int>(Code::kUpstreamClientError); ++i)
        CHECK(parse_code(to_text(static_cast<Code>(i))) == static_cast<Code>(i));
    CHECK(to_text(Code::kUpstreamClientError) == "upstream_client_error");
    CHECK(to_text(Code::kDeadlineExceeded) == "deadline_exceeded");
    CHECK(parse_code("never heard of it") == Code::kUnknown);
    CHECK_FALSE(parse_code(""));
}

}  // namespace confab::rpc
