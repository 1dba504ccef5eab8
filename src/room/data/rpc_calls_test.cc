// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/data/rpc_calls.h"

#include <doctest/doctest.h>

#include "room/seam/data_seam_testing.h"
#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;

constexpr Timestamp kStart = Timestamp::micros(5'000'000);

livekit::PerformRpcRequest request_to(const std::string& identity, std::uint32_t timeout_ms = 0) {
    livekit::PerformRpcRequest request;
    request.set_room("r");
    request.set_destination_identity(identity);
    request.set_method("greet");
    request.set_payload("hello");
    request.set_response_timeout_ms(timeout_ms);
    return request;
}

livekit::DataPacket ack(const std::string& id) {
    livekit::DataPacket packet;
    packet.mutable_rpc_ack()->set_request_id(id);
    return packet;
}

livekit::DataPacket response(const std::string& id, const std::string& payload) {
    livekit::DataPacket packet;
    packet.mutable_rpc_response()->set_request_id(id);
    packet.mutable_rpc_response()->set_payload(payload);
    return packet;
}

std::uint32_t error_code(const std::optional<RpcDone>& done) {
    REQUIRE(done);
    const auto* error = std::get_if<livekit::RpcError>(&done->outcome);
    REQUIRE(error != nullptr);
    return error->code();
}

struct Fixture {
    Rng rng{3};
    RpcCalls calls;
    std::string start(std::uint64_t id, std::uint32_t timeout_ms = 0) {
        return calls.start(kStart, RpcCallId(id), "PA_bob", request_to("bob", timeout_ms), rng)
            .rpc_request()
            .id();
    }
};

}  // namespace

