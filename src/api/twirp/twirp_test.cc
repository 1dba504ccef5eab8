// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Replays the recorded Twirp exchanges against the router with rooms in memory.
#include "api/twirp/twirp.h"

#include <doctest/doctest.h>

#include <optional>

#include "api/fake_rooms_testing.h"
#include "api/golden_testing.h"
#include "api/webhook/webhook_port.h"
#include "livekit_agent_dispatch.pb.h"
#include "proto/proto_json.h"
#include "rpc/local_bus.h"
#include "rpc/typed.h"

namespace confab::api {
namespace {

using testing::Exchange;
using testing::FakeRooms;

// One for all tests: what a test serves on it ends with the test.
rpc::LocalHub& hub() {
    static rpc::LocalHub hub;
    return hub;
}
rpc::LocalBus& bus() {
    static rpc::LocalBus bus(hub(), "ND_test");
    return bus;
}

HttpResponse call(const TwirpRouter& router, const TwirpRequest& request) {
    std::optional<HttpResponse> response;
    int answers = 0;
    router.handle(request, {}, [&](HttpResponse r) {
        ++answers;
        response = std::move(r);
    });
    while (hub().next_deadline() <= Timestamp())
        hub().handle_timeout(Timestamp());
    REQUIRE(answers == 1);
    return *std::move(response);
}

HttpResponse call_json(const TwirpRouter& router, std::string_view path, std::string_view body,
                       const token::Grants* grants) {
    return call(router, {"POST", path, "application/json", body, grants});
}

HttpResponse replay(const TwirpRouter& router, const Exchange& exchange) {
    const std::string token = testing::golden_token(exchange, true);
    std::optional<token::Grants> grants;
    if (!token.empty()) {
        auto verified = token::verify_token(token, testing::golden_keys(), testing::kGoldenNow);
        REQUIRE(verified);
        grants = *std::move(verified);
    }
    const std::string method = exchange.text("method");
    const std::string path = exchange.path();
    const std::string type = exchange.header("requestHeaders", "Content-Type");
    const std::string body = exchange.octets("body");
    return call(router, {method, path, type, body, grants ? &*grants : nullptr});
}

void compare(const Exchange& exchange, const HttpResponse& response) {
    INFO(exchange.text("name"));
    INFO(response.body);
    CHECK(response.status == exchange.status());
    CHECK(find_header(response, "Content-Type") ==
          exchange.header("responseHeaders", "content-type"));
    CHECK(find_header(response, "Location") == exchange.header("responseHeaders", "location"));
    if (exchange.json.find("responseBase64") == nullptr) {
        CHECK(testing::difference(exchange.text("response"), response.body) == "");
    } else if (exchange.path().ends_with("/CreateRoom")) {
        livekit::Room golden;
        livekit::Room ours;
        REQUIRE(golden.ParseFromString(exchange.octets("response")));
        REQUIRE(ours.ParseFromString(response.body));
        CHECK(testing::difference(proto::to_api_json(golden), proto::to_api_json(ours)) == "");
    } else {
        CHECK(response.body.empty() == exchange.octets("response").empty());
    }
}

int replay_file(const std::string& file, const TwirpRouter& router, FakeRooms& rooms) {
    int count = 0;
    for (const Exchange& exchange : testing::load_golden(file)) {
        const std::string name = exchange.text("name");
        if (name == "STEP") {
            if (exchange.text("step") == "join")
                rooms.join(exchange.text("room"), exchange.text("identity"));
            continue;
        }
        // Upstream accidents that are not copied (see the recordings' README).
        if (exchange.octets("response").find("service panic") != std::string::npos) continue;
        if (exchange.has_header("requestHeaders", "X-Twirp-Timeout-Ms")) continue;
        compare(exchange, replay(router, exchange));
        ++count;
    }
    return count;
}

token::Grants admin_of(const std::string& room) {
    token::Grants grants;
    grants.video.emplace();
    grants.video->room_admin = true;
    grants.video->room = room;
    grants.video->room_create = true;
    grants.video->room_list = true;
    return grants;
}

}  // namespace

TEST_CASE("difference: finds changed, missing and extra members (the comparison itself)") {
    const auto differs = [](const char* golden, const char* ours) {
        return !testing::difference(std::string_view(golden), std::string_view(ours)).empty();
    };
    CHECK_FALSE(differs(R"({"a":1,"n":null,"sid":"x"})", R"({"sid":"y","a":1})"));
    CHECK(differs(R"({"a":1})", R"({"a":2})"));
    CHECK(differs(R"({"a":1})", R"({"a":"1"})"));
    CHECK(differs(R"({"a":1})", "{}"));
    CHECK(differs("{}", R"({"a":1})"));
    CHECK(differs(R"({"a":[{"b":true}]})", R"({"a":[{"b":false}]})"));
    CHECK(differs(R"({"sid":"x"})", R"({"sid":1})"));
}

TEST_CASE(
    "TwirpRouter: answers RoomService as recorded "
    "[API-W1] [API-W2] [API-W3] [API-W4] [API-W5] [API-W7] [API-01] [API-02] [API-03] "
    "[API-04] [API-05] [API-06] [API-07] [API-08] [API-09] [API-10] [API-11] [API-12] "
    "[API-14] [TOK-10] [API-57]") {
    FakeRooms rooms;
    const TwirpRouter router({}, rooms, bus());
    CHECK(replay_file("roomservice.jsonl", router, rooms) == 99);
}

TEST_CASE(
    "TwirpRouter: answers Egress, Ingress and SIP without a store as recorded "
    "[API-20] [API-22] [API-23] [API-25] [API-26] [API-30] [API-31] [API-32] [API-33] "
    "[API-34]") {
    FakeRooms rooms;
    const TwirpRouter router({}, rooms, bus());
    const token::Grants admin = admin_of("gold");
    CHECK(call_json(router, "/twirp/livekit.RoomService/CreateRoom", R"({"name":"gold"})", &admin)
              .status == 200);
    CHECK(replay_file("egress.jsonl", router, rooms) == 27);
    CHECK(replay_file("ingress.jsonl", router, rooms) == 6);
    CHECK(replay_file("sip.jsonl", router, rooms) == 34);
}

TEST_CASE("TwirpRouter: a SIP transfer asks for grants, target, participant, call [API-34]") {
    FakeRooms rooms;
    const TwirpRouter router({}, rooms, bus());
    token::Grants grants = admin_of("r");
    (void)call_json(router, "/twirp/livekit.RoomService/CreateRoom", R"({"name":"r"})", &grants);
    rooms.join("r", "a");
    const auto answer = [&](const std::string& who, const std::string& target) {
        return call_json(router, "/twirp/livekit.SIP/TransferSIPParticipant",
                         R"({"roomName":"r","participantIdentity":")" + who +
                             R"(","transferTo":")" + target + "\"}",
                         &grants)
            .body;
    };
    const auto has = [](const std::string& text, const char* part) {
        return text.find(part) != std::string::npos;
    };
    CHECK(has(answer("a", "nonsense"), "permissions denied"));
    grants.sip.emplace().call = true;
    CHECK(has(answer("a", ""), "\"missing transfer to\""));
    for (const char* wrong : {"+15", "tel:", "<sip:>", "<sip:a", "http://a", "mailto:a@b"})
        CHECK(has(answer("a", wrong), "\"transfer_to must be a valid SIP(s) or TEL URI"));
    CHECK(has(answer("b", "tel:+15"), "participant does not exist"));
    for (const char* right : {"tel:+15", "sip:a@b", "sips:a@b", "<sip:a@b>"})
        CHECK(has(answer("a", right), "no SIP session associated with participant"));
    // What a client says of itself is no call.
    (void)call_json(router, "/twirp/livekit.RoomService/UpdateParticipant",
                    R"({"room":"r","identity":"a","attributes":{"sip.callID":"SCL_x"}})", &grants);
    CHECK(has(answer("a", "tel:+15"), "no SIP session associated with participant"));
    rooms.join("r", "p", livekit::ParticipantInfo::SIP, {{"sip.callID", "SCL_x"}});
    CHECK(has(answer("p", "tel:+15"), "sip not connected (redis required)"));
}

