// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/sip_call_service.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

#include "cluster/services/sip/sip_testing.h"

namespace confab::cluster::services::sip {
namespace {

using testing::Ended;
using testing::from_json;
using testing::Sip;
using Dial = ::rpc::InternalCreateSIPParticipantRequest;
using Dialed = ::rpc::InternalCreateSIPParticipantResponse;
using Transfer = ::rpc::InternalTransferSIPParticipantRequest;
using Transferred = ::rpc::InternalTransferSIPParticipantResponse;

const char* const kCall = R"({"sipTrunkId":"ST_1","sipCallTo":"+1","roomName":"r"})";

// Without what the request took on its way.
Duration whole(Duration left) {
    return Duration::millis((left.ms() / 100 + 1) * 100);
}

// A SIP service on the bus, that holds what it is asked until it is told the answer.
struct Bridge {
    explicit Bridge(Sip& sip, const rpc::Method& method = kDialSip, rpc::Topic topic = {})
        : served(sip.world.worker()
                     ->serve(method, std::move(topic),
                             [this](const rpc::Request& request, rpc::Reply reply) {
                                 ++asked;
                                 payload = request.payload;
                                 patience = whole(request.deadline - request.now);
                                 answer = std::move(reply);
                                 if (at_once) answer(*at_once);
                             },
                             {})
                     .value()) {
        sip.world.pass(Duration::millis(10));
    }
    int asked = 0;
    std::string payload;
    Duration patience;
    rpc::Reply answer;
    std::optional<rpc::Outcome> at_once;
    rpc::Registration served;
};

void store_trunk(Sip& sip) {
    sip.world.run({"HSET", "sip_outbound_trunk", "ST_1",
                   from_json<livekit::SIPOutboundTrunkInfo>(
                       R"({"sipTrunkId":"ST_1","address":"h","numbers":["+2"]})")
                       .SerializeAsString()});
}
std::string dialed() {
    Dialed response;
    response.set_participant_id("PA_1");
    response.set_participant_identity("sip_+1");
    return response.SerializeAsString();
}
Ended<livekit::TransferSIPParticipantResponse> transfer(Sip& sip, const std::string& more,
                                                        Duration wait,
                                                        std::optional<Duration> timeout = {}) {
    Ended<livekit::TransferSIPParticipantResponse> ended;
    sip.calls.transfer({sip.world.now(), timeout}, "SCL_1",
                       from_json<livekit::TransferSIPParticipantRequest>(
                           R"({"transferTo":"<sip:a@b>","playDialtone":true)" +
                           (more.empty() ? "" : "," + more) + "}"),
                       ended.done());
    sip.world.pass(wait);
    return ended;
}

}  // namespace

TEST_CASE("SipCallService: a service dials, and says who came in [API-33] [RPC-20] [SIP-32]") {
    Sip sip;
    store_trunk(sip);
    Bridge bridge(sip);
    bridge.at_once = dialed();
    const auto ended = sip.dial(kCall, Duration::seconds(1));
    CHECK(ended.value().participant_id() == "PA_1");
    CHECK(ended.value().participant_identity() == "sip_+1");
    CHECK(ended.value().room_name() == "r");
    CHECK(ended.value().sip_call_id().starts_with("SCL_"));
    Dial asked;
    REQUIRE(asked.ParseFromString(bridge.payload));
    CHECK(asked.sip_call_id() == ended.value().sip_call_id());
    CHECK(asked.address() == "h");
    CHECK(asked.number() == "+2");
    CHECK(bridge.patience == kDialTimeout);
}

TEST_CASE("SipCallService: a trunk may be in the request, or of before [SIP-10] [SIP-13]") {
    Sip sip;
    Bridge bridge(sip);
    bridge.at_once = dialed();
    CHECK(sip.dial(R"({"trunk":{"hostname":"i"},"sipNumber":"+3","sipCallTo":"+1","roomName":"r"})",
                   Duration::seconds(1))
              .text() == "ok");
    Dial asked;
    REQUIRE(asked.ParseFromString(bridge.payload));
    CHECK(asked.address() == "i");
    livekit::SIPTrunkInfo old;
    old.set_sip_trunk_id("ST_1");
    old.set_outbound_address("old");
    old.set_outbound_number("+4");
    sip.world.run({"HSET", "sip_trunk", "ST_1", old.SerializeAsString()});
    CHECK(sip.dial(kCall, Duration::seconds(1)).text() == "ok");
    REQUIRE(asked.ParseFromString(bridge.payload));
    CHECK(asked.address() == "old");
    CHECK(asked.number() == "+4");
}

TEST_CASE("SipCallService: what cannot be called is not asked for [API-33] [API-W5]") {
    Sip sip;
    store_trunk(sip);
    Bridge bridge(sip);
    const Duration soon = Duration::seconds(1);
    CHECK(sip.dial("{}", soon).text() == "!invalid_argument: missing sip trunk id and sip number");
    CHECK(sip.dial(R"({"sipTrunkId":"ST_x","sipCallTo":"+1","roomName":"r"})", soon).text() ==
          "!not_found: requested sip trunk does not exist");
    CHECK(sip.dial(R"({"trunk":{"hostname":"i"},"sipCallTo":"+1","roomName":"r"})", soon).text() ==
          "failed_precondition: no numbers on outbound trunk");
    sip.world.port.is_away = true;
    CHECK(sip.dial(kCall, soon).text().starts_with("unavailable: "));
    CHECK(bridge.asked == 0);
}

TEST_CASE("SipCallService: no service, or one that says nothing [SIP-08] [SIP-32]") {
    Sip sip;
    store_trunk(sip);
    CHECK(sip.dial(kCall, Duration::millis(1100)).text() ==
          "unavailable: no response from servers");
    Bridge bridge(sip);
    const auto late = sip.dial(kCall, Duration::millis(29'900));
    CHECK(late.text() == "waiting");
    sip.world.pass(Duration::millis(200));
    CHECK(late.text() == "deadline_exceeded: request timed out");
    CHECK(bridge.asked == 1);  // a second attempt would be a second call
}

TEST_CASE("SipCallService: somebody may take 80 seconds to answer, or as one likes [SIP-08]") {
    Sip sip;
    store_trunk(sip);
    Bridge bridge(sip);
    const std::string waiting =
        R"({"sipTrunkId":"ST_1","sipCallTo":"+1","roomName":"r","waitUntilAnswered":true})";
    const auto answered = sip.dial(waiting, Duration::seconds(79));
    CHECK(answered.text() == "waiting");
    CHECK(bridge.patience == kAnswerTimeout);
    bridge.answer(dialed());
    sip.world.pass(Duration::millis(100));
    CHECK(answered.text() == "ok");
    Ended<livekit::SIPParticipantInfo> hurried;
    sip.calls.dial({sip.world.now(), Duration::seconds(120)},
                   from_json<livekit::CreateSIPParticipantRequest>(waiting), hurried.done());
    sip.world.pass(Duration::millis(100));
    CHECK(bridge.patience == Duration::seconds(120));
}

TEST_CASE("SipCallService: a refusal comes with its details, garbage as an error [SIP-18]") {
    Sip sip;
    store_trunk(sip);
    Bridge bridge(sip);
    const rpc::Error busy{rpc::Code::kResourceExhausted, "sip status: 486: Busy", {"detail"}};
    bridge.at_once = fail(busy);
    const auto refused = sip.dial(kCall, Duration::seconds(1));
    CHECK(refused.text() == "resource_exhausted: sip status: 486: Busy");
    CHECK(refused.all->front().error().error == busy);
    bridge.at_once = std::string("\xff");
    CHECK(sip.dial(kCall, Duration::seconds(1)).text() ==
          "malformed_result: the answer of the SIP service cannot be read");
}

TEST_CASE(
    "SipCallService: a transfer goes to the service with the call [API-34] [RPC-21] [SIP-33]") {
    Sip sip;
    Bridge bridge(sip, kTransferSip, {"SCL_1"});
    Transferred said;
    said.set_transfer_id("STR_1");
    said.set_status(livekit::STS_TRANSFER_SUCCESSFUL);
    said.set_reason(livekit::STR_COMPLETED);
    said.mutable_sip_status()->set_code(livekit::SIP_STATUS_OK);
    bridge.at_once = said.SerializeAsString();
    const auto ended = transfer(sip, R"("headers":{"X-A":"1"})", Duration::seconds(1));
    CHECK(ended.value().transfer_id() == "STR_1");
    CHECK(ended.value().status() == livekit::STS_TRANSFER_SUCCESSFUL);
    CHECK(ended.value().reason() == livekit::STR_COMPLETED);
    CHECK(ended.value().sip_status().code() == livekit::SIP_STATUS_OK);
    Transfer asked;
    REQUIRE(asked.ParseFromString(bridge.payload));
    CHECK(asked.sip_call_id() == "SCL_1");
    CHECK(asked.transfer_to() == "<sip:a@b>");
    CHECK(asked.play_dialtone());
    CHECK(asked.headers().at("X-A") == "1");
    CHECK(asked.ringing_timeout().seconds() == 30);
    CHECK(bridge.patience == kTransferTimeout);
    // An older service answers without anything.
    bridge.at_once = std::string();
    CHECK(transfer(sip, "", Duration::seconds(1)).value().transfer_id().empty());
    CHECK(transfer(sip, R"("headers":{"From":"1"})", Duration::seconds(1)).text() ==
          "!invalid_argument: invalid header name: header name From not supported");
}

TEST_CASE("SipCallService: a transfer rings as long as both want it [SIP-79] [RPC-21]") {
    Sip sip;
    Bridge bridge(sip, kTransferSip, {"SCL_1"});
    bridge.at_once = std::string();
    const auto rings = [&](const std::string& more, std::optional<Duration> timeout = {}) {
        CHECK(transfer(sip, more, Duration::millis(100), timeout).text() == "ok");
        Transfer asked;
        REQUIRE(asked.ParseFromString(bridge.payload));
        const auto& told = asked.ringing_timeout();
        CHECK(Duration::seconds(told.seconds()) + Duration::micros(told.nanos() / 1000) ==
              bridge.patience);
        return bridge.patience;
    };
    CHECK(rings(R"("ringingTimeout":"2.5s")") == Duration::millis(2500));
    CHECK(rings(R"("ringingTimeout":"50s")", Duration::millis(1500)) == Duration::millis(1500));
    CHECK(rings("", Duration::seconds(40)) == kTransferTimeout);
    CHECK(rings(R"("ringingTimeout":"900s")") == kMaxTransferTimeout);
    CHECK(rings(R"("ringingTimeout":"0s")") == kTransferTimeout);
    CHECK(rings(R"("ringingTimeout":"-7s")") == kTransferTimeout);
}

TEST_CASE("SipCallService: a call that is over cannot be transferred [SIP-33]") {
    Sip sip;
    CHECK(transfer(sip, "", Duration::millis(1100)).text() ==
          "unavailable: no response from servers");
    Bridge bridge(sip, kTransferSip, {"SCL_1"});
    bridge.at_once = std::string("\xff");
    CHECK(transfer(sip, "", Duration::seconds(1)).text() ==
          "malformed_result: the answer of the SIP service cannot be read");
    bridge.at_once = fail(rpc::Error{rpc::Code::kPermissionDenied, "sip status: 603: No", {"d"}});
    CHECK(transfer(sip, "", Duration::seconds(1)).text() ==
          "permission_denied: sip status: 603: No");
}

}  // namespace confab::cluster::services::sip
