// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a person does when the signalling ends, with hand-made answers of a server: resumes, joins
// anew or stays away, after the pauses of attempts.h (01 CON-46).

#include "sim/client/client.h"

#include <doctest/doctest.h>

namespace confab::sim {
namespace {

struct Fixture {
    Fixture() : client(config(), engine, Rng(4), report, [this] { return ++numbers; }) {
        client.start(now);
    }
    static ClientConfig config() {
        ClientConfig config;
        config.name = "somebody";
        config.person = 1;
        config.address = IpAddress::v4(1);
        config.invisible = {"ghost"};
        return config;
    }
    livekit::JoinRequest opened() {
        const auto request = client.poll_open();
        REQUIRE(request.has_value());
        return *request;
    }
    void give(const livekit::SignalResponse& response) {
        client.wire_message(now, response.SerializeAsString());
    }
    void join() {
        (void)opened();
        livekit::SignalResponse response;
        response.mutable_join()->mutable_participant()->set_sid("PA_me");
        give(response);
    }
    void leave(livekit::LeaveRequest::Action action) {
        livekit::SignalResponse response;
        response.mutable_leave()->set_action(action);
        give(response);
    }
    // The pause until the next attempt; -1 when there is none.
    std::int64_t pause() {
        if (client.phase() != Client::Phase::kWaiting) return -1;
        const Timestamp from = now;
        for (int i = 0; i < 8000 && client.phase() == Client::Phase::kWaiting; ++i) {
            client.handle_timeout(now);
            if (client.phase() == Client::Phase::kWaiting) now = now + Duration::millis(1);
        }
        return (now - from).ms();
    }

    srtp::Engine engine;
    Report report;
    std::uint32_t numbers = 0;
    Timestamp now = kRunStart;
    Client client;
};

TEST_CASE("Client: a lost connection is resumed at once, as the same participant [SIG-160]") {
    Fixture f;
    f.join();
    f.client.wire_closed(f.now);
    CHECK(f.pause() == 0);
    const livekit::JoinRequest request = f.opened();
    CHECK(request.reconnect());
    CHECK(request.participant_sid() == "PA_me");
    CHECK(f.client.generation() == 1);
}

TEST_CASE("Client: leave says what becomes of it: resume, join anew, or nothing [SIG-145]") {
    using Leave = livekit::LeaveRequest;
    Fixture f;
    f.join();
    SUBCASE("resume") {
        f.leave(Leave::RESUME);
        CHECK(f.client.poll_close());
        CHECK(f.pause() == 0);
        CHECK(f.opened().reconnect());
    }
    SUBCASE("join anew") {
        f.leave(Leave::RECONNECT);
        CHECK(f.pause() == 0);
        CHECK_FALSE(f.opened().reconnect());
        CHECK(f.client.generation() == 2);
    }
    SUBCASE("stay away") {
        f.leave(Leave::DISCONNECT);
        CHECK(f.client.poll_close());
        CHECK(f.client.phase() == Client::Phase::kGone);
        CHECK(f.pause() == -1);
        CHECK_FALSE(f.client.poll_open().has_value());
    }
}

TEST_CASE("Client: a refused join is tried again after each pause, then given up [CON-46]") {
    Fixture f;
    (void)f.opened();
    for (const std::int64_t pause : {0, 300, 1200, 2700, 4800, 7000, 7000, 7000, 7000, 7000}) {
        f.client.wire_refused(f.now);
        CHECK(f.pause() == pause);
        CHECK_FALSE(f.opened().reconnect());
    }
    f.client.wire_refused(f.now);
    CHECK(f.client.phase() == Client::Phase::kGone);
}

TEST_CASE("Client: a refused resume is followed by a join [CON-46]") {
    Fixture f;
    f.join();
    f.client.wire_closed(f.now);
    (void)f.pause();
    CHECK(f.opened().reconnect());
    f.client.wire_refused(f.now);
    CHECK(f.pause() == 300);
    CHECK_FALSE(f.opened().reconnect());
}

TEST_CASE("Client: connections that do not come up within 15 s are given up [CON-46]") {
    Fixture f;
    f.join();
    f.client.handle_timeout(f.now + Duration::millis(14'900));
    CHECK(f.client.phase() == Client::Phase::kIn);
    f.now = f.now + Duration::seconds(15);
    f.client.handle_timeout(f.now);
    CHECK(f.pause() == 0);
    CHECK_FALSE(f.opened().reconnect());
}

TEST_CASE("Client: what it published is published again by each new session") {
    Fixture f;
    f.join();
    f.client.tracks().publish(MediaKind::kAudio, 1, false);
    f.client.messages().publish_track();
    const std::uint32_t before = f.client.tracks().all()[0].number;
    f.leave(livekit::LeaveRequest::RECONNECT);
    (void)f.pause();
    f.join();
    CHECK(f.client.tracks().all()[0].number != before);
    CHECK(f.client.session().tracks().cids() ==
          std::vector<std::string>{f.client.tracks().all()[0].cid()});
    const auto handle = static_cast<std::uint16_t>(f.client.messages().tracks()[0]);
    CHECK(f.client.session().data().tracks().publishes(handle));
}

TEST_CASE("Client: to be told of somebody hidden is a fault") {
    Fixture f;
    f.join();
    livekit::SignalResponse response;
    livekit::ParticipantInfo& ghost = *response.mutable_update()->add_participants();
    ghost.set_sid("PA_ghost");
    ghost.set_identity("friend");
    f.give(response);
    CHECK(f.report.count() == 0);
    ghost.set_sid("PA_other");
    ghost.set_identity("ghost");
    f.give(response);
    CHECK(f.report.count() == 1);
}

}  // namespace
}  // namespace confab::sim
