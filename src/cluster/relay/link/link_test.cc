// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/link/link.h"

#include <doctest/doctest.h>

using namespace confab;
using namespace confab::cluster::relay;

namespace {

constexpr Timestamp kStart = Timestamp::micros(1'000'000'000);

::rpc::LinkFrame message(std::string payload) {
    ::rpc::LinkFrame frame;
    frame.mutable_message()->set_stream("x");
    frame.mutable_message()->set_payload(std::move(payload));
    return frame;
}

struct Pair {
    Timestamp now = kStart;
    Link dialer;
    Link listener;

    explicit Pair(const std::string& secret = "s", const std::string& other = "s")
        : dialer(kStart, {Link::Role::kDialer, "ND_a", "ND_b", secret}, Link::Nonce{1}),
          listener(kStart, {Link::Role::kListener, "ND_b", "", other}, Link::Nonce{2}) {}

    // In pieces of that size.
    void exchange(std::size_t piece = 1000) {
        for (int i = 0; i < 6; ++i) {
            give(dialer.take_output(), listener, piece);
            give(listener.take_output(), dialer, piece);
        }
    }
    void give(const std::string& bytes, Link& to, std::size_t piece) const {
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            const std::string part = bytes.substr(at, piece);
            to.received(now, as_bytes(part));
        }
    }
    void pass(Duration time) {
        now = now + time;
        dialer.handle_timeout(now);
        listener.handle_timeout(now);
    }
    // As its driver does: at each deadline; what one says does not arrive.
    void pass_slowly(Duration time) {
        const Timestamp end = now + time;
        while (now < end)
            pass(earlier(end, earlier(dialer.next_deadline(), listener.next_deadline())) - now);
    }
    // While both say something each 100 ms.
    void talk(Duration time) {
        for (const Timestamp end = now + time; now < end;) {
            pass_each_deadline(Duration::millis(100));
            CHECK(dialer.send(now, message("x")));
            CHECK(listener.send(now, message("x")));
            exchange();
        }
    }
    void pass_each_deadline(Duration time) {
        for (const Timestamp end = now + time; now < end;) {
            now = earlier(end, earlier(dialer.next_deadline(), listener.next_deadline()));
            for (Link* const one : {&dialer, &listener}) {
                if (one->next_deadline() > now) continue;
                if (one == &dialer) ++looks;
                one->handle_timeout(now);
            }
        }
    }
    int looks = 0;  // of the dialer, by its deadlines
    // The same as pass_slowly(), while the system of the listener acknowledges what the dialer
    // says.
    void stand(Duration time, bool all = true, Duration since = Duration::millis(900)) {
        const Timestamp end = now + time;
        while (now < end && dialer.state() == Link::State::kUp) {
            now = earlier(end, dialer.next_deadline());
            dialer.system_acknowledged(now, all, since);
            dialer.handle_timeout(now);
        }
    }
};

std::string framed(const ::rpc::LinkFrame& frame) {
    std::string out(4, '\0');
    out[3] = static_cast<char>(frame.ByteSizeLong());
    return out + frame.SerializeAsString();
}
::rpc::LinkFrame hello(const std::string& node, const std::string& nonce) {
    ::rpc::LinkFrame frame;
    frame.mutable_hello()->set_version(1);
    frame.mutable_hello()->set_node_id(node);
    frame.mutable_hello()->set_nonce(nonce);
    return frame;
}

}  // namespace

TEST_CASE("Link: both know each other's secret, then frames pass both ways") {
    for (const std::size_t piece : {1UL, 7UL, 1000UL}) {
        Pair pair;
        CHECK(!pair.dialer.send(pair.now, message("early")));
        pair.exchange(piece);
        CHECK(pair.dialer.state() == Link::State::kUp);
        CHECK(pair.listener.state() == Link::State::kUp);
        CHECK(pair.listener.peer() == "ND_a");
        CHECK(pair.dialer.send(pair.now, message("there")));
        CHECK(pair.listener.send(pair.now, message("back")));
        pair.exchange(piece);
        CHECK(pair.listener.poll_frame()->message().payload() == "there");
        CHECK(pair.dialer.poll_frame()->message().payload() == "back");
        CHECK(!pair.listener.poll_frame());
    }
}

TEST_CASE("Link: another secret, or none, is not believed") {
    Pair pair("s", "other");
    pair.exchange();
    CHECK(pair.listener.state() == Link::State::kEnded);
    CHECK(pair.listener.why_ended() == "another secret");
    CHECK(pair.dialer.state() == Link::State::kGreeting);
    Pair none("", "");
    CHECK(none.dialer.state() == Link::State::kEnded);
    CHECK(none.dialer.take_output().empty());
}

