// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "turn/nonce.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/text.h"
#include "crypto/hmac.h"

namespace confab::turn {
namespace {

constexpr std::int64_t kMinute = 60'000;  // ms

std::uint32_t minute_of(Timestamp now) {
    return static_cast<std::uint32_t>(now.ms() / kMinute);
}

}  // namespace

std::array<char, kNonceSize> Nonces::of_minute(std::uint32_t minute,
                                               const IpAddress& client) const {
    // Three bytes of the minute are enough for thirty years of one process.
    std::array<std::uint8_t, 12> bytes{static_cast<std::uint8_t>(minute >> 16),
                                       static_cast<std::uint8_t>(minute >> 8),
                                       static_cast<std::uint8_t>(minute)};
    crypto::HmacSha256 mac(key_);
    mac.update(BytesView(bytes).first(3));
    mac.update(client.bytes());
    const auto tag = mac.finish();
    std::copy_n(tag.begin(), 9, bytes.begin() + 3);
    const std::string text = base64_encode(bytes, Base64::kUrlNoPadding);
    std::array<char, kNonceSize> nonce{};
    std::copy_n(text.begin(), kNonceSize, nonce.begin());
    return nonce;
}

std::array<char, kNonceSize> Nonces::make(Timestamp now, const IpAddress& client) const {
    return of_minute(minute_of(now), client);
}

bool Nonces::is_valid(std::string_view nonce, Timestamp now, const IpAddress& client) const {
    if (nonce.size() != kNonceSize) return false;
    const auto bytes = base64_decode(nonce, Base64::kUrlNoPadding);
    if (!bytes || bytes->size() < 3) return false;
    const std::uint32_t minute = (std::uint32_t{(*bytes)[0]} << 16) | load_be16(&(*bytes)[1]);
    const std::uint32_t age = (minute_of(now) - minute) & 0xFF'FFFF;
    if (age >= kNonceLifetime.ms() / kMinute) return false;
    const auto right = of_minute(minute, client);
    return equal_constant_time(as_bytes(nonce),
                               as_bytes(std::string_view(right.data(), right.size())));
}

}  // namespace confab::turn
