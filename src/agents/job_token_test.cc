// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/job_token.h"

#include <doctest/doctest.h>

#include "base/text.h"

namespace confab::agents {
namespace {

const std::string kSecret = "a-secret-of-thirty-two-characters";

livekit::Job job() {
    livekit::Job result;
    result.mutable_room()->set_name("r");
    result.set_agent_name("bot");
    return result;
}

}  // namespace

TEST_CASE("Job token: who the agent is and what it may [DSP-10] [DSP-11] [CON-52]") {
    livekit::AvailabilityResponse answer;
    answer.set_participant_identity("agent-AJ_x");
    answer.set_participant_name("The Agent");
    answer.set_participant_metadata("md");
    (*answer.mutable_participant_attributes())["lk.agent.name"] = "mine";
    livekit::ParticipantPermission permissions;
    permissions.set_can_subscribe(true);
    permissions.set_can_publish_data(true);
    permissions.set_recorder(true);
    permissions.set_can_manage_agent_session(true);
    permissions.add_can_publish_sources(livekit::CAMERA);
    const token::KeyMap keys({{"key", kSecret}, {"other", kSecret + "2"}});
    const UnixTime now = UnixTime::seconds(1'795'162'794);
    const auto text = job_token(job_grants(job(), answer, permissions), "other", keys, now);
    REQUIRE(text);
    const auto grants = token::verify_token(*text, keys, now);
    REQUIRE(grants);
    CHECK(grants->api_key == "other");
    CHECK(grants->identity == "agent-AJ_x");
    CHECK(grants->name == "The Agent");
    CHECK(grants->kind == livekit::ParticipantInfo::AGENT);
    CHECK(grants->metadata == "md");
    CHECK(grants->attributes.at("lk.agent_name") == "bot");
    CHECK(grants->attributes.at("lk.agent.name") == "mine");
    CHECK(*grants->expires_at == now + Duration::seconds(3600));
    const token::VideoGrant& video = *grants->video;
    CHECK(video.room_join);
    CHECK(video.room == "r");
    CHECK(video.agent);
    CHECK(video.can_subscribe == true);
    CHECK(video.can_publish == false);
    CHECK(video.can_publish_data == true);
    CHECK(video.can_update_own_metadata == false);
    CHECK(video.can_subscribe_metrics == false);
    CHECK_FALSE(video.hidden);
    CHECK_FALSE(video.recorder);
    CHECK_FALSE(video.can_manage_agent_session);
    CHECK(video.can_publish_sources.empty());
}

TEST_CASE("Job token: who the agent is stands in `sub` and in a claim of its own [DSP-10]") {
    const token::KeyMap keys({{"key", kSecret}});
    token::Grants grants;
    grants.identity = "agent-AJ_x";
    const auto text = job_token(grants, "key", keys, UnixTime::seconds(1));
    REQUIRE(text);
    const std::size_t payload = text->find('.') + 1;
    const auto claims = base64_decode(
        std::string_view(*text).substr(payload, text->rfind('.') - payload), Base64::kUrlNoPadding);
    REQUIRE(claims);
    CHECK(as_text(*claims).find(R"("sub":"agent-AJ_x","identity":"agent-AJ_x",)") !=
          std::string_view::npos);
}

TEST_CASE("Job token: the name of the agent is there though it has none [DSP-11]") {
    livekit::ParticipantPermission hidden;
    hidden.set_hidden(true);
    const token::Grants grants = job_grants({}, {}, hidden);
    CHECK(grants.attributes.contains("lk.agent_name"));
    CHECK(grants.attributes.at("lk.agent_name").empty());
    CHECK(grants.video->hidden);
}

TEST_CASE("Job token: none without the worker's own key [DSP-10]") {
    const token::KeyMap keys({{"key", kSecret}});
    CHECK(job_token({}, "key", keys, UnixTime::seconds(1)));
    CHECK_FALSE(job_token({}, "gone", keys, UnixTime::seconds(1)));
}

}  // namespace confab::agents
