// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The Ingress service of a node that reaches ingress services: what of a call comes to the port.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "api/fake_rooms_testing.h"
#include "api/services/ingress_port.h"
#include "api/twirp/twirp.h"
#include "rpc/local_bus.h"

namespace confab::api {
namespace {

struct Ingresses final : IngressPort {
    void create(const CallContext&, const livekit::CreateIngressRequest& request,
                Reply<livekit::IngressInfo> reply) override {
        asked.push_back("create " + request.name());
        reply(livekit::IngressInfo());
    }
    void update(const CallContext&, const livekit::UpdateIngressRequest& request,
                Reply<livekit::IngressInfo> reply) override {
        asked.push_back("update " + request.name());
        reply(livekit::IngressInfo());
    }
    void list(const CallContext&, const livekit::ListIngressRequest& request,
              Reply<livekit::ListIngressResponse> reply) override {
        asked.push_back("list " + request.room_name());
        reply(livekit::ListIngressResponse());
    }
    void remove(const CallContext&, const livekit::DeleteIngressRequest& request,
                Reply<livekit::IngressInfo> reply) override {
        asked.push_back("delete " + request.ingress_id());
        reply(fail(service_error(ErrorCode::kNotFound, "ingress does not exist")));
    }
    std::vector<std::string> asked;
};

struct Calls {
    Calls() { grants.video.emplace().ingress_admin = true; }
    HttpResponse post(std::string_view method, std::string_view body) {
        HttpResponse said;
        const std::string path = "/twirp/livekit.Ingress/" + std::string(method);
        router.handle({"POST", path, "application/json", body, &grants}, {},
                      [&](HttpResponse response) { said = std::move(response); });
        return said;
    }

    rpc::LocalHub hub;
    rpc::LocalBus bus{hub, "ND_test"};
    testing::FakeRooms rooms;
    Ingresses ingresses;
    token::Grants grants;
    TwirpRouter router{{}, rooms, bus, nullptr, {nullptr, &ingresses}};
};

}  // namespace

TEST_CASE("Ingress: calls come to the port, its answers to the caller [API-25] [API-26]") {
    Calls calls;
    CHECK(calls.post("CreateIngress", R"({"name":"a"})").status == 200);
    CHECK(calls.post("UpdateIngress", R"({"name":"b"})").status == 200);
    CHECK(calls.post("ListIngress", R"({"room_name":"r"})").status == 200);
    const HttpResponse gone = calls.post("DeleteIngress", R"({"ingress_id":"IN_x"})");
    CHECK(gone.status == 404);
    CHECK(gone.body ==
          R"({"code":"not_found","msg":"twirp error unknown: ingress does not exist"})");
    CHECK(calls.ingresses.asked ==
          std::vector<std::string>{"create a", "update b", "list r", "delete IN_x"});
}

TEST_CASE("Ingress: all calls need ingressAdmin, of no tenant [API-W4] [TEN-03]") {
    Calls calls;
    const auto refused = [&calls](int status) {
        for (const char* method :
             {"CreateIngress", "UpdateIngress", "ListIngress", "DeleteIngress"})
            CHECK(calls.post(method, "{}").status == status);
        CHECK(calls.ingresses.asked.empty());
    };
    calls.grants.video->ingress_admin = false;
    calls.grants.video->room_admin = true;
    refused(401);
    calls.grants.video->ingress_admin = true;
    calls.grants.tenant = "acme";
    refused(501);
}

TEST_CASE("Ingress: a port for it does not connect the others [API-25] [API-23]") {
    Calls calls;
    calls.grants.video->room_record = true;
    HttpResponse said;
    calls.router.handle(
        {"POST", "/twirp/livekit.Egress/ListEgress", "application/json", "{}", &calls.grants}, {},
        [&](HttpResponse response) { said = std::move(response); });
    CHECK(
        said.body ==
        R"j({"code":"internal","msg":"twirp error unknown: egress not connected (redis required)"})j");
}

}  // namespace confab::api
