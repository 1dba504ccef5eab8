// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "base/limits/bucket.h"
#include "base/limits/keyed_buckets.h"
#include "base/limits/siphash.h"
#include "base/limits/sources.h"
#include "base/text.h"

namespace confab {
namespace {

constexpr Timestamp kStart = Timestamp::micros(5'000'000);
constexpr Rate kRate{10, 30};
constexpr SipKey kKey{1, 2};

// How many of `tries` are let through.
int taken(Bucket& bucket, Timestamp now, int tries) {
    int count = 0;
    for (int i = 0; i < tries; ++i)
        count += bucket.take(now, kRate) == Duration::zero() ? 1 : 0;
    return count;
}
int taken(KeyedBuckets& buckets, Timestamp now, const std::string& key, int tries) {
    int count = 0;
    for (int i = 0; i < tries; ++i)
        count += buckets.take(now, kRate, as_bytes(key)) == Duration::zero() ? 1 : 0;
    return count;
}

}  // namespace

TEST_CASE("Bucket: the burst, then so many a second, for ever [OPS-05]") {
    Bucket bucket;
    CHECK(taken(bucket, kStart, 100) == 30);
    CHECK(taken(bucket, kStart + Duration::millis(99), 100) == 0);
    CHECK(taken(bucket, kStart + Duration::millis(100), 100) == 1);
    CHECK(taken(bucket, kStart + Duration::seconds(1), 100) == 9);
    // Never more than the burst, however long nobody asked.
    CHECK(taken(bucket, kStart + Duration::seconds(3600), 100) == 30);
    // A clock that went back gives nothing, and takes nothing for good.
    CHECK(taken(bucket, kStart, 100) == 0);
    CHECK(taken(bucket, kStart + Duration::seconds(3610), 100) == 30);
}

TEST_CASE("Bucket: says when what was refused will be there [OPS-05]") {
    Bucket bucket;
    CHECK(taken(bucket, kStart, 30) == 30);
    CHECK(bucket.take(kStart, kRate) == Duration::millis(100));
    CHECK(bucket.take(kStart, kRate, 5) == Duration::millis(500));
    CHECK(bucket.wait(kStart + Duration::millis(60), kRate) == Duration::millis(40));
    // Refusals cost nothing.
    CHECK(bucket.take(kStart + Duration::millis(500), kRate, 5) == Duration::zero());
    CHECK(bucket.take(kStart + Duration::millis(500), kRate) == Duration::millis(100));
    // More than the burst is taken of a full bucket, as all there is.
    const Timestamp later = kStart + Duration::seconds(60);
    CHECK(bucket.take(later, kRate, 31) == Duration::zero());
    CHECK(bucket.take(later, kRate) == Duration::millis(100));
}

TEST_CASE("Bucket: who takes in any case owes, but not more than so long [OPS-05]") {
    Bucket bucket;
    constexpr Duration kLongest = Duration::seconds(2);
    for (int i = 0; i < 30; ++i)
        CHECK(bucket.owe(kStart, kRate, 1, kLongest) == Duration::zero());
    CHECK(bucket.owe(kStart, kRate, 1, kLongest) == Duration::millis(100));
    CHECK(bucket.owe(kStart, kRate, 1, kLongest) == Duration::millis(200));
    for (int i = 0; i < 1000; ++i)
        CHECK(bucket.owe(kStart, kRate, 30, kLongest) <= kLongest);
    CHECK(bucket.take(kStart + kLongest, kRate) > Duration::zero());
    CHECK(bucket.take(kStart + kLongest + Duration::millis(100), kRate) == Duration::zero());
}

TEST_CASE("Bucket: no rate is no limit, and one that changes holds at once [OPS-05]") {
    Bucket bucket;
    for (int i = 0; i < 1000; ++i)
        CHECK(bucket.take(kStart, Rate{}) == Duration::zero());
    CHECK(bucket.owe(kStart, Rate{}, 1, Duration::seconds(1)) == Duration::zero());
    CHECK(taken(bucket, kStart, 100) == 30);  // nothing was taken before
    CHECK(bucket.take(kStart, Rate{1'000'000'000, 8'000'000'000}) == Duration::zero());
    // Of a rate that was lower a debt of more than the burst would be left.
    Bucket slow;
    CHECK(slow.take(kStart, Rate{1, 3600}, 3600) == Duration::zero());
    CHECK(taken(slow, kStart + Duration::seconds(3600), 100) == 30);
    CHECK(Rate::with_burst(20, 10) == Rate{20, 200});
    CHECK(Rate::with_burst(0, 10).is_off());
}

TEST_CASE("siphash: the vectors of the paper") {
    const SipKey key{0x0706'0504'0302'0100, 0x0f0e'0d0c'0b0a'0908};
    std::array<std::uint8_t, 15> input{};
    for (std::size_t i = 0; i < input.size(); ++i)
        input[i] = static_cast<std::uint8_t>(i);
    CHECK(siphash(key, input) == 0xa129'ca61'49be'45e5);
    CHECK(siphash(key, {}) == 0x726f'db47'dd0e'0e31);
    CHECK(siphash(key, BytesView(input).first(8)) == 0x93f5'f579'9a93'2462);
}

TEST_CASE("KeyedBuckets: each key has its own [OPS-05]") {
    KeyedBuckets buckets(kKey, 1000);
    CHECK(buckets.places() == 1024);
    CHECK(taken(buckets, kStart, "a", 100) == 30);
    CHECK(taken(buckets, kStart, "b", 100) == 30);
    CHECK(taken(buckets, kStart, "a", 100) == 0);
    CHECK(buckets.wait(kStart, kRate, as_bytes("a")) == Duration::millis(100));
    CHECK(buckets.wait(kStart, kRate, as_bytes("c")) == Duration::zero());
    CHECK(taken(buckets, kStart, "c", 100) == 30);  // to ask costs nothing
    CHECK(buckets.owe(kStart, kRate, as_bytes("c"), Duration::seconds(1)) == Duration::millis(100));
    CHECK(KeyedBuckets(kKey, 0).places() == KeyedBuckets::kWays);
}

// The table is much too small, and everybody asks: whoever is pushed out must not come back with a
// full bucket.
TEST_CASE("KeyedBuckets: no flood of other keys gives one its burst again [OPS-05] [IMM-15]") {
    KeyedBuckets buckets(kKey, 64);
    REQUIRE(taken(buckets, kStart, "attacker", 100) == 30);
    int again = 0;
    for (int round = 0; round < 50; ++round) {
        for (int i = 0; i < 2'000; ++i)
            (void)taken(buckets, kStart, "other " + std::to_string(round * 2'000 + i), 1);
        again += taken(buckets, kStart, "attacker", 100);
    }
    CHECK(again == 0);
    // Not for ever.
    CHECK(taken(buckets, kStart + Duration::seconds(3), "attacker", 100) == 30);
}

TEST_CASE("KeyedBuckets: a newcomer in a full table owes what the least indebted owed [OPS-05]") {
    KeyedBuckets buckets(kKey, KeyedBuckets::kWays);
    for (std::size_t i = 0; i < KeyedBuckets::kWays; ++i)
        CHECK(taken(buckets, kStart, std::to_string(i), static_cast<int>(i) + 5) ==
              static_cast<int>(i) + 5);
    const Rate all{10, 25};
    CHECK(buckets.wait(kStart, all, as_bytes("new")) == Duration::zero());
    CHECK(taken(buckets, kStart, "new", 100) == 25);  // 30 less the 5 of the least
    // Those who owe more have their places still.
    CHECK(taken(buckets, kStart, "7", 100) == 18);
}

TEST_CASE("source_of: an address, or the network of one that has many [OPS-05]") {
    const auto source = [](const char* text) {
        return source_of(*IpAddress::parse(text)).to_string();
    };
    CHECK(source("192.0.2.7") == "192.0.2.7");
    CHECK(source("::ffff:192.0.2.7") == "192.0.2.7");
    CHECK(source("2001:db8:1:2:3:4:5:6") == source("2001:db8:1:2::9"));
    CHECK(source("2001:db8:1:2:3:4:5:6") != source("2001:db8:1:3:3:4:5:6"));
    CHECK(source_of(IpAddress()).is_none());
}

TEST_CASE("is_listed: IPv4 blocks have IPv4 written as IPv6, too [OPS-05]") {
    const std::vector<Cidr> blocks{*Cidr::parse("10.0.0.0/8"), *Cidr::parse("fc00::/7")};
    CHECK(is_listed(blocks, *IpAddress::parse("10.1.2.3")));
    CHECK(is_listed(blocks, *IpAddress::parse("::ffff:10.1.2.3")));
    CHECK(is_listed(blocks, *IpAddress::parse("fd00::1")));
    CHECK_FALSE(is_listed(blocks, *IpAddress::parse("11.0.0.1")));
    CHECK_FALSE(is_listed({}, *IpAddress::parse("10.1.2.3")));
    CHECK_FALSE(is_listed(blocks, IpAddress()));
}

}  // namespace confab
