// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Connections that go on elsewhere in mid-call (07 SIO-11, 02 MC-20).
#include <map>
#include <set>

#include "rtc/peer/transport_link_test.h"
#include "wire/rtp/rtp.h"

namespace confab::peer {
namespace {

constexpr std::size_t kPayload = 100;

// What an end sent and what reached it, by number.
struct Traffic {
    std::uint32_t next_rtp = 0;
    std::uint32_t next_message = 0;
    std::map<std::uint32_t, int> rtp;
    std::set<std::uint32_t> rtcp;
    std::vector<std::uint32_t> messages;
};

Bytes numbered(std::uint32_t number, std::size_t size) {
    Bytes bytes(size, static_cast<std::uint8_t>(number * 5));
    store_be32(bytes.data(), number);
    return bytes;
}

// Two connected ends that send media and messages both ways.
struct Call {
    Link link;
    Traffic a;
    Traffic b;
    std::uint16_t channel = 0;
    std::size_t lost = 0;

    explicit Call(bool simulate = false) : link(false, simulate) {
        link.negotiate(true);
        link.run(700);
        for (const TransportEvent& event : link.b.events)
            if (const auto* opened = std::get_if<ChannelOpened>(&event)) channel = opened->channel;
        REQUIRE(channel != 0);
        link.on_media = [this](const End& at, const Transport::Media& media) {
            Traffic& traffic = &at == &link.a ? a : b;
            if (media.kind == Transport::Media::Kind::kRtcp) {
                traffic.rtcp.insert(load_be32(&media.packet[8]));
            } else {
                REQUIRE(media.packet.size() == 12 + kPayload);
                const std::uint32_t number = load_be32(&media.packet[12]);
                CHECK(to_vector(media.packet.subspan(12)) == numbered(number, kPayload));
                ++traffic.rtp[number];
            }
        };
    }
    End& other(End& end) { return &end == &link.a ? link.b : link.a; }
    Traffic& of(End& end) { return &end == &link.a ? a : b; }

