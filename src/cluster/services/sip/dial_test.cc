// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/dial.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

#include "cluster/services/sip/sip_testing.h"

namespace confab::cluster::services::sip {
namespace {

using testing::from_json;
using testing::SIPOutboundTrunkInfo;
using Dial = ::rpc::InternalCreateSIPParticipantRequest;
using Texts = std::map<std::string, std::string>;

const char* const kTrunk =
    R"({"sipTrunkId":"ST_1","address":"sip.example:5070","transport":"SIP_TRANSPORT_TCP",
        "numbers":["+2"],"authUsername":"u","authPassword":"p","fromHost":"from.example",
        "destinationCountry":"DE","headers":{"X-A":"1","X-B":"1"},"headersToAttributes":{"X-C":"c"},
        "attributesToHeaders":{"d":"X-D"},"includeHeaders":"SIP_X_HEADERS",
        "media":{"mediaTimeout":"9s","encryption":"SIP_MEDIA_ENCRYPT_REQUIRE"}})";

Result<Dial, rpc::Error> dial(const std::string& more, const char* trunk = kTrunk) {
    Rng rng(4);
    const auto request = from_json<livekit::CreateSIPParticipantRequest>(
        R"({"sipCallTo":"+1","roomName":"r")" + (more.empty() ? "" : "," + more) + "}");
    const auto info =
        trunk == nullptr ? SIPOutboundTrunkInfo() : from_json<SIPOutboundTrunkInfo>(trunk);
    return dial_request(request, trunk == nullptr ? nullptr : &info, "SCL_1", rng);
}
template <typename Map>
Texts texts(const Map& map) {
    return {map.begin(), map.end()};
}

}  // namespace

TEST_CASE("Dial: by a stored trunk [SIP-38] [API-33]") {
    const Dial said = dial(R"("sipTrunkId":"ST_1")").value();
    CHECK(said.sip_call_id() == "SCL_1");
    CHECK(said.sip_trunk_id() == "ST_1");
    CHECK(said.address() == "sip.example:5070");
    CHECK(said.hostname() == "from.example");
    CHECK(said.transport() == livekit::SIP_TRANSPORT_TCP);
    CHECK(said.destination_country() == "DE");
    CHECK(said.number() == "+2");
    CHECK(said.call_to() == "+1");
    CHECK(said.username() == "u");
    CHECK(said.password() == "p");
    CHECK(said.room_name() == "r");
    CHECK(said.participant_identity() == "sip_+1");
    CHECK(texts(said.participant_attributes()) == Texts{{"sip.callID", "SCL_1"},
                                                        {"sip.trunkID", "ST_1"},
                                                        {"sip.phoneNumber", "+1"},
                                                        {"sip.hostname", "sip.example:5070"},
                                                        {"sip.trunkPhoneNumber", "+2"}});
    CHECK(texts(said.headers()) == Texts{{"X-A", "1"}, {"X-B", "1"}});
    CHECK(texts(said.headers_to_attributes()) == Texts{{"X-C", "c"}});
    CHECK(texts(said.attributes_to_headers()) == Texts{{"d", "X-D"}});
    CHECK(said.include_headers() == livekit::SIP_X_HEADERS);
    CHECK(said.media().media_timeout().seconds() == 9);
    CHECK(said.media_encryption() == livekit::SIP_MEDIA_ENCRYPT_REQUIRE);
    CHECK(said.token().empty());
    CHECK(said.ws_url().empty());
    CHECK_FALSE(said.has_display_name());
    CHECK_FALSE(said.wait_until_answered());
}

