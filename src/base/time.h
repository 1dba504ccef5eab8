// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Four kinds of time that never mix by accident (07 TYP-03).
//   Duration   a signed length in microseconds.
//   Timestamp  a point of the monotonic clock, in microseconds since an arbitrary start.
//   UnixTime   wall clock, microseconds since 1970.
//   NtpTime    64-bit NTP format (RFC 3550 §4): seconds since 1900 and 2^-32 fractions.
// Nothing here reads a clock: `now` is an argument everywhere in the pure layers.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace confab {

class Duration {
  public:
    constexpr Duration() = default;
    static constexpr Duration micros(std::int64_t us) { return Duration(us); }
    static constexpr Duration millis(std::int64_t ms) { return Duration(ms * 1000); }
    static constexpr Duration seconds(std::int64_t s) { return Duration(s * 1'000'000); }
    static constexpr Duration zero() { return Duration(0); }
    static constexpr Duration max() { return Duration(std::numeric_limits<std::int64_t>::max()); }

    constexpr std::int64_t us() const { return us_; }
    constexpr std::int64_t ms() const { return us_ / 1000; }
    constexpr double to_seconds() const { return static_cast<double>(us_) / 1e6; }

    constexpr auto operator<=>(const Duration&) const = default;
    constexpr Duration operator+(Duration o) const { return Duration(us_ + o.us_); }
    constexpr Duration operator-(Duration o) const { return Duration(us_ - o.us_); }
    constexpr Duration operator-() const { return Duration(-us_); }
    constexpr Duration operator*(std::int64_t f) const { return Duration(us_ * f); }
    constexpr Duration operator/(std::int64_t d) const { return Duration(us_ / d); }
    constexpr Duration scaled(double f) const {
        return Duration(static_cast<std::int64_t>(static_cast<double>(us_) * f));
    }

  private:
    explicit constexpr Duration(std::int64_t us) : us_(us) {}
    std::int64_t us_ = 0;
};

class Timestamp {
  public:
    constexpr Timestamp() = default;
    static constexpr Timestamp micros(std::int64_t us) { return Timestamp(us); }
    static constexpr Timestamp never() {
        return Timestamp(std::numeric_limits<std::int64_t>::max());
    }

    constexpr std::int64_t us() const { return us_; }
    constexpr std::int64_t ms() const { return us_ / 1000; }
    constexpr bool is_never() const { return *this == never(); }

    constexpr auto operator<=>(const Timestamp&) const = default;
    // never() stays never() whatever is added.
    constexpr Timestamp operator+(Duration d) const {
        return is_never() ? *this : Timestamp(us_ + d.us());
    }
    constexpr Timestamp operator-(Duration d) const {
        return is_never() ? *this : Timestamp(us_ - d.us());
    }
    constexpr Duration operator-(Timestamp o) const { return Duration::micros(us_ - o.us_); }

  private:
    explicit constexpr Timestamp(std::int64_t us) : us_(us) {}
    std::int64_t us_ = 0;
};

constexpr Timestamp earlier(Timestamp a, Timestamp b) {
    return a < b ? a : b;
}

class UnixTime {
  public:
    constexpr UnixTime() = default;
    static constexpr UnixTime micros(std::int64_t us) { return UnixTime(us); }
    static constexpr UnixTime millis(std::int64_t ms) { return UnixTime(ms * 1000); }
    static constexpr UnixTime seconds(std::int64_t s) { return UnixTime(s * 1'000'000); }
    constexpr std::int64_t us() const { return us_; }
    constexpr std::int64_t ms() const { return us_ / 1000; }
    constexpr std::int64_t s() const { return us_ / 1'000'000; }
    constexpr auto operator<=>(const UnixTime&) const = default;
    constexpr UnixTime operator+(Duration d) const { return UnixTime(us_ + d.us()); }
    constexpr UnixTime operator-(Duration d) const { return UnixTime(us_ - d.us()); }
    constexpr Duration operator-(UnixTime o) const { return Duration::micros(us_ - o.us_); }

  private:
    explicit constexpr UnixTime(std::int64_t us) : us_(us) {}
    std::int64_t us_ = 0;
};

class NtpTime {
  public:
    constexpr NtpTime() = default;
    explicit constexpr NtpTime(std::uint64_t value) : value_(value) {}
    static NtpTime from_unix(UnixTime time);
    UnixTime to_unix() const;

    constexpr std::uint64_t value() const { return value_; }
    // The middle 32 bits, as LSR and DLSR use them (RFC 3550 §6.4.1).
    constexpr std::uint32_t compact() const { return static_cast<std::uint32_t>(value_ >> 16); }
    constexpr bool is_zero() const { return value_ == 0; }
    constexpr auto operator<=>(const NtpTime&) const = default;
    NtpTime operator+(Duration d) const;
    Duration operator-(NtpTime o) const;

  private:
    std::uint64_t value_ = 0;
};

// Compact NTP (16.16 seconds, as DLSR) and a Duration.
std::uint32_t to_compact_ntp(Duration d);
Duration from_compact_ntp(std::uint32_t units);

}  // namespace confab