    void carry(End& from, Bytes datagram) {
        if (link.rng.unit() < link.loss) {
            ++lost;
            return;
        }
        ice::Path path;
        path.local = other(from).address;
        path.remote = from.address;
        End& to = other(from);
        const auto media = to.transport->handle_packet(link.time(to), path, datagram);
        REQUIRE(media.kind != Transport::Media::Kind::kNone);
        link.on_media(to, media);
    }
    void send_media(End& from) {
        const std::uint32_t number = of(from).next_rtp++;
        Bytes packet(400);
        ByteWriter out(packet);
        wire::RtpHeader header;
        header.payload_type = 96;
        // Over the end of the sequence numbers.
        const std::uint64_t index = 65'000 + number;
        header.sequence = static_cast<std::uint16_t>(index);
        header.ssrc = 42;
        wire::write_rtp_header(out, header);
        packet.resize(from.transport->srtp_sender()->protect_rtp(
            packet, 12, numbered(number, kPayload), index));
        carry(from, std::move(packet));
        if (number % 5 != 0) return;
        Bytes report(100);
        report[0] = 0x80;
        report[1] = 201;
        store_be32(&report[8], number);
        report.resize(from.transport->srtp_sender()->protect_rtcp(report, 40));
        carry(from, std::move(report));
    }
    void send_message(End& from) {
        const std::uint32_t number = of(from).next_message;
        const sctp::SharedBytes message(BytesView(numbered(number, 3000)));
        if (from.transport->send_message(link.time(from), channel, message) ==
            sctp::SendStatus::kOk)
            ++of(from).next_message;
    }
    void take_messages(End& at) {
        for (const TransportEvent& event : at.events)
            if (const auto* message = std::get_if<MessageReceived>(&event)) {
                const std::uint32_t number = load_be32(message->payload.data());
                CHECK(message->payload == numbered(number, 3000));
                of(at).messages.push_back(number);
            }
        at.events.clear();
    }
    // For so many milliseconds, with a chance of 1 in `every` of a hand-over of each end.
    void run(int ms, std::uint64_t every, Rng& rng) {
        for (int i = 0; i < ms; ++i) {
            for (End* end : {&link.a, &link.b}) {
                if (every != 0 && rng.below(every) == 0) {
                    // To a clock that may be hours off.
                    const auto by = static_cast<std::int64_t>(rng.below(7'200'000)) - 3'600'000;
                    REQUIRE(end->hand_on(link.time(*end), Duration::millis(by)));
                }
                if (i % 3 == 0) send_media(*end);
                if (i % 20 == 0) send_message(*end);
            }
            link.run(1);
        }
        for (End* end : {&link.a, &link.b})
            take_messages(*end);
    }
};

}  // namespace

TEST_CASE("Transport: moved in mid-call many times, nothing is lost or repeated [SIO-11][MC-20]") {
    for (const double loss : {0.0, 0.05}) {
        for (std::uint64_t seed = 1; seed <= 3; ++seed) {
            CAPTURE(loss);
            CAPTURE(seed);
            Rng rng(seed);
            Call call;
            call.link.loss = loss;
            call.run(6'000, 60, rng);
            CHECK(call.link.a.moves > 50);
            CHECK(call.link.b.moves > 50);
            const std::size_t lost = call.lost;
            for (End* end : {&call.link.a, &call.link.b}) {
                CHECK(end->transport->connected());
                CHECK(end->transport->counters().srtp_failures == 0);
            }
            std::size_t arrived = 0;
            for (const Traffic* traffic : {&call.a, &call.b}) {
                arrived += traffic->rtp.size() + traffic->rtcp.size();
                for (const auto& [number, times] : traffic->rtp)
                    CHECK(times == 1);
            }
            CHECK(arrived == 2 * (2'000 + 400) - lost);
            // Messages come whole, in order and once, however long the link takes.
            for (int i = 0; i < 300 && (call.a.messages.size() < call.b.next_message ||
                                        call.b.messages.size() < call.a.next_message);
                 ++i) {
                call.link.run(1'000);
                for (End* end : {&call.link.a, &call.link.b}) {
                    end->hand_on(call.link.time(*end));
                    call.take_messages(*end);
                }
            }
            CHECK(call.a.messages.size() == call.b.next_message);
            CHECK(call.b.messages.size() == call.a.next_message);
            for (const Traffic* traffic : {&call.a, &call.b})
                for (std::size_t i = 0; i < traffic->messages.size(); ++i)
                    REQUIRE(traffic->messages[i] == i);
        }
    }
}

TEST_CASE(
    "Transport: moved, it restarts ICE, notices silence and ends as before [SIO-11][ICE-14]") {
    Link link;
    link.negotiate(true);
    link.run(700);
    REQUIRE(link.a.hand_on(link.time(link.a)));
    const ice::Credentials fresh_a{"newaufragnewaufr", "newapasswordnewapasswordnewapass"};
    const ice::Credentials fresh_b{"newbufragnewbufr", "newbpasswordnewbpasswordnewbpass"};
    link.a.transport->restart_ice(at_ms(link.now_ms), {fresh_a, false});
    link.b.transport->restart_ice(at_ms(link.now_ms), {fresh_b, false});
    link.a.credentials = fresh_a;
    link.b.credentials = fresh_b;
    REQUIRE(link.a.hand_on(link.time(link.a)));  // in the middle of it
    REQUIRE(link.b.hand_on(link.time(link.b)));
    link.negotiate(true);
    REQUIRE(link.a.hand_on(link.time(link.a)));
    link.run(400);
    CHECK(link.a.transport->connected());
    CHECK(link.b.transport->connected());
    link.loss = 1;
    link.run(11'000);
    CHECK(link.a.transport->state() == TransportState::kDisconnected);
    REQUIRE(link.a.hand_on(link.time(link.a)));
    link.run(5'000);
    CHECK(link.a.transport->state() == TransportState::kFailed);
}

TEST_CASE("Transport: in doubt the numbers that may have been sent are left out [TRAP-14]") {
    Call call;
    Rng rng(3);
    call.run(300, 0, rng);
    End& a = call.link.a;
    const auto state = a.transport->export_state(call.link.time(a));
    REQUIRE(state.has_value());
    const std::uint32_t next = a.transport->srtp_sender()->next_srtcp_index();
    CHECK(next > 10);
    // It goes on for a while though it should not.
    for (int i = 0; i < 100; ++i)
        call.send_media(a);
    auto moved = import_transport(a.crypto, a.config, Rng(9), state->view(), call.link.time(a),
                                  Transport::Before::kInDoubt);
    REQUIRE(moved != nullptr);
    CHECK(moved->srtp_sender()->next_srtcp_index() == next + Transport::kNumbersInDoubt);
    a.transport = std::move(moved);
    call.send_message(a);
    call.run(300, 0, rng);
    CHECK(a.transport->connected());
    CHECK(call.b.messages.size() == call.a.next_message);
    CHECK(call.b.rtcp.size() == (call.a.next_rtp + 4) / 5);
}

TEST_CASE("Transport: before DTLS is through it does not move, without a peer it does [SIO-11]") {
    Link link;
    CHECK(link.a.hand_on(at_ms(0)));
    link.negotiate(true);
    CHECK_FALSE(link.a.transport->export_state(at_ms(0)).has_value());
    link.run(700);
    CHECK(link.a.hand_on(at_ms(700)));
    CHECK(link.a.transport->connected());
}

TEST_CASE("Transport: a state cut or changed anywhere is refused or harmless [SIO-11]") {
    Call call;
    Rng rng(4);
    call.run(50, 0, rng);
    End& a = call.link.a;
    const auto state = a.transport->export_state(call.link.time(a));
    REQUIRE(state.has_value());
    std::size_t refused = 0;
    const auto take = [&](BytesView bytes) {
        auto moved = import_transport(a.crypto, a.config, Rng(9), bytes, call.link.time(a),
                                      Transport::Before::kSilent);
        if (!moved) {
            ++refused;
            return;
        }
        moved->handle_timeout(call.link.time(a) + Duration::seconds(1));
        for (int i = 0; i < 1000 && moved->poll_transmit(); ++i) {
        }
        for (int i = 0; i < 1000 && moved->poll_event(); ++i) {
        }
    };
    for (std::size_t size = 0; size < state->size(); ++size)
        take(state->view().first(size));
    CHECK(refused > state->size() * 9 / 10);
    for (std::size_t i = 0; i < state->size(); ++i) {
        Bytes changed = to_vector(state->view());
        changed[i] = static_cast<std::uint8_t>(changed[i] ^ (1U << rng.below(8)));
        take(changed);
    }
}

TEST_CASE("Transport: with the handshake of the simulator it moves as well [SIO-11][DES-53]") {
    Rng rng(8);
    Call call(true);
    call.run(1'000, 60, rng);
    call.link.run(1'000);
    for (End* end : {&call.link.a, &call.link.b}) {
        call.take_messages(*end);
        CHECK(end->moves > 5);
    }
    CHECK(call.a.rtp.size() == call.b.next_rtp);
    CHECK(call.b.rtp.size() == call.a.next_rtp);
    CHECK(call.a.messages.size() == call.b.next_message);
    CHECK(call.b.messages.size() == call.a.next_message);
}

}  // namespace confab::peer