TEST_CASE("Dial: what the request says goes before its trunk [SIP-38]") {
    const Dial said = dial(R"("sipTrunkId":"ST_1","sipNumber":"+3","headers":{"X-B":"2"},
                "includeHeaders":"SIP_ALL_HEADERS","participantIdentity":"i",
                "participantName":"n","participantMetadata":"m",
                "participantAttributes":{"a":"1","sip.callID":"x"},"dtmf":"1w","playRingtone":true,
                "krispEnabled":true,"ringingTimeout":"5s","maxCallDuration":"60s",
                "waitUntilAnswered":true,"displayName":"","destination":{"country":"FR"},
                "mediaEncryption":"SIP_MEDIA_ENCRYPT_ALLOW","toUserOverride":"bob",
                "sipRequestUri":{"raw":"sip:x"},"sipFromHeader":{"raw":"sip:y"},
                "sipToHeader":{"raw":"sip:z"})")
                          .value();
    CHECK(said.number() == "+3");
    CHECK(texts(said.headers()) == Texts{{"X-A", "1"}, {"X-B", "2"}});
    CHECK(said.include_headers() == livekit::SIP_ALL_HEADERS);
    CHECK(said.participant_identity() == "i");
    CHECK(said.participant_name() == "n");
    CHECK(said.participant_metadata() == "m");
    CHECK(said.participant_attributes().at("a") == "1");
    CHECK(said.participant_attributes().at("sip.callID") == "SCL_1");
    CHECK(said.dtmf() == "1w");
    CHECK(said.play_dialtone());
    CHECK(said.enabled_features_size() == 1);
    CHECK(said.ringing_timeout().seconds() == 5);
    CHECK(said.max_call_duration().seconds() == 60);
    CHECK(said.wait_until_answered());
    CHECK(said.has_display_name());
    CHECK(said.destination().country() == "FR");
    CHECK(said.media().encryption() == livekit::SIP_MEDIA_ENCRYPT_ALLOW);
    CHECK(said.to_user_override() == "bob");
    CHECK(said.sip_request_uri().raw() == "sip:x");
    CHECK(said.sip_from_header().raw() == "sip:y");
    CHECK(said.sip_to_header().raw() == "sip:z");
}

TEST_CASE("Dial: by a trunk in the request [SIP-13]") {
    const char* trunk =
        R"("trunk":{"hostname":"h","transport":"SIP_TRANSPORT_TLS","authUsername":"u",
           "authPassword":"p","headersToAttributes":{"X-C":"c"},"attributesToHeaders":{"d":"X-D"},
           "destinationCountry":"DE","fromHost":"f"})";
    const Dial said = dial(std::string(trunk) + R"(,"sipNumber":"+3")", nullptr).value();
    CHECK(said.address() == "h");
    CHECK(said.hostname() == "f");
    CHECK(said.transport() == livekit::SIP_TRANSPORT_TLS);
    CHECK(said.username() == "u");
    CHECK(said.destination_country() == "DE");
    CHECK(said.headers_to_attributes_size() == 1);
    CHECK_FALSE(said.participant_attributes().contains("sip.trunkID"));
    CHECK(said.participant_attributes().at("sip.hostname") == "h");
    const auto none = dial(trunk, nullptr);
    REQUIRE_FALSE(none);
    CHECK(none.error().code == rpc::Code::kFailedPrecondition);
    CHECK(none.error().text == "no numbers on outbound trunk");
    CHECK_FALSE(dial("", R"({"address":"h"})"));
    // The From host of a stored trunk goes before that of the request.
    CHECK(dial(std::string(trunk), R"({"address":"a","numbers":["+1"]})")->hostname() == "f");
    CHECK(dial(std::string(trunk), R"({"address":"a","numbers":["+1"]})")->address() == "a");
    CHECK(dial(trunk)->hostname() == "from.example");
}

TEST_CASE("Dial: from any number of the trunk, as its provider wants it [SIP-38]") {
    std::set<std::string> numbers;
    Rng rng(4);
    const auto trunk =
        from_json<SIPOutboundTrunkInfo>(R"({"address":"x.twilio.com","numbers":["1","2","+3"]})");
    livekit::CreateSIPParticipantRequest request;
    for (int i = 0; i < 100; ++i)
        numbers.insert(dial_request(request, &trunk, "SCL_1", rng)->number());
    CHECK(numbers == std::set<std::string>{"+1", "+2", "+3"});
    CHECK(dial(R"("sipNumber":"7")", R"({"address":"twilio.com.example"})")->number() == "7");
}

TEST_CASE("Dial: a hidden number is in nothing that the room sees [SIP-38]") {
    const Dial said = dial(R"("hidePhoneNumber":true)").value();
    CHECK(texts(said.participant_attributes()) == Texts{{"sip.callID", "SCL_1"}});
    CHECK(said.number() == "+2");
}

}  // namespace confab::cluster::services::sip