TEST_CASE("TwirpRouter: dispatch needs roomAdmin and a valid deployment [API-40]") {
    using livekit::AgentDispatch;
    const auto create = [](AgentDispatch dispatch, const rpc::Request&,
                           Callback<Result<AgentDispatch, rpc::Error>> reply) {
        Rng rng(3);
        dispatch.set_id(token::make_id(token::kAgentDispatchPrefix, rng));
        dispatch.mutable_state()->set_created_at(1);
        reply(std::move(dispatch));
    };
    const rpc::Method method{"AgentDispatchInternal", "CreateDispatch"};
    const auto gold = rpc::serve<AgentDispatch, AgentDispatch>(bus(), method, {"gold"}, create);
    const auto made = rpc::serve<AgentDispatch, AgentDispatch>(bus(), method, {"auto1"}, create);
    const auto removed = rpc::serve<livekit::DeleteAgentDispatchRequest, AgentDispatch>(
        bus(), {"AgentDispatchInternal", "DeleteDispatch"}, {"gold"},
        [](const auto&, const rpc::Request&, Callback<Result<AgentDispatch, rpc::Error>> reply) {
            reply(fail(rpc::Error{rpc::Code::kNotFound, "dispatch ID not found", {}}));
        });
    using List = livekit::ListAgentDispatchResponse;
    const auto listed = rpc::serve<livekit::ListAgentDispatchRequest, List>(
        bus(), {"AgentDispatchInternal", "ListDispatch"}, {"gold"},
        [](const auto&, const rpc::Request&, Callback<Result<List, rpc::Error>> reply) {
            reply(List());
        });
    FakeRooms rooms;
    const TwirpRouter router({}, rooms, bus());
    int count = 0;
    for (const Exchange& exchange : testing::load_golden("agentdispatch.jsonl")) {
        const std::string name = exchange.text("name");
        // These depend on earlier dispatches.
        if (name == "STEP" || name == "ListDispatch" || name == "DeleteDispatch") continue;
        compare(exchange, replay(router, exchange));
        ++count;
    }
    CHECK(count == 13);
}

