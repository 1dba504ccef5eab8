// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A worker of egresses as upstream's behaves on the bus, and the node that uses it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/services/egress_records.h"
#include "cluster/services/egress_request.h"
#include "cluster/services/egress_service.h"
#include "cluster/services/io_info.h"
#include "cluster/services/methods.h"
#include "cluster/services/services_testing.h"
#include "rpc/typed.h"

namespace confab::cluster::services::testing {

using livekit::EgressInfo;

class FakeWorker {
  public:
    explicit FakeWorker(World& world) : world_(world) {}

    void open() {
        serving_ = rpc::serve<::rpc::StartEgressRequest, EgressInfo>(
                       world_.worker().bus(), kStartEgress, {},
                       [this](const ::rpc::StartEgressRequest& request, const rpc::Request& at,
                              Callback<Result<EgressInfo, rpc::Error>> reply) {
                           start(request, at.now, std::move(reply));
                       },
                       [this](const rpc::Request&) { return affinity; })
                       .value();
        world_.pass(Duration::millis(10));
    }
    // What a process does that is killed.
    void die() {
        serving_ = {};
        running_.clear();
        world_.pass(Duration::millis(10));
    }

    void report(const EgressInfo& info) { ask(kUpdateEgressInfo, info.SerializeAsString()); }
    // Asks a node for something, and gives the answer, the error, or "waiting".
    std::string ask(const rpc::Method& method, std::string request,
                    Duration timeout = Duration::seconds(3)) {
        const auto answer = std::make_shared<std::string>("waiting");
        rpc::CallOptions options;
        options.timeout = timeout;
        world_.worker()->call(
            world_.now(), method, {}, std::move(request), options,
            [answer](const rpc::Outcome& outcome) { *answer = rpc::testing::text_of(outcome); });
        world_.pass(timeout + Duration::millis(100));
        return *answer;
    }

    double affinity = 1;
    std::optional<rpc::Error> refuses;
    bool is_silent = false;    // takes requests and never answers
    bool loses_first = false;  // the answer to the first start
    std::vector<::rpc::StartEgressRequest> requests;
    std::map<std::string, EgressInfo> jobs;

  private:
    using Started = Callback<Result<EgressInfo, rpc::Error>>;

    void start(const ::rpc::StartEgressRequest& request, Timestamp now, Started reply) {
        requests.push_back(request);
        if (is_silent) return silent_.push_back(std::move(reply));
        if (refuses) return reply(fail(*refuses));
        if (jobs.contains(request.egress_id()))
            return reply(fail(rpc::Error{rpc::Code::kAlreadyExists, "egress already exists", {}}));
        EgressInfo& info = jobs[request.egress_id()];
        info.set_egress_id(request.egress_id());
        info.set_room_id(request.room_id());
        info.set_room_name(room_name_of(request));
        info.set_started_at(1'700'000'001'000'000'000);
        if (request.has_room_composite()) *info.mutable_room_composite() = request.room_composite();
        if (request.has_web()) *info.mutable_web() = request.web();
        const auto answer = std::make_shared<Started>(std::move(reply));
        rpc::CallOptions options;
        options.timeout = Duration::seconds(15);
        world_.worker()->call(now, kCreateEgressInfo, {}, info.SerializeAsString().append(kUnknown),
                              options,
                              [this, answer, id = info.egress_id()](const rpc::Outcome& outcome) {
                                  created(id, outcome, std::move(*answer));
                              });
    }
    void created(const std::string& id, const rpc::Outcome& outcome, Started reply) {
        if (!outcome) return reply(fail(outcome.error()));
        for (const rpc::Method& method : {kStopEgress, kUpdateStream})
            running_[id].push_back(
                world_.worker()
                    ->serve(method, {id},
                            [this, id, method](const rpc::Request& request, rpc::Reply answer) {
                                handle(id, method, request, std::move(answer));
                            },
                            {})
                    .value());
        if (std::exchange(loses_first, false)) return silent_.push_back(std::move(reply));
        reply(jobs.at(id));
    }
    void handle(const std::string& id, const rpc::Method& method, const rpc::Request& request,
                rpc::Reply answer) {
        EgressInfo& info = jobs.at(id);
        if (method.name == kStopEgress.name) {
            info.set_status(livekit::EGRESS_ENDING);
            return answer(info.SerializeAsString());
        }
        livekit::UpdateStreamRequest update;
        REQUIRE(update.ParseFromString(request.payload));
        for (const std::string& url : update.add_output_urls()) {
            if (url == "bad")
                return answer(fail(rpc::Error{
                    rpc::Code::kInvalidArgument, "invalid url bad: invalid scheme", {}}));
            info.add_stream_results()->set_url(url);
        }
        answer(info.SerializeAsString());
    }

