// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sequence numbers of outgoing streams against a slow model that keeps the whole history (02
// DES-56).
#include "sfu/rewrite/munger.h"

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/rng.h"
#include "sfu/rewrite/range_map.h"

namespace confab::sfu {
namespace {

// Remembers every packet ever seen of one source.
class SlowMunger {
  public:
    SlowMunger(std::int64_t first_in, std::int64_t first_out)
        : first_in_(first_in), first_out_(first_out), newest_(first_in - 1) {}

    std::int64_t number_of(std::int64_t in) const {
        std::int64_t out = first_out_ + in - first_in_;
        for (const std::int64_t d : dropped_)
            out -= d < in ? 1 : 0;
        for (const std::int64_t after : inserted_)
            out += after < in ? 1 : 0;
        return out;
    }
    std::optional<std::int64_t> send(std::int64_t in) {
        if (in < first_in_ || dropped_.contains(in) || sent_.contains(in)) return std::nullopt;
        sent_.insert(in);
        if (in > newest_) newest_ = in;
        return number_of(in);
    }
    void drop(std::int64_t in) {
        if (in <= newest_) return;
        dropped_.insert(in);
        newest_ = in;
    }
    std::int64_t insert() {
        const std::int64_t out = number_of(newest_ + 1);
        inserted_.push_back(newest_);
        return out;
    }
    std::int64_t newest() const { return newest_; }

  private:
    std::int64_t first_in_;
    std::int64_t first_out_;
    std::int64_t newest_;
    std::set<std::int64_t> dropped_;
    std::set<std::int64_t> sent_;
    std::vector<std::int64_t> inserted_;
};

void run_against_model(std::uint64_t seed) {
    Rng rng(seed);
    Munger munger;
    const std::int64_t first = 0x1'0000 + rng.u16();
    munger.start(first, 1000);
    const std::int64_t low = first & 0xFFFF;
    SlowMunger model(first, low >= 64'512 ? low - 32'768 : low);
    std::set<std::int64_t> used;
    std::int64_t next = first;
    for (int step = 0; step < 3000; ++step) {
        const std::uint64_t dice = rng.below(100);
        CAPTURE(seed);
        CAPTURE(step);
        if (dice < 60) {  // in order
            const auto out = munger.map(next, 1000 + next, true);
            REQUIRE(out.has_value());
            REQUIRE(out->sequence == *model.send(next));
            REQUIRE(used.insert(out->sequence).second);
            ++next;
        } else if (dice < 75) {
            munger.drop(next);
            model.drop(next);
            ++next;
        } else if (dice < 85) {  // lost upstream
            next += 1 + static_cast<std::int64_t>(rng.below(3));
        } else if (dice < 88) {
            const std::int64_t out = munger.insert(munger.last_timestamp(), true);
            REQUIRE(out == model.insert());
            REQUIRE(used.insert(out).second);
        } else {  // late or doubled, near enough to be remembered
            const std::int64_t in = model.newest() - static_cast<std::int64_t>(rng.below(100));
            const auto out = munger.map(in, 1000 + in, false);
            const auto expected = model.send(in);
            REQUIRE(out.has_value() == expected.has_value());
            if (!out) continue;
            REQUIRE(out->sequence == *expected);
            REQUIRE(used.insert(out->sequence).second);
        }
    }
}

}  // namespace

TEST_CASE(
    "Munger: a late packet behind a drop does not take the number of a switch [FWD-02] [FWD-04]") {
    Munger munger;
    munger.start(1000, 5000);
    REQUIRE(munger.map(1000, 5000, true)->sequence == 1000);
    munger.drop(1002);  // 1001 is missing
    REQUIRE(munger.map(1001, 5100, true)->sequence == 1001);
    munger.switch_source(70, 900, 6000);
    const auto first = munger.map(70, 900, true);
    REQUIRE(first);
    CHECK(first->sequence == 1002);
    // The same where it never comes: its number stays free.
    munger.drop(72);
    munger.switch_source(500, 100, 7000);
    CHECK(munger.map(500, 100, true)->sequence == 1004);
}

TEST_CASE("Munger: equals a model with full history [FWD-04] [DES-56] [TRAP-14]") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed)
        run_against_model(seed);
}

