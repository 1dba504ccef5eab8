// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/peer/stray_media.h"

#include <doctest/doctest.h>

#include "sfu/peer/peer_pair_testing.h"

namespace confab::sfu {
namespace {

using test::PeerPair;
using test::world_time;

constexpr std::uint32_t kSsrc = 0x5EED;
constexpr std::int64_t kLater = 1000;  // in ms: everybody is silent

// As the peer's other end encrypts it.
Bytes media_of(PeerPair& pair, std::uint16_t sequence) {
    wire::RtpHeader header;
    header.payload_type = 111;
    header.ssrc = kSsrc;
    header.sequence = sequence;
    Bytes packet(200);
    ByteWriter writer(packet);
    wire::write_rtp_header(writer, header);
    const Bytes payload(40, 0x78);
    packet.resize(
        pair.remote->srtp_sender()->protect_rtp(packet, writer.size(), payload, sequence));
    return packet;
}
void hear(PeerPair& pair, std::uint16_t sequence) {
    Bytes packet = media_of(pair, sequence);
    const ice::Path path = *pair.local->transport().path();
    CHECK(pair.local->transport().handle_packet(world_time(0), path, packet).kind ==
          peer::Media::Kind::kRtp);
}
ice::Path new_port(const PeerPair& pair) {
    ice::Path path = *pair.local->transport().path();
    path.remote.port = 40'000;
    return path;
}

TEST_CASE("StrayMedia: of those behind an address the one whose keys fit [MC-03][TRAP-16]") {
    PeerPair one(1);
    PeerPair two(2, srtp::Profile::kAeadAes128Gcm);  // keys of its own; the SSRC is the same
    StrayMedia strays;
    for (PeerPair* pair : {&one, &two}) {
        strays.add(pair->there.ip, *pair->local);
        hear(*pair, 100);
    }
    CHECK(strays.find(world_time(kLater), new_port(two), media_of(two, 101)) == two.local.get());
    CHECK(strays.find(world_time(kLater), new_port(one), media_of(one, 101)) == one.local.get());
}

TEST_CASE("StrayMedia: a report leads to its subscriber, each once [MC-03][TRAP-16]") {
    for (const srtp::Profile profile :
         {srtp::Profile::kAes128CmSha1_80, srtp::Profile::kAeadAes128Gcm}) {
        PeerPair pair(1, profile);
        StrayMedia strays;
        strays.add(pair.there.ip, *pair.local);
        const auto report = [&pair] {
            Bytes compound{0x80, 201, 0, 1, 0, 0, 0, 1};  // an empty receiver report
            compound.resize(100);
            compound.resize(pair.remote->srtp_sender()->protect_rtcp(compound, 8));
            return compound;
        };
        const ice::Path path = *pair.local->transport().path();
        Bytes first = report();
        const Bytes copy = first;
        CHECK(pair.local->transport().handle_packet(world_time(0), path, first).kind ==
              peer::Media::Kind::kRtcp);
        CHECK(strays.find(world_time(kLater), new_port(pair), copy) == nullptr);
        CHECK(strays.find(world_time(kLater), new_port(pair), report()) == pair.local.get());
    }
}

TEST_CASE(
    "StrayMedia: not from another address, not again, not while the peer is heard [TRAP-16]") {
    PeerPair pair;
    StrayMedia strays;
    strays.add(pair.there.ip, *pair.local);
    hear(pair, 100);
    ice::Path elsewhere = new_port(pair);
    elsewhere.remote.ip = IpAddress::v4(0x7F000009);
    CHECK(strays.find(world_time(kLater), elsewhere, media_of(pair, 101)) == nullptr);
    CHECK(strays.find(world_time(kLater), new_port(pair), media_of(pair, 100)) == nullptr);
    const Timestamp silent = world_time(0) + peer::Transport::kMediaSilence;
    const Timestamp soon = silent - Duration::millis(1);
    CHECK(strays.find(soon, new_port(pair), media_of(pair, 102)) == nullptr);
    CHECK(strays.find(silent, new_port(pair), media_of(pair, 102)) == pair.local.get());
}

TEST_CASE("StrayMedia: a peer is known by an address as long as a path leads there [MC-03]") {
    PeerPair pair;
    StrayMedia strays;
    strays.add(pair.there.ip, *pair.local);
    strays.add(pair.there.ip, *pair.local);
    hear(pair, 100);
    strays.remove(pair.there.ip, *pair.local);
    CHECK(strays.find(world_time(kLater), new_port(pair), media_of(pair, 101)) != nullptr);
    strays.remove(pair.there.ip, *pair.local);
    CHECK(strays.size() == 0);
    CHECK(strays.find(world_time(kLater), new_port(pair), media_of(pair, 102)) == nullptr);
}

TEST_CASE("StrayMedia: made-up packets are tried so many times in a second [TRAP-16][IMM-7]") {
    PeerPair pair;
    StrayMedia strays;
    strays.add(pair.there.ip, *pair.local);
    hear(pair, 100);
    const auto forge = [&](std::uint32_t count) {
        for (std::uint32_t i = 0; i < count; ++i) {
            Bytes packet = media_of(pair, 101);
            packet.back() ^= 1U;
            CHECK(strays.find(world_time(kLater), new_port(pair), packet) == nullptr);
        }
    };
    forge(StrayMedia::kMaxTries - 1);
    CHECK(strays.find(world_time(kLater), new_port(pair), media_of(pair, 101)) != nullptr);
    CHECK(strays.find(world_time(kLater), new_port(pair), media_of(pair, 102)) == nullptr);
    CHECK(strays.find(world_time(kLater + 1000), new_port(pair), media_of(pair, 103)) != nullptr);
    for (std::uint32_t i = 0; i < StrayMedia::kMaxPassed; ++i)
        CHECK(strays.may_pass(world_time(kLater + 2000)));
    CHECK_FALSE(strays.may_pass(world_time(kLater + 2000)));
}

}  // namespace
}  // namespace confab::sfu
