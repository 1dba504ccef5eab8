// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "token/revocations.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

namespace confab::token {
namespace {

using Outcome = Revocations::Outcome;

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
    CHECK(revocations.revoke("room", "ann", kNow, kNow) == Outcome::kKept);
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
    CHECK(revocations.revoke("room", "ann", kNow, kNow) == Outcome::kKept);
    CHECK(revocations.revoke("room", "ann", after(-10), kNow) == Outcome::kKept);
    CHECK(revocations.refuses(bearer("room", "ann", after(-1))));
    CHECK(revocations.revoke("room", "ann", after(10), kNow) == Outcome::kKept);
    CHECK(revocations.refuses(bearer("room", "ann", after(9))));
    CHECK_FALSE(revocations.refuses(bearer("room", "ann", after(10))));
    CHECK(revocations.size() == 1);
}

TEST_CASE("Revocations: forgotten when no token can be as old [TOK-14]") {
    Revocations revocations;
    const UnixTime end = kNow + Revocations::kMaxTokenLifetime;
    CHECK(revocations.revoke("room", "ann", kNow, kNow) == Outcome::kKept);
    CHECK(revocations.revoke("room", "bob", end, end) == Outcome::kKept);
    CHECK(revocations.refuses(bearer("room", "ann", after(-1))));
    CHECK(revocations.revoke("room", "eve", end, end + Duration::seconds(1)) == Outcome::kKept);
    CHECK_FALSE(revocations.refuses(bearer("room", "ann", after(-1))));
    CHECK(revocations.refuses(bearer("room", "bob")));
    CHECK(revocations.size() == 2);
}

TEST_CASE("Revocations: so many are kept, then the first that was made gives way [TOK-14]") {
    Revocations revocations;
    const auto room = [](std::size_t i) { return "room" + std::to_string(i % 100); };
    // Those that were made first are of the latest times.
    const auto time = [](std::size_t i) { return after(100 - static_cast<std::int64_t>(i % 100)); };
    const auto revoke = [&](std::size_t i) {
        return revocations.revoke(room(i), std::to_string(i), time(i), kNow);
    };
    const auto refuses = [&](std::size_t i) {
        return revocations.refuses(
            bearer(room(i), std::to_string(i), time(i) - Duration::seconds(1)));
    };
    std::size_t i = 0;
    for (; i < Revocations::kMaxEntries - 1; ++i)
        REQUIRE(revoke(i) == Outcome::kKept);
    CHECK(revoke(i++) == Outcome::kKept);
    CHECK(revocations.size() == Revocations::kMaxEntries);
    CHECK(refuses(0));
    // Made again, later: it is not the first any more.
    CHECK(revocations.revoke(room(0), "0", after(200), kNow) == Outcome::kKept);
    CHECK(revoke(i) == Outcome::kForgotOther);
    CHECK(revocations.size() == Revocations::kMaxEntries);
    CHECK(refuses(0));
    CHECK_FALSE(refuses(1));
    CHECK(refuses(2));
    CHECK(refuses(i));
}

TEST_CASE("Revocations: a tenant with many makes nobody else's forgotten [TOK-14] [TEN-03]") {
    Revocations revocations;
    const auto key = [](std::string_view tenant, std::size_t i) {
        return room_key(tenant, "room" + std::to_string(i % 100));
    };
    const auto refuses = [&](std::string_view tenant, std::size_t i) {
        Grants grants = bearer("room" + std::to_string(i % 100), std::to_string(i), after(0));
        grants.tenant = tenant;
        return revocations.refuses(grants);
    };
    for (std::size_t i = 0; i < 10; ++i)
        (void)revocations.revoke(key("acme", i), std::to_string(i), after(100), kNow);
    for (std::size_t i = 0; i < Revocations::kMaxEntries + 100; ++i)
        (void)revocations.revoke(key("globex", i), std::to_string(i), after(100), kNow);
    CHECK(revocations.size() == Revocations::kMaxEntries);
    for (std::size_t i = 0; i < 10; ++i)
        CHECK(refuses("acme", i));
    CHECK_FALSE(refuses("globex", 0));
    CHECK(refuses("globex", Revocations::kMaxEntries + 99));
}

TEST_CASE("Revocations: a room has its own bound, which other rooms do not feel [TOK-14]") {
    Revocations revocations;
    const auto revoke = [&](const std::string& room, std::size_t i, UnixTime now) {
        return revocations.revoke(room, std::to_string(i), now, now);
    };
    std::size_t i = 0;
    for (; i < Revocations::kMaxPerRoom - 1; ++i)
        REQUIRE(revoke("full", i, kNow) == Outcome::kKept);
    CHECK(revoke("full", i++, kNow) == Outcome::kKept);
    CHECK(revoke("other", 0, kNow) == Outcome::kKept);
    CHECK(revoke("full", 0, after(1)) == Outcome::kKept);  // it has its place, the last one now
    CHECK(revoke("full", i, kNow) == Outcome::kForgotOther);
    CHECK(revocations.size() == Revocations::kMaxPerRoom + 1);
    const auto refuses = [&](const char* room, std::size_t who) {
        return revocations.refuses(bearer(room, std::to_string(who), after(-1)));
    };
    CHECK(refuses("full", i));
    CHECK(refuses("full", 0));
    CHECK_FALSE(refuses("full", 1));  // made first
    CHECK(refuses("full", 2));
    CHECK(refuses("other", 0));
    // What is forgotten leaves its place.
    const UnixTime later = after(2) + Revocations::kMaxTokenLifetime;
    CHECK(revoke("full", i, later) == Outcome::kKept);
    CHECK(revocations.size() == 1);
}

TEST_CASE("Revocations: a time to come counts for five minutes at most [TOK-14]") {
    Revocations revocations;
    CHECK(revocations.revoke("room", "ann", after(300), kNow) == Outcome::kKept);
    CHECK(revocations.revoke("room", "bob", after(301), kNow) == Outcome::kKept);
    CHECK(revocations.revoke("room", "eve", UnixTime::seconds(253'402'300'799), kNow) ==
          Outcome::kKept);
    for (const char* who : {"ann", "bob", "eve"}) {
        CHECK(revocations.refuses(bearer("room", who, after(299))));
        CHECK_FALSE(revocations.refuses(bearer("room", who, after(300))));
    }
}

TEST_CASE("Revocations: who publishes for another is refused with that one [TOK-14] [CON-38]") {
    Revocations revocations;
    CHECK(revocations.revoke("room", "ann", kNow, kNow) == Outcome::kKept);
    Grants twin = bearer("room", "ann#x", after(-1));
    CHECK_FALSE(revocations.refuses(twin));  // somebody else, whose name looks so
    twin.publishes_for = "ann";
    CHECK(revocations.refuses(twin));
    twin.issued_at = kNow;
    CHECK_FALSE(revocations.refuses(twin));
    CHECK(revocations.revoke("room", "bob#x", kNow, kNow) == Outcome::kKept);
    twin = bearer("room", "bob#x", after(-1));
    twin.publishes_for = "bob";
    CHECK(revocations.refuses(twin));
    CHECK_FALSE(revocations.refuses(bearer("room", "bob", after(-1))));
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

TEST_CASE("Revocations: as records, in their order, they are the same elsewhere [TOK-14]") {
    Revocations here;
    CHECK(here.revoke("room", "ann", kNow, kNow) == Outcome::kKept);
    CHECK(here.revoke("other", "ann", after(7), kNow) == Outcome::kKept);
    CHECK(here.revoke("room", "ann", after(9), kNow) == Outcome::kKept);
    const auto records = here.records();
    REQUIRE(records.size() == 2);
    CHECK(records[0].before == after(7));
    CHECK(records[1].before == after(9));
    CHECK(records[1].name == Revocations::record_of("room", "ann", kNow).name);
    CHECK(here.find(records[1].name) == after(9));
    CHECK_FALSE(here.find(Revocations::record_of("room", "bob", kNow).name));
    Revocations there;
    for (const Revocations::Record& record : records)
        CHECK(there.add(record, kNow) == Outcome::kKept);
    CHECK(there.refuses(bearer("room", "ann", after(8))));
    CHECK_FALSE(there.refuses(bearer("room", "ann", after(9))));
    CHECK(there.refuses(bearer("other", "ann", after(6))));
    CHECK(there.size() == 2);
}

TEST_CASE("Revocations: times are whole seconds, no token of before is left out [TOK-14]") {
    Revocations revocations;
    const UnixTime now = kNow + Duration::millis(500);
    CHECK(revocations.revoke("room", "ann", now, now) == Outcome::kKept);
    CHECK(revocations.records().at(0).before == after(1));
    CHECK(revocations.refuses(bearer("room", "ann")));
    CHECK_FALSE(revocations.refuses(bearer("room", "ann", after(1))));
}

}  // namespace confab::token