TEST_CASE("TwirpRouter: a dispatch goes to the node of the room with an id [RPC-05]") {
    using livekit::AgentDispatch;
    std::vector<std::string> ids;
    const auto server = rpc::serve<AgentDispatch, AgentDispatch>(
        bus(), {"AgentDispatchInternal", "CreateDispatch"}, {"r"},
        [&](AgentDispatch wanted, const rpc::Request&,
            Callback<Result<AgentDispatch, rpc::Error>> reply) {
            ids.push_back(wanted.id());
            reply(std::move(wanted));
        });
    FakeRooms rooms;
    TwirpOptions options;
    options.seed = 7;
    const TwirpRouter router(options, rooms, bus());
    const token::Grants admin = admin_of("r");
    for (int i = 0; i < 2; ++i) {
        const HttpResponse made =
            call_json(router, "/twirp/livekit.AgentDispatchService/CreateDispatch",
                      R"({"room":"r","agent_name":"a"})", &admin);
        CHECK(made.status == 200);
        REQUIRE(ids.size() == static_cast<std::size_t>(i) + 1);
        CHECK(made.body.find(ids.back()) != std::string::npos);
        CHECK(ids.back().starts_with("AD_"));
        CHECK(token::is_valid_id(ids.back()));
    }
    CHECK(ids[0] != ids[1]);
}

TEST_CASE("TwirpRouter: a dispatch is asked of the node of the room, errors come back [API-40]") {
    using livekit::AgentDispatch;
    FakeRooms rooms;
    const TwirpRouter router({}, rooms, bus());
    const token::Grants admin = admin_of("far");
    const auto remove = [&] {
        return call_json(router, "/twirp/livekit.AgentDispatchService/DeleteDispatch",
                         R"({"room":"far","dispatchId":"AD_x"})", &admin);
    };
    const HttpResponse nobody = remove();
    CHECK(nobody.status == 503);
    CHECK(nobody.body ==
          R"({"code":"unavailable","msg":"twirp error unknown: no response from servers"})");

    const auto server = rpc::serve<livekit::DeleteAgentDispatchRequest, AgentDispatch>(
        bus(), {"AgentDispatchInternal", "DeleteDispatch"}, {"far"},
        [](const livekit::DeleteAgentDispatchRequest& request, const rpc::Request&,
           Callback<Result<AgentDispatch, rpc::Error>> reply) {
            CHECK(request.dispatch_id() == "AD_x");
            reply(fail(rpc::Error{rpc::Code::kNotFound, "dispatch ID not found", {}}));
        });
    const HttpResponse unknown = remove();
    CHECK(unknown.status == 404);
    CHECK(unknown.body ==
          R"({"code":"not_found","msg":"twirp error unknown: dispatch ID not found"})");
}

