// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The SIP service of a node that reaches the SIP service of LiveKit: what of a call comes to the
// port.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "api/fake_rooms_testing.h"
#include "api/services/sip_port.h"
#include "api/twirp/sip_transfer.h"
#include "api/twirp/twirp.h"
#include "rpc/local_bus.h"

namespace confab::api {
namespace {

using namespace livekit;

struct Phones final : SipPort {
    template <typename Info>
    void note(const std::string& what, Reply<Info> reply) {
        asked.push_back(what);
        reply(Info());
    }
    void create(const CallContext&, const CreateSIPInboundTrunkRequest& r,
                Reply<SIPInboundTrunkInfo> reply) override {
        note("create in " + r.trunk().name(), std::move(reply));
    }
    void create(const CallContext&, const CreateSIPOutboundTrunkRequest& r,
                Reply<SIPOutboundTrunkInfo> reply) override {
        note("create out " + r.trunk().name(), std::move(reply));
    }
    void create(const CallContext&, const CreateSIPDispatchRuleRequest& r,
                Reply<SIPDispatchRuleInfo> reply) override {
        note("create rule " + r.name(), std::move(reply));
    }
    void update(const CallContext&, const UpdateSIPInboundTrunkRequest& r,
                Reply<SIPInboundTrunkInfo> reply) override {
        note("update in " + r.sip_trunk_id(), std::move(reply));
    }
    void update(const CallContext&, const UpdateSIPOutboundTrunkRequest& r,
                Reply<SIPOutboundTrunkInfo> reply) override {
        note("update out " + r.sip_trunk_id(), std::move(reply));
    }
    void update(const CallContext&, const UpdateSIPDispatchRuleRequest& r,
                Reply<SIPDispatchRuleInfo> reply) override {
        note("update rule " + r.sip_dispatch_rule_id(), std::move(reply));
    }
    void get(const CallContext&, const GetSIPInboundTrunkRequest& r,
             Reply<GetSIPInboundTrunkResponse> reply) override {
        note("get in " + r.sip_trunk_id(), std::move(reply));
    }
    void get(const CallContext&, const GetSIPOutboundTrunkRequest& r,
             Reply<GetSIPOutboundTrunkResponse> reply) override {
        note("get out " + r.sip_trunk_id(), std::move(reply));
    }
    void list(const CallContext&, const ListSIPTrunkRequest&,
              Reply<ListSIPTrunkResponse> reply) override {
        note("list all", std::move(reply));
    }
    void list(const CallContext&, const ListSIPInboundTrunkRequest&,
              Reply<ListSIPInboundTrunkResponse> reply) override {
        note("list in", std::move(reply));
    }
    void list(const CallContext&, const ListSIPOutboundTrunkRequest&,
              Reply<ListSIPOutboundTrunkResponse> reply) override {
        note("list out", std::move(reply));
    }
    void list(const CallContext&, const ListSIPDispatchRuleRequest&,
              Reply<ListSIPDispatchRuleResponse> reply) override {
        note("list rule", std::move(reply));
    }
    void remove(const CallContext&, const DeleteSIPTrunkRequest& r,
                Reply<SIPTrunkInfo> reply) override {
        note("delete trunk " + r.sip_trunk_id(), std::move(reply));
    }
    void remove(const CallContext&, const DeleteSIPDispatchRuleRequest& r,
                Reply<SIPDispatchRuleInfo> reply) override {
        note("delete rule " + r.sip_dispatch_rule_id(), std::move(reply));
    }
    void dial(const CallContext&, const CreateSIPParticipantRequest& r,
              Reply<SIPParticipantInfo> reply) override {
        asked.push_back("dial " + r.sip_call_to());
        reply(fail(native_error(ErrorCode::kNotFound, "requested sip trunk does not exist")));
    }
    void transfer(const CallContext&, const std::string& call_id,
                  const TransferSIPParticipantRequest& r,
                  Reply<TransferSIPParticipantResponse> reply) override {
        note("transfer " + call_id + " " + r.transfer_to(), std::move(reply));
    }
    std::vector<std::string> asked;
};

struct Calls {
    Calls() {
        grants.sip.emplace().admin = true;
        grants.sip->call = true;
    }
    HttpResponse post(std::string_view method, std::string_view body) {
        HttpResponse said;
        const std::string path = "/twirp/livekit.SIP/" + std::string(method);
        router.handle({"POST", path, "application/json", body, &grants}, {},
                      [&](HttpResponse response) { said = std::move(response); });
        return said;
    }
    void admit_to(const std::string& room) {
        grants.video.emplace().room_admin = true;
        grants.video->room = room;
    }

