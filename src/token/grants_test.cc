// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Claims as values and back, one by one: a claim that is read into its neighbour's place, or not
// written, gives somebody what the token does not say.
#include "token/grants.h"

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "livekit_egress.pb.h"

namespace confab::token {
namespace {

Result<Grants, ClaimError> parse(const std::string& text) {
    const auto claims = json::parse(text);
    REQUIRE(claims);
    return parse_grants(*claims);
}
VideoGrant video_of(const std::string& members) {
    const auto grants = parse(R"({"video":{)" + members + "}}");
    REQUIRE(grants);
    REQUIRE(grants->video);
    return *grants->video;
}
std::string written(const Grants& grants) {
    json::Writer writer;
    writer.begin_object();
    write_grants(grants, writer);
    writer.end_object();
    return writer.take();
}
std::string written(const VideoGrant& video) {
    Grants grants;
    grants.video = video;
    return written(grants);
}

struct Flag {
    const char* name;
    bool VideoGrant::* field;
};
constexpr std::array<Flag, 9> kFlags{{
    {"roomCreate", &VideoGrant::room_create},
    {"roomList", &VideoGrant::room_list},
    {"roomRecord", &VideoGrant::room_record},
    {"roomAdmin", &VideoGrant::room_admin},
    {"roomJoin", &VideoGrant::room_join},
    {"ingressAdmin", &VideoGrant::ingress_admin},
    {"hidden", &VideoGrant::hidden},
    {"recorder", &VideoGrant::recorder},
    {"agent", &VideoGrant::agent},
}};

struct Choice {
    const char* name;
    std::optional<bool> VideoGrant::* field;
};
constexpr std::array<Choice, 6> kChoices{{
    {"canPublish", &VideoGrant::can_publish},
    {"canSubscribe", &VideoGrant::can_subscribe},
    {"canPublishData", &VideoGrant::can_publish_data},
    {"canUpdateOwnMetadata", &VideoGrant::can_update_own_metadata},
    {"canSubscribeMetrics", &VideoGrant::can_subscribe_metrics},
    {"canManageAgentSession", &VideoGrant::can_manage_agent_session},
}};

std::string member(const char* name, const char* value) {
    return "\"" + std::string(name) + "\":" + value;
}

}  // namespace

TEST_CASE("parse_grants: each flag of video grants one thing and no other [TOK-04]") {
    for (const Flag& flag : kFlags) {
        CAPTURE(flag.name);
        VideoGrant expected;
        expected.*flag.field = true;
        CHECK(video_of(member(flag.name, "true")) == expected);
        CHECK(written(expected) == R"({"video":{)" + member(flag.name, "true") + "}}");
        CHECK(video_of(member(flag.name, "false")) == VideoGrant{});
        CHECK(video_of(member(flag.name, "null")) == VideoGrant{});
    }
    CHECK(written(VideoGrant{}) == R"({"video":{}})");
}

TEST_CASE("parse_grants: what a token does not say is not false [TOK-04]") {
    for (const Choice& choice : kChoices) {
        CAPTURE(choice.name);
        for (const bool value : {true, false}) {
            const std::string text = member(choice.name, value ? "true" : "false");
            VideoGrant expected;
            expected.*choice.field = value;
            CHECK(video_of(text) == expected);
            // A refusal has to be written, as the default may be to allow.
            CHECK(written(expected) == R"({"video":{)" + text + "}}");
        }
        CHECK(video_of(member(choice.name, "null")) == VideoGrant{});
    }
    const VideoGrant silent = video_of("");
    CHECK(silent.publishes());
    CHECK(silent.subscribes());
    CHECK(silent.publishes_data());
    CHECK_FALSE(silent.updates_own_metadata());
    const VideoGrant mute = video_of(R"("canPublish":false)");
    CHECK_FALSE(mute.publishes());
    CHECK_FALSE(mute.publishes_data());  // as canPublish
    CHECK(mute.subscribes());
    CHECK(video_of(R"("canPublish":false,"canPublishData":true)").publishes_data());
    CHECK_FALSE(video_of(R"("canPublishData":false)").publishes_data());
    CHECK_FALSE(video_of(R"("canSubscribe":false)").subscribes());
}

TEST_CASE("parse_grants: rooms and sources of video [TOK-04] [TOK-05] [TOK-10]") {
    const VideoGrant grant = video_of(
        R"("room":"a","destinationRoom":"b","canPublishSources":["SCREEN_share","hologram",""])");
    CHECK(grant.room == "a");
    CHECK(grant.destination_room == "b");
    // The unknown ones stay in the list: it restricts as long as it is not empty.
    CHECK(grant.can_publish_sources == std::vector<livekit::TrackSource>{livekit::SCREEN_SHARE,
                                                                         livekit::UNKNOWN,
                                                                         livekit::UNKNOWN});
    CHECK(video_of(R"("canPublishSources":[])").can_publish_sources.empty());
    CHECK(video_of(R"("canPublishSources":null)").can_publish_sources.empty());
    CHECK(video_of(R"("Room":"a","roomjoin":true)") == VideoGrant{});
    VideoGrant restricted;
    restricted.can_publish_sources = {livekit::MICROPHONE, livekit::UNKNOWN};
    const std::string text = written(restricted);
    CHECK(text == R"({"video":{"canPublishSources":["microphone","unknown"]}})");
    CHECK(parse(text)->video == restricted);
}

TEST_CASE("parse_grants: grants of services, each by itself [TOK-06]") {
    CHECK(parse(R"({"sip":{"admin":true}})")->sip == SipGrant{true, false});
    CHECK(parse(R"({"sip":{"call":true}})")->sip == SipGrant{false, true});
    CHECK(parse(R"({"sip":{}})")->sip == SipGrant{});
    CHECK_FALSE(parse(R"({"sip":null,"agent":null})")->sip);
    CHECK(parse(R"({"agent":{"admin":true}})")->agent == AgentGrant{true, false, false});
    CHECK(parse(R"({"agent":{"simulationAdmin":true}})")->agent == AgentGrant{false, true, false});
    CHECK(parse(R"({"agent":{"databaseAdmin":true}})")->agent == AgentGrant{false, false, true});
    CHECK(parse(R"({"inference":{"perform":true}})")->inference_perform);
    CHECK_FALSE(parse(R"({"inference":{"perform":false}})")->inference_perform);
    CHECK(parse(R"({"observability":{"write":true}})")->observability_write);
    CHECK_FALSE(parse(R"({"observability":{}})")->observability_write);
    Grants call;
    call.sip = SipGrant{false, true};
    call.agent = AgentGrant{};
    CHECK(written(call) == R"({"sip":{"call":true},"agent":{}})");
}

TEST_CASE("parse_grants: attributes keep every key; null is an empty text [TOK-03]") {
    const auto grants = parse(R"({"attributes":{"a":"1","b":null,"":"x","a":"2"}})");
    REQUIRE(grants);
    CHECK(grants->attributes ==
          std::map<std::string, std::string>{{"", "x"}, {"a", "2"}, {"b", ""}});
    CHECK(parse(written(*grants))->attributes == grants->attributes);
}

TEST_CASE("parse_grants: for whom a connection publishes, where it does [TOK-14] [CON-38]") {
    const auto grants = parse(R"({"publishesFor":"ann"})");
    REQUIRE(grants);
    CHECK(grants->publishes_for == "ann");
    CHECK(written(*grants) == R"({"publishesFor":"ann"})");
    CHECK_FALSE(parse(R"({"publishesFor":1})"));
}

TEST_CASE("parse_grants: kind details in any case; unknown ones are left out [TOK-07]") {
    const auto grants = parse(R"({"kind":"SIP","kindDetails":["Forwarded","x","CLOUD_AGENT"]})");
    REQUIRE(grants);
    CHECK(grants->kind == livekit::ParticipantInfo::SIP);
    CHECK(grants->kind_details ==
          std::vector{livekit::ParticipantInfo::FORWARDED, livekit::ParticipantInfo::CLOUD_AGENT});
    CHECK(written(*grants) == R"({"kind":"sip","kindDetails":["forwarded","cloud_agent"]})");
    CHECK(written(Grants{}) == "{}");  // STANDARD is what is meant without the claim
}

TEST_CASE("parse_grants: the first wrong type is named with its place [TOK-04] [CON-21]") {
    const auto error = [](const std::string& text) {
        const auto grants = parse(text);
        return grants ? "none"
                      : grants.error().claim + " " + std::string(to_text(grants.error().found));
    };
    CHECK(error(R"({"name":1,"metadata":true})") == "name number");
    CHECK(error(R"({"video":{"room":[],"hidden":1}})") == "video.room array");
    CHECK(error(R"({"agent":{"databaseAdmin":"x"}})") == "agent.databaseAdmin string");
    CHECK(error(R"({"inference":{"perform":1}})") == "inference.perform number");
    CHECK(error(R"({"observability":{"write":{}}})") == "observability.write object");
    CHECK(error(R"({"attributes":{"a":"","b":false}})") == "attributes bool");
    CHECK(error(R"({"video":{"canPublishSources":["camera",null]}})") ==
          "video.canPublishSources null");
    CHECK(error(R"({"kindDetails":["sip"],"video":{"canPublish":null}})") == "none");
}

TEST_CASE("strip_upload_secrets: no kind of store keeps its keys, wherever it stands [TOK-12]") {
    livekit::RoomConfiguration config;
    auto* egress = config.mutable_egress();
    auto* room = egress->mutable_room();
    room->set_room_name("kept");
    for (int i = 0; i < 4; ++i)
        room->add_file_outputs()->set_filepath("f" + std::to_string(i));
    room->mutable_file_outputs(0)->mutable_s3()->set_secret("hush");
    room->mutable_file_outputs(1)->mutable_gcp()->set_credentials("hush");
    room->mutable_file_outputs(2)->mutable_azure()->set_account_key("hush");
    room->mutable_file_outputs(3)->mutable_alioss()->set_secret("hush");
    room->add_segment_outputs()->mutable_s3()->set_secret("hush");
    room->add_image_outputs()->mutable_gcp()->set_credentials("hush");
    egress->mutable_participant()->add_segment_outputs()->mutable_azure()->set_account_key("hush");
    egress->mutable_tracks()->mutable_s3()->set_secret("hush");
    egress->mutable_tracks()->set_filepath("tracks");
    strip_upload_secrets(config);
    CHECK(config.SerializeAsString().find("hush") == std::string::npos);
    CHECK(room->room_name() == "kept");
    REQUIRE(room->file_outputs_size() == 4);
    for (int i = 0; i < 4; ++i)
        CHECK(room->file_outputs(i).filepath() == "f" + std::to_string(i));
    CHECK(room->segment_outputs_size() == 1);
    CHECK(egress->tracks().filepath() == "tracks");

    livekit::StartEgressRequest start;
    start.mutable_storage()->mutable_s3()->set_secret("hush");
    start.add_outputs()->mutable_storage()->mutable_gcp()->set_credentials("hush");
    strip_upload_secrets(start);
    CHECK_FALSE(start.has_storage());
    CHECK_FALSE(start.outputs(0).has_storage());
}

}  // namespace confab::token