TEST_CASE("service_error: every code of a service has one of Twirp [PSR-18] [API-W5]") {
    const auto code = [](rpc::Code from) {
        return std::string(to_text(service_error(rpc::Error{from, "", {}}).code));
    };
    CHECK(code(rpc::Code::kMalformedRequest) == "invalid_argument");
    CHECK(code(rpc::Code::kUpstreamClientError) == "invalid_argument");
    CHECK(code(rpc::Code::kMalformedResult) == "internal");
    CHECK(code(rpc::Code::kUpstreamServerError) == "internal");
    CHECK(code(rpc::Code::kNotAcceptable) == "unknown");
    CHECK(code(rpc::Code::kUnprocessableEntity) == "unknown");
    for (const rpc::Code same :
         {rpc::Code::kCanceled, rpc::Code::kDeadlineExceeded, rpc::Code::kUnavailable,
          rpc::Code::kNotFound, rpc::Code::kResourceExhausted, rpc::Code::kDataLoss,
          rpc::Code::kUnauthenticated})
        CHECK(code(same) == rpc::to_text(same));
}

TEST_CASE("TwirpRouter: reads both spellings, numbers as strings, enum numbers [API-W2]") {
    FakeRooms rooms;
    const TwirpRouter router({}, rooms, bus());
    const token::Grants admin = admin_of("r");
    CHECK(call_json(router, "/twirp/livekit.RoomService/CreateRoom",
                    R"({"name":"r","empty_timeout":"7","maxParticipants":2})", &admin)
              .status == 200);
    const auto send = [&](std::string_view body) {
        return call_json(router, "/twirp/livekit.RoomService/SendData", body, &admin).status;
    };
    CHECK(send(R"({"room":"r","data":"AAECAw==","kind":"LOSSY","destination_sids":["PA_x"]})") ==
          200);
    CHECK(rooms.last_data.data() == std::string("\0\1\2\3", 4));
    CHECK(rooms.last_data.kind() == livekit::DataPacket::LOSSY);
    CHECK(rooms.last_data.destination_sids(0) == "PA_x");
    CHECK(send(R"({"room":"r","kind":1,"nothing":{"a":[1,2]}})") == 200);
    CHECK(rooms.last_data.kind() == livekit::DataPacket::LOSSY);
    CHECK(send(R"({"room":"r","kind":"NO_SUCH_KIND"})") == 200);
    CHECK(rooms.last_data.kind() == livekit::DataPacket::RELIABLE);
}

TEST_CASE("TwirpRouter: refuses JSON that protobuf's own reader would take [API-W2] [IMM-13]") {
    FakeRooms rooms;
    const TwirpRouter router({}, rooms, bus());
    const token::Grants admin = admin_of("r");
    for (const char* body : {"{name:\"r\"}", "{'name':\"r\"}", "{\"name\":\"r\",}",
                             "{\"name\":\"r\"} {}", "\"r\"", "7", "{\"name\":\"r\"}x",
                             "{\"name\":tru}", "{\"name\":\"\xff\"}", "{\"name\":\"\\ud800\"}"}) {
        INFO(body);
        const auto response =
            call_json(router, "/twirp/livekit.RoomService/CreateRoom", body, &admin);
        CHECK(response.status == 400);
        CHECK(response.body.find("malformed") != std::string::npos);
    }
    const std::string deep = R"({"a":)" + std::string(5000, '[') + std::string(5000, ']') + "}";
    CHECK(call_json(router, "/twirp/livekit.RoomService/CreateRoom", deep, &admin).status == 400);
    CHECK(rooms.calls == 0);
}

TEST_CASE("TwirpRouter: errors are JSON whatever the request line holds [API-W1] [API-W3]") {
    FakeRooms rooms;
    const TwirpRouter router({}, rooms, bus());
    for (const char* path : {"/twirp/livekit.RoomService/\xff\"\\", "/twirp/livekit.SIP/\n\x01"}) {
        const auto response = call_json(router, path, "{}", nullptr);
        CHECK(response.status == 404);
        CHECK(json::is_object(response.body));
    }
    CHECK(json::is_object(
        call(router, {"\xff", "/twirp/livekit.SIP/x", "\xfe\x02", "", nullptr}).body));
}

TEST_CASE("TwirpRouter: a body above the limit never reaches a decoder [CON-05] [IMM-13]") {
    FakeRooms rooms;
    TwirpOptions options;
    options.max_body_bytes = 64;
    const TwirpRouter router(options, rooms, bus());
    const token::Grants admin = admin_of("r");
    const std::string body = R"({"name":")" + std::string(100, 'n') + R"("})";
    const auto response = call_json(router, "/twirp/livekit.RoomService/CreateRoom", body, &admin);
    CHECK(response.status == 413);
    CHECK(response.body == "request body too large");
    CHECK(rooms.calls == 0);
}