    rpc::LocalHub hub;
    rpc::LocalBus bus{hub, "ND_test"};
    testing::FakeRooms rooms;
    Phones phones;
    token::Grants grants;
    TwirpRouter router{{}, rooms, bus, nullptr, {nullptr, nullptr, &phones}};
};

const std::vector<std::pair<const char*, const char*>> kTrunks{
    {"CreateSIPInboundTrunk", R"({"trunk":{"name":"a"}})"},
    {"CreateSIPOutboundTrunk", R"({"trunk":{"name":"b"}})"},
    {"CreateSIPDispatchRule", R"({"name":"c"})"},
    {"UpdateSIPInboundTrunk", R"({"sipTrunkId":"d"})"},
    {"UpdateSIPOutboundTrunk", R"({"sipTrunkId":"e"})"},
    {"UpdateSIPDispatchRule", R"({"sipDispatchRuleId":"f"})"},
    {"GetSIPInboundTrunk", R"({"sipTrunkId":"g"})"},
    {"GetSIPOutboundTrunk", R"({"sipTrunkId":"h"})"},
    {"ListSIPTrunk", "{}"},
    {"ListSIPInboundTrunk", "{}"},
    {"ListSIPOutboundTrunk", "{}"},
    {"ListSIPDispatchRule", "{}"},
    {"DeleteSIPTrunk", R"({"sipTrunkId":"i"})"},
    {"DeleteSIPDispatchRule", R"({"sipDispatchRuleId":"j"})"}};

}  // namespace

TEST_CASE("SIP: calls come to the port, its answers to the caller [API-30] [API-31] [API-32]") {
    Calls calls;
    for (const auto& [method, body] : kTrunks)
        CHECK(calls.post(method, body).status == 200);
    CHECK(calls.phones.asked ==
          std::vector<std::string>{"create in a", "create out b", "create rule c", "update in d",
                                   "update out e", "update rule f", "get in g", "get out h",
                                   "list all", "list in", "list out", "list rule", "delete trunk i",
                                   "delete rule j"});
    const HttpResponse none = calls.post("CreateSIPParticipant", R"({"sipCallTo":"+1"})");
    CHECK(none.status == 404);
    CHECK(none.body == R"({"code":"not_found","msg":"requested sip trunk does not exist"})");
    CHECK(calls.phones.asked.back() == "dial +1");
}

TEST_CASE(
    "SIP: sip.admin for trunks and rules, sip.call for calls, of no tenant [API-W4] [TEN-03]") {
    Calls calls;
    const auto refused = [&calls](int trunks, int dial) {
        for (const auto& [method, body] : kTrunks)
            CHECK(calls.post(method, body).status == trunks);
        CHECK(calls.post("CreateSIPParticipant", "{}").status == dial);
        CHECK(calls
                  .post("TransferSIPParticipant",
                        R"({"roomName":"r","participantIdentity":"x","transferTo":"tel:+1"})")
                  .status == dial);
    };
    calls.admit_to("r");
    calls.grants.sip.reset();
    refused(401, 401);
    calls.grants.sip.emplace();
    refused(401, 401);
    calls.grants.sip->admin = true;
    calls.grants.sip->call = true;
    calls.grants.tenant = "acme";
    refused(501, 501);
    CHECK(calls.phones.asked.empty());
    calls.grants.tenant.clear();
    calls.grants.sip->call = false;
    CHECK(calls.post("CreateSIPParticipant", "{}").status == 401);
    CHECK(calls.post("ListSIPTrunk", "{}").status == 200);
    calls.grants.sip->call = true;
    calls.grants.sip->admin = false;
    CHECK(calls.post("ListSIPTrunk", "{}").status == 401);
    CHECK(calls.post("CreateSIPParticipant", "{}").status == 404);
}

TEST_CASE("SIP: a transfer is of the call that a participant is [API-34] [SIP-09] [SIP-17]") {
    Calls calls;
    CreateRoomRequest room;
    room.set_name("r");
    calls.rooms.create_room({}, room, [](const auto&) {});
    calls.rooms.join("r", "phone", ParticipantInfo::SIP, {{"sip.callID", "SCL_1"}});
    calls.rooms.join("r", "bare", ParticipantInfo::SIP);
    calls.rooms.join("r", "liar", ParticipantInfo::STANDARD, {{"sip.callID", "SCL_1"}});
    const auto transfer = [&calls](const std::string& who, const std::string& to) {
        return calls
            .post("TransferSIPParticipant", R"({"roomName":"r","participantIdentity":")" + who +
                                                R"(","transferTo":")" + to + "\"}")
            .status;
    };
    CHECK(transfer("phone", "tel:+1") == 401);
    calls.admit_to("other");
    CHECK(transfer("phone", "tel:+1") == 401);
    calls.admit_to("r");
    CHECK(transfer("phone", "+1") == 400);
    CHECK(transfer("nobody", "tel:+1") == 404);
    CHECK(transfer("bare", "tel:+1") == 400);
    CHECK(transfer("liar", "tel:+1") == 400);
    CHECK(calls.phones.asked.empty());
    for (const char* to : {"tel:+1", "<tel:+1>", "sip:a@b", "<sips:a@b>"})
        CHECK(transfer("phone", to) == 200);
    CHECK(calls.phones.asked ==
          std::vector<std::string>{"transfer SCL_1 tel:+1", "transfer SCL_1 tel:+1",
                                   "transfer SCL_1 <sip:a@b>", "transfer SCL_1 <sips:a@b>"});
}

