// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/try_limiter.h"

#include <doctest/doctest.h>

namespace confab::console {
namespace {

const IpAddress kClient = IpAddress::v4(0xC0000201);
const IpAddress kProxy = IpAddress::v4(0x7F000001);
constexpr Timestamp kStart = Timestamp::micros(1'000'000'000);

Timestamp at(std::int64_t seconds) {
    return kStart + Duration::seconds(seconds);
}
void fail_times(TryLimiter& limiter, int times, const IpAddress& socket, const std::string& said,
                Timestamp now = kStart) {
    for (int i = 0; i < times; ++i)
        limiter.failed(socket, said, now);
}

}  // namespace

TEST_CASE("TryLimiter: five at once, then one each twelve seconds") {
    TryLimiter limiter;
    fail_times(limiter, 4, kClient, "");
    CHECK_FALSE(limiter.wait(kClient, "", kStart));
    limiter.failed(kClient, "", kStart);
    const auto wait = limiter.wait(kClient, "", kStart);
    REQUIRE(wait);
    CHECK(*wait == Duration::seconds(12));
    CHECK(limiter.wait(kClient, "", at(11)));
    CHECK_FALSE(limiter.wait(kClient, "", at(12)));
    limiter.failed(kClient, "", at(12));
    CHECK(limiter.wait(kClient, "", at(12)));
    CHECK_FALSE(limiter.wait(kClient, "", at(80)));
}

TEST_CASE("TryLimiter: another address may, of an IPv6 network none may") {
    TryLimiter limiter;
    const auto six = [](const char* text) { return IpAddress::parse(text).value(); };
    fail_times(limiter, 5, kClient, "");
    CHECK_FALSE(limiter.wait(kProxy, "", kStart));
    fail_times(limiter, 5, six("2001:db8:1:2::1"), "");
    CHECK(limiter.wait(six("2001:db8:1:2:ffff::9"), "", kStart));
    CHECK_FALSE(limiter.wait(six("2001:db8:1:3::1"), "", kStart));
    // IPv4 addresses as IPv6 has them are no network.
    fail_times(limiter, 5, six("::ffff:198.51.100.1"), "");
    CHECK(limiter.wait(six("::ffff:198.51.100.1"), "", kStart));
    CHECK_FALSE(limiter.wait(six("::ffff:198.51.100.2"), "", kStart));
}

TEST_CASE("TryLimiter: behind a proxy each client has its own, and what is made up helps little") {
    TryLimiter limiter;
    fail_times(limiter, 5, kProxy, "203.0.113.1");
    CHECK(limiter.wait(kProxy, "203.0.113.1", kStart));
    CHECK_FALSE(limiter.wait(kProxy, "203.0.113.2", kStart));
    for (int i = 0; i < 25; ++i)
        limiter.failed(kProxy, "10.0.0." + std::to_string(i), kStart);
    CHECK(limiter.wait(kProxy, "10.9.9.9", kStart));
    CHECK_FALSE(limiter.wait(kProxy, "10.9.9.9", at(3)));
}

TEST_CASE("TryLimiter: texts and their number are bounded") {
    TryLimiter limiter;
    limiter.failed(kProxy, std::string(10'000, 'x'), kStart);
    for (std::size_t i = 0; i < 2 * TryLimiter::kMaxAddresses; ++i)
        limiter.failed(IpAddress::v4(static_cast<std::uint32_t>(i)), "",
                       kStart + Duration::micros(static_cast<std::int64_t>(i)));
    CHECK(limiter.size() == TryLimiter::kMaxAddresses);
}

}  // namespace confab::console
