// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Both ends with a bad way between them: stalls, deaths, many sessions, and seeded chance.
#include <doctest/doctest.h>

#include "cluster/relay/relay_testing.h"

namespace confab::cluster::relay {
namespace {

using namespace confab::cluster::relay::testing;

void stall(World& world, Duration time) {
    world.faults->stalled_until = world.now + time;
}

// 03 NODE-24: of a session whose node died.
void check_rejoins(const Client& client) {
    REQUIRE(client.closed);
    CHECK(client.closed->close_code == 1000);
    REQUIRE(client.leave);
    CHECK(client.leave->action() == livekit::LeaveRequest::RECONNECT);
}
// request(1) and response(2) are on their way when nothing passes any more.
void cut_while_both_talk(World& world, SessionId id, SessionId room) {
    world.signal.send(id, request(0));
    world.media->respond(room, response(1));
    world.turn();
    world.faults->cut = true;
    world.signal.send(id, request(1));
    world.media->respond(room, response(2));
    world.turn();
}

void check_resumes(const Client& client) {
    REQUIRE(client.closed);
    REQUIRE(client.leave);
    CHECK(client.leave->action() == livekit::LeaveRequest::RESUME);
}

}  // namespace

TEST_CASE("Relay: a stall of 5 s costs nothing but time [NODE-21, NODE-14]") {
    World world;
    const SessionId id = world.join();
    stall(world, Duration::seconds(5));
    for (int i = 0; i < 50; ++i) {
        world.signal.send(id, request(i));
        world.media->respond(world.host->last(), response(i + 1));
        world.pass(Duration::millis(100));
    }
    world.pass(Duration::seconds(3));
    CHECK(world.host->only().numbers == numbers_to(50));
    CHECK(world.clients.at(id).numbers == numbers_to(51));
    CHECK(!world.clients.at(id).is_over());
}

TEST_CASE(
    "Relay: a stall of 10 s ends sessions whose client says something, after 7.5 s [NODE-21]") {
    World world;
    const SessionId id = world.join();
    stall(world, Duration::seconds(10));
    const Timestamp began = world.now;
    world.signal.send(id, request(0));
    world.pass(Duration::seconds(20));
    const Client& client = world.clients.at(id);
    check_resumes(client);
    CHECK(client.ended_at - began == Duration::millis(7500));
    CHECK(client.closed->error.code == rpc::Code::kUnknown);
    CHECK(client.closed->error.text == "signal write failed");
    CHECK(world.host->only().closed);
}

TEST_CASE("Relay: after 10 s without responses the client resumes with the next one [NODE-21]") {
    World world;
    const SessionId id = world.join();
    stall(world, Duration::seconds(10));
    world.media->respond(world.host->last(), response(1));
    world.pass(Duration::seconds(9));
    CHECK(!world.host->only().closed);
    world.pass(Duration::seconds(5));
    // What was sent at 3.5 s and came at 10 s was too old, as on Redis.
    CHECK(world.clients.at(id).numbers == numbers_to(1));
    CHECK(!world.clients.at(id).is_over());
    world.media->respond(world.host->last(), response(2));
    world.turn();
    check_resumes(world.clients.at(id));
    CHECK(world.clients.at(id).closed->error.text == "signal message dropped");
    CHECK(world.host->only().closed);
}

TEST_CASE(
    "Relay: a client up to protocol 12 is closed without a word when the way is lost [SIG-152]") {
    World world;
    const SessionId id = world.join("old", 12);
    world.faults->cut = true;
    world.signal.send(id, request(0));
    world.pass(Duration::seconds(8));
    REQUIRE(world.clients.at(id).closed);
    CHECK(!world.clients.at(id).leave);
}

TEST_CASE("Relay: a dead node's silent client learns when the registry does [NODE-24]") {
    World world;
    const SessionId silent = world.join("silent");
    const SessionId old = world.join("old", 12);
    world.faults->cut = true;
    world.pass(Duration::seconds(5));
    CHECK(!world.clients.at(silent).is_over());
    world.signal.node_died("ND_other");
    world.turn();
    CHECK(!world.clients.at(silent).is_over());
    world.signal.node_died("ND_media");
    world.turn();
    check_rejoins(world.clients.at(silent));
    REQUIRE(world.clients.at(old).closed);
    REQUIRE(world.clients.at(old).leave);
    CHECK(world.clients.at(old).leave->can_reconnect());
    CHECK(world.signal.snapshot().sessions == 0);
    CHECK(world.signal.next_deadline().is_never());
}

TEST_CASE(
    "Relay: a dead node's talking client is told at once too, with what came before [NODE-24]") {
    World world;
    const SessionId id = world.join();
    Client& client = world.clients.at(id);
    client.reads = false;
    world.media->respond(world.host->last(), response(1));
    world.turn();
    world.faults->cut = true;
    world.signal.send(id, request(0));
    world.pass(Duration::seconds(1));
    world.signal.node_died("ND_media");
    world.turn();
    CHECK(!client.is_over());
    world.read(id);
    world.turn();
    CHECK(client.numbers == numbers_to(2));
    check_rejoins(client);
}

TEST_CASE("Relay: sessions that a dead node was to start are started elsewhere at once [NODE-24]") {
    World world;
    world.host->silent = true;
    const SessionId id = world.join();
    world.faults->cut = true;
    world.pass(Duration::seconds(1));
    world.faults->cut = false;
    world.placement.node = "ND_signal";
    world.signal.node_died("ND_media");
    world.turn();
    CHECK(world.clients.at(id).here);
    CHECK(world.placement.asked == 2);
}

TEST_CASE("Relay: the node with the room restarts: sessions end, and new ones begin [NODE-24]") {
    World world;
    const SessionId id = world.join();
    world.end_media();
    check_resumes(world.clients.at(id));
    const SessionId between = world.join();
    world.pass(Duration::millis(1200));
    CHECK(!world.clients.at(between).is_over());
    world.start_media();
    const SessionId after = world.join();
    CHECK(world.clients.at(after).started);
    world.pass(Duration::millis(299));
    CHECK(!world.clients.at(between).started);
    world.pass(Duration::millis(1));
    CHECK(world.clients.at(between).started);
}

TEST_CASE("Relay: a bus that carries nothing for 10 minutes ends no session [NODE-14, RDS-30]") {
    World world;
    const SessionId id = world.join();
    const SessionId room = world.host->last();
    cut_while_both_talk(world, id, room);
    world.signal.handle_outage();
    world.media->handle_outage();
    world.pass(Duration::seconds(300));
    world.signal.send(id, request(2));
    world.media->respond(room, response(3));
    const auto sent = world.faults->sent;
    world.pass(Duration::seconds(300));
    CHECK(world.faults->sent == sent);
    CHECK(!world.clients.at(id).is_over());
    CHECK(!world.host->only().closed);
    world.faults->cut = false;
    world.signal.handle_recovery(world.now);
    world.media->handle_recovery(world.now);
    world.turn();
    CHECK(world.host->only().numbers == numbers_to(3));
    CHECK(world.clients.at(id).numbers == numbers_to(4));
    // From here on silence counts again.
    world.faults->cut = true;
    world.signal.send(id, request(3));
    world.pass(Duration::millis(7500));
    CHECK(world.clients.at(id).closed);
}

TEST_CASE(
    "Relay: a node that stands still ends no session, and hears all when it goes on [NODE-24]") {
    World world;
    const SessionId id = world.join();
    const SessionId room = world.host->last();
    cut_while_both_talk(world, id, room);
    world.signal.node_stands("ND_other", true);  // nothing to do with it
    world.signal.node_stands("ND_media", true);
    world.media->node_stands("ND_signal", true);
    world.pass(Duration::seconds(14));
    CHECK(!world.clients.at(id).is_over());
    CHECK(!world.host->only().closed);
    world.faults->cut = false;
    world.signal.send(id, request(2));
    world.turn();
    CHECK(world.host->only().numbers == numbers_to(1));
    world.signal.node_stands("ND_media", false);
    world.media->node_stands("ND_signal", false);
    world.turn();
    CHECK(world.host->only().numbers == numbers_to(3));
    CHECK(world.clients.at(id).numbers == numbers_to(3));
    // Who does not stand still is given up, as ever.
    world.faults->cut = true;
    world.signal.send(id, request(3));
    world.pass(Duration::millis(7500));
    CHECK(world.clients.at(id).closed);
}

TEST_CASE("Relay: what is more than an outage may keep ends the session after it [NODE-14]") {
    Settings settings;
    settings.stream_buffer_size = 10;
    World world(settings);
    const SessionId id = world.join();
    world.faults->cut = true;
    world.media->handle_outage();
    for (int i = 1; i <= 11; ++i)
        world.media->respond(world.host->last(), response(i));
    world.pass(Duration::seconds(60));
    CHECK(!world.clients.at(id).is_over());
    world.faults->cut = false;
    world.media->handle_recovery(world.now);
    world.media->respond(world.host->last(), response(12));
    world.turn();
    CHECK(world.clients.at(id).closed);
    CHECK(world.clients.at(id).leave);
}

TEST_CASE("Relay: a session that begins in an outage of the bus waits with it [NODE-14]") {
    World world;
    world.signal.handle_outage();
    world.media->handle_outage();
    const SessionId id = world.join();
    CHECK(!world.clients.at(id).started);  // its room's answer waits
    world.media->handle_recovery(world.now);
    world.turn();
    CHECK(world.clients.at(id).started);
    world.signal.send(id, request(0));
    world.turn();
    CHECK(world.host->only().numbers.empty());
    world.signal.handle_recovery(world.now);
    world.turn();
    CHECK(world.host->only().numbers == numbers_to(1));
}

TEST_CASE("Relay: the client's last words are given up after 7.5 s [NODE-21]") {
    World world;
    const SessionId id = world.join();
    world.faults->cut = true;
    world.signal.send(id, request(0));
    world.signal.close(id);
    world.pass(Duration::millis(7499));
    CHECK(world.signal.snapshot().sessions == 1);
    world.pass(Duration::millis(1));
    CHECK(world.signal.snapshot().sessions == 0);
}

TEST_CASE(
    "Relay: a client that says more than waits within the limit loses its session [NODE-20]") {
    Settings settings;
    settings.stream_buffer_size = 10;
    World world(settings);
    const SessionId id = world.join();
    stall(world, Duration::seconds(2));
    for (int i = 0; i < 10; ++i)
        world.signal.send(id, request(i));
    world.turn();
    CHECK(!world.clients.at(id).is_over());
    world.signal.send(id, request(10));
    world.turn();
    check_resumes(world.clients.at(id));
}

TEST_CASE("Relay: a thousand sessions at once, each with its own [NODE-20]") {
    World world;
    std::vector<SessionId> ids;
    ids.reserve(1000);
    for (int i = 0; i < 1000; ++i)
        ids.push_back(world.join("p" + std::to_string(i)));
    CHECK(world.media->snapshot().sessions == 1000);
    for (int round = 0; round < 3; ++round) {
        for (const SessionId id : ids)
            world.signal.send(id, request(round));
        for (const auto& [id, session] : world.host->sessions)
            world.media->respond(id, response(round + 1));
        world.turn();
    }
    for (const auto& [id, session] : world.host->sessions)
        CHECK(session.numbers == numbers_to(3));
    for (const SessionId id : ids)
        CHECK(world.clients.at(id).numbers == numbers_to(4));
    for (const SessionId id : ids)
        world.signal.close(id);
    world.turn();
    CHECK(world.signal.snapshot().sessions == 0);
    CHECK(world.media->snapshot().sessions == 0);
    CHECK(world.signal.next_deadline().is_never());
    CHECK(world.media->next_deadline().is_never());
}

namespace {

struct Trial {
    World world;
    Rng rng;
    std::map<SessionId, std::int64_t> asked;     // by client
    std::map<SessionId, std::int64_t> answered;  // by session of the room

