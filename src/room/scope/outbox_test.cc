// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The bound of the outbox, what happens beyond it, and the spliced join response.
#include "room/scope/outbox.h"

#include <doctest/doctest.h>

namespace confab::room {
namespace {

livekit::SignalResponse message(std::size_t bytes) {
    livekit::SignalResponse response;
    response.set_refresh_token(std::string(bytes, 'x'));
    return response;
}

template <typename T>
std::size_t count(Outbox& out) {
    std::size_t found = 0;
    while (auto effect = out.poll())
        if (std::holds_alternative<T>(*effect)) ++found;
    return found;
}

}  // namespace

TEST_CASE("Outbox: a client for whom there is no room left is closed, once [SIG-160]") {
    Outbox out(20'000);
    const SessionId alice(1);
    const SessionId bob(2);
    out.signal(alice, message(9'000));
    out.signal(alice, message(15'000));  // does not fit
    out.signal(alice, message(1));       // nothing after what is missing
    out.signal(bob, message(5'000));
    CHECK(out.bytes() <= 20'000);
    CHECK(out.dropped() == 1);
    REQUIRE(std::get<SendSignal>(*out.poll()).session == alice);
    CHECK(std::get<CloseSession>(*out.poll()).session == alice);
    CHECK(std::get<SendSignal>(*out.poll()).session == bob);
    CHECK_FALSE(out.poll());
    CHECK(out.bytes() == 0);
    out.signal(alice, message(1));
    CHECK(count<SendSignal>(out) == 1);
}

TEST_CASE("Outbox: data and webhooks are dropped beyond the bound, commands are not") {
    Outbox out(20'000);
    sfu::SendData data;
    data.identities = {"bob"};
    data.payload = Bytes(9'000, 1);
    for (int i = 0; i < 10; ++i)
        out.command(0, data);
    livekit::WebhookEvent event;
    event.set_id(std::string(9'000, 'x'));
    out.webhook({event});
    for (int i = 0; i < 100; ++i)
        out.command(0, sfu::ClosePeer{sfu::PeerId(1)});
    CHECK(out.dropped() == 9);
    CHECK(count<MediaCommand>(out) == 102);
}

TEST_CASE("Outbox: what gauges are the sums of is never left out [OBS-01]") {
    Outbox out(1'000);
    for (int i = 0; i < 100; ++i) {
        out.observe(SubscriptionStep{livekit::VIDEO, TrackStep::kEnd, {}});
        out.observe(PublicationStep{livekit::VIDEO, TrackStep::kEnd});
        out.observe(ConnectionsChanged{sfu::ConnectionType::kUdp, -1});
        out.observe(RoomOver{Duration::seconds(1)});
    }
    CHECK(count<Observation>(out) == 300);
}

TEST_CASE("Outbox: one message for many leaves as one effect, for one as a signal") {
    Outbox out;
    out.broadcast({SessionId(1), SessionId(2)}, message(10));
    out.broadcast({SessionId(1)}, message(10));
    out.broadcast({}, message(10));
    CHECK(std::get<Broadcast>(*out.poll()).sessions.size() == 2);
    CHECK(std::get<SendSignal>(*out.poll()).session == SessionId(1));
    CHECK_FALSE(out.poll());
}

TEST_CASE("A join response is the same spliced or whole [SIG-30]") {
    for (const std::size_t others : {0U, 1U, 3U, 200U}) {
        SendJoin join;
        join.session = SessionId(1);
        join.response.mutable_join()->mutable_participant()->set_identity("alice");
        join.response.mutable_join()->set_sif_trailer("tail");
        livekit::SignalResponse expected = join.response;
        for (std::size_t i = 0; i < others; ++i) {
            livekit::ParticipantInfo& info = *expected.mutable_join()->add_other_participants();
            info.set_identity("p" + std::to_string(i));
            info.set_metadata(std::string(i, 'm'));
            join.others.emplace_back(encoded_other(info));
        }
        livekit::SignalResponse parsed;
        REQUIRE(parsed.ParseFromString(serialized(join)));
        CHECK(parsed.SerializeAsString() == expected.SerializeAsString());
        CHECK(whole(join).SerializeAsString() == expected.SerializeAsString());
    }
}

}  // namespace confab::room
