// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Random keys and packets for the tests of rtc/srtp.
#pragma once

#include <doctest/doctest.h>

#include <vector>

#include "base/rng.h"
#include "rtc/srtp/engine.h"
#include "rtc/srtp/profile.h"
#include "rtc/srtp/receive_context.h"
#include "rtc/srtp/send_context.h"

namespace confab::srtp::testing {

inline constexpr Profile kProfiles[] = {Profile::kAeadAes128Gcm, Profile::kAeadAes256Gcm,
                                        Profile::kAes128CmSha1_80};
inline constexpr Backend kBackends[] = {Backend::kOpenssl, Backend::kIpsecMb,
                                        Backend::kIpsecMbWithoutSha};

struct RawKey {
    Profile profile;
    Bytes key, salt;

    RawKey(Profile p, Rng& rng) : profile(p), key(key_size(p)), salt(salt_size(p)) {
        rng.fill(key);
        rng.fill(salt);
    }
    MasterKey master() const { return *MasterKey::from(profile, key, salt); }
};

// A header with random CSRCs and extension words, then a payload.
struct PlainRtp {
    Bytes header, payload;

    PlainRtp(Rng& rng, std::uint32_t ssrc, std::uint16_t sequence, std::size_t payload_size)
        : header(12), payload(payload_size) {
        const auto csrcs = static_cast<std::uint8_t>(rng.below(4) == 0 ? rng.below(16) : 0);
        const bool extension = rng.below(2) == 0;
        const std::size_t words = rng.below(12);
        header.resize(12 + csrcs * std::size_t{4} + (extension ? 4 + words * 4 : 0));
        rng.fill(header);
        rng.fill(payload);
        header[0] = static_cast<std::uint8_t>(0x80 | (extension ? 0x10 : 0) | csrcs);
        store_be16(&header[2], sequence);
        store_be32(&header[8], ssrc);
        if (extension)
            store_be16(&header[12 + csrcs * std::size_t{4} + 2], static_cast<std::uint16_t>(words));
    }
    Bytes joined() const {
        Bytes all = header;
        all.insert(all.end(), payload.begin(), payload.end());
        return all;
    }
};

inline Bytes protect(SendContext& context, const PlainRtp& packet, std::uint64_t index) {
    Bytes out = packet.header;
    out.resize(packet.header.size() + packet.payload.size() + context.rtp_overhead());
    const std::size_t size = context.protect_rtp(out, packet.header.size(), packet.payload, index);
    CHECK(size == out.size());
    return out;
}

inline Bytes make_rtcp(Rng& rng, std::uint32_t ssrc, std::size_t size) {
    Bytes packet(size);
    rng.fill(packet);
    packet[0] = 0x80;
    packet[1] = 201;
    store_be32(&packet[4], ssrc);
    return packet;
}

inline Bytes protect_rtcp(SendContext& context, Bytes packet) {
    const std::size_t size = packet.size();
    packet.resize(size + context.rtcp_overhead());
    CHECK(context.protect_rtcp(packet, size) == packet.size());
    return packet;
}

}  // namespace confab::srtp::testing