TEST_CASE("Link: who is called proves nothing before the caller has") {
    Pair pair;
    (void)pair.listener.take_output();
    const std::string greeting = framed(hello("ND_a", std::string(32, 'n')));
    pair.listener.received(pair.now, as_bytes(greeting));
    CHECK(pair.listener.take_output().empty());
    CHECK(pair.listener.state() == Link::State::kGreeting);
}

TEST_CASE("Link: what an attacker can send back is refused") {
    Pair pair;
    const std::string own = pair.dialer.take_output();
    SUBCASE("its own greeting") {
        pair.dialer.received(pair.now, as_bytes(own));
        CHECK(pair.dialer.why_ended() == "no nonce");
    }
    SUBCASE("its own proof") {
        const std::string greeting = framed(hello("ND_b", std::string(32, 'n')));
        pair.dialer.received(pair.now, as_bytes(greeting));
        const std::string proof = pair.dialer.take_output();
        CHECK(!proof.empty());
        pair.dialer.received(pair.now, as_bytes(proof));
        CHECK(pair.dialer.why_ended() == "another secret");
    }
    SUBCASE("a proof of another time") {
        Pair before;
        const std::string first = before.dialer.take_output();
        before.give(before.listener.take_output(), before.dialer, 1000);
        const std::string second = before.dialer.take_output();
        Link listener(kStart, {Link::Role::kListener, "ND_b", "", "s"}, Link::Nonce{9});
        listener.received(kStart, as_bytes(first));
        listener.received(kStart, as_bytes(second));
        CHECK(listener.why_ended() == "another secret");
    }
}

TEST_CASE("Link: greetings of the wrong kind") {
    const auto ends = [](const std::string& bytes) {
        Pair pair;
        pair.dialer.received(pair.now, as_bytes(bytes));
        return std::string(pair.dialer.why_ended());
    };
    CHECK(ends(framed(hello("ND_c", std::string(32, 'n')))) == "another node");
    CHECK(ends(framed(hello("ND_a", std::string(32, 'n')))) == "connected to itself");
    CHECK(ends(framed(hello("", std::string(32, 'n')))) == "no node id");
    CHECK(ends(framed(hello(std::string(65, 'x'), std::string(32, 'n')))) == "no node id");
    CHECK(ends(framed(hello("ND_b", std::string(31, 'n')))) == "no nonce");
    CHECK(ends(framed(message("x"))) == "not greeted properly");
    CHECK(ends(std::string("\0\0\1\1", 4)) == "frame too long");
    CHECK(ends(std::string("\0\0\0\1\xff", 5)) == "frame cannot be read");
    ::rpc::LinkFrame old = hello("ND_b", std::string(32, 'n'));
    old.mutable_hello()->set_version(0);
    CHECK(ends(framed(old)) == "unknown version");
    const std::string twice = framed(hello("ND_b", std::string(32, 'n')));
    CHECK(ends(twice + twice) == "not greeted properly");
}

TEST_CASE("Link: a peer that says nothing is given up after 3 s, in the greeting too") {
    Pair pair;
    pair.pass(Duration::millis(2999));
    CHECK(pair.dialer.state() == Link::State::kGreeting);
    pair.pass(Duration::millis(1));
    CHECK(pair.dialer.why_ended() == "not greeted in time");

    Pair up;
    up.exchange();
    for (int i = 0; i < 10; ++i) {
        CHECK(up.dialer.next_deadline() <= up.now + Link::kHeartbeat);
        up.pass(Link::kHeartbeat);
        up.exchange();
    }
    CHECK(up.dialer.state() == Link::State::kUp);
    CHECK(up.listener.state() == Link::State::kUp);
    up.pass_slowly(Duration::millis(2999));
    CHECK(up.dialer.state() == Link::State::kUp);
    up.pass(Duration::millis(1));
    CHECK(up.dialer.why_ended() == "peer is silent");
    CHECK(up.dialer.next_deadline().is_never());
    CHECK(!up.dialer.send(up.now, message("x")));
}