    World& world_;
    rpc::Registration serving_;
    std::map<std::string, std::vector<rpc::Registration>> running_;
    std::vector<Started> silent_;
};

// The services of the node, and a worker that may be opened.
struct Egresses {
    Egresses() {
        world.add_room("r", "RM_r");
        auto served =
            IoInfo::serve({world.node().bus(), store, records, ingresses, ingress_records});
        REQUIRE(served.has_value());
        io = *std::move(served);
        world.drive(world.retrier);
        world.drive(world.turns);
        world.drive(*io);
        world.pass(Duration::millis(10));
    }

    Caller caller() const { return {world.now()}; }
    ::rpc::StartEgressRequest composite(const std::string& room = "r") {
        ::rpc::StartEgressRequest request;
        request.mutable_room_composite()->set_room_name(room);
        request.mutable_room_composite()->add_file_outputs()->set_filepath("x.mp4");
        return request;
    }
    Ended<EgressInfo> start(const ::rpc::StartEgressRequest& request,
                            Duration wait = Duration::seconds(1)) {
        Ended<EgressInfo> ended;
        service.start(caller(), request, ended.done());
        world.pass(wait);
        return ended;
    }
    // The id of a new one.
    std::string started() { return start(composite()).value().egress_id(); }
    Ended<EgressInfo> stop(const std::string& id, Duration wait = Duration::seconds(1)) {
        Ended<EgressInfo> ended;
        livekit::StopEgressRequest request;
        request.set_egress_id(id);
        service.stop(caller(), request, ended.done());
        world.pass(wait);
        return ended;
    }
    Ended<EgressInfo> add_url(const std::string& id, const std::string& url) {
        Ended<EgressInfo> ended;
        livekit::UpdateStreamRequest request;
        request.set_egress_id(id);
        request.add_add_output_urls(url);
        service.update_stream(caller(), request, ended.done());
        world.pass(Duration::seconds(1));
        return ended;
    }
    Ended<livekit::ListEgressResponse> list(const std::string& room, const std::string& id,
                                            bool active) {
        Ended<livekit::ListEgressResponse> ended;
        livekit::ListEgressRequest request;
        request.set_room_name(room);
        request.set_egress_id(id);
        request.set_active(active);
        service.list(caller(), request, ended.done());
        world.pass(Duration::seconds(1));
        return ended;
    }
    EgressInfo stored(const std::string& id) {
        EgressInfo info;
        CHECK(info.ParseFromString(world.field("egress", id)));
        return info;
    }
    // What the worker says of it from then on.
    void report(const std::string& id, livekit::EgressStatus status, std::int64_t ended = 0) {
        EgressInfo& info = worker.jobs.at(id);
        info.set_status(status);
        info.set_ended_at(ended);
        worker.report(info);
    }

    World world;
    store::EgressStore store{world.port, world.notices};
    EgressRecords records{store, world.hooks};
    store::IngressStore ingresses{world.port, world.notices};
    IngressRecords ingress_records{ingresses, world.hooks};
    std::unique_ptr<IoInfo> io;
    std::vector<std::string> layouts;  // what was set: room, identity, metadata
    std::optional<Refusal> layout_error;
    ByClusterId workers{world.retrier, world.turns, {}};
    EgressService service{
        {world.retrier, workers, world.turns, store, world.rooms, records, psrpc::kDefaultRetry,
         [this](const Caller&, const std::string& room, const std::string& identity,
                const std::string& metadata, EgressService::Parts::Changed changed) {
             layouts.push_back(room + " " + identity + " " + metadata);
             if (layout_error) return changed(fail(*layout_error));
             changed({});
         }},
        11};
    FakeWorker worker{world};
};

}  // namespace confab::cluster::services::testing
