// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "token/revocations.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

namespace confab::token {
namespace {

constexpr UnixTime kNow = UnixTime::seconds(1'700'000'000);

Grants bearer(const std::string& room, const std::string& identity,
              std::optional<UnixTime> issued_at = kNow) {
    Grants grants;
    grants.identity = identity;
    grants.issued_at = issued_at;
    grants.video.emplace().room = room;
    return grants;
}

UnixTime after(std::int64_t seconds) {
    return kNow + Duration::seconds(seconds);
}

}  // namespace

TEST_CASE("Revocations: tokens issued before the time, of that identity and room alone [TOK-14]") {
    Revocations revocations;
    CHECK_FALSE(revocations.refuses(bearer("room", "ann")));
    CHECK(revocations.revoke("room", "ann", kNow, kNow));
    CHECK(revocations.refuses(bearer("room", "ann", after(-1))));
    CHECK_FALSE(revocations.refuses(bearer("room", "ann")));
    CHECK(revocations.refuses(bearer("room", "ann", std::nullopt)));
    CHECK_FALSE(revocations.refuses(bearer("room", "bob", after(-1))));
    CHECK_FALSE(revocations.refuses(bearer("other", "ann", after(-1))));
    CHECK_FALSE(revocations.refuses(bearer("rooma", "nn", after(-1))));
    Grants without;  // a room
    without.identity = "ann";
    CHECK_FALSE(revocations.refuses(without));
}

TEST_CASE("Revocations: a later time counts, an earlier one changes nothing [TOK-14]") {
    Revocations revocations;
    CHECK(revocations.revoke("room", "ann", kNow, kNow));
    CHECK(revocations.revoke("room", "ann", after(-10), kNow));
    CHECK(revocations.refuses(bearer("room", "ann", after(-1))));
    CHECK(revocations.revoke("room", "ann", after(10), kNow));
    CHECK(revocations.refuses(bearer("room", "ann", after(9))));
    CHECK_FALSE(revocations.refuses(bearer("room", "ann", after(10))));
    CHECK(revocations.size() == 1);
}

TEST_CASE("Revocations: forgotten when no token can be as old [TOK-14]") {
    Revocations revocations;
    const UnixTime end = kNow + Revocations::kMaxTokenLifetime;
    CHECK(revocations.revoke("room", "ann", kNow, kNow));
    CHECK(revocations.revoke("room", "bob", end, end));
    CHECK(revocations.refuses(bearer("room", "ann", after(-1))));
    CHECK(revocations.revoke("room", "eve", end, end + Duration::seconds(1)));
    CHECK_FALSE(revocations.refuses(bearer("room", "ann", after(-1))));
    CHECK(revocations.refuses(bearer("room", "bob")));
    CHECK(revocations.size() == 2);
}

TEST_CASE("Revocations: so many are kept, then the oldest gives way [TOK-14]") {
    Revocations revocations;
    const auto revoke = [&](std::size_t i) {
        return revocations.revoke("room", std::to_string(i), after(static_cast<std::int64_t>(i)),
                                  kNow);
    };
    const auto refuses = [&](std::size_t i) {
        return revocations.refuses(bearer("room", std::to_string(i), after(-1)));
    };
    std::size_t i = 0;
    for (; i < Revocations::kMaxEntries - 1; ++i)
        REQUIRE(revoke(i));
    CHECK(revoke(i++));
    CHECK(revocations.size() == Revocations::kMaxEntries);
    CHECK(refuses(0));
    CHECK_FALSE(revoke(i));
    CHECK(revocations.size() == Revocations::kMaxEntries);
    CHECK_FALSE(refuses(0));
    CHECK(refuses(1));
    CHECK(refuses(i));
}

TEST_CASE("revocation_time: seconds, or milliseconds where seconds cannot be meant [TOK-14]") {
    CHECK(revocation_time(1'700'000'000) == kNow);
    CHECK(revocation_time(99'999'999'999) == UnixTime::seconds(99'999'999'999));
    CHECK(revocation_time(100'000'000'000) == UnixTime::seconds(100'000'000));
    CHECK(revocation_time(1'700'000'000'000) == kNow);
    CHECK(revocation_time(1'700'000'000'001) == after(1));  // what was issued in that second, too
    CHECK(revocation_time(0) == UnixTime());
    CHECK(revocation_time(-1) == UnixTime());
    CHECK(revocation_time(std::numeric_limits<std::int64_t>::max()) ==
          UnixTime::seconds(253'402'300'799));
}

}  // namespace confab::token
