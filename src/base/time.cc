// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "base/time.h"

namespace confab {
namespace {
constexpr std::int64_t kNtpToUnixSeconds = 2'208'988'800;  // RFC 868: 1900 to 1970
}

NtpTime NtpTime::from_unix(UnixTime time) {
    const std::int64_t seconds = time.us() / 1'000'000;
    const std::int64_t micros = time.us() % 1'000'000;
    const auto fraction = (static_cast<std::uint64_t>(micros) << 32) / 1'000'000;
    return NtpTime((static_cast<std::uint64_t>(seconds + kNtpToUnixSeconds) << 32) | fraction);
}

UnixTime NtpTime::to_unix() const {
    const auto seconds = static_cast<std::int64_t>(value_ >> 32) - kNtpToUnixSeconds;
    // Rounded to the nearest microsecond so that from_unix().to_unix() is the identity.
    const auto micros =
        static_cast<std::int64_t>(((value_ & 0xFFFFFFFFU) * 1'000'000 + (1ULL << 31)) >> 32);
    return UnixTime::micros(seconds * 1'000'000 + micros);
}

NtpTime NtpTime::operator+(Duration d) const {
    const std::int64_t whole = d.us() / 1'000'000;
    const std::int64_t rest = d.us() % 1'000'000;
    // A negative rest is added as its two's complement, which wraps to the right value.
    const std::int64_t fraction = (rest * (std::int64_t{1} << 32)) / 1'000'000;
    return NtpTime(value_ + (static_cast<std::uint64_t>(whole) << 32) +
                   static_cast<std::uint64_t>(fraction));
}

Duration NtpTime::operator-(NtpTime o) const {
    const auto units = static_cast<std::int64_t>(value_ - o.value_);  // 2^-32 seconds
    const std::int64_t whole = units >> 32;
    const auto fraction = static_cast<std::int64_t>(
        ((static_cast<std::uint64_t>(units) & 0xFFFFFFFFU) * 1'000'000 + (1ULL << 31)) >> 32);
    return Duration::micros(whole * 1'000'000 + fraction);
}

std::uint32_t to_compact_ntp(Duration d) {
    return d.us() <= 0 ? 0 : static_cast<std::uint32_t>((d.us() * 65'536) / 1'000'000);
}

Duration from_compact_ntp(std::uint32_t units) {
    return Duration::micros((std::int64_t{units} * 1'000'000) >> 16);
}

}  // namespace confab
