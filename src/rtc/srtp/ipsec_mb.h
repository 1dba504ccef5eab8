// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// intel-ipsec-mb, x86-64 only: single-call AES-GCM, and the keys of its multi-buffer jobs.
// Internal to rtc/srtp.
#pragma once

#if defined(CONFAB_HAVE_IPSEC_MB)

#include <intel-ipsec-mb.h>

#include <array>
#include <memory>

#include "rtc/srtp/packet_cipher.h"

namespace confab::srtp {

std::unique_ptr<PacketCipher> make_ipsec_mb_gcm(IMB_MGR& manager, const SessionKeys& keys);

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

}  // namespace confab::srtp

#endif
