// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// egress, ingress, sip: what services beside the server are asked.
#include "app/cli/cli_testing.h"
#include "livekit_egress.pb.h"
#include "livekit_ingress.pb.h"
#include "livekit_sip.pb.h"

namespace confab::app::cli {

using testing::has;
using testing::Machine;

TEST_CASE(
    "egress start: the type chooses the call, JSON comes as literal, file or stdin [LKC-05]") {
    Machine m;
    livekit::EgressInfo info;
    info.set_egress_id("EG_1");
    info.set_status(livekit::EGRESS_ACTIVE);
    for (const char* call : {"StartRoomCompositeEgress", "StartParticipantEgress",
                             "StartTrackEgress", "StartTrackCompositeEgress", "StartWebEgress"})
        m.answer("livekit.Egress/" + std::string(call), info);
    m.files["r.json"] = {R"({"room_name": "demo", "layout": "grid"})", 0644};
    m.input = R"({"roomName": "tea"})";
    CHECK(m.run({"egress", "start", "r.json"}).out == "EgressID: EG_1\nStatus: EGRESS_ACTIVE\n");
    CHECK(m.last<livekit::RoomCompositeEgressRequest>().layout() == "grid");
    CHECK(m.asked.back().grants.video->room_record);
    CHECK(m.run({"egress", "start", "-"}).code == 0);
    CHECK(m.last<livekit::RoomCompositeEgressRequest>().room_name() == "tea");
    CHECK(m.run({"start-room-composite-egress", "--request", "r.json"}).code == 0);
    CHECK(m.run({"egress", "start", "--type", "web", R"({"url": "http://x"})"}).code == 0);
    CHECK(m.last<livekit::WebEgressRequest>().url() == "http://x");
    CHECK(m.run({"start-track-egress", "--request", R"({"track_id": "TR_1"})"}).code == 0);
    CHECK(m.asked.back().service == "livekit.Egress/StartTrackEgress");
    CHECK(has(m.run({"egress", "start", "--type", "film", "r.json"}).err,
              "is none of room-composite"));
    CHECK(has(m.run({"egress", "start", "gone.json"}).err, "is neither a file nor JSON"));
    CHECK(has(m.run({"egress", "start", "{\"no\": 1}"}).err,
              "the JSON is no RoomCompositeEgressRequest"));
}

TEST_CASE("egress list: one call for each id, what it records, a limit") {
    Machine m;
    livekit::ListEgressResponse response;
    auto& item = *response.add_items();
    item.set_egress_id("EG_1");
    item.set_started_at(1'800'000'000'000'000'000);
    item.mutable_track_composite()->set_room_name("demo");
    item.mutable_track_composite()->set_audio_track_id("TR_a");
    item.mutable_track_composite()->set_video_track_id("TR_v");
    m.answer("livekit.Egress/ListEgress", response);
    const Outcome o = m.run({"egress", "list", "--room", "demo", "-a"});
    CHECK(has(o.out,
              "│ EG_1     │ EGRESS_STARTING │ track_composite │ demo/TR_v,TR_a │ "
              "2027-01-15T08:00:00Z │       │"));
    CHECK(m.last<livekit::ListEgressRequest>().active());
    CHECK(m.last<livekit::ListEgressRequest>().room_name() == "demo");
    m.asked.clear();
    CHECK(m.run({"list-egress", "--id", "EG_1", "--id", "EG_2", "-o", "jsonl"}).code == 0);
    CHECK(m.asked.size() == 2);
    CHECK(m.last<livekit::ListEgressRequest>().egress_id() == "EG_2");
    CHECK(m.run({"egress", "list", "--limit", "0", "-o", "json"}).out == "{}\n");
}

TEST_CASE("egress stop: all are tried, the one that fails is named; layout and stream") {
    Machine m;
    livekit::EgressInfo info;
    info.set_egress_id("EG_1");
    m.answer("livekit.Egress/StopEgress", info);
    m.answer("livekit.Egress/UpdateLayout", info);
    m.answer("livekit.Egress/UpdateStream", info);
    CHECK(m.run({"egress", "stop", "--id", "EG_1"}).out == "Stopping Egress EG_1\n");
    CHECK(m.run({"egress", "stop"}).code == kExitUsage);
    CHECK(m.run({"egress", "update-layout", "--id", "EG_1", "--layout", "grid"}).code == 0);
    CHECK(m.run({"update-stream", "--id", "EG_1", "--add-urls", "rtmp://a,rtmp://b"}).code == 0);
    CHECK(m.last<livekit::UpdateStreamRequest>().add_output_urls_size() == 2);
    m.refuse("livekit.Egress/StopEgress", 404, R"({"code":"not_found","msg":"no"})");
    m.asked.clear();
    const Outcome o = m.run({"stop-egress", "--id", "EG_1", "--id", "EG_2"});
    CHECK(o.code == kExitFailure);
    CHECK(m.asked.size() == 2);
    CHECK(has(o.err, "error: EG_1: not_found: no\nerror: EG_2: not_found: no\n"));
}

TEST_CASE("ingress: create, update, list, delete") {
    Machine m;
    livekit::IngressInfo info;
    info.set_ingress_id("IN_1");
    info.set_url("rtmp://x/live");
    info.set_stream_key("sk");
    livekit::ListIngressResponse all;
    *all.add_items() = info;
    m.answer("livekit.Ingress/CreateIngress", info);
    m.answer("livekit.Ingress/UpdateIngress", info);
    m.answer("livekit.Ingress/DeleteIngress", info);
    m.answer("livekit.Ingress/ListIngress", all);
    CHECK(
        m.run({"ingress", "create", R"({"input_type": "WHIP_INPUT", "room_name": "demo"})"}).out ==
        "IngressID: IN_1\nStatus: ENDPOINT_INACTIVE\nURL: rtmp://x/live\nStream Key: sk\n");
    CHECK(m.last<livekit::CreateIngressRequest>().input_type() == livekit::WHIP_INPUT);
    CHECK(m.asked.back().grants.video->ingress_admin);
    CHECK(m.run({"update-ingress", "--request", R"({"ingress_id": "IN_1"})"}).code == 0);
    CHECK(m.run({"delete-ingress", "--id", "IN_1"}).code == 0);
    CHECK(m.run({"ingress", "delete", "IN_1"}).code == 0);
    CHECK(has(m.run({"ingress", "list", "--room", "demo"}).out, "│ IN_1      │"));
    CHECK(m.last<livekit::ListIngressRequest>().room_name() == "demo");
}

TEST_CASE("sip trunks: flags over JSON, updates by either, deletes of several [SIP-01] [SIP-03]") {
    Machine m;
    livekit::SIPInboundTrunkInfo in;
    in.set_sip_trunk_id("ST_1");
    livekit::SIPOutboundTrunkInfo out;
    out.set_sip_trunk_id("ST_2");
    livekit::SIPTrunkInfo gone;
    gone.set_sip_trunk_id("ST_1");
    m.answer("livekit.SIP/CreateSIPInboundTrunk", in);
    m.answer("livekit.SIP/UpdateSIPInboundTrunk", in);
    m.answer("livekit.SIP/CreateSIPOutboundTrunk", out);
    m.answer("livekit.SIP/UpdateSIPOutboundTrunk", out);
    m.answer("livekit.SIP/DeleteSIPTrunk", gone);
    CHECK(m.run({"sip", "in", "create", R"({"trunk": {"name": "a", "numbers": ["+1"]}})", "--name",
                 "b", "--auth-user", "u"})
              .out == "SIPTrunkID: ST_1\n");
    CHECK(m.last<livekit::CreateSIPInboundTrunkRequest>().ShortDebugString() ==
          "trunk { name: \"b\" numbers: \"+1\" auth_username: \"u\" }");
    CHECK(m.asked.back().grants.sip->admin);
    CHECK(m.run({"sip", "outbound", "create", "--name", "o", "--address", "sip.example.com",
                 "--transport", "tls", "--numbers", "+1,+2", "--media-enc", "require"})
              .code == 0);
    const auto made = m.last<livekit::CreateSIPOutboundTrunkRequest>().trunk();
    CHECK(made.transport() == livekit::SIP_TRANSPORT_TLS);
    CHECK(made.media_encryption() == livekit::SIP_MEDIA_ENCRYPT_REQUIRE);
    CHECK(made.numbers_size() == 2);
    CHECK(has(m.run({"sip", "outbound", "create", "--transport", "smoke"}).err,
              "is none of SIP_TRANSPORT_AUTO"));
    CHECK(
        m.run({"sip", "inbound", "update", "--id", "ST_1", "--numbers", "", "--name", "n"}).code ==
        0);
    CHECK(m.last<livekit::UpdateSIPInboundTrunkRequest>().ShortDebugString() ==
          "sip_trunk_id: \"ST_1\" update { numbers { } name: \"n\" }");
    CHECK(
        m.run({"sip", "inbound", "update", R"({"sip_trunk_id": "ST_9", "name": "whole"})"}).code ==
        0);
    CHECK(m.last<livekit::UpdateSIPInboundTrunkRequest>().ShortDebugString() ==
          "sip_trunk_id: \"ST_9\" replace { name: \"whole\" }");
    CHECK(has(m.run({"sip", "outbound", "update", "--name", "n"}).err, "no id; give --id"));
    m.asked.clear();
    CHECK(m.run({"sip", "inbound", "delete", "ST_1", "ST_2"}).out ==
          "SIPTrunkID: ST_1\nSIPTrunkID: ST_1\n");
    CHECK(m.asked.size() == 2);
}

TEST_CASE("sip trunks: lists never show a password") {
    Machine m;
    livekit::ListSIPInboundTrunkResponse all;
    auto& trunk = *all.add_items();
    trunk.set_sip_trunk_id("ST_1");
    trunk.add_numbers("+1");
    trunk.set_auth_username("u");
    trunk.set_auth_password("hidden-secret");
    (*trunk.mutable_headers())["X-A"] = "b";
    m.answer("livekit.SIP/ListSIPInboundTrunk", all);
    const Outcome o = m.run({"sip", "inbound", "list"});
    CHECK(has(o.out, "u / ****"));
    CHECK(has(o.out, "X-A=b"));
    CHECK(!has(o.out, "hidden-secret"));
}

TEST_CASE("sip dispatch: one kind of rule, by flag or JSON [SIP-02]") {
    Machine m;
    livekit::SIPDispatchRuleInfo rule;
    rule.set_sip_dispatch_rule_id("SDR_1");
    rule.mutable_rule()->mutable_dispatch_rule_callee()->set_room_prefix("c-");
    rule.mutable_rule()->mutable_dispatch_rule_callee()->set_randomize(true);
    livekit::ListSIPDispatchRuleResponse all;
    *all.add_items() = rule;
    m.answer("livekit.SIP/CreateSIPDispatchRule", rule);
    m.answer("livekit.SIP/UpdateSIPDispatchRule", rule);
    m.answer("livekit.SIP/DeleteSIPDispatchRule", rule);
    m.answer("livekit.SIP/ListSIPDispatchRule", all);
    CHECK(m.run({"sip", "dispatch", "create", "--direct", "hall", "--trunks", "ST_1"}).out ==
          "SIPDispatchRuleID: SDR_1\n");
    CHECK(m.last<livekit::CreateSIPDispatchRuleRequest>().ShortDebugString() ==
          "dispatch_rule { rule { dispatch_rule_direct { room_name: \"hall\" } } trunk_ids: "
          "\"ST_1\" }");
    CHECK(m.run({"sip", "dispatch-rule", "update", "--id", "SDR_1", "--individual", "p-"}).code ==
          0);
    CHECK(m.last<livekit::UpdateSIPDispatchRuleRequest>()
              .update()
              .rule()
              .dispatch_rule_individual()
              .room_prefix() == "p-");
    CHECK(has(m.run({"sip", "dispatch", "create", "--direct", "a", "--callee", "b"}).err,
              "one kind"));
    CHECK(
        has(m.run({"sip", "dispatch", "create",
                   R"({"dispatch_rule": {"rule": {"dispatch_rule_direct": {}}}})", "--caller", "b"})
                .err,
            "one kind"));
    CHECK(has(m.run({"sip", "dispatch", "list"}).out,
              "│ <any>     │ Callee │ c-<callee>_<random> │"));
    CHECK(m.run({"delete-sip-dispatch-rule", "--id", "SDR_1"}).code == 0);
}

TEST_CASE(
    "sip participant: who waits has a shorter ringing than the call; headers; transfers [SIP-08] "
    "[SIP-09]") {
    Machine m;
    livekit::SIPParticipantInfo info;
    info.set_sip_call_id("SCL_1");
    info.set_room_name("demo");
    m.answer("livekit.SIP/CreateSIPParticipant", info);
    m.answer("livekit.SIP/TransferSIPParticipant", livekit::TransferSIPParticipantResponse{});
    const std::vector<std::string> call{"sip",  "participant", "create", "--trunk",
                                        "ST_1", "--call",      "+2",     "--room",
                                        "demo", "--identity",  "desk"};
    const auto with = [&](std::initializer_list<const char*> more) {
        std::vector<std::string> words = call;
        words.insert(words.end(), more.begin(), more.end());
        return words;
    };
    CHECK(m.run(call).out == "SIPCallID: SCL_1\nRoomName: demo\n");
    CHECK(m.last<livekit::CreateSIPParticipantRequest>().ringing_timeout().seconds() == 80);
    CHECK(m.asked.back().grants.sip->call);
    CHECK(m.run(with({"--wait", "--timeout", "20s", "--header", "X-A: b:c,X-B: d",
                      "--no-display-name"}))
              .code == 0);
    const auto waits = m.last<livekit::CreateSIPParticipantRequest>();
    CHECK(waits.ringing_timeout().seconds() == 19);
    CHECK(waits.ringing_timeout().nanos() == 500'000'000);
    CHECK(waits.headers().at("X-A") == "b:c");
    CHECK(waits.headers().at("X-B") == "d");
    CHECK(waits.has_display_name());
    CHECK(has(m.run(with({"--header", "none"})).err, "needs the form Key:Value"));
    CHECK(has(m.run(with({"--timeout", "5"})).err, "needs a unit"));
    CHECK(
        m.run({"sip", "participant", "transfer", "desk", "--room", "demo", "--to", "tel:+3"}).out ==
        "transferred desk to tel:+3\n");
    CHECK(m.asked.back().grants.video->room == "demo");
}

TEST_CASE("sip participant, egress: who waits for people or recorders has the time for it") {
    Machine m;
    m.answer("livekit.SIP/TransferSIPParticipant", livekit::TransferSIPParticipantResponse{});
    m.answer("livekit.Egress/StartRoomCompositeEgress", livekit::EgressInfo{});
    m.answer("livekit.SIP/ListSIPTrunk", livekit::ListSIPTrunkResponse{});
    CHECK(m.run({"sip", "participant", "transfer", "desk", "-r", "demo", "--to", "tel:+3"}).code ==
          0);
    CHECK(m.asked.back().timeout == Duration::seconds(95));
    CHECK(m.run({"egress", "start", "{}"}).code == 0);
    CHECK(m.asked.back().timeout == Duration::seconds(30));
    CHECK(m.run({"list-sip-trunk"}).code == 0);
    CHECK(m.asked.back().timeout == Duration::seconds(15));
}

TEST_CASE("sip participant: what the phone network said of a failed call is data [SIP-08]") {
    Machine m;
    const std::string refusal =
        R"({"code":"unavailable","msg":"busy","meta":{"sip_status_code":"486","sip_status":)";
    m.refuse("livekit.SIP/CreateSIPParticipant", 503, refusal + R"("Busy Here"}})");
    m.refuse("livekit.SIP/TransferSIPParticipant", 503, refusal + R"("SIP_STATUS_BUSY_HERE"}})");
    const std::vector<std::string> call{"sip",    "participant", "create", "--trunk", "ST_1",
                                        "--call", "+2",          "--room", "demo"};
    const Outcome o = m.run(call);
    CHECK(o.code == kExitFailure);
    CHECK(o.out == "SIPStatusCode: 486\nSIPStatus: Busy Here\n");
    CHECK(has(o.err, "error: unavailable: busy"));
    std::vector<std::string> json = call;
    json.insert(json.end(), {"-o", "jsonl"});
    CHECK(m.run(json).out == "{\"sipStatusCode\":486,\"sipStatus\":\"Busy Here\"}\n");
    CHECK(m.run({"sip", "participant", "transfer", "desk", "-r", "demo", "--to", "tel:+3"}).out ==
          "SIPStatusCode: 486\nSIPStatus: BUSY_HERE\n");
    m.refuse("livekit.SIP/CreateSIPParticipant", 503, R"({"code":"unavailable","msg":"no"})");
    CHECK(m.run(call).out == "");
}

TEST_CASE("egress and ingress as lk: its lines, with others when a form is asked for") {
    Machine m;
    livekit::EgressInfo egress;
    egress.set_egress_id("EG_1");
    livekit::IngressInfo ingress;
    ingress.set_ingress_id("IN_1");
    ingress.set_url("rtmp://x/live");
    ingress.set_stream_key("sk");
    ingress.mutable_state();
    const auto answer = [&] {
        m.answer("livekit.Egress/StartRoomCompositeEgress", egress);
        m.answer("livekit.Egress/UpdateLayout", egress);
        m.answer("livekit.Ingress/DeleteIngress", ingress);
    };
    answer();
    m.program = "lk";
    const std::vector<std::string> layout{"egress", "update-layout", "--id",
                                          "EG_1",   "--layout",      "grid"};
    CHECK(m.run({"egress", "start", "{}"}).out == "EgressID: EG_1 Status: EGRESS_STARTING\n");
    CHECK(m.run(layout).out == "EgressID: EG_1 Status: EGRESS_STARTING\n");
    CHECK(m.run({"egress", "start", "{}", "-o", "jsonl"}).out == "{\"egressId\":\"EG_1\"}\n");
    CHECK(m.run({"egress", "start", "{}", "--field", "egressId"}).out == "EG_1\n");
    CHECK(m.run({"ingress", "delete", "IN_1"}).out ==
          "IngressID: IN_1 Status: ENDPOINT_INACTIVE\nURL: rtmp://x/live Stream Key: sk\n");
    egress.set_error("gone");
    ingress.mutable_state()->set_error("bad");
    answer();
    CHECK(m.run(layout).out == "EgressID: EG_1 Error: gone\n");
    CHECK(m.run({"ingress", "delete", "IN_1"}).out == "IngressID: IN_1 Error: bad\n");
    m.program = "confab";
    CHECK(m.run(layout).out == "EgressID: EG_1\nStatus: EGRESS_STARTING\nError: gone\n");
}

TEST_CASE("list-sip-trunk: the kind without its prefix") {
    Machine m;
    livekit::ListSIPTrunkResponse all;
    all.add_items()->set_kind(livekit::SIPTrunkInfo::TRUNK_OUTBOUND);
    all.add_items();
    m.answer("livekit.SIP/ListSIPTrunk", all);
    const std::string table = m.run({"list-sip-trunk"}).out;
    CHECK(has(table, "│ OUTBOUND │"));
    CHECK(has(table, "│ LEGACY   │"));
}

}  // namespace confab::app::cli