    explicit Trial(std::uint64_t seed) : world({}, seed), rng(seed * 977 + 1) {
        Faults& faults = *world.faults;
        faults.drop = rng.unit() * 0.3;
        faults.repeat = rng.unit() * 0.3;
        faults.drop_acknowledgement = rng.unit() * 0.3;
        faults.max_delay = Duration::millis(static_cast<std::int64_t>(rng.below(900)) + 1);
    }
    void talk() {
        for (auto& [id, client] : world.clients) {
            if (!client.started || client.is_over() || rng.below(3) != 0) continue;
            for (std::uint64_t n = rng.below(4) + 1; n > 0; --n)
                world.signal.send(id, request(asked[id]++));
        }
        for (auto& [id, session] : world.host->sessions) {
            if (session.closed || rng.below(3) != 0) continue;
            for (std::uint64_t n = rng.below(4) + 1; n > 0; --n)
                world.media->respond(id, response(1 + answered[id]++));
        }
    }
    // Whatever happened: in order, nothing twice, nothing left out.
    void check_order() {
        for (const auto& [id, client] : world.clients)
            CHECK(client.numbers == numbers_to(std::ssize(client.numbers)));
        for (const auto& [id, session] : world.host->sessions)
            CHECK(session.numbers == numbers_to(std::ssize(session.numbers)));
    }
    // Once the way is good again: both ends have everything, or both know that they have not.
    void check_agreement() {
        std::map<std::string, SessionId> newest;
        for (const auto& [id, session] : world.host->sessions)
            newest[session.start.grants.identity] = id;
        for (const auto& [id, client] : world.clients) {
            const std::string identity = std::to_string(id.value());
            INFO("client ", identity);
            if (!newest.contains(identity)) {
                CHECK(client.refused);
                continue;
            }
            const SessionId at = newest.at(identity);
            const RoomSession& session = world.host->sessions.at(at);
            const bool whole = std::ssize(client.numbers) == answered[at] + 1 &&
                               std::ssize(session.numbers) == asked[id];
            const bool lives = !client.is_over() && !session.closed;
            CHECK(((whole && lives) || (client.is_over() && session.closed)));
        }
        for (const auto& [id, session] : world.host->sessions)  // attempts that were given up
            CHECK((session.closed || newest.at(session.start.grants.identity) == id));
    }
    void run(bool stalls) {
        for (int i = 0; i < 5; ++i)
            world.join(std::to_string(i + 1));
        for (int step = 0; step < 100; ++step) {
            if (stalls && rng.below(100) == 0)
                stall(world, Duration::millis(static_cast<std::int64_t>(rng.below(12'000))));
            talk();
            world.pass(Duration::millis(static_cast<std::int64_t>(rng.below(300))));
        }
        world.faults->drop = world.faults->repeat = world.faults->drop_acknowledgement = 0;
        world.faults->max_delay = Duration::zero();
        world.pass(Duration::seconds(20));
        // With these words whatever was dropped shows.
        for (auto& [id, session] : world.host->sessions)
            if (!session.closed) world.media->respond(id, response(1 + answered[id]++));
        world.pass(Duration::seconds(20));
        check_order();
        check_agreement();
    }
    int survivors() const {
        int count = 0;
        for (const auto& [id, client] : world.clients)
            count += client.started && !client.is_over() ? 1 : 0;
        return count;
    }
};

}  // namespace

TEST_CASE("Relay: by chance, everything once and in order, or both ends know [NODE-21]") {
    int survivors = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        INFO("seed ", seed);
        Trial trial(seed);
        trial.run(true);
        survivors += trial.survivors();
    }
    // The rule is of no use if nobody comes through: four sendings, of which half arrive.
    CHECK(survivors > 200);
}

TEST_CASE("Relay: what comes late, twice or out of order ends no session [NODE-21]") {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        INFO("seed ", seed);
        Trial trial(seed);
        trial.world.faults->drop = 0;
        trial.world.faults->drop_acknowledgement = 0;
        trial.world.faults->repeat = 0.5;
        trial.run(false);
        CHECK(trial.survivors() == 5);
    }
}

}  // namespace confab::cluster::relay
