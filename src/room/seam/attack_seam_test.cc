// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A participant with keys who sends what nobody should: 02 §11, 08 IMM-7, 10 and 15. Each time the
// work it makes is bounded, what was refused is counted, and neither another publisher of its room
// nor another room notices anything.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include "base/rng.h"
#include "room/seam/call_seam_testing.h"
#include "wire/rtcp/transport_cc.h"

namespace confab::room::testing {
namespace {

constexpr std::int64_t kTickMillis = 20;

// Who talks, and everybody who has to hear each packet of it.
struct Talker {
    Stream microphone;
    sfu::PeerId peer;
    std::vector<sfu::AddDownTrack> listeners;
    std::size_t said = 0;
};

// The call of alice and bob, with carol in their room and two others in one of their own.
struct Attacked : SeamCall {
    explicit Attacked(const CallPlan& plan = {}) : SeamCall(plan), camera(stream(77)) {
        carol = add_talker(w.room.join_active("r", "carol"));
        const SessionId dave = w.room.join_active("elsewhere", "dave");
        (void)w.room.join_active("elsewhere", "erin");
        (void)add_talker(dave);
        REQUIRE(talkers.at(carol).listeners.size() == 2);
        REQUIRE(talkers.at(1).listeners.size() == 1);
        play(25);
    }

    // Ticks in which the others talk and alice shows pictures, and what else happens in each.
    template <typename Attack>
    void during(int ticks, Attack attack) {
        for (int tick = 0; tick < ticks; ++tick) {
            for (Talker& talker : talkers) {
                talker.microphone.timestamp += 960;
                w.send(talker.peer, talker.microphone.packet(Bytes(40, 0x78), false));
                ++talker.said;
            }
            attack(tick);
            run(kTickMillis);
        }
    }
    void play(int ticks) {
        during(ticks, [this](int) { show(); });
    }
    void show() {
        camera.timestamp += 1800;
        send(camera.packet(vp8_payload(shown++ % 50 == 0, 7, 300)));
    }
    // Each packet once, in order, to each who listens.
    void check_others() {
        for (Talker& talker : talkers)
            for (const sfu::AddDownTrack& track : talker.listeners) {
                std::vector<std::uint16_t> numbers;
                for (const ReceivedRtp& packet : w.client(track.peer).rtp)
                    if (packet.ssrc == track.ssrc.value()) numbers.push_back(packet.sequence);
                REQUIRE(numbers.size() == talker.said);
                for (std::size_t i = 1; i < numbers.size(); ++i)
                    CHECK(numbers[i] == static_cast<std::uint16_t>(numbers[0] + i));
                CHECK(w.client(track.peer).transport->connected());
            }
    }
    sfu::ShardSnapshot counted() { return w.world.shards[0]->snapshot(); }

    Stream camera;
    std::vector<Talker> talkers;
    std::size_t carol = 0;
    int shown = 0;

