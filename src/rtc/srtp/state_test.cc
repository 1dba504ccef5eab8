// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Contexts that go on elsewhere: nothing is lost, repeated or numbered twice.
#include "base/state/state.h"

#include <doctest/doctest.h>

#include <set>

#include "rtc/srtp/srtp_test_util.h"

namespace confab::srtp {
namespace {

using testing::kBackends;
using testing::kProfiles;
using testing::make_rtcp;
using testing::PlainRtp;
using testing::protect;
using testing::protect_rtcp;
using testing::RawKey;

const Timestamp kNow = Timestamp::micros(1'000'000);

// Replaces the context by what its bytes make.
template <typename Context>
void hand_on(Engine& engine, Context& context) {
    const Bytes state = export_state(context, kNow);
    StateReader in(state, kNow);
    auto moved = Context::load(engine, in);
    REQUIRE(moved.has_value());
    REQUIRE(in.finish());
    CHECK(export_state(*moved, kNow) == state);
    context = std::move(*moved);
}

std::uint32_t srtcp_index(BytesView packet, Profile profile) {
    const std::size_t behind = is_aead(profile) ? 4 : 4 + tag_size(profile);
    return load_be32(packet.data() + packet.size() - behind) & 0x7FFF'FFFF;
}

}  // namespace

TEST_CASE("Srtp: moved in the middle of 70 000 packets, from and to any backend [SIO-11][MC-05]") {
    Rng rng(51);
    for (const Profile profile : kProfiles) {
        const RawKey raw(profile, rng);
        Engine engines[] = {Engine(kBackends[0]), Engine(kBackends[1])};
        SendContext sender(engines[0], raw.master());
        ReceiveContext receiver(engines[1], raw.master());
        const std::uint64_t first = 40'000;
        for (std::uint64_t index = first; index < first + 70'000; ++index) {
            if (rng.below(300) == 0) hand_on(engines[rng.below(2)], sender);
            if (rng.below(300) == 0) hand_on(engines[rng.below(2)], receiver);
            if (rng.below(10) == 0) continue;  // lost
            const PlainRtp packet(rng, 9, static_cast<std::uint16_t>(index), 20);
            Bytes bytes = protect(sender, packet, index);
            const auto size = receiver.unprotect_rtp(bytes);
            REQUIRE(size);
            bytes.resize(*size);
            REQUIRE(bytes == packet.joined());
        }
        CHECK(receiver.counters().authentication_failures == 0);
        CHECK(receiver.counters().rtp > 60'000);
    }
}

TEST_CASE("Srtcp: moved, indices go on and what came is still refused [SIO-11][TRAP-14][IMM-10]") {
    Rng rng(52);
    for (const Profile profile : kProfiles) {
        const RawKey raw(profile, rng);
        Engine engine;
        SendContext sender(engine, raw.master());
        ReceiveContext receiver(engine, raw.master());
        std::set<std::uint32_t> indices;
        std::vector<Bytes> sent;
        for (int i = 0; i < 60; ++i) {
            if (rng.below(5) == 0) hand_on(engine, sender);
            if (rng.below(5) == 0) hand_on(engine, receiver);
            sent.push_back(protect_rtcp(sender, make_rtcp(rng, 7, 60)));
            CHECK(indices.insert(srtcp_index(sent.back(), profile)).second);
            Bytes packet = sent.back();
            CHECK(receiver.unprotect_rtcp(packet).has_value());
        }
        CHECK(*indices.rbegin() == 59);
        hand_on(engine, receiver);
        for (Bytes packet : sent)
            CHECK(receiver.unprotect_rtcp(packet).error() == OpenError::kReplay);
        // In doubt indices are left out; the receiver does not mind.
        sender.skip_ahead(1000);
        Bytes later = protect_rtcp(sender, make_rtcp(rng, 7, 60));
        CHECK(srtcp_index(later, profile) == 1060);
        CHECK(receiver.unprotect_rtcp(later).has_value());
        sender.skip_ahead(0xFFFF'FFFF);
        CHECK(sender.next_srtcp_index() == kMaxSrtcpIndex + 1);
        Bytes none(200);
        CHECK(sender.protect_rtcp(none, 60) == 0);
    }
}

TEST_CASE("Srtp: each SSRC keeps its own roll-over counter over a move [SIO-11][TRAP-15]") {
    Rng rng(53);
    const RawKey raw(Profile::kAeadAes256Gcm, rng);
    Engine engine;
    SendContext sender(engine, raw.master());
    ReceiveContext receiver(engine, raw.master());
    const std::uint64_t far = (3ULL << 16) + 100;
    for (std::uint64_t index = 60'000; index < far; index += 5'000) {
        Bytes packet =
            protect(sender, PlainRtp(rng, 1, static_cast<std::uint16_t>(index), 9), index);
        CHECK(receiver.unprotect_rtp(packet).has_value());
    }
    Bytes other = protect(sender, PlainRtp(rng, 2, 5, 9), 5);
    CHECK(receiver.unprotect_rtp(other).has_value());
    hand_on(engine, receiver);
    Bytes main = protect(sender, PlainRtp(rng, 1, 100, 9), far);
    CHECK(receiver.unprotect_rtp(main).has_value());
    Bytes repair = protect(sender, PlainRtp(rng, 2, 6, 9), 6);
    CHECK(receiver.unprotect_rtp(repair).has_value());
}

TEST_CASE("Srtp: a full table drops the same stream after a move as before [SIO-11][SRTP-03]") {
    Rng rng(54);
    const RawKey raw(Profile::kAeadAes128Gcm, rng);
    Engine engine;
    SendContext sender(engine, raw.master());
    ReceiveContext receiver(engine, raw.master());
    const auto send = [&](std::uint32_t ssrc, std::uint16_t sequence) {
        Bytes packet = protect(sender, PlainRtp(rng, ssrc, sequence, 9), sequence);
        REQUIRE(receiver.unprotect_rtp(packet).has_value());
        return packet;
    };
    std::vector<Bytes> packets;
    packets.reserve(kMaxReceiveSsrcs);
    for (std::uint32_t ssrc = 0; ssrc < kMaxReceiveSsrcs; ++ssrc)
        packets.push_back(send(ssrc, 1));
    send(0, 2);
    hand_on(engine, receiver);
    send(kMaxReceiveSsrcs, 1);
    CHECK(receiver.knows_rtp(packets[0]));
    CHECK_FALSE(receiver.knows_rtp(packets[1]));
    CHECK(receiver.knows_rtp(packets[2]));
}

TEST_CASE("Srtp: states that are cut or name no such keys are refused [SIO-11]") {
    Rng rng(55);
    Engine engine;
    const RawKey raw(Profile::kAeadAes128Gcm, rng);
    SendContext sender(engine, raw.master());
    ReceiveContext receiver(engine, raw.master());
    Bytes packet = protect(sender, PlainRtp(rng, 1, 1, 9), 1);
    REQUIRE(receiver.unprotect_rtp(packet).has_value());
    for (const Bytes& state : {export_state(sender, kNow), export_state(receiver, kNow)}) {
        for (std::size_t size = 0; size < state.size(); ++size) {
            StateReader one(BytesView(state).first(size), kNow);
            const auto cut = SendContext::load(engine, one);
            // Without the index nothing is ever sent.
            if (cut) CHECK(cut->next_srtcp_index() == kMaxSrtcpIndex + 1);
            StateReader other(BytesView(state).first(size), kNow);
            (void)ReceiveContext::load(engine, other);
        }
        Bytes changed = state;
        changed[6] = 2;  // no profile
        REQUIRE(changed != state);
        StateReader in(changed, kNow);
        CHECK_FALSE(SendContext::load(engine, in).has_value());
    }
}

}  // namespace confab::srtp
