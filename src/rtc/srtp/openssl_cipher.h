// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The portable transforms over OpenSSL's EVP, and the oracle of the faster ones in tests.
#pragma once

#include <memory>

#include "rtc/srtp/packet_cipher.h"

namespace confab::srtp {

// For one direction of use: a key that seals never opens and the other way round.
enum class Direction : std::uint8_t { kSeal, kOpen };

std::unique_ptr<PacketCipher> make_openssl_cipher(const SessionKeys& keys, Direction direction);

}  // namespace confab::srtp