  private:
    std::size_t add_talker(SessionId who) {
        livekit::SignalRequest request;
        request.mutable_add_track()->set_cid("mic");
        request.mutable_add_track()->set_type(livekit::AUDIO);
        request.mutable_add_track()->set_source(livekit::MICROPHONE);
        request.mutable_add_track()->set_disable_red(true);
        w.room.send(who, request);
        w.room.offer(who, make_offer({{"mic", false, {}}}));
        w.run(Duration::seconds(1));
        const sfu::AddReceiver added = w.room.commands_of<sfu::AddReceiver>().back();
        Talker talker{
            Stream(added, 500 + static_cast<std::uint32_t>(talkers.size())), added.peer, {}};
        for (const auto& track : w.room.commands_of<sfu::AddDownTrack>())
            if (track.receiver == added.receiver) talker.listeners.push_back(track);
        talkers.push_back(std::move(talker));
        return talkers.size() - 1;
    }
};

}  // namespace

TEST_CASE(
    "Attack: a storm of NACKs brings each packet three times at most, to who asks, and no number "
    "twice with other bytes [FWD-11] [IMM-15] [IMM-5] [TRAP-14] [outside]") {
    Attacked c;
    // By receiver, SSRC and number, as they were on the wire.
    std::map<std::tuple<std::uint16_t, std::uint32_t, std::uint16_t>, Bytes> sent;
    c.w.world.lose = [&](const sfu::test::Client& to, BytesView packet) {
        if (!wire::is_rtp(packet)) return false;
        const std::tuple key(to.address.port, load_be32(&packet[8]), load_be16(&packet[2]));
        const auto [known, is_new] = sent.try_emplace(key, to_vector(packet));
        CHECK((is_new || std::ranges::equal(known->second, packet)));
        return false;
    };
    const sfu::ShardSnapshot before = c.counted();
    c.during(100, [&](int) {
        c.show();
        std::vector<std::uint16_t> all(200);
        std::iota(all.begin(), all.end(),
                  static_cast<std::uint16_t>(c.heard().back().sequence - 199));
        for (int i = 0; i < 20; ++i)
            c.ask_again(all);
    });
    std::map<std::uint16_t, int> copies;
    for (const ReceivedRtp& copy : c.copies())
        ++copies[load_be16(copy.payload.data())];
    REQUIRE(copies.size() > 50);
    for (const auto& [number, times] : copies)
        CHECK(times <= 3);
    CHECK(c.heard().size() == 125);
    CHECK(c.counted().nacks_in - before.nacks_in >= 100 * 20 * 200);
    c.check_others();
}

TEST_CASE(
    "Attack: of a storm of PLIs and FIRs the publisher hears a few "
    "[IN-08] [IMM-15] [outside]") {
    Attacked c;
    const std::size_t asked = told_by(c.publisher(), wire::parse_pli).size();
    const sfu::ShardSnapshot before = c.counted();
    const wire::FirEntry entry{c.down.ssrc.value(), 1};
    c.during(150, [&](int) {
        c.show();
        for (int i = 0; i < 30; ++i) {
            c.ask_key_frame();
            c.tell(c.down.peer,
                   [&](ByteWriter& out) { return wire::write_fir(out, 1, std::span(&entry, 1)); });
        }
    });
    // In three seconds of key frames each second.
    CHECK(told_by(c.publisher(), wire::parse_pli).size() - asked <= 8);
    CHECK(c.counted().plis_in - before.plis_in == 150 * 30);
    CHECK(c.counted().firs_in - before.firs_in == 150 * 30);
    CHECK(c.heard().size() == 175);
    c.check_others();
}

TEST_CASE(
    "Attack: estimates and arrivals that are lies cost nobody but the liar "
    "[BWE-20] [IMM-7] [IMM-15] [outside]") {
    for (const bool send_side : {false, true}) {
        CAPTURE(send_side);
        CallPlan plan;
        plan.options.bandwidth.send_side = plan.config.send_side_bwe = send_side;
        Attacked c(plan);
        Rng rng(7);
        const sfu::ShardSnapshot before = c.counted();
        c.during(200, [&](int tick) {
            c.show();
            for (const std::uint64_t rate : {std::uint64_t{0}, std::uint64_t{1} << 60}) {
                const std::array<std::uint32_t, 1> ssrcs{c.down.ssrc.value()};
                c.tell(c.down.peer,
                       [&](ByteWriter& out) { return wire::write_remb(out, 1, rate, ssrcs); });
            }
            // Numbers that were never sent, times that cannot be, lengths that do not fit.
            Bytes lie(20 + 4 * rng.below(12));
            rng.fill(lie);
            lie[0] = 0x8F;
            lie[1] = 205;
            store_be16(&lie[2], static_cast<std::uint16_t>(lie.size() / 4 - 1));
            if (tick % 5 == 0) store_be16(&lie[2], 999);
            c.w.send_rtcp(c.down.peer, lie);
        });
        CHECK(c.counted().rtcp_malformed - before.rtcp_malformed >= 30);
        CHECK(c.counted().events_dropped == 0);
        c.check_others();
    }
}

TEST_CASE(
    "Attack: numbers that jump bring a bounded list of requests, and end with them "
    "[IN-01] [IN-04] [IMM-15] [outside]") {
    Attacked c;
    Rng rng(3);
    const sfu::ShardSnapshot before = c.counted();
    c.during(100, [&](int) {
        for (int i = 0; i < 10; ++i) {
            c.camera.sequence = rng.u16();
            c.camera.timestamp = rng.u32();
            c.send(c.camera.packet(vp8_payload(i == 0, 9, 60)));
        }
    });
    // A hundred at a time, each some times, whatever came between.
    CHECK(c.counted().nacks_out - before.nacks_out <= 100 * 100);
    CHECK(c.counted().rtp_out - before.rtp_out <= 100 * (2 * 10 + 4));
    c.check_others();
    // Honest again.
    c.camera.sequence = 30'000;
    const std::size_t heard = c.heard().size();
    c.play(100);
    CHECK(c.heard().size() >= heard + 90);
    c.check_others();
}

TEST_CASE(
    "Attack: SSRCs of others and thousands of new ones take nobody's stream "
    "[SDP-28] [IN-50] [IMM-9] [outside]") {
    CallPlan plan;
    plan.rids = {"q", "h", "f"};
    Attacked c(plan);
    Stream layer = c.stream(100, "f");
    c.during(50, [&](int tick) {
        layer.timestamp += 1800;
        c.send(layer.packet(vp8_payload(tick == 0, 7, 300)));
    });
    const sfu::ShardSnapshot before = c.counted();
    const std::size_t heard = c.heard().size();
    c.during(100, [&](int tick) {
        layer.timestamp += 1800;
        c.send(layer.packet(vp8_payload(tick % 50 == 0, 7, 300)));
        // That of another publisher, of what bob is sent, and of nobody; rids that there are not.
        for (const std::uint32_t ssrc : {500U, 501U, c.down.ssrc.value()}) {
            Stream taken = c.stream(ssrc, "none");
            taken.sequence = static_cast<std::uint16_t>(tick * 3);
            c.send(taken.packet(vp8_payload(true, 1, 100)));
        }
        for (std::uint32_t i = 0; i < 30; ++i) {
            Stream flood = c.stream(10'000 + static_cast<std::uint32_t>(tick) * 30 + i,
                                    "r" + std::to_string(i));
            c.send(flood.packet(vp8_payload(true, 1, 100)));
        }
    });
    CHECK(c.counted().rtp_unknown_ssrc - before.rtp_unknown_ssrc == 100 * 33);
    CHECK(c.heard().size() == heard + 100);
    CHECK(c.counted().tracks == before.tracks);
    c.check_others();
}

TEST_CASE(
    "Attack: payloads that do not parse are dropped and counted, descriptors that do not are "
    "passed over [IN-20] [IN-25] [IMM-7] [outside]") {
    Attacked c;
    REQUIRE(c.camera.ids.dependency_descriptor != 0);
    Rng rng(5);
    const sfu::ShardSnapshot before = c.counted();
    const std::size_t heard = c.heard().size();
    const Bytes cut{0x80};  // says that an octet follows (RFC 7741 §4.2)
    c.during(100, [&](int) {
        c.camera.timestamp += 1800;
        for (int i = 0; i < 6; ++i) {
            Bytes junk(1 + rng.below(16));
            rng.fill(junk);
            c.camera.once = {{c.camera.ids.dependency_descriptor, junk}};
            c.send(c.camera.packet(i % 2 == 0 ? cut : vp8_payload(false, 7, 60), i == 5));
        }
    });
    CHECK(c.counted().rtp_malformed - before.rtp_malformed == 300);
    CHECK(c.heard().size() - heard == 300);
    c.check_others();
}

TEST_CASE("Attack: packets sent again are counted and go nowhere [IMM-10] [outside]") {
    Attacked c;
    sfu::test::Client& alice = c.publisher();
    std::deque<std::pair<SocketAddress, Bytes>>& out = c.w.world.client_out[&alice];
    std::vector<std::pair<SocketAddress, Bytes>> captured;
    c.during(50, [&](int) {
        c.show();
        captured.push_back(out.back());
    });
    const sfu::ShardSnapshot before = c.counted();
    const std::size_t heard = c.heard().size();
    c.during(50, [&](int) {
        for (const auto& one : captured)
            out.push_back(one);
    });
    CHECK(c.counted().rtp_repeated - before.rtp_repeated == 50 * 50);
    CHECK(c.heard().size() == heard);
    // From elsewhere they are not even looked at.
    const SocketAddress stranger{IpAddress::v4(0x0A000001), 4000};
    for (const auto& [to, bytes] : captured)
        c.w.world.to_shards.push_back({stranger, to, bytes});
    c.run(5);
    CHECK(c.counted().unknown_datagrams - before.unknown_datagrams == 50);
    CHECK(c.w.world.strayed == 0);
    c.check_others();
}

}  // namespace confab::room::testing
