// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is said and asked for, with a hand-made roster of a server. What is heard is in
// data_checker_test.cc.

#include "sim/client/messages.h"

#include <doctest/doctest.h>

namespace confab::sim {
namespace {

using Sids = std::vector<std::string>;

// Its session has joined a room with one other, who has a data track.
struct Fixture {
    explicit Fixture(bool auto_subscribed)
        : messages(DataChecker("somebody", 1, nullptr), auto_subscribed, report,
                   [this] { return ++numbers; }) {
        join();
    }
    void join() {
        client::SessionConfig config;
        config.crypto = {&engine, nullptr, true};
        session = std::make_unique<client::Session>(std::move(config), Rng(4));
        messages.begin(*session);
        (void)session->start(kRunStart);
        livekit::SignalResponse response;
        response.mutable_join()->mutable_participant()->set_sid("PA_me");
        (void)session->handle_signal(kRunStart, response);
        (void)requests();
    }
    void publish_elsewhere(const Sids& sids) {
        livekit::SignalResponse response;
        livekit::ParticipantInfo& other = *response.mutable_update()->add_participants();
        other.set_sid("PA_other");
        other.set_identity("other");
        for (const std::string& sid : sids)
            other.add_data_tracks()->set_sid(sid);
        (void)session->handle_signal(kRunStart, response);
        messages.ask_for_tracks();
    }
    std::vector<livekit::SignalRequest> requests() {
        std::vector<livekit::SignalRequest> all;
        while (const auto message = session->poll_signal()) {
            livekit::SignalRequest request;
            REQUIRE(request.ParseFromString(*message));
            all.push_back(request);
        }
        return all;
    }
    // Sids that it asked for since the last call, or, by false, wanted no more.
    Sids asked(bool wanted) {
        Sids sids;
        for (const livekit::SignalRequest& request : requests())
            for (const auto& update : request.update_data_subscription().updates())
                if (update.subscribe() == wanted) sids.push_back(update.track_sid());
        return sids;
    }

    srtp::Engine engine;
    Report report;
    std::uint32_t numbers = 0;
    std::unique_ptr<client::Session> session;
    Messages messages;
};

TEST_CASE("Messages: asks once for each data track, unless the server subscribes by itself") {
    Fixture asks(false);
    asks.publish_elsewhere({"DTR_a"});
    CHECK(asks.asked(true) == Sids{"DTR_a"});
    asks.publish_elsewhere({"DTR_a", "DTR_b"});
    CHECK(asks.asked(true) == Sids{"DTR_b"});
    Fixture gets(true);
    gets.publish_elsewhere({"DTR_a"});
    CHECK(gets.asked(true) == Sids{});
}

TEST_CASE("Messages: a wish is for the tracks that are known and those to come") {
    for (const bool auto_subscribed : {false, true}) {
        CAPTURE(auto_subscribed);
        Fixture f(auto_subscribed);
        f.publish_elsewhere({"DTR_a"});
        (void)f.requests();
        f.messages.want_tracks(false);
        CHECK(f.asked(false) == Sids{"DTR_a"});
        f.publish_elsewhere({"DTR_a", "DTR_b"});
        // Only what the server would send by itself has to be refused.
        CHECK(f.asked(false) == (auto_subscribed ? Sids{"DTR_b"} : Sids{}));
    }
}

TEST_CASE("Messages: a new session knows nothing of what was asked for, and has other numbers") {
    Fixture f(false);
    f.publish_elsewhere({"DTR_a"});
    f.messages.publish_track();
    const std::vector<std::uint32_t> before = f.messages.tracks();
    f.join();
    CHECK(f.messages.tracks() != before);
    f.publish_elsewhere({"DTR_a"});
    CHECK(f.asked(true) == Sids{"DTR_a"});
}

TEST_CASE("Messages: data tracks are published again where the session has none") {
    Fixture f(false);
    const auto publishes = [&] {
        std::size_t count = 0;
        for (const livekit::SignalRequest& request : f.requests())
            if (request.has_publish_data_track_request()) ++count;
        return count;
    };
    f.messages.publish_track();
    f.messages.publish_track();
    CHECK(publishes() == 2);
    f.messages.publish_again();
    CHECK(publishes() == 0);
    f.join();
    f.messages.publish_again();
    CHECK(publishes() == 2);
    f.messages.unpublish_track();
    CHECK(f.messages.tracks().size() == 1);
    f.messages.publish_again();
    CHECK(publishes() == 0);
}

TEST_CASE("Messages: what was not sent does not count") {
    Fixture f(false);
    CHECK_FALSE(f.messages.say(kRunStart, DataKind::kReliable, 0, {}));
    const DataChecker& checker = f.messages.checker();
    CHECK(checker.count_sent({DataKind::kReliable, checker.speaker(), 0}) == 0);
}

}  // namespace
}  // namespace confab::sim
