// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who is told of whom, with a table of who hears whom instead of subscriptions.
#include "room/quality/speaker_news.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "room/test_support.h"

namespace confab::room {
namespace {

struct World {
    explicit World(std::size_t workers = 1) : config(testing::test_config(workers)) {}
    Participant& join(const std::string& identity, int protocol = 17) {
        JoinParams params = testing::test_join("r", identity);
        params.client.set_protocol(protocol);
        Participant& p =
            roster.add(std::make_unique<Participant>(scope, params, placement.take("r")));
        p.signal.open(SessionId(p.number));
        p.info.set_state(livekit::ParticipantInfo::ACTIVE);
        return p;
    }
    // One microphone of it, and who hears it.
    sfu::ReceiverId microphone(Participant& p, const std::set<std::string>& heard_by) {
        const sfu::ReceiverId receiver(ids.next());
        media.receivers[receiver] = {nullptr, &p, "TR_mic"};
        for (const std::string& identity : heard_by)
            hears.insert({identity, p.identity()});
        return receiver;
    }
    void level(sfu::ReceiverId receiver, double level) {
        sfu::SpeakerLevels event;
        event.levels.push_back({receiver, level, level > 0});
        news.handle_levels(event);
    }
    // Of whom a participant was told since the last call.
    std::map<std::uint64_t, std::vector<livekit::SpeakerInfo>> take() {
        std::map<std::uint64_t, std::vector<livekit::SpeakerInfo>> result;
        while (auto effect = out.poll())
            if (const auto* send = std::get_if<SendSignal>(&*effect))
                for (const auto& info : send->response.speakers_changed().speakers())
                    result[send->session.value()].push_back(info);
        return result;
    }

    Config config;
    Clock clock;
    Outbox out;
    IdSource ids{0, 1, seeded_secrets(1)};
    MediaRegistry media;
    Counters counters;
    Placement placement{1};
    const AgentKinds agents;
    RoomScope scope{config, clock, out, ids, media, counters, placement, agents};
    Roster roster{scope, 300, 20};
    std::set<std::pair<std::string, std::string>> hears;
    SpeakerNews news{scope, nullptr, roster,
                     [this](const Participant& p, const Participant& other) {
                         return hears.contains({p.identity(), other.identity()});
                     }};
};

}  // namespace

TEST_CASE("SpeakerNews: who hears a speaker is told, and the speaker itself [SIG-134]") {
    World w;
    Participant& alice = w.join("alice");
    const Participant& bob = w.join("bob");
    const Participant& carol = w.join("carol");
    const Participant& old = w.join("old", 2);
    const auto mic = w.microphone(alice, {"bob", "old"});
    w.level(mic, 0.5);
    auto told = w.take();
    REQUIRE(told[bob.number].size() == 1);
    CHECK(told[bob.number][0].sid() == alice.sid());
    CHECK(told[bob.number][0].active());
    CHECK(told.contains(alice.number));
    CHECK_FALSE(told.contains(carol.number));
    CHECK_FALSE(told.contains(old.number));  // pv 2 knows no such message
    w.level(mic, 0.5);
    CHECK(w.take().empty());  // nothing new
    w.level(mic, 0);
    told = w.take();
    REQUIRE(told[bob.number].size() == 1);
    CHECK_FALSE(told[bob.number][0].active());
}

TEST_CASE("SpeakerNews: the end of who left is told to everybody, an unknown receiver to nobody") {
    World w;
    Participant& alice = w.join("alice");
    const Participant& carol = w.join("carol");
    const auto mic = w.microphone(alice, {});
    w.level(mic, 0.5);
    (void)w.take();
    w.news.remove(mic);
    w.roster.remove(alice);
    w.news.tell_changes();
    const auto told = w.take();
    REQUIRE(told.contains(carol.number));
    CHECK(told.at(carol.number)[0].sid() == alice.sid());
    w.level(sfu::ReceiverId(4'711), 0.9);
    CHECK(w.take().empty());
}

TEST_CASE("SpeakerNews: reports of several workers are told together [SIG-134]") {
    World w(2);
    Participant& alice = w.join("alice");
    Participant& bob = w.join("bob");
    const auto first = w.microphone(alice, {"bob"});
    const auto second = w.microphone(bob, {"alice"});
    w.level(first, 0.5);
    w.level(second, 0.8);
    CHECK(w.take().empty());
    CHECK(w.news.next_deadline() == w.clock.now + SpeakerNews::kGather);
    w.clock.now = w.news.next_deadline();
    w.news.handle_timeout(w.clock.now);
    CHECK(w.take()[bob.number].size() == 2);
    CHECK(w.news.next_deadline().is_never());
}

TEST_CASE(
    "SpeakerNews: who resumes hears of each who stopped, once, of a bounded number [SIG-160]") {
    constexpr std::size_t kMax = SpeakerNews::kMaxStops;
    World w;
    Participant& bob = w.join("bob");
    std::vector<sfu::ReceiverId> microphones;
    microphones.reserve(kMax + 1);
    for (std::size_t i = 0; i <= kMax; ++i)
        microphones.push_back(w.microphone(w.join("p" + std::to_string(i)), {"bob"}));
    const Timestamp since = w.clock.now;
    for (const sfu::ReceiverId one : microphones) {
        w.level(one, 0.5);
        w.level(one, 0);
    }
    w.level(microphones.back(), 0.5);  // speaks again: it is told as that alone
    (void)w.take();
    w.news.repeat(bob, since);
    const auto told = w.take()[bob.number];
    CHECK(told.size() == kMax);
    CHECK(std::count_if(told.begin(), told.end(), [](const auto& one) { return one.active(); }) ==
          1);
    w.news.repeat(bob, since + Duration::millis(1));
    CHECK(w.take()[bob.number].size() == 1);
    Participant& old = w.join("old", 2);
    for (const std::string identity : {"p0", "p1"})
        w.hears.insert({"old", identity});
    w.news.repeat(old, since);
    CHECK(w.take().empty());  // pv 2 knows no such message
}

TEST_CASE("SpeakerNews: a simulated speaker stops at its time, or when it has left [SIG-171]") {
    World w;
    Participant& alice = w.join("alice");
    w.news.simulate(alice, Duration::seconds(3));
    REQUIRE(w.take()[alice.number].size() == 1);
    w.clock.now = w.clock.now + Duration::seconds(2);
    w.news.handle_timeout(w.clock.now);
    CHECK(w.take().empty());
    w.clock.now = w.news.next_deadline();
    w.news.handle_timeout(w.clock.now);
    const auto told = w.take();
    REQUIRE(told.contains(alice.number));
    CHECK_FALSE(told.at(alice.number)[0].active());

    Participant& bob = w.join("bob");
    w.news.simulate(alice, Duration::seconds(3));
    w.hears.insert({"bob", "alice"});
    (void)w.take();
    w.news.hearing_changed(bob, alice);
    const auto begun = w.take()[bob.number];
    REQUIRE(begun.size() == 1);
    CHECK(begun[0].active());
    CHECK(begun[0].level() > 0.8F);
    w.roster.remove(alice);
    w.clock.now = w.news.next_deadline();
    w.news.handle_timeout(w.clock.now);
    CHECK_FALSE(w.take().contains(bob.number));
    CHECK(w.news.next_deadline().is_never());
}

}  // namespace confab::room
