// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Each fault that the check is for, planted.

#include "sim/client/data_checker.h"

#include <doctest/doctest.h>

namespace confab::sim {
namespace {

// The speaker is person 1, the receiver person 2.
struct Pair {
    Pair() { speaker.set_speaker(7); }
    Bytes say(DataKind kind, std::uint32_t to = 0, std::uint32_t track = 0) {
        const DataStamp stamp = speaker.next(kRunStart, kind, to, track);
        speaker.sent(stamp);
        return write_data(stamp);
    }
    void hear(DataKind kind, const Bytes& payload, std::optional<std::uint32_t> track = 0) {
        receiver.take(kRunStart, kind, track, payload, report);
    }
    DataChecker speaker{"speaker", 1, nullptr};
    DataChecker receiver{"receiver", 2, nullptr};
    Report report;
};

TEST_CASE("DataStamp: comes back as written, damage is no stamp") {
    const DataStamp stamp{DataKind::kTrack, 1, 2, 3, 4, 5, Timestamp::micros(6)};
    const Bytes payload = write_data(stamp);
    CHECK(read_data(payload) == stamp);
    for (std::size_t i = 0; i < payload.size(); ++i)
        CHECK_FALSE(read_data(BytesView(payload).first(i)).has_value());
    Bytes damaged = payload;
    damaged.back() = 1;
    CHECK_FALSE(read_data(damaged).has_value());
    damaged = payload;
    damaged[0] = 4;
    CHECK_FALSE(read_data(damaged).has_value());
}

TEST_CASE("DataChecker: reliable messages come once and in order, each stream by itself") {
    Pair p;
    for (int i = 0; i < 3; ++i) {
        p.hear(DataKind::kReliable, p.say(DataKind::kReliable));
        p.hear(DataKind::kReliable, p.say(DataKind::kReliable, 2));
    }
    CHECK(p.report.count() == 0);
    CHECK(p.receiver.received() == 6);
    CHECK(p.receiver.expected({DataKind::kReliable, 7, 0}) == 3);
    CHECK(p.speaker.count_sent({DataKind::kReliable, 7, 2}) == 3);
    SUBCASE("one is lost") {
        (void)p.say(DataKind::kReliable);
        p.hear(DataKind::kReliable, p.say(DataKind::kReliable));
        CHECK(p.report.count() == 1);
    }
    SUBCASE("one comes twice") {
        const Bytes message = p.say(DataKind::kReliable);
        p.hear(DataKind::kReliable, message);
        p.hear(DataKind::kReliable, message);
        CHECK(p.report.count() == 1);
    }
    SUBCASE("one is overtaken") {
        const Bytes first = p.say(DataKind::kReliable);
        p.hear(DataKind::kReliable, p.say(DataKind::kReliable));
        p.hear(DataKind::kReliable, first);
        CHECK(p.report.count() == 2);
    }
    SUBCASE("what was dropped on purpose is not missed") {
        (void)p.say(DataKind::kReliable);
        p.receiver.forget();
        p.hear(DataKind::kReliable, p.say(DataKind::kReliable));
        CHECK(p.report.count() == 0);
    }
    SUBCASE("nor what was under way when it was dropped, but the next one is") {
        const Bytes first = p.say(DataKind::kReliable);
        (void)p.say(DataKind::kReliable);
        p.receiver.forget(Timestamp::never());
        p.hear(DataKind::kReliable, first);
        p.hear(DataKind::kReliable, p.say(DataKind::kReliable));
        CHECK(p.report.count() == 0);
        p.hear(DataKind::kReliable, first);
        CHECK(p.report.count() == 1);
    }
}

TEST_CASE("DataChecker: lossy ones may be missing or overtaken, not doubled") {
    for (const DataKind kind : {DataKind::kLossy, DataKind::kTrack}) {
        Pair p;
        const Bytes first = p.say(kind, 0, 5);
        (void)p.say(kind, 0, 5);
        p.hear(kind, p.say(kind, 0, 5));
        p.hear(kind, first);
        CHECK(p.report.count() == 0);
        p.hear(kind, first);
        CHECK(p.report.count() == 1);
    }
}

TEST_CASE("DataChecker: what comes under a handle that names nothing is not heard") {
    Pair p;
    p.hear(DataKind::kTrack, p.say(DataKind::kTrack, 0, 5), std::nullopt);
    CHECK(p.receiver.expected({DataKind::kTrack, 7, 5}) == 0);
    p.hear(DataKind::kTrack, p.say(DataKind::kTrack, 0, 5));
    CHECK(p.receiver.expected({DataKind::kTrack, 7, 5}) == 2);
    CHECK(p.report.count() == 0);
}

TEST_CASE("DataChecker: what is for others, from oneself, or on another channel is found") {
    Pair p;
    SUBCASE("for another person") {
        p.hear(DataKind::kReliable, p.say(DataKind::kReliable, 3));
    }
    SUBCASE("an echo") {
        p.speaker.take(kRunStart, DataKind::kLossy, 0, p.say(DataKind::kLossy), p.report);
    }
    SUBCASE("lossy on the reliable channel") {
        p.hear(DataKind::kReliable, p.say(DataKind::kLossy));
    }
    SUBCASE("a data track under the handle of another") {
        p.hear(DataKind::kTrack, p.say(DataKind::kTrack, 0, 5), 6);
    }
    SUBCASE("damage") {
        Bytes message = p.say(DataKind::kReliable);
        message.pop_back();
        p.hear(DataKind::kReliable, message);
    }
    CHECK(p.report.count() == 1);
}

TEST_CASE("DataChecker: what the rules object to is found") {
    struct Never final : DataRules {
        std::string objection(Timestamp, std::uint32_t, const DataStamp&) const override {
            return "no";
        }
    } never;
    Pair p;
    p.receiver = DataChecker("receiver", 2, &never);
    p.hear(DataKind::kReliable, p.say(DataKind::kForbidden));
    CHECK(p.report.count() == 1);
}

}  // namespace
}  // namespace confab::sim