TEST_CASE("SIP: a transfer without a room or a participant is refused to anybody [API-34]") {
    Calls calls;
    calls.grants.sip.reset();
    const auto says = [&calls](const std::string& body, const std::string& code,
                               const std::string& text) {
        CHECK(calls.post("TransferSIPParticipant", body).body ==
              R"({"code":")" + code + R"(","msg":")" + text + "\"}");
    };
    const std::string prefix = "twirp error unknown: ";
    says("{}", "invalid_argument", prefix + "Missing room name");
    says(R"({"roomName":"r"})", "invalid_argument", prefix + "Missing participant identity");
    says(R"({"roomName":"r","participantIdentity":"x"})", "unauthenticated", "permissions denied");
    calls.grants.sip.emplace().call = true;
    calls.admit_to("r");
    says(R"({"roomName":"r","participantIdentity":"x"})", "invalid_argument",
         "missing transfer to");
}

TEST_CASE("SIP: a port for it does not connect the others [API-30] [API-25]") {
    Calls calls;
    calls.grants.video.emplace().ingress_admin = true;
    HttpResponse said;
    calls.router.handle(
        {"POST", "/twirp/livekit.Ingress/ListIngress", "application/json", "{}", &calls.grants}, {},
        [&](HttpResponse response) { said = std::move(response); });
    CHECK(
        said.body ==
        R"j({"code":"internal","msg":"twirp error unknown: ingress not connected (redis required)"})j");
}

}  // namespace confab::api
