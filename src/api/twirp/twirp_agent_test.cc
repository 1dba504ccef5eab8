// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What CreateDispatch refuses, and how it says so.
#include <doctest/doctest.h>

#include <string>

#include "api/fake_rooms_testing.h"
#include "api/twirp/twirp.h"
#include "rpc/local_bus.h"

namespace confab::api {

TEST_CASE("TwirpRouter: a dispatch beyond the limits is refused in upstream's words [API-40]") {
    rpc::LocalHub hub;
    rpc::LocalBus bus(hub, "ND_test");
    testing::FakeRooms rooms;
    TwirpOptions options;
    options.limits.metadata = 10;
    options.limits.attributes = 4;
    const TwirpRouter router(options, rooms, bus);
    token::Grants admin;
    admin.video.emplace().room_admin = true;
    admin.video->room = "r";
    const auto check = [&](const std::string& members, const std::string& text) {
        CAPTURE(members);
        const std::string body = R"({"room":"r","agent_name":"a",)" + members + "}";
        HttpResponse response;
        router.handle({"POST", "/twirp/livekit.AgentDispatchService/CreateDispatch",
                       "application/json", body, &admin},
                      {}, [&](HttpResponse r) { response = std::move(r); });
        CHECK(response.status == 400);
        CHECK(response.body ==
              R"({"code":"invalid_argument","msg":"twirp error unknown: )" + text + R"("})");
    };
    check(R"("metadata":"12345678901")", "metadata size exceeds limits");
    check(R"("attributes":{"ab":"cde"})", "attribute size exceeds limits");
    const std::string blank = "deployment contains whitespace or control byte at position ";
    check(R"("deployment":"a b")", blank + "1");
    check(R"("deployment":"ab\u007f")", blank + "2");
    check(R"("deployment":"\t_")", blank + "0");
    check(R"("deployment":"a_ b")", "deployment contains reserved character '_'");
    check(R"("deployment":")" + std::string(65, ' ') + '"', "deployment exceeds 64 bytes");
    check(R"("metadata":"12345678901","deployment":" ")", blank + "0");
}

}  // namespace confab::api
