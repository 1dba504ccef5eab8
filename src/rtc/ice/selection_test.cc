// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/ice/selection.h"

#include <doctest/doctest.h>

#include <string>

#include "base/machine.h"
#include "rtc/ice/test_net.h"

using namespace confab;
using namespace confab::ice;

namespace {

static_assert(SansIoMachine<Selection>);

Timestamp at(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

Pair pair_to(std::uint16_t port) {
    Pair pair;
    pair.id = port;
    pair.path = Path{0, Protocol::kUdp, 0, test::addr("198.51.100.1:7882"),
                     SocketAddress{*IpAddress::parse("203.0.113.1"), port}};
    pair.check_received = true;
    return pair;
}

Selection fresh(bool lite = false) {
    AgentConfig config;
    config.lite = lite;
    return Selection(config);
}

// What it has told since it was asked last: s for a selected path, then the state's first letter.
std::string told(Selection& selection) {
    std::string text;
    while (const auto event = selection.poll_event()) {
        if (const auto* change = std::get_if<StateChanged>(&*event))
            text += std::string("NCKDF")[static_cast<std::size_t>(change->state)];
        else
            text += 's';
    }
    return text;
}

// Connected over pair 1 since `ms`.
Selection connected(std::int64_t ms, bool lite = false) {
    Selection selection = fresh(lite);
    selection.start_checks(at(ms));
    selection.select(at(ms), pair_to(1));
    (void)told(selection);
    return selection;
}

}  // namespace

TEST_CASE("Selection: new, checking, connected; each is told once [ICE-04]") {
    Selection selection = fresh();
    CHECK(selection.state() == State::kNew);
    CHECK(selection.next_deadline().is_never());
    selection.start_checks(at(100));
    CHECK(told(selection) == "C");
    CHECK(selection.next_deadline() == at(15'100));
    CHECK_FALSE(selection.path());
    selection.select(at(200), pair_to(1));
    CHECK(told(selection) == "sK");
    CHECK(selection.is_live());
    CHECK(selection.pair() == 1);
    CHECK(selection.is_on(pair_to(1).path));
    CHECK_FALSE(selection.is_on(pair_to(2).path));
    selection.select(at(300), pair_to(1));
    CHECK(told(selection).empty());
    selection.select(at(400), pair_to(2));
    CHECK(told(selection) == "s");
    CHECK(selection.is_on(pair_to(2).path));
}

TEST_CASE("Selection: checks without a selection fail at 15 s, not before [ICE-04]") {
    Selection selection = fresh();
    selection.start_checks(at(0));
    (void)told(selection);
    selection.handle_timeout(at(14'999));
    CHECK(selection.state() == State::kChecking);
    selection.handle_timeout(at(15'000));
    CHECK(told(selection) == "F");
    CHECK(selection.next_deadline().is_never());
}

TEST_CASE("Selection: a lite agent nominated before the answer stays connected [ICE-03]") {
    Selection selection = fresh(true);
    selection.select(at(10), pair_to(1));
    selection.start_checks(at(20));
    CHECK(told(selection) == "sK");
}

TEST_CASE("Selection: disconnected after 10 s of silence, failed 5 s later [ICE-04]") {
    Selection selection = connected(0, true);
    selection.heard(at(3000));
    CHECK(selection.next_deadline() == at(13'000));
    selection.handle_timeout(at(12'999));
    CHECK(told(selection).empty());
    selection.handle_timeout(at(13'000));
    CHECK(told(selection) == "D");
    CHECK_FALSE(selection.is_live());
    CHECK(selection.next_deadline() == at(18'000));
    selection.handle_timeout(at(17'999));
    CHECK(told(selection).empty());
    CHECK(selection.path());
    selection.handle_timeout(at(18'000));
    CHECK(told(selection) == "F");
    CHECK_FALSE(selection.path());
    CHECK(selection.pair() == 0);
}

TEST_CASE("Selection: heard again it is connected again, whatever it was that came [ICE-04]") {
    for (const bool stun : {false, true}) {
        Selection selection = connected(0);
        selection.handle_timeout(at(10'000));
        CHECK(told(selection) == "D");
        stun ? selection.consented(at(12'000)) : selection.heard(at(12'000));
        CHECK(told(selection) == "K");
        CHECK(selection.is_live());
    }
}

TEST_CASE("Selection: the clock going back does not make it silent [ICE-04]") {
    Selection selection = connected(9000, true);
    selection.heard(at(1000));
    selection.consented(at(1000));
    selection.handle_timeout(at(18'999));
    CHECK(selection.state() == State::kConnected);
}

TEST_CASE("Selection: a late call passes through disconnected to failed [ICE-04]") {
    Selection selection = connected(0);
    selection.handle_timeout(at(60'000));
    CHECK(told(selection) == "DF");
}

TEST_CASE("Selection: packets alone do not renew the consent, STUN does [ICE-04][IMM-1]") {
    for (const bool stun : {false, true}) {
        Selection selection = connected(0);
        for (std::int64_t ms = 0; ms < 30'000; ms += 1000) {
            selection.heard(at(ms));
            if (stun && ms == 20'000) selection.consented(at(ms));
            selection.handle_timeout(at(ms));
        }
        selection.heard(at(29'999));
        selection.handle_timeout(at(29'999));
        CHECK(selection.state() == State::kConnected);
        selection.handle_timeout(at(30'000));
        CHECK((selection.state() == State::kFailed) == !stun);
    }
}

TEST_CASE("Selection: a restart keeps the path, and its time while no answer comes [ICE-14]") {
    Selection selection = connected(0);
    selection.follow(7);
    selection.heard(at(2000));
    selection.begin_generation();
    CHECK(told(selection) == "C");
    CHECK(selection.is_on(pair_to(1).path));
    CHECK(selection.pair() == 0);
    CHECK(selection.nomination() == 0);
    CHECK_FALSE(selection.is_live());
    selection.handle_timeout(at(16'999));
    CHECK(selection.state() == State::kChecking);
    selection.handle_timeout(at(17'000));
    CHECK(told(selection) == "F");

    Selection answered = connected(0);
    answered.begin_generation();
    answered.start_checks(at(14'000));  // now its checks have their own 15 s
    answered.handle_timeout(at(28'999));
    CHECK(answered.state() == State::kChecking);
    answered.select(at(28'999), pair_to(1));
    CHECK(told(answered) == "CsK");
}

TEST_CASE("Selection: a restart leads out of every state but the first [ICE-14]") {
    Selection selection = fresh();
    selection.begin_generation();
    CHECK(selection.state() == State::kNew);
    selection.start_checks(at(0));
    selection.handle_timeout(at(15'000));
    CHECK(told(selection) == "CF");
    selection.begin_generation();
    CHECK(told(selection) == "C");
    CHECK(selection.next_deadline().is_never());  // nothing old is counted
    selection.start_checks(at(20'000));
    CHECK(selection.next_deadline() == at(35'000));
}

TEST_CASE("Selection: a closed stream leaves no path, and nobody is heard over it [ICE-15]") {
    Selection selection = connected(0);
    selection.close_path();
    CHECK_FALSE(selection.path());
    CHECK_FALSE(selection.is_live());
    CHECK_FALSE(selection.take_keepalive(at(5000)));
    selection.handle_timeout(at(10'000));
    CHECK(told(selection) == "D");
    selection.heard(at(11'000));
    CHECK(told(selection).empty());
    selection.select(at(12'000), pair_to(2));
    CHECK(told(selection) == "sK");
}

TEST_CASE("Selection: behind an answered keepalive the next one is due in 5 s [ICE-04]") {
    Selection selection = connected(1000);
    CHECK(selection.take_keepalive(at(3000)));
    selection.keepalive_answered(at(3050), at(3000));
    CHECK_FALSE(selection.take_keepalive(at(7999)));
    CHECK(selection.take_keepalive(at(8000)));
    CHECK(selection.take_keepalive(at(10'000)));  // no answer
    // One that is to be sent at once does not wait for the answer to another.
    selection.schedule_keepalive(at(11'000));
    selection.keepalive_answered(at(11'000), at(10'000));
    CHECK(selection.take_keepalive(at(11'000)));
}

TEST_CASE("Selection: a keepalive is due 2 s after the selection and after each one [ICE-04]") {
    Selection selection = connected(1000);
    CHECK(selection.next_deadline() == at(3000));
    CHECK_FALSE(selection.take_keepalive(at(2999)));
    CHECK(selection.take_keepalive(at(3100)));
    CHECK_FALSE(selection.take_keepalive(at(3100)));
    CHECK(selection.next_deadline() == at(5100));
    // A lite agent asks nobody.
    Selection lite = connected(1000, true);
    lite.schedule_keepalive(at(1500));
    CHECK_FALSE(lite.take_keepalive(at(60'000)));
}

TEST_CASE("Selection: a rival wins over a pair that is silent for 3 s and does not answer") {
    Selection selection = connected(0);
    selection.heard(at(1000));
    CHECK_FALSE(selection.note_rival(at(1500), pair_to(1)));  // the selected one is none
    CHECK(selection.note_rival(at(1500), pair_to(2)));
    CHECK(selection.take_keepalive(at(1500)));  // asked at once
    CHECK(selection.note_rival(at(2000), pair_to(3)));
    CHECK_FALSE(selection.take_keepalive(at(2000)));  // once
    CHECK(selection.due_rival(at(3999)) == 0);
    CHECK(selection.due_rival(at(4000)) == 3);  // the latest
    CHECK(selection.due_rival(at(4001)) == 3);  // until it is forgotten
    selection.forget_rival();
    CHECK(selection.due_rival(at(9000)) == 0);
}

TEST_CASE("Selection: a pair silent for long has 1 s to answer before a rival wins") {
    Selection selection = connected(0);
    (void)selection.take_keepalive(at(8000));
    CHECK(selection.note_rival(at(8000), pair_to(2)));
    CHECK(selection.next_deadline() == at(8000));
    CHECK(selection.take_keepalive(at(8000)));
    CHECK(selection.next_deadline() == at(9000));
    CHECK(selection.due_rival(at(8999)) == 0);
    CHECK(selection.due_rival(at(9000)) == 2);
}

TEST_CASE("Selection: what comes over the selected pair, or another selection, ends the rivalry") {
    for (int what = 0; what < 3; ++what) {
        Selection selection = connected(0);
        CHECK(selection.note_rival(at(5000), pair_to(2)));
        if (what == 0) selection.heard(at(5100));
        if (what == 1) selection.consented(at(5100));
        if (what == 2) selection.select(at(5100), pair_to(3));
        CHECK(selection.due_rival(at(9000)) == 0);
    }
    Selection none = fresh();
    CHECK_FALSE(none.note_rival(at(0), pair_to(2)));
}

TEST_CASE("Selection: the upgrade window lasts 2 s from the start of the checks [ICE-06]") {
    Selection selection = fresh();
    selection.start_checks(at(1000));
    CHECK(selection.is_in_upgrade_window(at(3000)));
    CHECK_FALSE(selection.is_in_upgrade_window(at(3001)));
}

TEST_CASE("Selection: events beyond the limit are dropped and counted") {
    Selection selection = fresh();
    for (std::uint16_t i = 1; i <= kMaxQueuedEvents; ++i)
        selection.select(at(i), pair_to(i));  // the first tells the state too
    CHECK(selection.events_dropped() == 1);
    CHECK(told(selection).size() == kMaxQueuedEvents);
}
