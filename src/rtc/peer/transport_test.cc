// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/peer/transport.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/machine.h"
#include "rtc/peer/transport_link_test.h"
#include "wire/ice/stun.h"
#include "wire/rtp/rtp.h"

namespace confab::peer {
namespace {

static_assert(SansIoMachine<Transport>);

Bytes rtp_packet() {
    Bytes packet(200);
    ByteWriter out(packet);
    wire::RtpHeader header;
    header.payload_type = 96;
    header.sequence = 7;
    header.ssrc = 42;
    wire::write_rtp_header(out, header);
    return packet;
}

// Protects at `from`; what `to` makes of it.
Transport::Media send_media(Link& link, End& from, End& to, std::uint16_t from_port) {
    static Bytes wire_bytes;
    wire_bytes = rtp_packet();
    const Bytes payload(wire_bytes.begin() + 12, wire_bytes.end());
    wire_bytes.resize(300);
    const std::size_t size = from.transport->srtp_sender()->protect_rtp(wire_bytes, 12, payload, 7);
    ice::Path path;
    path.local = to.address;
    path.remote = {from.address.ip, from_port};
    return to.transport->handle_packet(at_ms(link.now_ms), path, BytesSpan(wire_bytes).first(size));
}

TEST_CASE_HANDED_OVER(
    "Transport: neither handshake nor RTCP wait for the nomination [ICE-06][IMM-1]") {
    Link link;
    link.drop = [](BytesView datagram) {
        if (wire::classify(datagram) != wire::PacketKind::kStun) return false;
        const auto message = wire::StunMessage::parse(datagram);
        return message && message->has(wire::StunAttr::kUseCandidate);
    };
    link.negotiate(true);
    link.run(300);
    const auto to = [&](const End& end) {
        const auto& path = end.transport->path();
        REQUIRE(path.has_value());
        return path->remote;
    };
    CHECK(to(link.a) == link.b.address);
    CHECK(to(link.b) == link.a.address);
    for (End* end : {&link.a, &link.b})
        CHECK(!end->transport->connected());
    CHECK(send_media(link, link.a, link.b, 1000).kind == Transport::Media::Kind::kRtp);
    CHECK(send_media(link, link.b, link.a, 2000).kind == Transport::Media::Kind::kRtp);
    link.drop = nullptr;
    link.run(600);
    const auto told = [](const End& end) {
        return std::count_if(end.events.begin(), end.events.end(), [](const auto& event) {
            return std::holds_alternative<StateChanged>(event);
        });
    };
    for (End* end : {&link.a, &link.b}) {
        CHECK(end->transport->connected());
        CHECK(told(*end) == 1);
    }
}

TEST_CASE(
    "Transport: media has no path before the handshake is through, nominated or not [IMM-1]") {
    Link link;
    link.drop = [](BytesView datagram) {
        if (wire::classify(datagram) == wire::PacketKind::kDtls) return true;
        const auto message = wire::StunMessage::parse(datagram);
        return message && message->has(wire::StunAttr::kUseCandidate);
    };
    link.negotiate(false);
    link.run(300);
    for (End* end : {&link.a, &link.b}) {
        CHECK(!end->transport->path().has_value());
        CHECK(!end->transport->connected());
    }
}

TEST_CASE("Transport: a stream that closes before the nomination takes no more media [ICE-06]") {
    Link link;
    link.b.config.ice.candidates = {{0, ice::Protocol::kTcp, link.b.address}};
    link.b.transport = std::make_unique<Transport>(link.b.crypto, link.b.config, Rng(2));
    link.negotiate(false);
    // What the link carries, for b is one stream.
    constexpr std::uint32_t kStream = 7;
    const ice::Path at_b{0, ice::Protocol::kTcp, kStream, link.b.address, link.a.address};
    const ice::Path at_a{0, ice::Protocol::kUdp, 0, link.a.address, link.b.address};
    for (int i = 0; i < 300; ++i, ++link.now_ms) {
        const Timestamp now = at_ms(link.now_ms);
        link.a.transport->handle_timeout(now);
        link.b.transport->handle_timeout(now);
        while (const auto sent = link.a.transport->poll_transmit()) {
            const auto message = wire::StunMessage::parse(sent->bytes);
            if (message && message->has(wire::StunAttr::kUseCandidate)) continue;
            Bytes bytes = to_vector(sent->bytes);
            (void)link.b.transport->handle_packet(now, at_b, bytes);
        }
        while (const auto sent = link.b.transport->poll_transmit()) {
            Bytes bytes = to_vector(sent->bytes);
            (void)link.a.transport->handle_packet(now, at_a, bytes);
        }
    }
    REQUIRE(link.b.transport->path() == at_b);
    link.b.transport->tcp_closed(at_ms(link.now_ms), kStream + 1);
    CHECK(link.b.transport->path() == at_b);
    link.b.transport->tcp_closed(at_ms(link.now_ms), kStream);
    CHECK(!link.b.transport->path().has_value());
}

TEST_CASE_HANDED_OVER(
    "Transport: a hello that was lost before the nomination is repeated after it [DTLS-04]") {
    Link link;
    link.drop = [&](BytesView datagram) {
        return wire::classify(datagram) == wire::PacketKind::kDtls &&
               !link.a.transport->path().has_value();
    };
    link.negotiate(false);
    std::int64_t selected_ms = -1;
    while (link.now_ms < 1000 && !link.b.transport->connected()) {
        link.run(1);
        if (selected_ms < 0 && link.a.transport->path()) selected_ms = link.now_ms;
    }
    CHECK(link.b.transport->connected());
    REQUIRE(selected_ms >= 0);
    CHECK(link.now_ms - selected_ms < 20);  // the first retransmission comes after 100 ms
}

namespace {

// Both ends restart ICE; each knows the other's new credentials at once.
void restart_both(Link& link) {
    const Timestamp now = at_ms(link.now_ms);
    const ice::Credentials of_a{"freshaaaaaaa", "freshpasswordfreshpassworda"};
    const ice::Credentials of_b{"freshbbbbbbb", "freshpasswordfreshpasswordb"};
    link.a.transport->restart_ice(now, {of_a, false});
    link.b.transport->restart_ice(now, {of_b, false});
    link.a.transport->set_remote(now, {of_b, dtls::Role::kClient, {link.b.fingerprint()}, false});
    link.b.transport->set_remote(now, {of_a, dtls::Role::kServer, {link.a.fingerprint()}, false});
    link.a.transport->add_remote_candidate(now, {ice::Protocol::kUdp, link.b.address});
}

}  // namespace

TEST_CASE(
    "Transport: DTLS has three times what ICE took, from 10 to 20 s, then it stalls [ICE-17]") {
    const auto stalls_after = [](std::int64_t ice_ms, std::int64_t restart_ms) {
        CAPTURE(ice_ms);
        CAPTURE(restart_ms);
        Link link;
        link.drop = [&](BytesView datagram) {
            return link.now_ms < ice_ms || wire::classify(datagram) == wire::PacketKind::kDtls;
        };
        link.negotiate(false);
        std::optional<std::int64_t> selected;
        const auto failed = [&] { return link.b.transport->state() == TransportState::kFailed; };
        while (link.now_ms < 40'000 && !failed()) {
            link.run(1);
            if (!selected && link.b.transport->path()) selected = link.now_ms;
            if (link.now_ms == restart_ms) restart_both(link);
        }
        REQUIRE(failed());
        REQUIRE(selected);
        const auto last = std::get<StateChanged>(link.b.events.back());
        CHECK(last.failure == TransportFailure::kStalled);
        return link.now_ms - *selected;
    };
    CHECK(std::abs(stalls_after(0, -1) - 10'000) <= 1);
    const std::int64_t after_four = stalls_after(4'000, -1);
    CHECK(after_four >= 12'000);
    CHECK(after_four < 16'000);
    CHECK(std::abs(stalls_after(9'000, -1) - 20'000) <= 1);
    // Over another path it has its time again.
    const std::int64_t over_two = stalls_after(0, 5'000);
    CHECK(over_two >= 15'000);
    CHECK(over_two < 15'500);
}

TEST_CASE("Transport: a restart whose path carries DTLS late is connected soon [DTLS-04][ICE-17]") {
    Link link;
    link.drop = [&](BytesView datagram) {
        return link.now_ms < 19'000 && wire::classify(datagram) != wire::PacketKind::kStun;
    };
    link.negotiate(false);
    link.run(12'000);
    CHECK(link.a.transport->state() == TransportState::kFailed);
    restart_both(link);
    link.run(7'000);
    CHECK(link.a.transport->state() == TransportState::kConnecting);
    link.run(2'200);
    CHECK(link.a.transport->connected());
    CHECK(link.b.transport->connected());
}

TEST_CASE_HANDED_OVER("Transport: nothing of DTLS goes to a path without STUN [IMM-1]") {
    Link link;
    std::size_t dtls = 0;
    link.drop = [&](BytesView datagram) {
        dtls += wire::classify(datagram) == wire::PacketKind::kDtls ? 1U : 0U;
        return wire::classify(datagram) == wire::PacketKind::kStun;
    };
    link.negotiate(true);
    link.run(1000);
    CHECK(dtls == 0);
}

TEST_CASE_HANDED_OVER(
    "Transport: ICE, DTLS, SRTP and a data channel come up, full and lite [NET-02][DTLS-01]") {
    for (const bool lite : {false, true}) {
        Link link(lite);
        link.negotiate(true);
        link.run(400);
        CHECK(link.a.transport->connected());
        CHECK(link.b.transport->connected());
        const auto media = send_media(link, link.a, link.b, 1000);
        CHECK(media.kind == Transport::Media::Kind::kRtp);
        CHECK(to_vector(media.packet) == rtp_packet());
        link.run(300);
        std::optional<std::uint16_t> channel;
        for (const TransportEvent& event : link.b.events)
            if (const auto* opened = std::get_if<ChannelOpened>(&event)) {
                CHECK(opened->label == "_reliable");
                channel = opened->channel;
            }
        REQUIRE(channel.has_value());
        CHECK(*channel % 2 == 1);  // the DTLS server opens odd ids [DC-02]
        const sctp::SharedBytes hello(as_bytes("hello"));
        CHECK(link.b.transport->send_message(at_ms(link.now_ms), *channel, hello) ==
              sctp::SendStatus::kOk);
        link.run(100);
        bool arrived = false;
        for (const TransportEvent& event : link.a.events)
            if (const auto* message = std::get_if<MessageReceived>(&event))
                arrived = as_text(message->payload) == "hello";
        CHECK(arrived);
    }
}

TEST_CASE_HANDED_OVER(
    "Transport: media and DTLS from an address without STUN are dropped [IMM-1][TRAP-16]") {
    Link link;
    link.negotiate(false);
    link.run(400);
    REQUIRE(link.b.transport->connected());
    CHECK(send_media(link, link.a, link.b, 1001).kind == Transport::Media::Kind::kNone);
    CHECK(link.b.transport->counters().unvalidated_path == 1);
    // Ten thousand spoofed hellos change nothing.
    Bytes hello{22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0};
    for (int i = 0; i < 10'000; ++i) {
        ice::Path path;
        path.local = link.b.address;
        path.remote = {IpAddress::v4(0x0A000001), static_cast<std::uint16_t>(i)};
        (void)link.b.transport->handle_packet(at_ms(link.now_ms), path, hello);
    }
    CHECK(send_media(link, link.a, link.b, 1000).kind == Transport::Media::Kind::kRtp);
}

TEST_CASE_HANDED_OVER(
    "Transport: spoofed hellos from elsewhere during the handshake do not stop it [IMM-1]") {
    Link link;
    link.negotiate(false);
    Bytes hello{22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0};
    for (int i = 0; i < 400; ++i) {
        ice::Path path;
        path.local = link.b.address;
        path.remote = {IpAddress::v4(0x0A000001), 5};
        (void)link.b.transport->handle_packet(at_ms(link.now_ms), path, hello);
        link.run(1);
    }
    CHECK(link.a.transport->connected());
    CHECK(link.b.transport->connected());
}

TEST_CASE_HANDED_OVER(
    "Transport: a certificate that is not the one of the SDP fails at once [IMM-6][DTLS-13]") {
    Link link;
    RemoteParameters to_a{link.b.credentials, dtls::Role::kClient, {link.a.fingerprint()}, false};
    RemoteParameters to_b{link.a.credentials, dtls::Role::kServer, {link.a.fingerprint()}, false};
    link.a.transport->set_remote(at_ms(0), to_a);
    link.b.transport->set_remote(at_ms(0), to_b);
    link.a.transport->add_remote_candidate(at_ms(0), {ice::Protocol::kUdp, link.b.address});
    link.run(500);
    CHECK(link.a.transport->state() == TransportState::kFailed);
    CHECK(link.a.transport->srtp_sender() == nullptr);
    const auto* changed = std::get_if<StateChanged>(&link.a.events.back());
    REQUIRE(changed != nullptr);
    CHECK(changed->failure == TransportFailure::kFingerprint);
}

TEST_CASE_HANDED_OVER(
    "Transport: connects at 30 % loss within three seconds of virtual time [DTLS-04][MC-04]") {
    Link link;
    link.loss = 0.3;
    link.negotiate(true);
    link.run(3000);
    CHECK(link.a.transport->connected());
    CHECK(link.b.transport->connected());
}

TEST_CASE_HANDED_OVER("Transport: silence is noticed after 10 s and final after 15 s [ICE-04]") {
    Link link;
    link.negotiate(false);
    link.run(500);
    REQUIRE(link.a.transport->connected());
    link.loss = 1;
    link.run(9000);
    CHECK(link.a.transport->connected());
    link.run(1600);
    CHECK(link.a.transport->state() == TransportState::kDisconnected);
    link.loss = 0;
    link.run(3000);
    CHECK(link.a.transport->state() == TransportState::kReconnected);
    link.loss = 1;
    link.run(16'000);
    CHECK(link.a.transport->state() == TransportState::kFailed);
}

TEST_CASE_HANDED_OVER("Transport: an ICE restart keeps keys and media [ICE-14]") {
    Link link;
    link.negotiate(false);
    link.run(400);
    const ice::Credentials fresh_a{"newaufragnewaufr", "newapasswordnewapasswordnewapass"};
    const ice::Credentials fresh_b{"newbufragnewbufr", "newbpasswordnewbpasswordnewbpass"};
    link.a.transport->restart_ice(at_ms(link.now_ms), {fresh_a, false});
    link.b.transport->restart_ice(at_ms(link.now_ms), {fresh_b, false});
    link.a.credentials = fresh_a;
    link.b.credentials = fresh_b;
    CHECK(send_media(link, link.a, link.b, 1000).kind == Transport::Media::Kind::kRtp);
    link.negotiate(false);
    link.run(400);
    CHECK(link.a.transport->connected());
    CHECK(link.b.transport->connected());
    CHECK(send_media(link, link.a, link.b, 1000).kind == Transport::Media::Kind::kRtp);
}

TEST_CASE_HANDED_OVER(
    "Transport: a flood of packets that fail authentication is shed for a second [DES-25]") {
    Link link;
    link.negotiate(false);
    link.run(400);
    Bytes junk = rtp_packet();
    ice::Path path;
    path.local = link.b.address;
    path.remote = link.a.address;
    for (int i = 0; i < 500; ++i) {
        Bytes copy = junk;
        (void)link.b.transport->handle_packet(at_ms(link.now_ms), path, copy);
    }
    CHECK(link.b.transport->counters().srtp_failures == Transport::kMaxSrtpFailuresPerSecond);
    CHECK(link.b.transport->counters().throttled == 400);
    link.now_ms += 1001;
    CHECK(send_media(link, link.a, link.b, 1000).kind == Transport::Media::Kind::kRtp);
}

TEST_CASE_HANDED_OVER(
    "Transport: forged packets do not mute a stream that was authentic before [DES-25][IMM-7]") {
    Link link;
    link.negotiate(false);
    link.run(400);
    REQUIRE(send_media(link, link.a, link.b, 1000).kind == Transport::Media::Kind::kRtp);
    Bytes junk = rtp_packet();
    store_be32(&junk[8], 4711);
    ice::Path path;
    path.local = link.b.address;
    path.remote = link.a.address;
    for (int i = 0; i < 500; ++i) {
        Bytes copy = junk;
        (void)link.b.transport->handle_packet(at_ms(link.now_ms), path, copy);
        if (i % 50 == 0)
            CHECK(send_media(link, link.a, link.b, 1000).kind == Transport::Media::Kind::kRtp);
    }
    CHECK(link.b.transport->counters().throttled == 400);
    CHECK(send_media(link, link.a, link.b, 1000).kind == Transport::Media::Kind::kRtp);
}

TEST_CASE_HANDED_OVER(
    "Transport: forged media from the peer's address is no sign of its life [ICE-04][IMM-7]") {
    Link link;
    link.negotiate(false);
    link.run(400);
    REQUIRE(link.b.transport->connected());
    link.loss = 1;
    ice::Path path;
    path.local = link.b.address;
    path.remote = link.a.address;
    for (int second = 0; second < 11; ++second) {
        Bytes junk = rtp_packet();
        (void)link.b.transport->handle_packet(at_ms(link.now_ms), path, junk);
        link.run(1000);
    }
    CHECK(link.b.transport->state() == TransportState::kDisconnected);
}

TEST_CASE_HANDED_OVER("Transport: the role in DTLS is that of the first description [DTLS-01]") {
    Link link;
    link.negotiate(true);
    for (End* end : {&link.a, &link.b}) {
        const bool first = end == &link.a;
        const End& other = first ? link.b : link.a;
        end->transport->set_remote(at_ms(link.now_ms),
                                   {other.credentials,
                                    first ? dtls::Role::kServer : dtls::Role::kClient,
                                    {other.fingerprint()},
                                    true});
    }
    link.run(1000);
    CHECK(link.b.transport->connected());
    const auto is_open = [](const TransportEvent& event) {
        const auto* opened = std::get_if<ChannelOpened>(&event);
        return opened != nullptr && opened->channel % 2 == 1;  // of the DTLS server [DC-02]
    };
    CHECK(std::any_of(link.b.events.begin(), link.b.events.end(), is_open));
}

TEST_CASE_HANDED_OVER(
    "Transport: what waits for a path asks for no turn before there is one [ICE-14]") {
    Link link;
    link.drop = [](BytesView datagram) {  // no nomination: the way is that of the first check
        const auto message = wire::StunMessage::parse(datagram);
        return message && message->has(wire::StunAttr::kUseCandidate);
    };
    link.negotiate(true);
    link.run(400);
    std::optional<std::uint16_t> channel;
    for (const TransportEvent& event : link.b.events)
        if (const auto* opened = std::get_if<ChannelOpened>(&event)) channel = opened->channel;
    REQUIRE(channel.has_value());
    link.run(300);  // what was delayed is acknowledged
    const sctp::SharedBytes hello(as_bytes("hello"));
    (void)link.b.transport->send_message(at_ms(link.now_ms), *channel, hello);
    link.move(link.b, link.a);
    link.a.transport->restart_ice(
        at_ms(link.now_ms), {{"newaufragnewaufr", "newapasswordnewapasswordnewapass"}, false});
    int turns = 0;
    for (const std::int64_t end = link.now_ms + 1000; link.now_ms < end; ++link.now_ms)
        if (at_ms(link.now_ms) >= link.a.transport->next_deadline()) {
            link.a.transport->handle_timeout(at_ms(link.now_ms));
            CHECK_FALSE(link.a.transport->poll_transmit());
            ++turns;
        }
    CHECK(turns < 20);
}

TEST_CASE_HANDED_OVER("Transport: a window of data leaves whole, however large [DC-20]") {
    Link link;
    link.negotiate(true);
    link.run(500);
    const auto opened = [&]() -> std::optional<std::uint16_t> {
        for (const TransportEvent& event : link.b.events)
            if (const auto* channel = std::get_if<ChannelOpened>(&event)) return channel->channel;
        return std::nullopt;
    }();
    REQUIRE(opened.has_value());
    const sctp::SharedBytes message(BytesView(Bytes(60'000, 7)));
    const auto burst = [&](std::size_t messages) {
        for (std::size_t i = 0; i < messages; ++i)
            CHECK(link.b.transport->send_message(at_ms(link.now_ms), *opened, message) ==
                  sctp::SendStatus::kOk);
    };
    // Numbers of the records: none is missing while the network loses nothing.
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::size_t records = 0;
    link.drop = [&](BytesView datagram) {
        if (link.sender != &link.b || wire::classify(datagram) != wire::PacketKind::kDtls)
            return false;
        last = load_be64(&datagram[3]);
        if (records++ == 0) first = last;
        return false;
    };
    for (int i = 0; i < 10; ++i) {  // opens the congestion window
        burst(20);
        link.run(100);
    }
    CHECK(records > 10'000);
    CHECK(last - first + 1 == records);
}

TEST_CASE_HANDED_OVER(
    "Transport: data that an outage held back follows with the first sign of the peer [DC-20]") {
    Link link;
    link.negotiate(true);
    link.run(1'000);
    const auto opened = [](const TransportEvent& event) {
        return std::holds_alternative<ChannelOpened>(event);
    };
    const auto channel = std::find_if(link.b.events.begin(), link.b.events.end(), opened);
    REQUIRE(channel != link.b.events.end());
    const std::uint16_t id = std::get<ChannelOpened>(*channel).channel;
    const auto messages = [&] {
        return std::count_if(link.a.events.begin(), link.a.events.end(), [](const auto& event) {
            return std::holds_alternative<MessageReceived>(event);
        });
    };
    // Timeouts after 1, 3 and 7 s: the next one would come after 15.
    link.drop = [](BytesView) { return true; };
    const sctp::SharedBytes message(BytesView(Bytes{1}));
    REQUIRE(link.b.transport->send_message(at_ms(link.now_ms), id, message) ==
            sctp::SendStatus::kOk);
    link.run(9'000);
    link.drop = nullptr;
    link.run(1'500);
    CHECK(messages() == 1);
}

TEST_CASE(
    "Transport: a report behind a silence stirs what waits for an answer, else nothing [DC-20]") {
    Link link;
    link.negotiate(true);
    link.run(1'000);
    const auto stirred = [&link] {
        Bytes report(100);
        report[0] = 0x80;
        report[1] = 201;
        report.resize(link.a.transport->srtp_sender()->protect_rtcp(report, 8));
        const ice::Path path = ice::Path{.local = link.b.address, .remote = link.a.address};
        return link.b.transport->handle_packet(at_ms(link.now_ms), path, report).stirs;
    };
    const auto outage = [&link] {
        link.drop = [](BytesView) { return true; };
        link.run(2'000);
        link.drop = nullptr;
    };
    outage();
    CHECK_FALSE(stirred());
    std::optional<std::uint16_t> channel;
    for (const TransportEvent& event : link.b.events)
        if (const auto* opened = std::get_if<ChannelOpened>(&event)) channel = opened->channel;
    REQUIRE(channel.has_value());
    link.drop = [](BytesView) { return true; };
    REQUIRE(link.b.transport->send_message(at_ms(link.now_ms), *channel,
                                           sctp::SharedBytes(BytesView(Bytes{1}))) ==
            sctp::SendStatus::kOk);
    outage();
    CHECK(stirred());
    CHECK_FALSE(stirred());  // once
}

TEST_CASE_HANDED_OVER(
    "Transport: data follows a peer whose address has changed with the new path [DC-20]") {
    Link link;
    link.negotiate(true);
    link.run(1'000);
    std::optional<std::uint16_t> channel;
    for (const TransportEvent& event : link.b.events)
        if (const auto* opened = std::get_if<ChannelOpened>(&event)) channel = opened->channel;
    REQUIRE(channel.has_value());
    link.a.address.port = 1001;
    const sctp::SharedBytes message(BytesView(Bytes{1}));
    REQUIRE(link.b.transport->send_message(at_ms(link.now_ms), *channel, message) ==
            sctp::SendStatus::kOk);
    const auto there = [&] {
        return std::any_of(link.a.events.begin(), link.a.events.end(), [](const auto& event) {
            return std::holds_alternative<MessageReceived>(event);
        });
    };
    const auto moved = [&] {
        const auto& path = link.b.transport->path();
        return path && path->remote == link.a.address;
    };
    for (int i = 0; i < 10'000 && !moved(); ++i)
        link.run(1);
    REQUIRE(moved());
    link.run(100);
    CHECK(there());
}

TEST_CASE_HANDED_OVER(
    "Transport: a state is told at once, whatever messages nobody took yet [DC-20][ICE-04]") {
    Link link;
    link.negotiate(true);
    link.run(500);
    std::optional<std::uint16_t> channel;
    for (const TransportEvent& event : link.b.events)
        if (const auto* opened = std::get_if<ChannelOpened>(&event)) channel = opened->channel;
    REQUIRE(channel.has_value());
    link.takes_messages = false;
    const sctp::SharedBytes message(BytesView(Bytes(30'000, 7)));
    for (int i = 0; i < 5; ++i)
        CHECK(link.b.transport->send_message(at_ms(link.now_ms), *channel, message) ==
              sctp::SendStatus::kOk);
    link.run(500);
    REQUIRE(link.a.transport->next_is_message());
    link.a.events.clear();
    link.loss = 1;
    link.run(11'000);
    REQUIRE(link.a.events.size() == 1);
    const auto* changed = std::get_if<StateChanged>(&link.a.events.front());
    REQUIRE(changed != nullptr);
    CHECK(changed->state == TransportState::kDisconnected);
    // The messages are still there.
    link.takes_messages = true;
    link.run(1);
    CHECK(link.a.events.size() == 6);
}

}  // namespace
}  // namespace confab::peer
