// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who is there: connections that come later, replays, names, ends.
#include "sfu/data/data_router.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "sfu/data/data_router_testing.h"

namespace confab::sfu {
namespace {

using test::DataRouters;
using test::text_packet;
using test::Texts;
using test::WireMessage;

// Alice, who talks, and bob, whose connection is still to come.
struct Late {
    Late() : alice(routers.join("alice")) {
        routers.port().connections[routers.next_peer()].connected = false;
        bob = routers.join("bob");
        routers.connection(bob).channels.clear();
    }
    DataRouters routers;
    DataMember alice;
    DataMember bob;
};

TEST_CASE(
    "DataRouter: what came before the channels are open comes then, once, in order "
    "[SIG-121] [SIG-137]") {
    Late late;
    late.routers.say(late.alice, text_packet("loose"));
    late.routers.say(late.alice, text_packet("one", 1));
    late.routers.say(late.alice, text_packet("two", 2));
    late.routers.connection(late.bob).connected = true;
    late.routers.router().connected(late.routers.now, late.bob.peer);
    CHECK(late.routers.heard(late.bob).empty());
    // The reliable one is wanted; then it has what has a number first.
    late.routers.connection(late.bob).channels.insert(DataChannel::kLossy);
    late.routers.router().channel_opened(late.routers.now, late.bob.peer);
    CHECK(late.routers.heard(late.bob).empty());
    late.routers.connection(late.bob).channels.insert(DataChannel::kReliable);
    late.routers.router().channel_opened(late.routers.now, late.bob.peer);
    CHECK(late.routers.heard(late.bob) == Texts{"one", "two", "loose"});
    // Opened again, as after a data error (DC-10): nothing comes twice.
    late.routers.router().channel_opened(late.routers.now, late.bob.peer);
    late.routers.say(late.alice, text_packet("three", 3));
    CHECK(late.routers.heard(late.bob) == Texts{"one", "two", "loose", "three"});
    CHECK(late.routers.router().dropped() == 0);
}

TEST_CASE("DataRouter: a client that wants no channels is ready with its connection [DC-09]") {
    Late late;
    late.bob.expects_channels = false;
    late.routers.tell(late.bob);
    late.routers.say(late.alice, text_packet("one", 1));
    CHECK(late.routers.heard(late.bob).empty());
    late.routers.connection(late.bob).connected = true;
    late.routers.connection(late.bob).channels.insert(DataChannel::kReliable);
    late.routers.router().connected(late.routers.now, late.bob.peer);
    CHECK(late.routers.heard(late.bob) == Texts{"one"});
}

TEST_CASE("DataRouter: lossy packets are for who is connected, and never kept [SIG-120]") {
    Late late;
    late.routers.say(late.alice, text_packet("gone"), DataChannel::kLossy);
    // Connected is enough: nobody waits for the other channel.
    late.routers.connection(late.bob).connected = true;
    late.routers.connection(late.bob).channels = {DataChannel::kLossy};
    late.routers.router().connected(late.routers.now, late.bob.peer);
    late.routers.say(late.alice, text_packet("now"), DataChannel::kLossy);
    CHECK(late.routers.heard(late.bob) == Texts{"now"});
    late.routers.come_up(late.bob);
    CHECK(late.routers.heard(late.bob).empty());
}

TEST_CASE("DataRouter: a replay is for whom the packets were, and no older than 2 s [SIG-121]") {
    Late late;
    const DataMember carol = late.routers.join("carol");
    late.routers.say(late.alice, text_packet("old", 1));
    late.routers.run(DataMemory::kCacheTime + Duration::millis(1));
    late.routers.say(late.alice, text_packet("for all", 2));
    late.routers.say(late.alice, text_packet("for carol", 3, "carol"));
    late.routers.say(late.alice, text_packet("for bob", 4, "bob"));
    WireMessage metrics;
    metrics.message(8, WireMessage().text(1, "[[[metrics]]]")).varint(16, 5);
    late.routers.say(late.alice, metrics.encoded());
    late.routers.come_up(late.bob);
    CHECK(late.routers.heard(late.bob) == Texts{"for all", "for bob"});
    CHECK(late.routers.heard(carol) == Texts{"old", "for all", "for carol"});
}

TEST_CASE(
    "DataRouter: who hears metrics has those that came before too, others' and own [SIG-124]") {
    Late late;
    late.bob.hears_metrics = true;
    late.routers.tell(late.bob);
    WireMessage metrics;
    metrics.message(8, WireMessage().text(1, "[[[metrics]]]")).varint(16, 1);
    late.routers.say(late.alice, metrics.encoded());
    late.routers.come_up(late.bob);
    CHECK(late.routers.heard(late.bob) == Texts{"metrics"});
}

TEST_CASE("DataRouter: nobody's own packets are replayed to it [SIG-120] [SIG-121]") {
    // Bob may send on its other connection before the one on which data goes to it.
    Late late;
    late.bob.other = PeerId(77);
    late.routers.tell(late.bob);
    late.routers.connection(late.bob).connected = true;
    late.routers.router().connected(late.routers.now, late.bob.peer);
    CHECK(late.routers.router().handle_message(late.routers.now, PeerId(77), DataChannel::kReliable,
                                               text_packet("mine", 1)) == 2);
    // Its metrics come back to it, so that its own numbers are among those it waits for.
    late.bob.hears_metrics = true;
    late.routers.tell(late.bob);
    WireMessage metrics;
    metrics.message(8, WireMessage().text(1, "[[[metrics]]]")).varint(16, 2);
    for (const Bytes& packet : {metrics.encoded(), text_packet("mine again", 3)})
        (void)late.routers.router().handle_message(late.routers.now, PeerId(77),
                                                   DataChannel::kReliable, packet);
    late.routers.say(late.alice, text_packet("yours", 1));
    late.routers.come_up(late.bob);
    const Texts heard = late.routers.heard(late.bob);
    CHECK(std::find(heard.begin(), heard.end(), "mine again") == heard.end());
    CHECK(heard.back() == "yours");
    CHECK(late.routers.heard(late.alice) == Texts{"mine", "mine again"});
}

TEST_CASE(
    "DataRouter: what does not fit while the channels are closed is lost and counted "
    "[SIG-121] [IMM-15]") {
    Late late;
    const std::string large(HeldData::kMaxBytes / 3, 'x');
    for (int i = 0; i < 4; ++i)
        late.routers.say(late.alice, text_packet(large));
    CHECK(late.routers.router().dropped() == 2);
    late.routers.come_up(late.bob);
    CHECK(late.routers.heard(late.bob).size() == 2);
}

TEST_CASE("DataRouter: a new connection takes the place of the old one [SIG-137]") {
    DataRouters routers;
    const DataMember alice = routers.join("alice");
    DataMember bob = routers.join("bob");
    const DataMember before = bob;
    bob.peer = PeerId(50);
    routers.tell(bob);
    routers.say(alice, text_packet("new"));
    CHECK(routers.port().connections[before.peer].sent.empty());
    CHECK(routers.heard(bob) == Texts{"new"});
    // What still comes from the old one is nobody's.
    CHECK(routers.say(before, text_packet("late")) == 1);
    CHECK(routers.router().dropped() == 1);
    // The old one's end changes nothing for the new one.
    routers.router().closed(before.peer);
    CHECK(routers.say(bob, text_packet("still here")) == 2);
}

TEST_CASE("DataRouter: a name belongs to who took it last, also when the other leaves [SIG-120]") {
    DataRouters routers;
    const DataMember alice = routers.join("alice");
    const DataMember first = routers.join("bob");
    DataMember second = first;
    second.member = MemberId(90);
    second.peer = PeerId(90);
    routers.places[second.member] = 0;
    routers.tell(second);
    routers.say(alice, text_packet("one", 1, "bob"));
    CHECK(routers.heard(first).empty());
    routers.leave(first);
    routers.say(alice, text_packet("two", 2, "bob"));
    CHECK(routers.heard(second) == Texts{"one", "two"});
    routers.leave(second);
    CHECK(routers.say(alice, text_packet("three", 3, "bob")) == 1);
}

TEST_CASE("DataRouter: a room ends with its last member here, what comes later is dropped") {
    DataRouters routers;
    const DataMember alice = routers.join("alice");
    const DataMember bob = routers.join("bob");
    CHECK(routers.router().rooms().size() == 1);
    routers.leave(alice);
    CHECK(routers.router().rooms().size() == 1);
    routers.leave(bob);
    CHECK(routers.router().rooms().size() == 0);
    CHECK(routers.say(bob, text_packet("x")) == 1);
    CHECK(routers.router().dropped() == 1);
    // Commands on their way meanwhile name nobody any more.
    routers.leave(bob);
    routers.command(0, DataWorkers{RoomId(1), {0}});
    routers.command(0, AddDataTrack{RoomId(1), bob.member, 1, DataTrackId(1)});
    routers.command(0, FlowDataTrack{RoomId(1), bob.member, DataTrackId(1), 1});
    routers.command(0, SendData{});
    routers.command(0, CallMethod{RoomId(1), bob.member, "id", {}});
    routers.command(0, EndCall{RoomId(1), bob.member, "id"});
    CHECK(routers.router().rooms().size() == 0);
}

TEST_CASE("DataRouter: numbers begin anew with a new participant [SIG-121]") {
    DataRouters routers;
    const DataMember bob = routers.join("bob");
    const DataMember first = routers.join("alice");
    routers.say(first, text_packet("nine", 9));
    routers.leave(first);
    const DataMember second = routers.join("alice");
    routers.say(second, text_packet("one", 1));
    CHECK(routers.heard(bob) == Texts{"nine", "one"});
}

TEST_CASE("DataRouter: control hears how far a sender is, once in kDelay [SIG-121]") {
    DataRouters routers;
    const DataMember alice = routers.join("alice");
    (void)routers.join("bob");
    const Timestamp start = routers.now;
    for (std::uint32_t i = 1; i <= 5; ++i)
        routers.say(alice, text_packet("x", i));
    CHECK(routers.router().next_deadline() == start + DataProgressList::kDelay);
    routers.router().handle_timeout(start + DataProgressList::kDelay - Duration::micros(1));
    CHECK(routers.port().events.empty());
    routers.run(DataProgressList::kDelay);
    const auto told = routers.port().events_of<DataProgress>();
    REQUIRE(told.size() == 1);
    CHECK(told[0].peer == alice.peer);
    CHECK(told[0].sequence == 5);
    CHECK(routers.router().next_deadline().is_never());
    // Nothing new, nothing said.
    routers.say(alice, text_packet("x", 5));
    routers.say(alice, text_packet("x"));
    CHECK(routers.router().next_deadline().is_never());
    // Who leaves may go on in another room: it is spoken of at once, and not again.
    routers.say(alice, text_packet("x", 6));
    routers.leave(alice);
    const auto last = routers.port().events_of<DataProgress>();
    REQUIRE(last.size() == 2);
    CHECK(last[1].sequence == 6);
    routers.run(Duration::seconds(1));
    CHECK(routers.port().events_of<DataProgress>().size() == 2);
}

TEST_CASE("DataRouter: workers that do not exist, and this one, are told nothing [DES-41]") {
    DataRouters routers(2);
    const DataMember alice = routers.join("alice");
    routers.command(0, DataWorkers{RoomId(1), {0, 1, 2, 60}});
    routers.say(alice, text_packet("x", 1));
    (void)routers.router().flush_links();
    CHECK(routers.port().pieces.size() == 1);
    CHECK(routers.port().pieces.contains(1));
    // And what a worker that does not exist sends is nothing.
    routers.router().handle_link(routers.now, 2, Bytes(100, 1));
}

}  // namespace
}  // namespace confab::sfu
