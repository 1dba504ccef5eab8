// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// intel-ipsec-mb, x86-64 only: single-call AES-GCM, counter mode with HMAC-SHA1 by jobs, and the
// keys of these. Internal to rtc/srtp.
#pragma once

#if defined(CONFAB_HAVE_IPSEC_MB)

#include <intel-ipsec-mb.h>

#include <array>
#include <memory>

#include "rtc/srtp/openssl_cipher.h"
#include "rtc/srtp/packet_cipher.h"

namespace confab::srtp {

std::unique_ptr<PacketCipher> make_ipsec_mb_gcm(IMB_MGR& manager, const SessionKeys& keys);

// One job at a time, which is complete at once: for a manager of few lanes (Engine::narrow()).
std::unique_ptr<PacketCipher> make_ipsec_mb_cm(IMB_MGR& manager, const SessionKeys& keys);

// Wiped on destruction.
struct MultiBufferKeys {
    MultiBufferKeys(IMB_MGR& manager, const SessionKeys& keys);
    MultiBufferKeys(const MultiBufferKeys&) = delete;
    MultiBufferKeys& operator=(const MultiBufferKeys&) = delete;
    ~MultiBufferKeys();

    alignas(16) std::array<std::uint8_t, 16 * 11> encrypt;  // the expanded AES-128 key
    alignas(16) std::array<std::uint8_t, 20> inner;         // SHA-1 state after key ^ ipad
    alignas(16) std::array<std::uint8_t, 20> outer;         // and after key ^ opad
};

// Fills a job of counter mode and HMAC-SHA1: `size` octets at `from` go to `text`, and the tag is
// of what begins at `hashed` and ends `suffix` octets behind the text. `iv` and `tag` (20 octets)
// must stay until it is done.
struct CmJob {
    const std::uint8_t* from = nullptr;
    std::uint8_t* text = nullptr;
    std::size_t size = 0;
    const std::uint8_t* hashed = nullptr;
    std::size_t suffix = 0;
    const std::uint8_t* iv = nullptr;
    std::uint8_t* tag = nullptr;
};
void fill_job(IMB_JOB& job, const MultiBufferKeys& keys, const CmJob& what, Direction direction);

}  // namespace confab::srtp

#endif