TEST_CASE("Munger: takes number and time of the first packet [FWD-01] [TRAP-15]") {
    Munger munger;
    munger.start(0x1'0000 + 64'511, 0x1'0000'0000 + 4'294'967'000);
    const auto first = munger.map(0x1'0000 + 64'511, 0x1'0000'0000 + 4'294'967'000, false);
    REQUIRE(first.has_value());
    CHECK(first->sequence == 64'511);
    CHECK(first->timestamp == 4'294'967'000);
    // Behind the wrap the SRTP index and the time go on in one line.
    const auto second = munger.map(0x1'0000 + 65'536, 0x1'0000'0000 + 4'294'970'000, true);
    REQUIRE(second.has_value());
    CHECK(second->sequence == 65'536);
    CHECK(static_cast<std::uint16_t>(second->sequence) == 0);
    CHECK(static_cast<std::uint32_t>(second->timestamp) == 2'704);
}

TEST_CASE("Munger: does not start where lost packets would hide the roll-over [FWD-01] [SRTP-03]") {
    Munger munger;
    munger.start(0x1'0000 + 64'512, 0);
    CHECK(munger.map(0x1'0000 + 64'512, 0, false)->sequence == 31'744);
    CHECK(munger.map(0x1'0000 + 65'536, 0, false)->sequence == 32'768);
}

TEST_CASE("Munger: a source switch goes on with the next number [FWD-02] [FWD-04]") {
    Munger munger;
    munger.start(70'000, 500);
    REQUIRE(munger.map(70'000, 500, true));
    REQUIRE(munger.map(70'003, 900, true));  // two are missing
    munger.switch_source(900'000, 77, 1'000);
    CHECK_FALSE(munger.map(899'999, 70, false));  // older than the switch
    const auto out = munger.map(900'000, 77, true);
    REQUIRE(out);
    CHECK(out->sequence == (70'000 & 0xFFFF) + 4);
    CHECK(out->timestamp == 1'000);
    CHECK(munger.timestamp_offset() == 77 - 1'000);
    CHECK_FALSE(munger.map(70'001, 700, false));
}

TEST_CASE("Munger: a doubled packet is refused [TRAP-14]") {
    Munger munger;
    munger.start(100'000, 0);
    REQUIRE(munger.map(100'000, 0, true));
    CHECK_FALSE(munger.map(100'000, 0, true));
    REQUIRE(munger.map(100'002, 0, true));
    REQUIRE(munger.map(100'001, 0, true));
    CHECK_FALSE(munger.map(100'001, 0, true));
}

TEST_CASE("SentWindow: equals a set of all numbers [DES-56] [TRAP-14]") {
    Rng rng(7);
    SentWindow window;
    window.start(1000);
    std::set<std::int64_t> sent;
    std::int64_t newest = 999;
    for (int i = 0; i < 20'000; ++i) {
        const auto jump = static_cast<std::int64_t>(rng.below(rng.below(50) == 0 ? 1500 : 4));
        const std::int64_t back = static_cast<std::int64_t>(rng.below(700));
        const std::int64_t n = rng.below(2) == 0 ? newest + jump : newest - back;
        const bool known = n >= 1000 && newest - n < SentWindow::kSize;
        const bool expected = n > newest || (known && !sent.contains(n));
        if (n < 1000) continue;
        REQUIRE(window.is_free(n) == expected);
        REQUIRE(window.mark(n) == expected);
        if (expected) sent.insert(n);
        if (n > newest) newest = n;
    }
}

TEST_CASE("RangeMap: forgets what is older than its ranges [FWD-04]") {
    RangeMap map;
    map.reset(1000, 0);
    std::int64_t n = 1000;
    for (std::size_t i = 0; i < RangeMap::kMaxRanges + 50; ++i) {
        map.exclude(n + 1);  // one stays, one goes
        n += 2;
    }
    const auto excluded = static_cast<std::int64_t>(RangeMap::kMaxRanges + 50);
    CHECK(map.map(n) == n - excluded);
    CHECK_FALSE(map.map(n - 1));  // excluded
    CHECK(map.map(n - 2) == n - 2 - excluded + 1);
    CHECK_FALSE(map.map(1000));  // forgotten
    const std::int64_t oldest = n - 2 * static_cast<std::int64_t>(RangeMap::kMaxRanges);
    CHECK(map.map(oldest).has_value());
    CHECK_FALSE(map.map(oldest - 2));
}

TEST_CASE("RangeMap: neighbours that are excluded take one range") {
    RangeMap map;
    map.reset(10, 3);
    for (std::int64_t n = 20; n < 1020; ++n)
        map.exclude(n);
    CHECK(map.map(19) == 16);
    CHECK(map.map(1020) == 1020 - 1003);
    map.insert(1030, 4);
    CHECK(map.map(1029) == 1029 - 1003);
    CHECK(map.map(1030) == 1030 - 999);
}

TEST_CASE("RangeMap: numbers of our own only behind all that came [FWD-04] [FWD-15]") {
    RangeMap map;
    map.reset(100, 0);
    map.insert(110, 2);
    map.insert(105, 7);  // older: nothing is moved any more
    map.exclude(105);
    CHECK(map.map(109) == 109);
    CHECK(map.map(110) == 112);
    CHECK(map.offset() == -2);
    map.insert(110, 1);  // twice at one place
    CHECK(map.map(110) == 113);
    CHECK(map.map(109) == 109);
    CHECK_FALSE(map.map(99));
}

TEST_CASE("Munger: order, open places and own packets beside a hole [FWD-04] [FWD-14]") {
    Munger munger;
    munger.drop(69'999);  // nothing has started
    munger.start(70'000, 500);
    CHECK(munger.order(70'000) == Munger::Order::kNext);
    CHECK(munger.order(70'001) == Munger::Order::kGap);
    REQUIRE(munger.map(70'000, 500, true));
    REQUIRE(munger.map(70'002, 900, false));
    CHECK(munger.order(70'001) == Munger::Order::kLate);
    CHECK(munger.is_open(70'001));
    CHECK_FALSE(munger.is_open(70'002));
    CHECK_FALSE(munger.is_open(69'999));
    const std::int64_t base = 70'000 & 0xFFFF;
    CHECK(munger.insert(1000, true) == base + 3);
    CHECK(munger.last_sequence() == base + 3);
    CHECK(munger.last_timestamp() == 1000);
    CHECK(munger.last_marker());
    CHECK(munger.is_open(70'001));  // the hole stays for its packet
    munger.drop(70'001);            // which leaves it when it is not wanted
    CHECK(munger.map(70'001, 700, true)->sequence == base + 1);
    CHECK(munger.last_timestamp() == 1000);
    CHECK(munger.map(70'003, 1200, false)->sequence == base + 4);
    CHECK_FALSE(munger.last_marker());
}

TEST_CASE("SentWindow: tells numbers apart over its length, not beyond [TRAP-14]") {
    for (const std::int64_t ahead :
         {SentWindow::kSize - 1, SentWindow::kSize, SentWindow::kSize + 1}) {
        CAPTURE(ahead);
        SentWindow window;
        window.start(1000);
        CHECK_FALSE(window.is_free(999));
        CHECK(window.mark(1001));
        CHECK(window.mark(1000 + ahead));
        CHECK(window.is_free(1000) == (ahead < SentWindow::kSize));
        CHECK_FALSE(window.mark(1001));
        CHECK(window.mark(1002));
        CHECK_FALSE(window.is_free(1002));
        CHECK_FALSE(window.is_free(1000 + ahead));
        CHECK(window.is_free(1001 + ahead));
    }
}

}  // namespace confab::sfu