TEST_CASE(
    "TwirpRouter: limits of metadata, attributes and rpc payload "
    "[ROOM-07] [API-01] [API-07] [API-10] [API-14]") {
    FakeRooms rooms;
    TwirpOptions options;
    options.limits.metadata = 10;
    options.limits.attributes = 4;
    const TwirpRouter router(options, rooms, bus());
    const token::Grants admin = admin_of("r");
    const auto check = [&](const char* method, const std::string& body,
                           const std::string& expected) {
        const auto response =
            call_json(router, std::string("/twirp/livekit.RoomService/") + method, body, &admin);
        CHECK(response.status == 400);
        CHECK(testing::difference(expected, response.body) == "");
    };
    const std::string metadata =
        R"({"code":"invalid_argument","msg":"metadata size exceeds limits )"
        R"(10","meta":{"argument":"metadata size exceeds limits"}})";
    const std::string attributes =
        R"({"code":"invalid_argument","msg":"attribute size exceeds limits 4",)"
        R"("meta":{"argument":"attribute size exceeds limits"}})";
    check("CreateRoom", R"({"name":"r","metadata":"12345678901"})", metadata);
    check("CreateRoom", R"({"name":"r","agents":[{"metadata":"12345678901"}]})", metadata);
    check("CreateRoom", R"({"name":"r","agents":[{"attributes":{"abc":"de"}}]})", attributes);
    check("UpdateRoomMetadata", R"({"room":"x","metadata":"12345678901"})", metadata);
    check("UpdateParticipant", R"({"room":"x","metadata":"12345678901"})", metadata);
    check("UpdateParticipant", R"({"room":"x","attributes":{"ab":"cd","e":"f"}})", attributes);
    check("PerformRpc",
          R"({"room":"r","destinationIdentity":"a","payload":")" + std::string(15361, 'x') + "\"}",
          R"({"code":"invalid_argument",)"
          R"("msg":"twirp error unknown: RpcError 1402: Request payload too large"})");
}

TEST_CASE("TwirpRouter: remote unmute can be allowed [API-06]") {
    FakeRooms rooms;
    TwirpOptions options;
    options.enable_remote_unmute = true;
    const TwirpRouter router(options, rooms, bus());
    const token::Grants admin = admin_of("r");
    (void)call_json(router, "/twirp/livekit.RoomService/CreateRoom", R"({"name":"r"})", &admin);
    rooms.join("r", "a");
    CHECK(call_json(router, "/twirp/livekit.RoomService/MutePublishedTrack",
                    R"({"room":"r","identity":"a","trackSid":"TR_x","muted":false})", &admin)
              .status == 200);
}

TEST_CASE("ServiceError: every code has its HTTP status [API-W3]") {
    CHECK(http_status(ErrorCode::kCanceled) == 408);
    CHECK(http_status(ErrorCode::kUnauthenticated) == 401);
    CHECK(http_status(ErrorCode::kResourceExhausted) == 429);
    CHECK(http_status(ErrorCode::kFailedPrecondition) == 412);
    CHECK(http_status(ErrorCode::kDataLoss) == 500);
    CHECK(to_text(ErrorCode::kBadRoute) == "bad_route");
    CHECK(to_text(ErrorCode::kDataLoss) == "data_loss");
    for (int i = 0; i <= static_cast<int>(ErrorCode::kDataLoss); ++i)
        CHECK(!to_text(static_cast<ErrorCode>(i)).empty());
}

TEST_CASE("rpc_error: code of the participant → Twirp code and text [API-14]") {
    const auto convert = [](std::uint32_t code, const char* message, const char* data) {
        livekit::RpcError error;
        error.set_code(code);
        error.set_message(message);
        error.set_data(data);
        return rpc_error(error);
    };
    CHECK(convert(1500, "boom", "dd") ==
          service_error(ErrorCode::kInternal, "RpcError 1500: boom: dd"));
    CHECK(convert(1501, "Connection timeout", "") ==
          service_error(ErrorCode::kCanceled, "RpcError 1501: Connection timeout"));
    CHECK(convert(1502, "t", "").code == ErrorCode::kCanceled);
    CHECK(convert(1503, "t", "").code == ErrorCode::kUnavailable);
    CHECK(convert(1504, "t", "").code == ErrorCode::kInternal);
    CHECK(convert(1505, "t", "").code == ErrorCode::kInternal);
    CHECK(convert(1400, "t", "").code == ErrorCode::kInvalidArgument);
    CHECK(convert(1401, "t", "").code == ErrorCode::kNotFound);
    CHECK(convert(1402, "t", "").code == ErrorCode::kInvalidArgument);
    CHECK(convert(1403, "t", "").code == ErrorCode::kUnimplemented);
    CHECK(convert(1404, "t", "").code == ErrorCode::kUnimplemented);
    CHECK(convert(42, "t", "").code == ErrorCode::kInternal);
}

