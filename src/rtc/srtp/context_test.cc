// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sending against receiving context over both backends, roll-over, indices, tampering, replay.
#include <doctest/doctest.h>

#include <algorithm>

#include "base/check.h"
#include "rtc/srtp/batch.h"
#include "rtc/srtp/srtp_test_util.h"

namespace confab::srtp {

// Lets a test stand shortly before the end of the index space.
class SendContextTester {
  public:
    static void set_srtcp_index(SendContext& context, std::uint32_t index) {
        context.next_srtcp_index_ = index;
    }
};

namespace {

using testing::kBackends;
using testing::kProfiles;
using testing::PlainRtp;
using testing::protect;
using testing::RawKey;

TEST_CASE("Engine: the fast backend is in use on x86-64") {
    CHECK(Engine(Backend::kOpenssl).backend() == Backend::kOpenssl);
#if defined(CONFAB_HAVE_IPSEC_MB)
    CHECK(Engine().backend() == Backend::kIpsecMb);
#else
    CHECK(Engine().backend() == Backend::kOpenssl);
#endif
}

TEST_CASE("Srtp: both backends and the batch make the same octets for all sizes [DES-20][DES-24]") {
    Rng rng(11);
    for (const Profile profile : kProfiles) {
        const RawKey raw(profile, rng);
        Engine plain(Backend::kOpenssl), fast(Backend::kIpsecMb);
        SendContext a(plain, raw.master()), b(fast, raw.master()), c(fast, raw.master());
        ReceiveContext receiver(fast, raw.master());
        BatchEncryptor batch(fast);
        std::vector<PlainRtp> packets;
        std::vector<Bytes> expected;
        std::vector<Bytes> batched;
        for (std::size_t size = 0; size <= 1500; size += size < 300 ? 1 : 13) {
            packets.emplace_back(rng, 77, static_cast<std::uint16_t>(packets.size()), size);
            expected.push_back(protect(a, packets.back(), packets.size() - 1));
            CHECK(protect(b, packets.back(), packets.size() - 1) == expected.back());
            batched.push_back(packets.back().header);
            batched.back().resize(expected.back().size());
        }
        for (std::size_t i = 0; i < packets.size(); ++i)
            CHECK(batch.submit(c, batched[i], packets[i].header.size(), packets[i].payload, i) ==
                  expected[i].size());
        batch.complete_all();
        CHECK(batch.pending() == 0);
        CHECK(batch.failures() == 0);
        for (std::size_t i = 0; i < packets.size(); ++i) {
            REQUIRE(batched[i] == expected[i]);
            const auto size = receiver.unprotect_rtp(batched[i]);
            REQUIRE(size);
            batched[i].resize(*size);
            CHECK(batched[i] == packets[i].joined());
        }
    }
}

TEST_CASE("BatchEncryptor: few packets and many, one batch behind the other [DES-24]") {
    for (const Backend backend : kBackends) {
        CAPTURE(static_cast<int>(backend));
        Rng rng(14);
        Engine engine(backend);
        Engine portable(Backend::kOpenssl);
        const RawKey raw(Profile::kAes128CmSha1_80, rng);
        SendContext sender(engine, raw.master());
        SendContext other(portable, raw.master());
        BatchEncryptor batch(engine);
        std::uint16_t sequence = 0;
        for (std::size_t round = 0; round < 80; ++round) {
            const std::size_t count = 1 + round % 40;
            std::vector<Bytes> out, expected;
            std::vector<PlainRtp> packets;
            for (std::size_t i = 0; i < count; ++i, ++sequence) {
                packets.emplace_back(rng, 5, sequence, rng.below(3) == 0 ? 0 : rng.below(1200));
                expected.push_back(protect(other, packets.back(), sequence));
                out.push_back(packets.back().header);
                out.back().resize(expected.back().size());
            }
            for (std::size_t i = 0; i < count; ++i) {
                const PlainRtp& packet = packets[i];
                const auto index = static_cast<std::uint16_t>(sequence - count + i);
                CHECK(batch.submit(sender, out[i], packet.header.size(), packet.payload, index) ==
                      expected[i].size());
            }
            CHECK(batch.pending() <= count);
            batch.complete_all();
            CHECK(batch.pending() == 0);
            CHECK(batch.failures() == 0);
            CHECK(out == expected);
        }
    }
}

TEST_CASE(
    "BatchEncryptor: many contexts, profiles and payloads in place at once [DES-24][DES-22]") {
    Rng rng(12);
    Engine engine;
    BatchEncryptor batch(engine);
    struct Subscriber {
        SendContext send;
        ReceiveContext receive;
    };
    std::vector<std::unique_ptr<Subscriber>> subscribers;
    for (int i = 0; i < 50; ++i) {
        const RawKey raw(i % 5 == 0 ? Profile::kAeadAes128Gcm : Profile::kAes128CmSha1_80, rng);
        subscribers.push_back(std::make_unique<Subscriber>(
            Subscriber{SendContext(engine, raw.master()), ReceiveContext(engine, raw.master())}));
    }
    for (std::uint16_t round = 0; round < 20; ++round) {
        const PlainRtp packet(rng, 5, round, 1 + rng.below(1200));
        std::vector<Bytes> out;
        for (std::size_t i = 0; i < subscribers.size(); ++i) {
            out.push_back(i % 2 == 0 ? packet.header : packet.joined());
            out.back().resize(packet.joined().size() + kMaxRtpOverhead);
        }
        std::vector<std::size_t> sizes;
        for (std::size_t i = 0; i < subscribers.size(); ++i) {
            const BytesView payload =
                i % 2 == 0 ? BytesView(packet.payload)
                           : BytesView(out[i]).subspan(packet.header.size(), packet.payload.size());
            sizes.push_back(
                batch.submit(subscribers[i]->send, out[i], packet.header.size(), payload, round));
        }
        batch.complete_all();
        for (std::size_t i = 0; i < subscribers.size(); ++i) {
            REQUIRE(sizes[i] == packet.joined().size() + subscribers[i]->send.rtp_overhead());
            const auto size =
                subscribers[i]->receive.unprotect_rtp(BytesSpan(out[i]).first(sizes[i]));
            REQUIRE(size);
            out[i].resize(*size);
            CHECK(out[i] == packet.joined());
        }
    }
}

TEST_CASE(
    "Srtp: 70 000 packets with loss and reordering keep the roll-over counter [SRTP-03][MC-05]") {
    Rng rng(13);
    for (const Profile profile : kProfiles) {
        const RawKey raw(profile, rng);
        Engine engine;
        SendContext sender(engine, raw.master());
        ReceiveContext receiver(engine, raw.master());
        const std::uint64_t first = 40'000;
        std::vector<Bytes> held;
        for (std::uint64_t index = first; index < first + 70'000; ++index) {
            if (rng.below(10) == 0) continue;
            const PlainRtp packet(rng, 9, static_cast<std::uint16_t>(index), 20);
            held.push_back(protect(sender, packet, index));
            if (held.size() < 40) continue;
            while (!held.empty()) {
                const auto pick = static_cast<std::size_t>(rng.below(held.size()));
                REQUIRE(receiver.unprotect_rtp(held[pick]).has_value());
                held.erase(held.begin() + static_cast<std::ptrdiff_t>(pick));
            }
        }
        CHECK(receiver.counters().authentication_failures == 0);
    }
}

TEST_CASE("Srtp: each SSRC has its own roll-over counter, from 0 [TRAP-15][SRTP-01]") {
    Rng rng(14);
    const RawKey raw(Profile::kAeadAes128Gcm, rng);
    Engine engine;
    SendContext sender(engine, raw.master());
    ReceiveContext receiver(engine, raw.master());
    for (const std::uint64_t index : {65'530ULL, 65'540ULL, 65'541ULL}) {
        Bytes packet =
            protect(sender, PlainRtp(rng, 1, static_cast<std::uint16_t>(index), 9), index);
        CHECK(receiver.unprotect_rtp(packet).has_value());
    }
    Bytes other = protect(sender, PlainRtp(rng, 2, 5, 9), 5);
    CHECK(receiver.unprotect_rtp(other).has_value());
    Bytes wrong = protect(sender, PlainRtp(rng, 3, 5, 9), (2ULL << 16) + 5);
    CHECK(receiver.unprotect_rtp(wrong).error() == OpenError::kAuthentication);
}

TEST_CASE("Srtp: a stream whose packets before the wrap were lost is heard [SRTP-03][MC-05]") {
    Rng rng(29);
    for (const Profile profile : kProfiles) {
        for (const Backend backend : kBackends) {
            const RawKey raw(profile, rng);
            Engine engine(backend);
            SendContext sender(engine, raw.master());
            ReceiveContext receiver(engine, raw.master());
            const auto packet = [&](std::uint32_t ssrc, std::uint64_t index) {
                return PlainRtp(rng, ssrc, static_cast<std::uint16_t>(index), 60);
            };
            // Began at 65 500; the first 73 are lost, one of them comes late.
            for (const std::uint64_t index : {65'573ULL, 65'574ULL, 65'510ULL, 90'000ULL}) {
                const PlainRtp plain = packet(7, index);
                Bytes sealed = protect(sender, plain, index);
                REQUIRE(receiver.unprotect_rtp(sealed).has_value());
                sealed.resize(sealed.size() - sender.rtp_overhead());
                CHECK(sealed == plain.joined());
            }
            // A forged packet moves nothing, and more than half a cycle cannot have been lost.
            Bytes forged = protect(sender, packet(8, 9), 9);
            forged.back() ^= 1;
            CHECK_FALSE(receiver.unprotect_rtp(forged).has_value());
            Bytes first = protect(sender, packet(8, 10), 10);
            CHECK(receiver.unprotect_rtp(first).has_value());
            Bytes late = protect(sender, packet(9, 65'536 + 40'000), 65'536 + 40'000);
            CHECK(receiver.unprotect_rtp(late).error() == OpenError::kAuthentication);
            CHECK(receiver.counters().authentication_failures == 2);
        }
    }
}

TEST_CASE("Srtp: duplicates pass, any changed octet and any truncation fails [SRTP-02][TRAP-06]") {
    Rng rng(15);
    for (const Profile profile : kProfiles) {
        for (const Backend backend : kBackends) {
            const RawKey raw(profile, rng);
            Engine engine(backend);
            SendContext sender(engine, raw.master());
            ReceiveContext receiver(engine, raw.master());
            const Bytes good = protect(sender, PlainRtp(rng, 4, 100, 60), 100);
            std::uint64_t refused = 0;
            for (std::size_t i = 0; i < good.size(); ++i) {
                Bytes bad = good;
                bad[i] = static_cast<std::uint8_t>(bad[i] ^ (1 << rng.below(8)));
                CHECK_FALSE(receiver.unprotect_rtp(bad).has_value());
                Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(i));
                CHECK_FALSE(receiver.unprotect_rtp(cut).has_value());
                refused += 2;
            }
            CHECK(receiver.counters().authentication_failures + receiver.counters().malformed ==
                  refused);
            for (int again = 0; again < 3; ++again) {
                Bytes copy = good;
                CHECK(receiver.unprotect_rtp(copy).has_value());
            }
        }
    }
}

TEST_CASE("Srtp: forged packets never move the state of a stream [SRTP-03]") {
    Rng rng(16);
    for (const Profile profile : kProfiles) {
        const RawKey raw(profile, rng);
        Engine engine;
        SendContext sender(engine, raw.master());
        ReceiveContext receiver(engine, raw.master());
        for (std::uint64_t index = 60'000; index < 60'050; ++index) {
            Bytes good =
                protect(sender, PlainRtp(rng, 4, static_cast<std::uint16_t>(index), 30), index);
            for (const std::uint16_t sequence :
                 std::initializer_list<std::uint16_t>{0, 1000, 32'000, 65'535}) {
                Bytes forged = PlainRtp(rng, 4, sequence, 60).joined();
                CHECK_FALSE(receiver.unprotect_rtp(forged).has_value());
                Bytes stranger = PlainRtp(rng, rng.u32(), sequence, 60).joined();
                CHECK_FALSE(receiver.unprotect_rtp(stranger).has_value());
            }
            CHECK(receiver.unprotect_rtp(good).has_value());
        }
    }
}

TEST_CASE("Srtcp: indices grow by one, replays and old ones are refused [IMM-10][IMM-5]") {
    Rng rng(17);
    for (const Profile profile : kProfiles) {
        const RawKey raw(profile, rng);
        Engine engine;
        SendContext sender(engine, raw.master());
        ReceiveContext receiver(engine, raw.master());
        std::vector<Bytes> sent;
        for (std::uint32_t i = 0; i < 300; ++i) {
            const Bytes plain = testing::make_rtcp(rng, 50 + i % 2, 8 + rng.below(30) * 4);
            CHECK(sender.next_srtcp_index() == i);
            sent.push_back(testing::protect_rtcp(sender, plain));
            Bytes copy = sent.back();
            const auto size = receiver.unprotect_rtcp(copy);
            REQUIRE(size);
            copy.resize(*size);
            CHECK(copy == plain);
        }
        for (const Bytes& packet : sent) {
            Bytes copy = packet;
            CHECK(receiver.unprotect_rtcp(copy).error() == OpenError::kReplay);
        }
        CHECK(receiver.counters().replays == 300);
    }
}

TEST_CASE(
    "Srtcp: reordering inside the window is fine, tampering and truncation are not [IMM-10]") {
    Rng rng(18);
    for (const Profile profile : kProfiles) {
        const RawKey raw(profile, rng);
        Engine engine;
        SendContext sender(engine, raw.master());
        ReceiveContext receiver(engine, raw.master());
        std::vector<Bytes> sent;
        sent.reserve(100);
        for (std::uint32_t i = 0; i < 100; ++i)
            sent.push_back(testing::protect_rtcp(sender, testing::make_rtcp(rng, 8, 40)));
        const Bytes good = sent[3];
        for (std::size_t i = 0; i < good.size(); ++i) {
            Bytes bad = good;
            bad[i] = static_cast<std::uint8_t>(bad[i] ^ (1 << rng.below(8)));
            CHECK_FALSE(receiver.unprotect_rtcp(bad).has_value());
            Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(i));
            CHECK_FALSE(receiver.unprotect_rtcp(cut).has_value());
        }
        std::reverse(sent.begin(), sent.end());
        for (Bytes& packet : sent)
            CHECK(receiver.unprotect_rtcp(packet).has_value());
    }
}

TEST_CASE("Srtcp: the index space ends instead of starting again [IMM-5]") {
    Rng rng(19);
    const RawKey raw(Profile::kAeadAes128Gcm, rng);
    Engine engine;
    SendContext sender(engine, raw.master());
    ReceiveContext receiver(engine, raw.master());
    SendContextTester::set_srtcp_index(sender, kMaxSrtcpIndex);
    Bytes last = testing::protect_rtcp(sender, testing::make_rtcp(rng, 8, 40));
    CHECK(receiver.unprotect_rtcp(last).has_value());
    Bytes more = testing::make_rtcp(rng, 8, 80);
    CHECK(sender.protect_rtcp(more, 40) == 0);
}

TEST_CASE("SendContext: contradicting arguments give 0 and touch nothing") {
    Rng rng(20);
    for (const Profile profile : kProfiles) {
        const RawKey raw(profile, rng);
        Engine engine;
        SendContext sender(engine, raw.master());
        BatchEncryptor batch(engine);
        const PlainRtp packet(rng, 1, 7, 50);
        Bytes out = packet.header;
        const std::size_t header = out.size();
        out.resize(header + 50 + sender.rtp_overhead() - 1);
        const Bytes before = out;
        CHECK(sender.protect_rtp(out, header, packet.payload, 7) == 0);
        CHECK(batch.submit(sender, out, header, packet.payload, 7) == 0);
        CHECK(sender.protect_rtp(out, 11, packet.payload, 7) == 0);
        CHECK(sender.protect_rtp(out, header, BytesView(packet.payload).first(1),
                                 kMaxPacketIndex + 1 + 7) == 0);
        CHECK(out == before);
        Bytes rtcp = testing::make_rtcp(rng, 8, 40);
        CHECK(sender.protect_rtcp(rtcp, 40) == 0);
        CHECK(sender.protect_rtcp(rtcp, 7) == 0);
        CHECK(sender.protect_rtcp(rtcp, 41) == 0);
        CHECK(sender.next_srtcp_index() == 0);
    }
    CHECK(rtp_overhead(Profile::kAeadAes256Gcm) == 16);
    CHECK(rtp_overhead(Profile::kAes128CmSha1_80) == 10);
    CHECK(rtcp_overhead(Profile::kAeadAes128Gcm) == 20);
    CHECK(rtcp_overhead(Profile::kAes128CmSha1_80) == 14);
}

TEST_CASE("NonceGuard: identical octets may come again, others not [IMM-5][TRAP-14]") {
    NonceGuard guard;
    const Bytes header(12, 1), payload(100, 2);
    Bytes other = payload;
    other[50] ^= 1;
    CHECK(guard.check(1, 10, header, payload));
    CHECK(guard.check(1, 10, header, payload));
    CHECK_FALSE(guard.check(1, 10, header, other));
    CHECK_FALSE(guard.check(1, 10, Bytes(12, 3), payload));
    CHECK(guard.check(1, 10 + 65'536, header, other));
    CHECK(guard.check(2, 10, header, other));
}

TEST_CASE("ReceiveContext: the number of SSRC states is bounded, the least used goes [SRTP-03]") {
    SsrcTable<Rollover, 4> table;
    for (std::uint32_t ssrc = 1; ssrc <= 4; ++ssrc)
        table.use(ssrc).commit(ssrc * 100);
    table.use(1);
    table.use(9);
    CHECK(table.size() == 4);
    CHECK(table.evictions() == 1);
    CHECK(table.find(2) == nullptr);
    REQUIRE(table.find(1) != nullptr);
    CHECK(table.find(1)->guess(101) == 101);
    CHECK(table.find(9)->guess(60'000) == 60'000);
}

TEST_CASE("Rollover: the nearest index wins, none before the start [SRTP-03]") {
    Rollover rollover;
    rollover.commit(2);
    CHECK_FALSE(rollover.guess(65'535).has_value());
    rollover.commit(65'534);
    CHECK(rollover.guess(1) == 65'537);
    rollover.commit(65'537);
    CHECK(rollover.guess(65'533) == 65'533);
    rollover.commit(65'533);
    CHECK(rollover.guess(2) == 65'538);
    rollover.commit(kMaxPacketIndex);
    CHECK_FALSE(rollover.guess(0).has_value());
}

TEST_CASE("ReplayWindow: agrees with a set for random walks [IMM-10]") {
    Rng rng(21);
    ReplayWindow window;
    std::vector<std::uint32_t> seen;
    std::uint32_t highest = 0;
    std::uint32_t center = 0;
    for (int i = 0; i < 20'000; ++i) {
        center += static_cast<std::uint32_t>(rng.below(rng.below(50) == 0 ? 400 : 5));
        const auto index = center + static_cast<std::uint32_t>(rng.below(150));
        const bool known = std::find(seen.begin(), seen.end(), index) != seen.end();
        const bool old = !seen.empty() && index < highest && highest - index >= kReplayWindow;
        REQUIRE(window.fresh(index) == (!known && !old));
        if (known || old) continue;
        window.commit(index);
        seen.push_back(index);
        if (seen.size() > 600) seen.erase(seen.begin());
        highest = std::max(highest, index);
    }
}

}  // namespace
}  // namespace confab::srtp
