// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Nanoseconds per packet of SRTP protection and opening, per backend, profile and size, with 64
// subscribers that have own keys (02 DES-20, DES-24).
// bench: modules rtc/srtp base crypto
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "base/rng.h"
#include "rtc/srtp/batch.h"
#include "rtc/srtp/receive_context.h"
#include "rtc/srtp/send_context.h"

using namespace confab;
using srtp::Backend;
using srtp::Profile;

namespace {

constexpr std::size_t kSubscribers = 64;
constexpr std::size_t kHeader = 24;
constexpr std::uint64_t kRounds = 1500;

const char* name(Profile profile) {
    switch (profile) {
        case Profile::kAeadAes128Gcm:
            return "GCM-128";
        case Profile::kAeadAes256Gcm:
            return "GCM-256";
        case Profile::kAes128CmSha1_80:
            return "CM-SHA1-80";
    }
    return "";
}

double now_ns() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

srtp::MasterKey random_key(Profile profile, Rng& rng) {
    Bytes key(srtp::key_size(profile)), salt(srtp::salt_size(profile));
    rng.fill(key);
    rng.fill(salt);
    return *srtp::MasterKey::from(profile, key, salt);
}

struct Timing {
    double single, few, batch, open;
};

constexpr std::size_t kFew = 2;  // a speaker and two listeners

Timing measure(Backend backend, Profile profile, std::size_t size) {
    Rng rng(1);
    srtp::Engine engine(backend);
    srtp::BatchEncryptor batch(engine);
    std::vector<srtp::SendContext> senders;
    senders.reserve(kSubscribers);
    for (std::size_t i = 0; i < kSubscribers; ++i)
        senders.emplace_back(engine, random_key(profile, rng));
    const srtp::MasterKey key = random_key(profile, rng);
    srtp::SendContext sender(engine, key);
    srtp::ReceiveContext receiver(engine, key);

    Bytes payload(size - kHeader);
    rng.fill(payload);
    std::vector<Bytes> out(kSubscribers, Bytes(size + srtp::kMaxRtpOverhead));
    for (Bytes& packet : out)
        packet[0] = 0x83;  // three CSRCs: 24 octets of header
    const auto number = [&](Bytes& packet, std::uint64_t index) {
        store_be16(&packet[2], static_cast<std::uint16_t>(index));
    };
    Timing result{};
    const double packets = static_cast<double>(kRounds * kSubscribers);

    double begin = now_ns();
    for (std::uint64_t index = 0; index < kRounds; ++index)
        for (std::size_t i = 0; i < kSubscribers; ++i) {
            number(out[i], index);
            (void)senders[i].protect_rtp(out[i], kHeader, payload, index);
        }
    result.single = (now_ns() - begin) / packets;

    std::uint64_t next = kRounds;
    const auto in_batches = [&](std::size_t of) {
        begin = now_ns();
        for (const std::uint64_t end = next + kRounds; next < end; ++next) {
            for (std::size_t i = 0; i < kSubscribers; ++i) {
                number(out[i], next);
                (void)batch.submit(senders[i], out[i], kHeader, payload, next);
                if ((i + 1) % of == 0) batch.complete_all();
            }
        }
        return (now_ns() - begin) / packets;
    };
    result.few = in_batches(kFew);
    result.batch = in_batches(kSubscribers);

    double opening = 0;
    for (std::uint64_t round = 0; round < kRounds; ++round) {
        for (std::size_t i = 0; i < kSubscribers; ++i) {
            const std::uint64_t index = round * kSubscribers + i;
            number(out[i], index);
            (void)sender.protect_rtp(out[i], kHeader, payload, index);
        }
        begin = now_ns();
        for (std::size_t i = 0; i < kSubscribers; ++i)
            (void)receiver.unprotect_rtp(
                BytesSpan(out[i]).first(size + srtp::rtp_overhead(profile)));
        opening += now_ns() - begin;
    }
    result.open = opening / packets;
    if (receiver.counters().rtp != kRounds * kSubscribers) std::puts("packets were refused!");
    return result;
}

}  // namespace

int main() {
    std::printf("%-9s %-11s %6s %14s %14s %14s %14s\n", "backend", "profile", "bytes", "protect ns",
                "two ns", "in batch ns", "open ns");
    for (const Backend backend : {Backend::kOpenssl, Backend::kIpsecMb})
        for (const Profile profile :
             {Profile::kAeadAes128Gcm, Profile::kAeadAes256Gcm, Profile::kAes128CmSha1_80})
            for (const std::size_t size : {std::size_t{1200}, std::size_t{100}}) {
                const Timing r = measure(backend, profile, size);
                std::printf("%-9s %-11s %6zu %14.0f %14.0f %14.0f %14.0f\n",
                            backend == Backend::kOpenssl ? "openssl" : "ipsec-mb", name(profile),
                            size, r.single, r.few, r.batch, r.open);
            }
    return 0;
}
