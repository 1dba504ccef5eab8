// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// An ingress service as upstream's behaves on the bus, and the node that uses it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/services/ingress_records.h"
#include "cluster/services/ingress_service.h"
#include "cluster/services/io_info.h"
#include "cluster/services/methods.h"
#include "cluster/services/services_testing.h"
#include "rpc/typed.h"
#include "rpc_ingress.pb.h"

namespace confab::cluster::services::testing {

using livekit::IngressInfo;
using livekit::IngressState;

struct Ingresses {
    Ingresses() {
        auto served = IoInfo::serve({world.node().bus(), egresses, egress_records, store, records});
        REQUIRE(served.has_value());
        io = *std::move(served);
        world.drive(world.retrier);
        world.drive(world.turns);
        world.drive(*io);
        world.pass(Duration::millis(10));
    }

    Caller caller() const { return {world.now()}; }
    static livekit::CreateIngressRequest rtmp() {
        livekit::CreateIngressRequest request;
        request.set_name("n");
        request.set_room_name("r");
        request.set_participant_identity("cam");
        return request;
    }
    static livekit::CreateIngressRequest url() {
        livekit::CreateIngressRequest request = rtmp();
        request.set_input_type(livekit::URL_INPUT);
        request.set_url("https://example.org/a.mp4");
        return request;
    }
    Ended<IngressInfo> create(const livekit::CreateIngressRequest& request,
                              Duration wait = Duration::seconds(4)) {
        Ended<IngressInfo> ended;
        service.create(caller(), request, ended.done());
        world.pass(wait);
        return ended;
    }
    IngressInfo created() { return create(rtmp()).value(); }
    Ended<IngressInfo> update(const livekit::UpdateIngressRequest& request) {
        Ended<IngressInfo> ended;
        service.update(caller(), request, ended.done());
        world.pass(Duration::seconds(4));
        return ended;
    }
    Ended<IngressInfo> remove(const std::string& id) {
        Ended<IngressInfo> ended;
        livekit::DeleteIngressRequest request;
        request.set_ingress_id(id);
        service.remove(caller(), request, ended.done());
        world.pass(Duration::seconds(4));
        return ended;
    }
    Ended<livekit::ListIngressResponse> list(const std::string& room, const std::string& id) {
        Ended<livekit::ListIngressResponse> ended;
        livekit::ListIngressRequest request;
        request.set_room_name(room);
        request.set_ingress_id(id);
        service.list(caller(), request, ended.done());
        world.pass(Duration::seconds(1));
        return ended;
    }

    // What the ingress service asks of a node: the answer, the error, or "waiting".
    std::string ask(const rpc::Method& method, std::string request) {
        const auto answer = std::make_shared<std::string>("waiting");
        world.worker()->call(
            world.now(), method, {}, std::move(request), {},
            [answer](const rpc::Outcome& outcome) { *answer = rpc::testing::text_of(outcome); });
        world.pass(Duration::millis(3100));
        return *answer;
    }
    // A session says how it is: `started` tells the sessions apart.
    std::string report(const std::string& id, std::int64_t started, IngressState::Status status,
                       std::int64_t updated = 0, const std::string& error = {}) {
        ::rpc::UpdateIngressStateRequest request;
        request.set_ingress_id(id);
        IngressState& state = *request.mutable_state();
        state.set_status(status);
        state.set_error(error);
        state.set_started_at(started);
        state.set_updated_at(updated == 0 ? ++clock : updated);
        state.set_resource_id("RT_" + std::to_string(started));
        return ask(kUpdateIngressState, request.SerializeAsString());
    }
    IngressState::Status status(const std::string& id) {
        return list("", id).value().items(0).state().status();
    }
    // "started RT_1", in their order.
    std::vector<std::string> told() const {
        std::vector<std::string> all;
        all.reserve(world.told.size());
        for (const Told& one : world.told)
            all.push_back(one.event.substr(8) + " " +
                          one.whole.ingress_info().state().resource_id());
        return all;
    }
    // Serves what the session of an ingress is asked; gives how often it was.
    std::shared_ptr<int> serve_session(const rpc::Method& method, const std::string& id) {
        const auto asked = std::make_shared<int>(0);
        sessions.push_back(world.worker()
                               ->serve(method, {id},
                                       [asked](const rpc::Request&, rpc::Reply reply) {
                                           ++*asked;
                                           reply(std::string());
                                       },
                                       {})
                               .value());
        world.pass(Duration::millis(10));
        return asked;
    }

    World world;
    store::EgressStore egresses{world.port, world.notices};
    EgressRecords egress_records{egresses, world.hooks};
    store::IngressStore store{world.port, world.notices};
    IngressRecords records{store, world.hooks};
    std::unique_ptr<IoInfo> io;
    IngressService service{{world.retrier,
                            world.turns,
                            store,
                            records,
                            psrpc::kDefaultRetry,
                            {"rtmp://in.example:1935/x", "http://in.example:8080/w"}},
                           11};
    std::vector<rpc::Registration> sessions;
    std::int64_t clock = 100;
};

}  // namespace confab::cluster::services::testing
