// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/client/own_tracks.h"

#include <doctest/doctest.h>

#include "client/session/session.h"

namespace confab::sim {
namespace {

using Cids = std::vector<std::string>;

struct Fixture {
    Fixture() { begin(); }
    void begin() {
        client::SessionConfig config;
        config.crypto = {&engine, nullptr, true};
        session = std::make_unique<client::Session>(std::move(config), Rng(4));
        tracks.begin(session->tracks());
        (void)session->start(Timestamp{});
        livekit::SignalResponse response;
        response.mutable_join()->mutable_participant()->set_sid("PA_me");
        (void)session->handle_signal(Timestamp{}, response);
        tracks.publish_again();
    }
    // Announced to the server since the last call.
    std::vector<livekit::AddTrackRequest> announced() {
        std::vector<livekit::AddTrackRequest> all;
        while (const auto message = session->poll_signal()) {
            livekit::SignalRequest request;
            REQUIRE(request.ParseFromString(*message));
            if (request.has_add_track()) all.push_back(request.add_track());
        }
        return all;
    }

    srtp::Engine engine;
    Rng rng{4};
    std::uint32_t numbers = 0;
    std::unique_ptr<client::Session> session;
    OwnTracks tracks{false, rng, [this] { return ++numbers; }};
};

TEST_CASE("OwnTracks: publishes audio, and video of one to three layers") {
    Fixture f;
    f.tracks.publish(MediaKind::kAudio, 3, false);
    f.tracks.publish(MediaKind::kVideo, 0, true);
    f.tracks.publish(MediaKind::kVideo, 9, false);
    const auto& all = f.tracks.all();
    REQUIRE(all.size() == 3);
    CHECK(all[0].layers == 1);
    CHECK(all[1].layers == 1);
    CHECK(all[1].obstinate);
    CHECK(all[2].layers == 3);
    const auto announced = f.announced();
    REQUIRE(announced.size() == 3);
    CHECK(announced[0].source() == livekit::MICROPHONE);
    CHECK(announced[2].source() == livekit::CAMERA);
    CHECK(announced[2].cid() == all[2].cid());
    CHECK(announced[2].layers_size() == 3);
}

TEST_CASE("OwnTracks: a new session gets the same tracks under other numbers, muted as they were") {
    Fixture f;
    f.tracks.publish(MediaKind::kAudio, 1, false);
    f.tracks.publish(MediaKind::kVideo, 3, false);
    f.tracks.set_muted(1, true);
    const std::uint32_t before = f.tracks.all()[0].number;
    f.begin();
    CHECK(f.tracks.all()[0].number != before);
    CHECK(f.session->tracks().cids() == Cids{f.tracks.all()[0].cid(), f.tracks.all()[1].cid()});
    const auto announced = f.announced();
    REQUIRE(announced.size() == 2);
    CHECK_FALSE(announced[0].muted());
    CHECK(f.tracks.all()[1].muted);
}

TEST_CASE("OwnTracks: the last is unpublished, muting counts round, and nothing is no fault") {
    Fixture f;
    f.tracks.unpublish();
    f.tracks.set_muted(3, true);
    f.tracks.publish(MediaKind::kAudio, 1, false);
    f.tracks.publish(MediaKind::kAudio, 1, false);
    f.tracks.set_muted(3, true);
    CHECK_FALSE(f.tracks.all()[0].muted);
    CHECK(f.tracks.all()[1].muted);
    f.tracks.unpublish();
    REQUIRE(f.tracks.all().size() == 1);
    CHECK(f.session->tracks().cids() == Cids{f.tracks.all()[0].cid()});
}

}  // namespace
}  // namespace confab::sim
