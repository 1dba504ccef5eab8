// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A session with a server that is a bare connection: what needs both ends, outages included.
#include <doctest/doctest.h>

#include <array>

#include "client/connection/connection_testing.h"
#include "client/session/session_testing.h"
#include "wire/rtcp/rtcp.h"
#include "wire/rtp/rtp.h"

namespace confab::client {
namespace {

using Case = livekit::SignalRequest::MessageCase;

// The server's end of one connection: it answers every offer.
struct Linked {
    explicit Linked(Fixture& fixture) : f(fixture) {
        ConnectionConfig config;
        config.crypto = {&f.engine, nullptr, true};
        config.role = ice::Role::kControlled;
        config.address = {IpAddress::v4(0x0A00'0002), 4000};
        config.local.fingerprint = "AA:BB";
        server.emplace(config, Rng(77));
    }

    void join() {
        take_offer(f.joined().publisher_offer());
        pump();
    }
    void take_offer(const livekit::SessionDescription& offer) {
        ++offers;
        const auto parsed = sdp::parse(offer.sdp());
        REQUIRE(parsed.has_value());
        // A restart of the client is one of the server (RFC 8839 §4.4.1.1.1).
        const std::string& ufrag = parsed->sections.front().ufrag;
        if (!server->remote_credentials().ufrag.empty() &&
            server->remote_credentials().ufrag != ufrag)
            server->restart_ice(now);
        REQUIRE(server->set_remote(now, *parsed, false));
        livekit::SignalResponse response;
        response.mutable_answer()->set_id(offer.id());
        response.mutable_answer()->set_sdp(answer_to(*parsed, server->local()));
        f.give(response, now);
        response.mutable_trickle()->set_candidateinit(server->candidate_init());
        f.give(response, now);
    }
    // Everything the client has to say; others than offers and candidates are kept.
    void pump() {
        for (auto requests = f.requests(); !requests.empty(); requests = f.requests())
            for (const auto& request : requests) {
                if (request.has_offer() && answers) take_offer(request.offer());
                if (request.has_trickle())
                    server->add_candidate(now, *candidate_of(request.trickle().candidateinit()));
                if (!request.has_offer() && !request.has_trickle()) said.push_back(request);
            }
    }
    void run(Duration time) {
        for (const Timestamp end = now + time; now < end; now = now + Duration::millis(5)) {
            f.session.handle_timeout(now);
            if (now >= server->transport().next_deadline()) server->transport().handle_timeout(now);
            while (auto out = f.session.poll_transmit())
                if (!cut) to_server(out->datagram);
            while (auto out = server->poll_transmit())
                if (!cut)
                    (void)f.session.handle_packet(now, Target::kPublisher,
                                                  path_to(f.session.upstream()->address(), *out),
                                                  out->bytes);
            while (const auto event = server->poll_event())
                if (const auto* message = std::get_if<peer::MessageReceived>(&*event))
                    messages.push_back(message->payload);
            pump();
        }
    }
    ice::Path path_to(const SocketAddress& receiver, const OutgoingDatagram& out) {
        ice::Path path;
        path.local = receiver;
        path.remote =
            receiver == server->address() ? f.session.upstream()->address() : server->address();
        CHECK(out.path.remote == receiver);
        return path;
    }
    void to_server(OutgoingDatagram& out) {
        const auto media =
            server->transport().handle_packet(now, path_to(server->address(), out), out.bytes);
        if (media.kind == peer::Transport::Media::Kind::kRtp)
            rtp.push_back(to_vector(BytesView(media.packet)));
    }
    std::vector<livekit::DataPacket> packets() const {
        std::vector<livekit::DataPacket> all(messages.size());
        for (std::size_t i = 0; i < messages.size(); ++i)
            REQUIRE(
                all[i].ParseFromArray(messages[i].data(), static_cast<int>(messages[i].size())));
        return all;
    }
    void send(const char* label, const livekit::DataPacket& packet) {
        const std::string text = packet.SerializeAsString();
        REQUIRE(server->send_message(now, label, to_vector(as_bytes(text))));
    }
    void lose_signal() {
        f.session.signal_closed();
        (void)f.requests();
    }
    void resume(std::uint32_t last_message_seq) {
        (void)f.session.resume(now, livekit::RR_SIGNAL_DISCONNECTED);
        livekit::SignalResponse response;
        response.mutable_reconnect()->set_last_message_seq(last_message_seq);
        f.give(response, now);
        pump();
    }

    Fixture& f;
    std::optional<Connection> server;
    Timestamp now = kStart;
    bool cut = false;     // no datagram arrives
    bool answers = true;  // to offers after the first
    int offers = 0;
    std::vector<livekit::SignalRequest> said;
    std::vector<Bytes> messages;
    std::vector<Bytes> rtp;
};

livekit::DataPacket text_from(const char* sender, std::uint32_t sequence, const char* text) {
    livekit::DataPacket packet;
    packet.set_participant_sid(sender);
    packet.set_sequence(sequence);
    packet.mutable_user()->set_payload(text);
    return packet;
}
std::vector<std::string> arrived(Fixture& f) {
    std::vector<std::string> all;
    while (const auto data = f.event<DataArrived>())
        all.push_back((data->reliable ? "" : "lossy ") + data->packet.user().payload());
    return all;
}
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("Session: one connection offers again once it is up, and is settled then [SIG-82]") {
    Fixture f(true);
    Linked link(f);
    CHECK_FALSE(f.session.settled());
    link.answers = false;
    link.join();
    CHECK(link.offers == 1);
    link.run(Duration::seconds(1));
    REQUIRE(f.session.upstream()->connected());
    CHECK(f.session.upstream()->channels() == Connections::kChannels);
    // It has offered, and waits for the answer.
    CHECK_FALSE(f.session.settled());
    CHECK_FALSE(f.session.failed());
    std::vector<peer::TransportState> states;
    while (const auto changed = f.event<ConnectionChanged>()) {
        CHECK(changed->target == Target::kPublisher);
        states.push_back(changed->state);
    }
    REQUIRE(!states.empty());
    CHECK(states.back() == peer::TransportState::kConnected);
}

TEST_CASE("Session: the second offer comes once, and further ones when they are wanted [SIG-82]") {
    Fixture f(true);
    Linked link(f);
    link.join();
    link.run(Duration::seconds(1));
    CHECK(link.offers == 2);
    CHECK(f.session.settled());
    link.run(Duration::seconds(3));
    CHECK(link.offers == 2);
    f.session.tracks().publish(Fixture::microphone("a"));
    CHECK_FALSE(f.session.settled());
    link.run(Duration::millis(10));
    CHECK(link.offers == 3);
    CHECK(f.session.settled());
    // Without a join it is none, whatever is connected.
    Fixture other(true);
    CHECK_FALSE(other.session.settled());
}

TEST_CASE(
    "Session: reliable data is numbered from 1, lossy is not, both need a channel [SIG-120]") {
    Fixture f(true);
    Linked link(f);
    CHECK_FALSE(f.session.data().send(kStart, text_from("", 0, "early"), true));
    CHECK_FALSE(f.session.data().send(kStart, text_from("", 0, "early"), false));
    link.join();
    link.run(Duration::seconds(1));
    for (const bool reliable : {true, false, true})
        CHECK(f.session.data().send(link.now, text_from("", 9, "x"), reliable));
    link.run(Duration::millis(200));
    const auto packets = link.packets();
    REQUIRE(packets.size() == 3);
    std::vector<std::uint32_t> numbers;
    for (const auto& packet : packets) {
        const bool reliable = packet.kind() == livekit::DataPacket::RELIABLE;
        if (reliable) numbers.push_back(packet.sequence());
    }
    CHECK(numbers == std::vector<std::uint32_t>{1, 2});
}

TEST_CASE(
    "Session: a reliable packet of a sender arrives once, a lossy one as it comes [SIG-146]") {
    Fixture f(true);
    Linked link(f);
    link.join();
    link.run(Duration::seconds(1));
    link.send("_reliable", text_from("PA_x", 1, "one"));
    link.send("_reliable", text_from("PA_x", 1, "one again"));
    link.send("_reliable", text_from("PA_y", 1, "of another"));
    link.send("_reliable", text_from("PA_x", 0, "without number"));
    link.send("_lossy", text_from("PA_x", 1, "same"));
    link.run(Duration::millis(200));
    CHECK(arrived(f).size() == 4);
    link.send("_lossy", text_from("PA_x", 1, "same"));
    link.send("_reliable", text_from("PA_x", 2, "two"));
    link.run(Duration::millis(200));
    const Texts later = arrived(f);
    REQUIRE(later.size() == 2);
    CHECK(std::ranges::count(later, "lossy same") == 1);
    CHECK(std::ranges::count(later, "two") == 1);
    // What can't be read is counted and no event.
    REQUIRE(link.server->send_message(link.now, "_reliable", Bytes{0xFF, 0xFF}));
    link.run(Duration::millis(200));
    CHECK(arrived(f).empty());
    CHECK(f.session.counters().bad_signals == 1);
    // The highest of each sender goes into the next sync state.
    link.lose_signal();
    link.resume(0);
    REQUIRE(link.said.size() > 1);
    for (const auto& request : link.said)
        if (request.has_sync_state()) {
            const livekit::SyncState& state = request.sync_state();
            REQUIRE(state.datachannel_receive_states_size() == 2);
            CHECK(state.datachannel_receive_states(0).publisher_sid() == "PA_x");
            CHECK(state.datachannel_receive_states(0).last_seq() == 2);
            CHECK(state.datachannel_receive_states(1).last_seq() == 1);
        }
}

TEST_CASE("Session: after a resume what the server has not got is sent again [SIG-146]") {
    Fixture f(true);
    Linked link(f);
    link.join();
    link.run(Duration::seconds(1));
    for (const char* text : {"one", "two", "three"})
        CHECK(f.session.data().send(link.now, text_from("", 0, text), true));
    link.run(Duration::millis(200));
    REQUIRE(link.messages.size() == 3);
    link.messages.clear();
    link.lose_signal();
    link.resume(1);
    link.run(Duration::seconds(1));
    const auto again = link.packets();
    REQUIRE(again.size() == 2);
    CHECK(again[0].user().payload() == "two");
    CHECK(again[0].sequence() == 2);
    CHECK(again[1].user().payload() == "three");
    CHECK(f.session.settled());
}

TEST_CASE("Session: an outage ends the connection, a resume brings it back [SIG-145][SIG-160]") {
    Fixture f(true);
    Linked link(f);
    link.join();
    link.run(Duration::seconds(1));
    while (f.session.poll_event()) {
    }
    link.cut = true;
    f.session.signal_closed();
    link.run(Duration::seconds(60));
    const auto changed = f.event<ConnectionChanged>();
    REQUIRE(changed.has_value());
    CHECK(changed->state != peer::TransportState::kConnected);
    CHECK_FALSE(f.session.upstream()->connected());
    CHECK(f.requests().empty());
    link.cut = false;
    const std::string before = f.session.upstream()->local().ufrag;
    link.resume(0);
    CHECK(f.session.upstream()->local().ufrag != before);
    link.run(Duration::seconds(3));
    CHECK(f.session.upstream()->connected());
    CHECK_FALSE(f.session.failed());
    CHECK(f.session.settled());
    CHECK(f.session.data().send(link.now, text_from("", 0, "back"), true));
    link.messages.clear();
    link.run(Duration::millis(300));
    REQUIRE(link.packets().size() == 1);
    CHECK(link.packets()[0].user().payload() == "back");
}

TEST_CASE("Session: media flows once its section is taken, and hears what is asked [IN-53]") {
    Fixture f(true);
    Linked link(f);
    link.join();
    link.run(Duration::seconds(1));
    PublishOptions camera;
    camera.cid = "cam";
    camera.plan.number = 3;
    camera.plan.kind = MediaKind::kVideo;
    camera.plan.layers = {{"", 21, 22, 320, 180, 1}};
    f.session.tracks().publish(camera);
    link.run(Duration::seconds(1));
    REQUIRE(!link.rtp.empty());
    CHECK(wire::parse_rtp(link.rtp[0])->header.ssrc == 21);
    REQUIRE(f.session.publisher().key_frames() == 1);
    std::array<std::uint8_t, 64> buffer;
    ByteWriter out(buffer);
    REQUIRE(wire::write_pli(out, {99, 21}));
    link.server->send_rtcp(out.written());
    link.run(Duration::millis(200));
    CHECK(f.session.publisher().key_frames() == 2);
    // Muted nothing is sent, but the section stays.
    f.session.tracks().set_muted("cam", true);
    link.run(Duration::millis(100));
    link.rtp.clear();
    link.run(Duration::seconds(1));
    CHECK(link.rtp.empty());
    f.session.tracks().set_muted("cam", false);
    link.run(Duration::millis(200));
    CHECK(f.session.publisher().key_frames() == 3);
    CHECK(!link.rtp.empty());
}

TEST_CASE("Session: a data track is sent once it has a sid, and known by its handle [SIG-126]") {
    Fixture f(true);
    Linked link(f);
    link.join();
    link.run(Duration::seconds(1));
    f.session.data().publish_track(1, "sensor");
    CHECK_FALSE(f.session.data().send_track(link.now, 1, Bytes{5}));
    livekit::SignalResponse response;
    response.mutable_publish_data_track_response()->mutable_info()->set_pub_handle(1);
    response.mutable_publish_data_track_response()->mutable_info()->set_sid("DTR_a");
    f.give(response, link.now);
    CHECK(f.session.data().send_track(link.now, 1, Bytes{5}));
    CHECK_FALSE(f.session.data().send_track(link.now, 2, Bytes{5}));
    link.run(Duration::millis(200));
    REQUIRE(link.messages.size() == 1);
    const Bytes packet = link.messages[0];
    CHECK(packet.back() == 5);
    // The other way: the handle is the server's, and so is its meaning.
    const auto come = [&] {
        REQUIRE(link.server->send_message(link.now, "_data_track", packet));
        link.run(Duration::millis(200));
        const auto event = f.event<DataTrackArrived>();
        REQUIRE(event.has_value());
        CHECK(event->packet == packet);
        return event->track_sid;
    };
    CHECK(come().empty());
    auto& handles = *response.mutable_data_track_subscriber_handles()->mutable_sub_handles();
    handles[1].set_track_sid("DTR_x");
    f.give(response, link.now);
    CHECK(come() == "DTR_x");
    response.mutable_data_track_subscriber_handles()->clear_sub_handles();
    f.give(response, link.now);
    CHECK(come().empty());
}

TEST_CASE(
    "Session: muted by us or by the server nothing is sent, from the first frame on [SIG-37]") {
    for (const bool early : {true, false}) {
        CAPTURE(early);
        Fixture f(true);
        Linked link(f);
        link.join();
        link.run(Duration::seconds(1));
        f.session.tracks().publish(Fixture::microphone("a"));
        livekit::SignalResponse response;
        response.mutable_track_published()->set_cid("a");
        response.mutable_track_published()->mutable_track()->set_sid("TR_a");
        f.give(response, link.now);
        const auto server_mutes = [&](const char* sid, bool muted) {
            response.mutable_mute()->set_sid(sid);
            response.mutable_mute()->set_muted(muted);
            f.give(response, link.now);
        };
        if (early) f.session.tracks().set_muted("a", true);
        link.pump();
        if (!early) server_mutes("TR_a", true);
        server_mutes("TR_b", false);  // another one
        link.run(Duration::millis(500));
        CHECK(link.rtp.empty());
        server_mutes("TR_a", false);
        link.run(Duration::millis(200));
        CHECK_FALSE(link.rtp.empty());
    }
}

}  // namespace confab::client