TEST_CASE("RpcCalls: the request names itself as sender; ack, then response [API-14]") {
    Fixture f;
    const livekit::DataPacket packet =
        f.calls.start(kStart, RpcCallId(1), "PA_bob", request_to("bob"), f.rng);
    const livekit::RpcRequest& rpc = packet.rpc_request();
    CHECK(rpc.id().starts_with("RPC_"));
    CHECK(packet.participant_identity() == rpc.id());
    REQUIRE(packet.destination_identities_size() == 1);
    CHECK(packet.destination_identities(0) == "bob");
    CHECK(rpc.method() == "greet");
    CHECK(rpc.payload() == "hello");
    CHECK(rpc.version() == 1);
    CHECK(rpc.response_timeout_ms() == 10'000);
    CHECK(f.calls.next_deadline() == kStart + RpcCalls::kAckTimeout);
    // Nobody else can answer, and no other call.
    CHECK_FALSE(f.calls.handle_packet("PA_eve", response(rpc.id(), "evil")));
    CHECK_FALSE(f.calls.handle_packet("PA_bob", response("RPC_other", "x")));
    CHECK(f.calls.handle_packet("PA_bob", ack(rpc.id())));
    CHECK(f.calls.next_deadline() == kStart + RpcCalls::kDefaultTimeout);
    f.calls.handle_timeout(kStart + Duration::seconds(9));
    CHECK_FALSE(f.calls.poll_done());
    CHECK(f.calls.handle_packet("PA_bob", response(rpc.id(), "hi")));
    const auto done = f.calls.poll_done();
    REQUIRE(done);
    CHECK(done->call == RpcCallId(1));
    CHECK(std::get<livekit::PerformRpcResponse>(done->outcome).payload() == "hi");
    CHECK(f.calls.empty());
    CHECK(f.calls.next_deadline().is_never());
    // Late and repeated packets are nobody's.
    CHECK_FALSE(f.calls.handle_packet("PA_bob", response(rpc.id(), "hi")));
    CHECK_FALSE(f.calls.handle_packet("PA_bob", ack(rpc.id())));
}

TEST_CASE("RpcCalls: 1501 without ack, 1502 without response [API-14]") {
    Fixture f;
    (void)f.start(1);
    f.calls.handle_timeout(kStart + Duration::millis(1'999));
    CHECK_FALSE(f.calls.poll_done());
    f.calls.handle_timeout(kStart + Duration::seconds(2));
    CHECK(error_code(f.calls.poll_done()) == 1501);
    const std::string slow = f.start(2, 1'000);
    CHECK(f.calls.handle_packet("PA_bob", ack(slow)));
    f.calls.handle_timeout(kStart + Duration::millis(999));
    CHECK_FALSE(f.calls.poll_done());
    f.calls.handle_timeout(kStart + Duration::seconds(30));
    CHECK(error_code(f.calls.poll_done()) == 1502);
    // Longer than the listener waits for an answer is not possible.
    const std::string endless = f.start(3, 4'000'000'000U);
    CHECK(f.calls.handle_packet("PA_bob", ack(endless)));
    CHECK(f.calls.next_deadline() == kStart + RpcCalls::kMaxTimeout);
}

TEST_CASE("RpcCalls: errors are passed on, bounded; odd responses are errors [API-14]") {
    Fixture f;
    livekit::DataPacket packet = response(f.start(1), "");
    livekit::RpcError& error = *packet.mutable_rpc_response()->mutable_error();
    error.set_code(4711);
    error.set_message(std::string(255, 'm') + "\xC3\xA4" + "tail");
    error.set_data(std::string(20'000, 'd'));
    CHECK(f.calls.handle_packet("PA_bob", packet));
    const auto done = f.calls.poll_done();
    REQUIRE(done);
    const auto& seen = std::get<livekit::RpcError>(done->outcome);
    CHECK(seen.code() == 4711);
    CHECK(seen.message() == std::string(255, 'm'));  // not half of a character
    CHECK(seen.data().size() == RpcCalls::kMaxPayload);

    CHECK(f.calls.handle_packet("PA_bob", response(f.start(2), std::string(15'361, 'x'))));
    CHECK(error_code(f.calls.poll_done()) == 1504);
    packet = response(f.start(3), "");
    packet.mutable_rpc_response()->set_compressed_payload("zz");
    CHECK(f.calls.handle_packet("PA_bob", packet));
    CHECK(error_code(f.calls.poll_done()) == 1404);
    packet = response(f.start(4), "");
    packet.mutable_rpc_response()->clear_value();
    CHECK(f.calls.handle_packet("PA_bob", packet));
    CHECK(std::holds_alternative<livekit::PerformRpcResponse>(f.calls.poll_done()->outcome));
}

TEST_CASE("PerformRpc: one packet to that participant; its answer goes to nobody else [API-14]") {
    testing::DataRooms d;
    Harness& h = d.h;
    (void)h.join_active("r", "alice");
    const sfu::PeerId alice_link = h.commands_of<sfu::CreatePeer>().back().peer;
    (void)h.join_active("r", "bob");
    const sfu::PeerId bob_link = h.commands_of<sfu::CreatePeer>().back().peer;
    const auto call = h.manager.perform_rpc(h.clock(), request_to("bob"));
    REQUIRE(call);
    d.turn();
    REQUIRE(d.sent.size() == 1);
    CHECK(d.sent[0].to == bob_link);
    CHECK(d.sent[0].channel == sfu::DataChannel::kReliable);
    const std::string id = d.sent[0].packet().rpc_request().id();

    const auto from = [&](sfu::PeerId link, livekit::DataPacket packet) {
        packet.add_destination_identities(id);
        (void)d.receive(link, to_vector(as_bytes(packet.SerializeAsString())));
    };
    from(alice_link, response(id, "forged"));
    CHECK(h.rpc_done.empty());
    from(bob_link, ack(id));
    h.advance(Duration::seconds(5));
    CHECK(h.rpc_done.empty());
    from(bob_link, response(id, "done"));
    REQUIRE(h.rpc_done.size() == 1);
    CHECK(h.rpc_done[0].call == *call);
    CHECK(std::get<livekit::PerformRpcResponse>(h.rpc_done[0].outcome).payload() == "done");
    CHECK(d.sent.size() == 1);  // nothing was forwarded
}

TEST_CASE("PerformRpc: nobody there, no channels, gone meanwhile [API-14] [API-W7]") {
    Harness h;
    const auto refusal = [&](const std::string& identity) {
        const auto call = h.manager.perform_rpc(h.clock(), request_to(identity));
        REQUIRE_FALSE(call);
        return call.error();
    };
    CHECK(refusal("bob").code == ServiceCode::kUnavailable);
    h.auto_connect = false;
    (void)h.join_active("r", "slow");
    CHECK(refusal("slow").code == ServiceCode::kInternal);
    CHECK(refusal("slow").text == "data channel is not available");
    h.auto_connect = true;
    const SessionId bob = h.join_active("r", "bob");
    REQUIRE(h.manager.perform_rpc(h.clock(), request_to("bob")));
    livekit::SignalRequest leave;
    leave.mutable_leave();
    h.send(bob, leave);
    REQUIRE(h.rpc_done.size() == 1);
    const auto& error = std::get<ServiceError>(h.rpc_done[0].outcome);
    CHECK(error.code == ServiceCode::kNotFound);
    CHECK(error.text == "participant does not exist");
    // A call that is never answered ends by the room's own clock.
    (void)h.join_active("r", "bob");
    REQUIRE(h.manager.perform_rpc(h.clock(), request_to("bob")));
    h.drain();
    h.advance(Duration::millis(2'001));
    REQUIRE(h.rpc_done.size() == 2);
    CHECK(std::get<livekit::RpcError>(h.rpc_done[1].outcome).code() == 1501);
}

TEST_CASE("PerformRpc: a bounded number of calls wait at one time [API-14]") {
    Harness h;
    (void)h.join_active("r", "bob");
    for (std::size_t i = 0; i < RpcCalls::kMaxCalls; ++i)
        REQUIRE(h.manager.perform_rpc(h.clock(), request_to("bob")));
    const auto refused = h.manager.perform_rpc(h.clock(), request_to("bob"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ServiceCode::kUnavailable);
    h.drain();
    h.advance(Duration::seconds(3));
    CHECK(h.rpc_done.size() == RpcCalls::kMaxCalls);
    CHECK(h.manager.perform_rpc(h.clock(), request_to("bob")));
}

}  // namespace confab::room
