// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "token/permission.h"

#include <doctest/doctest.h>

namespace confab::token {

TEST_CASE("to_permission: defaults and tri-state grants [TOK-04] [TOK-11]") {
    VideoGrant grant;
    livekit::ParticipantPermission permission = to_permission(grant);
    CHECK(permission.can_subscribe());
    CHECK(permission.can_publish());
    CHECK(permission.can_publish_data());
    CHECK_FALSE(permission.can_update_metadata());
    CHECK_FALSE(permission.can_subscribe_metrics());
    grant.can_publish = false;
    grant.hidden = true;
    grant.can_publish_sources = {livekit::MICROPHONE};
    permission = to_permission(grant);
    CHECK_FALSE(permission.can_publish());
    CHECK_FALSE(permission.can_publish_data());
    CHECK(permission.hidden());
    CHECK(permission.can_publish_sources(0) == livekit::MICROPHONE);
    grant.can_publish_data = true;
    CHECK(to_permission(grant).can_publish_data());
}

TEST_CASE("same: two permissions that allow the same, sources in their order [TOK-13]") {
    livekit::ParticipantPermission a;
    a.set_can_publish(true);
    a.add_can_publish_sources(livekit::CAMERA);
    a.add_can_publish_sources(livekit::MICROPHONE);
    livekit::ParticipantPermission b = a;
    CHECK(same(a, b));
    b.set_can_manage_agent_session(true);
    CHECK_FALSE(same(a, b));
    b = a;
    b.mutable_can_publish_sources()->SwapElements(0, 1);
    CHECK_FALSE(same(a, b));
}

TEST_CASE("may_publish: canPublishSources restricts [TOK-05]") {
    VideoGrant grant;
    const auto allows = [&grant](livekit::TrackSource source) {
        return may_publish(to_permission(grant), source);
    };
    CHECK(allows(livekit::UNKNOWN));
    grant.can_publish_sources = {parse_track_source("CaMeRa"), parse_track_source("hologram")};
    CHECK(allows(livekit::CAMERA));
    CHECK_FALSE(allows(livekit::MICROPHONE));
    CHECK_FALSE(allows(livekit::UNKNOWN));
    grant.can_publish_sources = {parse_track_source("hologram")};
    CHECK_FALSE(allows(livekit::CAMERA));
    grant.can_publish_sources = {livekit::CAMERA};
    grant.can_publish = false;
    CHECK_FALSE(allows(livekit::CAMERA));
}

TEST_CASE("set_permission: replaces what a permission says and nothing else [TOK-13]") {
    VideoGrant grant;
    grant.room = "r";
    grant.room_admin = true;
    grant.destination_room = "other";
    grant.can_publish_sources = {livekit::CAMERA};
    grant.recorder = true;
    livekit::ParticipantPermission permission;
    permission.set_can_subscribe(true);
    permission.set_hidden(true);
    permission.set_can_manage_agent_session(true);
    permission.add_can_publish_sources(livekit::MICROPHONE);
    set_permission(grant, permission);
    CHECK(to_permission(grant).SerializeAsString() == permission.SerializeAsString());
    CHECK_FALSE(grant.recorder);
    CHECK(grant.room_admin);
    CHECK(grant.room == "r");
    CHECK(grant.destination_room == "other");
}

TEST_CASE("to_permission: a token without the claim gets the defaults [TOK-04] [TOK-11]") {
    Grants grants;
    CHECK(to_permission(grants).SerializeAsString() ==
          to_permission(VideoGrant{}).SerializeAsString());
    CHECK(to_permission(grants).can_subscribe());
    grants.video.emplace().can_subscribe = false;
    CHECK_FALSE(to_permission(grants).can_subscribe());
}

TEST_CASE("to_permission: every grant has its own place, there and back [TOK-11] [TOK-13]") {
    using Permission = livekit::ParticipantPermission;
    struct Place {
        void (Permission::*set)(bool);
        bool (Permission::*get)() const;
    };
    const Place places[] = {
        {&Permission::set_can_subscribe, &Permission::can_subscribe},
        {&Permission::set_can_publish, &Permission::can_publish},
        {&Permission::set_can_publish_data, &Permission::can_publish_data},
        {&Permission::set_hidden, &Permission::hidden},
        {&Permission::set_recorder, &Permission::recorder},
        {&Permission::set_can_update_metadata, &Permission::can_update_metadata},
        {&Permission::set_agent, &Permission::agent},
        {&Permission::set_can_subscribe_metrics, &Permission::can_subscribe_metrics},
        {&Permission::set_can_manage_agent_session, &Permission::can_manage_agent_session},
    };
    for (const Place& place : places) {
        Permission only;
        (only.*place.set)(true);
        VideoGrant grant;
        grant.hidden = grant.recorder = grant.agent = true;  // replaced, whatever was there
        grant.can_publish = grant.can_update_own_metadata = true;
        set_permission(grant, only);
        const Permission back = to_permission(grant);
        for (const Place& other : places)
            CHECK((back.*other.get)() == (&other == &place));
    }
}

TEST_CASE("set_permission: what is taken away stays away in the next token [TOK-12] [TOK-13]") {
    VideoGrant grant;  // a token that leaves all to the defaults
    set_permission(grant, livekit::ParticipantPermission{});
    CHECK(grant.can_publish == false);
    CHECK(grant.can_subscribe == false);
    CHECK(grant.can_publish_data == false);
    CHECK_FALSE(grant.publishes_data());
    grant.can_publish_sources = {livekit::CAMERA};
    livekit::ParticipantPermission all;
    all.set_can_publish(true);
    set_permission(grant, all);
    CHECK(grant.can_publish_sources.empty());
    CHECK(may_publish(to_permission(grant), livekit::SCREEN_SHARE));
}

}  // namespace confab::token
