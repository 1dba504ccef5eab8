// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/subscriptions.h"

#include <doctest/doctest.h>

namespace confab::client {
namespace {

struct Bench {
    explicit Bench(bool auto_subscribe) : subscriptions(auto_subscribe, link) {
        link.opened(Timestamp::micros(1'000'000));
    }
    livekit::SyncState state() const {
        livekit::SyncState state;
        subscriptions.describe(state);
        return state;
    }
    void disable(const std::string& sid, bool disabled) {
        livekit::UpdateTrackSettings settings;
        settings.add_track_sids(sid);
        settings.set_disabled(disabled);
        subscriptions.update_settings(settings);
    }

    SignalLink link{UnixTime{}};
    Subscriptions subscriptions;
};

RemoteStreams one_stream(std::uint32_t ssrc) {
    RemoteStream stream;
    stream.track_sid = "TR_a";
    stream.ssrc = ssrc;
    return {{stream.track_sid, stream}};
}

}  // namespace

TEST_CASE("Subscriptions: the sync state names exceptions, by what is the default [SIG-161]") {
    for (const bool automatic : {true, false}) {
        CAPTURE(automatic);
        Bench b(automatic);
        b.subscriptions.subscribe({"TR_a", "TR_b"}, !automatic);
        b.subscriptions.subscribe({"TR_a", "TR_c"}, automatic);
        CHECK(b.state().subscription().subscribe() == !automatic);
        REQUIRE(b.state().subscription().track_sids_size() == 1);
        CHECK(b.state().subscription().track_sids(0) == "TR_b");
    }
}

TEST_CASE(
    "Subscriptions: disabled tracks stand in the sync state until they are enabled [SIG-161]") {
    Bench b(true);
    b.disable("TR_a", true);
    b.disable("TR_b", true);
    b.disable("TR_a", false);
    REQUIRE(b.state().track_sids_disabled_size() == 1);
    CHECK(b.state().track_sids_disabled(0) == "TR_b");
}

TEST_CASE("Subscriptions: over kMaxWishes they are said all the same, not kept") {
    Bench b(true);
    for (std::size_t i = 0; i <= Subscriptions::kMaxWishes; ++i) {
        while (b.link.poll()) {
        }
        b.subscriptions.subscribe({"TR_" + std::to_string(i)}, false);
    }
    CHECK(b.link.poll().has_value());
    CHECK(b.state().subscription().track_sids_size() ==
          static_cast<int>(Subscriptions::kMaxWishes));
}

TEST_CASE("Subscriptions: streams that are as before are no news [SDP-04]") {
    Bench b(true);
    CHECK_FALSE(b.subscriptions.take({}));
    CHECK(b.subscriptions.take(one_stream(31)));
    CHECK_FALSE(b.subscriptions.take(one_stream(31)));
    CHECK(b.subscriptions.take(one_stream(32)));
    CHECK(b.subscriptions.streams().at("TR_a").ssrc == 32);
    CHECK(b.subscriptions.take({}));
}

}  // namespace confab::client
