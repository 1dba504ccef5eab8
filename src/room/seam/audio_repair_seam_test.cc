// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Loss of audio on the way to a subscriber, from the offer to the repair: 02 FWD-11, SDP-21,
// TRAP-14.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "room/seam/media_seam_testing.h"
#include "wire/rtcp/rtcp.h"

namespace confab::room::testing {
namespace {

using R = livekit::SignalResponse;

std::uint16_t wire_sequence(BytesView datagram) {
    return load_be16(datagram.data() + 2);
}
bool is_rtp_of(BytesView datagram, std::uint32_t ssrc) {
    return datagram.size() > 12 && (datagram[1] & 0x7F) != 72 && (datagram[1] & 0x7F) != 73 &&
           load_be32(datagram.data() + 8) == ssrc;
}

}  // namespace

TEST_CASE(
    "Audio: what a subscriber asks for again is repaired "
    "[FWD-11] [SDP-21] [TRAP-14] [outside]") {
    // Opus alone: where RED repairs, NACK is not offered. A publisher that does not offer RED need
    // not say that it wants none.
    bool says_so = false;
    SUBCASE("its publisher wants no RED") {
        says_so = true;
    }
    SUBCASE("its publisher has no RED") {}
    RoomAndShard w;
    const SessionId alice = w.room.join_active("r", "alice");
    const SessionId bob = w.room.join_active("r", "bob");
    livekit::SignalRequest request;
    request.mutable_add_track()->set_cid("mic");
    request.mutable_add_track()->set_type(livekit::AUDIO);
    request.mutable_add_track()->set_source(livekit::MICROPHONE);
    request.mutable_add_track()->set_disable_red(says_so);
    w.room.send(alice, request);
    std::string published = make_offer({{"mic", false, {}}});
    const auto without = [&published](std::string_view what) {
        const std::size_t at = published.find(what);
        REQUIRE(at != std::string::npos);
        published.erase(at, what.size());
    };
    if (!says_so) {
        without("a=rtpmap:63 red/48000/2\r\n");
        without("a=fmtp:63 111/111\r\n");
    }
    w.room.offer(alice, published);
    w.run(Duration::seconds(1));
    const std::string offer = w.room.of(bob, R::kOffer).back().offer().sdp();
    REQUIRE(offer.find("a=rtcp-fb:111 nack\r\n") != std::string::npos);
    const sfu::AddDownTrack down = w.room.commands_of<sfu::AddDownTrack>().at(0);
    sfu::test::Client& ears = w.client(down.peer);
    Stream microphone(w.receiver(0), 77);

    // Each twentieth packet is lost on its first way.
    std::map<std::uint16_t, Bytes> lost;
    std::size_t repaired = 0;
    w.world.lose = [&](const sfu::test::Client& client, BytesView datagram) {
        if (&client != &ears || !is_rtp_of(datagram, down.ssrc.value())) return false;
        const std::uint16_t sequence = wire_sequence(datagram);
        if (const auto first = lost.find(sequence); first != lost.end()) {
            // Under AES-GCM another octet under the same number gives the key away.
            CHECK(first->second == to_vector(datagram));
            ++repaired;
            return false;
        }
        if (sequence % 20 != 0) return false;
        lost[sequence] = to_vector(datagram);
        return true;
    };

    constexpr int kPackets = 1'000;
    std::set<std::uint16_t> asked;
    for (int i = 0; i < kPackets; ++i) {
        w.send(w.receiver(0).peer,
               microphone.at_level(60).packet(Bytes(40, static_cast<std::uint8_t>(i)), false));
        microphone.timestamp += 960;
        w.run(Duration::millis(20));
        for (const auto& [sequence, bytes] : lost) {
            if (ears.rtp.empty() || asked.contains(sequence)) continue;
            // Asked for once the gap is plain, not sooner than it may be answered.
            if (static_cast<std::int16_t>(ears.rtp.back().sequence - sequence) < 6) continue;
            asked.insert(sequence);
            Bytes compound(64);
            ByteWriter out(compound);
            const std::array<std::uint16_t, 1> list{sequence};
            REQUIRE(wire::write_nack(out, 1, down.ssrc.value(), list));
            compound.resize(out.size());
            w.send_rtcp(down.peer, compound);
        }
    }
    w.run(Duration::millis(200));
    CHECK(lost.size() >= 45);
    CHECK(repaired == asked.size());
    CHECK(repaired + 1 >= lost.size());  // the newest gap may be too young to be asked about
    std::set<std::uint16_t> heard;
    for (const auto& packet : ears.rtp)
        if (packet.ssrc == down.ssrc.value()) heard.insert(packet.sequence);
    CHECK(heard.size() + (lost.size() - repaired) >= kPackets);
}

}  // namespace confab::room::testing