TEST_CASE("parse_twirp_timeout: milliseconds, other text is ignored [API-W6]") {
    CHECK(parse_twirp_timeout("50") == Duration::millis(50));
    CHECK(parse_twirp_timeout(" 1500 ") == Duration::millis(1500));
    CHECK_FALSE(parse_twirp_timeout("soon"));
    CHECK_FALSE(parse_twirp_timeout("-1"));
    CHECK_FALSE(parse_twirp_timeout(""));
    CHECK(parse_twirp_timeout("99999999999999") == kMaxTwirpTimeout);
    CHECK(timeout_response().status == 408);
    CHECK(
        testing::difference(R"({"code":"canceled","msg":"twirp error unknown: request canceled"})",
                            timeout_response().body) == "");
}

namespace {

// Answers with how often it was asked.
struct FakeWebhooks final : WebhookPort {
    void list_events(const confab::ListWebhookEventsRequest&,
                     Reply<confab::ListWebhookEventsResponse> reply) override {
        ++asked;
        reply(confab::ListWebhookEventsResponse());
    }
    void replay_events(const confab::ReplayWebhookEventsRequest&,
                       Reply<confab::ReplayWebhookEventsResponse> reply) override {
        ++asked;
        reply(confab::ReplayWebhookEventsResponse());
    }
    int asked = 0;
};

}  // namespace

TEST_CASE("TwirpRouter: webhooks are for who administers all rooms, in bounds [HOOK-12] [API-W4]") {
    FakeRooms rooms;
    FakeWebhooks webhooks;
    const TwirpRouter router({}, rooms, bus(), &webhooks);
    token::Grants grants;
    const auto status = [&](const std::string& method, const std::string& body,
                            const token::Grants* who) {
        return call_json(router, "/twirp/confab.Webhooks/" + method, body, who).status;
    };
    const std::string since = R"({"selection":{"since":1}})";
    const auto try_all = [&](const token::Grants* who, int expected) {
        CHECK(status("ListEvents", "{}", who) == expected);
        CHECK(status("ReplayEvents", since, who) == expected);
    };
    try_all(nullptr, 401);
    try_all(&grants, 401);
    grants.video.emplace().room_admin = true;
    try_all(&grants, 401);
    grants.video->room_list = true;
    grants.video->room = "r";
    try_all(&grants, 401);
    grants.video->room.clear();
    CHECK(webhooks.asked == 0);
    try_all(&grants, 200);
    grants.video->room_admin = false;
    try_all(&grants, 401);
    grants.video->room_admin = true;
    CHECK(webhooks.asked == 2);
    CHECK(status("ReplayEvents", "{}", &grants) == 400);
    CHECK(status("ReplayEvents", R"({"selection":{"url":"http://a"}})", &grants) == 400);
    CHECK(status("ListEvents", R"({"selection":{"since":-1}})", &grants) == 400);
    for (const int count : {999, 1000, 1001}) {
        const int expected = count > 1000 ? 400 : 200;
        CHECK(status("ListEvents", R"({"limit":)" + std::to_string(count) + "}", &grants) ==
              expected);
        std::string ids;
        for (int i = 0; i < count; ++i)
            ids += ids.empty() ? "\"a\"" : ",\"a\"";
        CHECK(status("ReplayEvents", R"({"selection":{"ids":[)" + ids + "]}}", &grants) ==
              expected);
    }
    for (const std::size_t length : {63U, 64U, 65U}) {
        const std::string ids =
            R"({"selection":{"ids":["a",")" + std::string(length, 'x') + R"("]}})";
        for (const char* method : {"ListEvents", "ReplayEvents"})
            CHECK(status(method, ids, &grants) == (length > 64 ? 400 : 200));
    }
    const TwirpRouter without({}, rooms, bus());
    CHECK(call_json(without, "/twirp/confab.Webhooks/ListEvents", "{}", &grants).status == 404);
}

}  // namespace confab::api
