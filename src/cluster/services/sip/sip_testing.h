// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The SIP services of a node, and a SIP service as upstream's behaves on the bus.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster/services/methods.h"
#include "cluster/services/services_testing.h"
#include "cluster/services/sip/sip_call_service.h"
#include "cluster/services/sip/sip_io.h"
#include "cluster/services/sip/sip_records.h"
#include "cluster/services/sip/sip_store_service.h"
#include "proto/proto_json.h"
#include "rpc/typed.h"
#include "rpc_sip.pb.h"

namespace confab::cluster::services::sip::testing {

using livekit::SIPDispatchRuleInfo;
using livekit::SIPInboundTrunkInfo;
using livekit::SIPOutboundTrunkInfo;
using services::testing::Ended;
using services::testing::kUnknown;

template <typename Message>
Message from_json(const std::string& json) {
    Message message;
    REQUIRE_MESSAGE(proto::parse_json(json, message), json);
    return message;
}
inline SIPInboundTrunkInfo trunk(const std::string& json) {
    return from_json<SIPInboundTrunkInfo>(json);
}
inline SIPDispatchRuleInfo rule(const std::string& json) {
    return from_json<SIPDispatchRuleInfo>(json);
}

struct Sip {
    Sip() {
        auto served = SipIo::serve(world.node().bus(), records, 13);
        REQUIRE(served.has_value());
        io = *std::move(served);
        world.drive(world.retrier);
        world.drive(world.turns);
        world.pass(Duration::millis(10));
    }

    Caller caller() const { return {world.now()}; }

    // Of SipStoreService: create, update, get, list, remove by the type of the request.
    template <typename Info, typename Request>
    Ended<Info> create(const std::string& json) {
        Ended<Info> ended;
        service.create(caller(), from_json<Request>(json), ended.done());
        world.pass(Duration::millis(100));
        return ended;
    }
    Ended<SIPInboundTrunkInfo> create_trunk(const std::string& trunk) {
        return create<SIPInboundTrunkInfo, livekit::CreateSIPInboundTrunkRequest>(R"({"trunk":)" +
                                                                                  trunk + "}");
    }
    Ended<SIPOutboundTrunkInfo> create_outbound(const std::string& trunk) {
        return create<SIPOutboundTrunkInfo, livekit::CreateSIPOutboundTrunkRequest>(R"({"trunk":)" +
                                                                                    trunk + "}");
    }
    Ended<SIPDispatchRuleInfo> create_rule(const std::string& rule) {
        return create<SIPDispatchRuleInfo, livekit::CreateSIPDispatchRuleRequest>(
            R"({"dispatchRule":)" + rule + "}");
    }
    template <typename Info, typename Request>
    Ended<Info> update(const std::string& json) {
        Ended<Info> ended;
        service.update(caller(), from_json<Request>(json), ended.done());
        world.pass(Duration::millis(100));
        return ended;
    }
    template <typename Response, typename Request>
    std::vector<std::string> list(const std::string& json) {
        Ended<Response> ended;
        service.list(caller(), from_json<Request>(json), ended.done());
        world.pass(Duration::millis(100));
        std::vector<std::string> ids;
        for (const auto& item : ended.value().items())
            ids.push_back(id_of(item));
        return ids;
    }
    static const std::string& id_of(const SIPDispatchRuleInfo& info) {
        return info.sip_dispatch_rule_id();
    }
    template <typename Trunk>
    static const std::string& id_of(const Trunk& info) {
        return info.sip_trunk_id();
    }

    Ended<livekit::SIPParticipantInfo> dial(const std::string& json, Duration wait) {
        Ended<livekit::SIPParticipantInfo> ended;
        calls.dial(caller(), from_json<livekit::CreateSIPParticipantRequest>(json), ended.done());
        world.pass(wait);
        return ended;
    }

    // What the SIP service asks of a node: the answer, the error, or "waiting".
    rpc::Outcome ask(std::string_view name, std::string request,
                     std::string_view of = kSipIoServices[0]) {
        const auto answer =
            std::make_shared<rpc::Outcome>(fail(rpc::Error{rpc::Code::kUnknown, "waiting", {}}));
        world.worker()->call(world.now(), {of, name}, {}, std::move(request), {},
                             [answer](rpc::Outcome outcome) { *answer = std::move(outcome); });
        world.pass(Duration::millis(3100));
        return *answer;
    }
    ::rpc::EvaluateSIPDispatchRulesResponse evaluate(const std::string& json) {
        const auto answer =
            ask(kEvaluateRules,
                from_json<::rpc::EvaluateSIPDispatchRulesRequest>(json).SerializeAsString());
        REQUIRE_MESSAGE(answer.has_value(), rpc::testing::text_of(answer));
        ::rpc::EvaluateSIPDispatchRulesResponse response;
        REQUIRE(response.ParseFromString(*answer));
        return response;
    }

    services::testing::World world;
    store::SipStore store{world.port, world.notices};
    SipRecords records{store};
    std::unique_ptr<SipIo> io;
    SipStoreService service{records, 11};
    ByClusterId dialers{world.retrier, world.turns, {}};
    SipCallService calls{world.retrier, dialers, records, 12};
};

}  // namespace confab::cluster::services::sip::testing
