// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/waiters.h"

#include <doctest/doctest.h>

#include <string>

namespace confab::cluster::store {
namespace {

struct Waiting {
    void add(const std::string& room, Duration patience, bool is_covered, char name) {
        waiters.add(room, now + patience, is_covered, [this, name] { told += name; });
    }
    std::string pass(Duration time = Duration::zero()) {
        now = now + time;
        waiters.tell(now);
        return std::exchange(told, {});
    }
    Waiters waiters;
    Timestamp now = Timestamp::micros(1'000'000);
    std::string told;
};
constexpr Duration kLong = Duration::seconds(5);

}  // namespace

TEST_CASE("Waiters: told when the commands before them are answered, whatever comes later") {
    Waiting w;
    const auto before = w.waiters.begin({"r", "s"});
    w.add("r", kLong, false, 'a');
    const auto own = w.waiters.begin({"r"});
    w.waiters.cover("r");
    const auto later = w.waiters.begin({"r"});
    CHECK(w.pass().empty());
    CHECK(w.waiters.next() == w.now + kLong);
    w.waiters.end(own, {"r"});
    CHECK(w.pass().empty());  // answers of several servers have no order
    w.waiters.end(before, {"r", "s"});
    CHECK(w.waiters.next() == Timestamp());
    CHECK(w.pass() == "a");
    w.waiters.end(later, {"r"});
    CHECK(w.pass(kLong).empty());
    CHECK(w.waiters.next().is_never());
}

TEST_CASE("Waiters: where nothing is to be written, behind what is on the way") {
    Waiting w;
    w.add("r", kLong, true, 'a');
    CHECK(w.pass() == "a");
    const auto one = w.waiters.begin({"r"});
    w.add("r", kLong, true, 'b');
    w.add("other", kLong, true, 'c');
    CHECK(w.pass() == "c");
    w.waiters.end(one, {"r"});
    CHECK(w.pass() == "b");
}

TEST_CASE("Waiters: each for its own time, and no longer than it makes sense") {
    Waiting w;
    w.add("r", Duration::seconds(2), false, 'a');
    w.add("r", Duration::seconds(1), false, 'b');
    w.add("s", kLong, false, 'c');
    w.add("t", kLong, false, 'd');
    CHECK(w.waiters.next() == w.now + Duration::seconds(1));
    CHECK(w.pass(Duration::seconds(1)) == "b");
    CHECK(w.pass(Duration::seconds(1)) == "a");
    w.waiters.release("s");
    w.waiters.release("nowhere");
    CHECK(w.pass() == "c");
    w.waiters.release_all();
    CHECK(w.pass() == "d");
    CHECK(w.waiters.next().is_never());
}

TEST_CASE("Waiters: one that throws keeps nobody behind it from being told") {
    Waiting w;
    w.waiters.add("r", w.now + kLong, true, [] { throw 1; });
    w.add("r", kLong, true, 'a');
    CHECK_THROWS(w.waiters.tell(w.now));
    CHECK(w.pass() == "a");
}

}  // namespace confab::cluster::store