TEST_CASE("Link: a peer that says nothing and whose system acknowledges stands still [NODE-24]") {
    Pair pair;
    pair.exchange();
    const Timestamp heard = pair.now;
    pair.stand(Duration::millis(1900));
    CHECK_FALSE(pair.dialer.is_standing());
    CHECK_FALSE(pair.dialer.is_quiet(pair.now));
    pair.stand(Duration::millis(1200));
    CHECK(pair.dialer.is_standing());
    // What waits for its acknowledgement just now is no sign of anything.
    pair.dialer.system_acknowledged(pair.now, false, Duration::millis(900));
    pair.dialer.handle_timeout(pair.now);
    CHECK(pair.dialer.is_standing());
    SUBCASE("it goes on") {
        pair.stand(Duration::seconds(9));
        CHECK(pair.dialer.state() == Link::State::kUp);
        CHECK(pair.dialer.send(pair.now, message("meanwhile")));
        pair.exchange();
        CHECK(pair.listener.poll_frame()->message().payload() == "meanwhile");
        pair.listener.handle_timeout(pair.now);  // it stood still itself, and does not mind
        CHECK(pair.listener.state() == Link::State::kUp);
        pair.exchange();
        CHECK_FALSE(pair.dialer.is_standing());
        pair.pass_slowly(Duration::millis(2999));
        CHECK(pair.dialer.state() == Link::State::kUp);
    }
    SUBCASE("for 15 s") {
        pair.stand(Duration::seconds(30));
        CHECK(pair.dialer.why_ended() == "peer is silent");
        CHECK(pair.now - heard == Link::kStanding);
        CHECK_FALSE(pair.dialer.is_standing());
    }
    SUBCASE("its host goes, too: nothing is acknowledged any more") {
        const Timestamp gone = pair.now;
        pair.stand(Duration::seconds(30), false);
        CHECK(pair.dialer.why_ended() == "peer is silent");
        CHECK(pair.now - gone <= Duration::seconds(2));
    }
    SUBCASE("its last acknowledgement is old: its window has no place, and nobody answers") {
        const Timestamp gone = pair.now;
        pair.stand(Duration::seconds(30), true, Link::kSilence);
        CHECK(pair.dialer.why_ended() == "peer is silent");
        CHECK(pair.now - gone <= Duration::seconds(2));
    }
}

TEST_CASE("Link: one that is busy is looked at each second, too [NODE-24]") {
    Pair pair;
    pair.exchange();
    pair.talk(Duration::seconds(10));
    CHECK(pair.looks >= 9);
    CHECK(pair.looks <= 11);
    // And the end of a host is not hidden by what is said to it: it answers for the first three
    // seconds of its process' silence.
    const Timestamp gone = pair.now;
    while (pair.dialer.state() == Link::State::kUp && pair.now - gone < Duration::seconds(20)) {
        (void)pair.dialer.send(pair.now, message("x"));
        pair.now = pair.now + Duration::millis(100);
        if (pair.dialer.next_deadline() > pair.now) continue;
        const bool answers = pair.now - gone <= Link::kSilence;
        pair.dialer.system_acknowledged(pair.now, answers, Duration::millis(100));
        pair.dialer.handle_timeout(pair.now);
    }
    CHECK(pair.dialer.why_ended() == "peer is silent");
    CHECK(pair.now - gone <= Duration::millis(5100));
}

TEST_CASE("Link: a host that is gone acknowledges nothing: silent after 3 s [NODE-24]") {
    Pair pair;
    pair.exchange();
    const Timestamp gone = pair.now;
    // What was acknowledged before it was gone is all that was said before.
    pair.dialer.system_acknowledged(pair.now, true, Duration::zero());
    pair.stand(Duration::seconds(30), false);
    CHECK(pair.dialer.why_ended() == "peer is silent");
    CHECK(pair.now - gone == Link::kSilence);
}

TEST_CASE("Link: who stood still itself reads first, and then judges") {
    Pair pair;
    pair.exchange();
    pair.pass(Duration::seconds(8));
    CHECK(pair.dialer.state() == Link::State::kUp);
    const Timestamp woke = pair.now;
    pair.pass_slowly(Duration::seconds(5));
    CHECK(pair.dialer.why_ended() == "peer is silent");
    CHECK(pair.now - woke <= Duration::seconds(5));
    CHECK(pair.dialer.state() == Link::State::kEnded);
}

TEST_CASE(
    "Link: frames that are too long end it, unknown ones do not, and what is unsent is bounded") {
    Pair pair;
    pair.exchange();
    ::rpc::LinkFrame unknown;
    unknown.GetReflection()->MutableUnknownFields(&unknown)->AddVarint(99, 1);
    const std::string later = framed(unknown);
    pair.dialer.received(pair.now, as_bytes(later));
    CHECK(pair.dialer.state() == Link::State::kUp);
    CHECK(!pair.dialer.send(pair.now, message(std::string(Link::kMaxFrame, 'x'))));
    const std::string large(kMaxMessageBytes, 'x');
    CHECK(pair.dialer.send(pair.now, message(large)));
    CHECK(!pair.dialer.send(pair.now, message(large)));
    CHECK(pair.dialer.send(pair.now, message("small")));
    pair.exchange(100'000);
    CHECK(pair.listener.poll_frame()->message().payload() == large);
    CHECK(pair.listener.poll_frame()->message().payload() == "small");
    pair.dialer.received(pair.now, as_bytes(std::string_view("\x7f\xff\xff\xff", 4)));
    CHECK(pair.dialer.why_ended() == "frame too long");
}
