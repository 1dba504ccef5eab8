// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/job_line.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace confab::agents {
namespace {

using Ids = std::vector<std::string>;

struct World {
    void add(int count) {
        for (int i = 0; i < count; ++i)
            line.add(id(++last));
    }
    static std::string id(int number) {
        std::string digits = std::to_string(number);
        return "AJ_" + std::string(6 - digits.size(), '0') + digits;
    }
    Ids take_all() {
        Ids result;
        while (auto job = line.take(now))
            result.push_back(*std::move(job));
        return result;
    }
    // Refuses all that it is asked for, until then; how often.
    std::size_t refuse_until(Timestamp until) {
        std::size_t count = 0;
        for (;;) {
            for (Ids jobs = take_all(); !jobs.empty(); jobs = take_all()) {
                count += jobs.size();
                for (const std::string& job : jobs)
                    line.refused(now, job);
            }
            if (line.next_deadline() > until) break;
            REQUIRE(line.next_deadline() > now);
            now = line.next_deadline();
        }
        now = until;
        return count;
    }

    Timestamp now = Timestamp::micros(1'000'000);
    JobLine line;
    int last = 0;
};

Ids ids(int from, int to) {
    Ids result;
    for (int i = from; i <= to; ++i)
        result.push_back(World::id(i));
    return result;
}

}  // namespace

TEST_CASE("JobLine: in order, a burst at once, so many and no more [DSP-23] [IMM-15]") {
    World w;
    CHECK(w.line.is_empty());
    CHECK(w.line.next_deadline().is_never());
    w.add(20);
    w.line.add(World::id(1));  // it is there already
    CHECK(w.line.next_deadline() <= w.now);
    CHECK(w.take_all() == ids(1, 20));
    w.add(180);
    constexpr int kMost = JobLine::kMaxAsked;
    CHECK(w.take_all() == ids(21, kMost));
    CHECK(w.line.next_deadline().is_never());
    w.line.accepted(World::id(1));
    CHECK(w.take_all() == ids(kMost + 1, kMost + 1));
    w.line.remove(World::id(11));  // one that was asked for
    CHECK(w.take_all().size() == 1);
}

TEST_CASE("JobLine: after nobody had room few, more with each success [DSP-23] [IMM-15]") {
    World w;
    w.add(200);
    for (const std::string& job : w.take_all())
        w.line.nobody_there(w.now, job);
    w.line.capacity(w.now);
    constexpr int kFew = JobLine::kAskedAfterNobody;
    CHECK(w.take_all() == ids(1, kFew));
    CHECK(w.line.next_deadline().is_never());
    w.line.accepted(World::id(1));
    CHECK(w.take_all() == ids(kFew + 1, 2 * kFew + 1));
    for (int i = 2; i <= 10; ++i)
        w.line.accepted(World::id(i));
    const int asked = 2 * kFew + 1 - 10;
    CHECK(w.take_all().size() == JobLine::kMaxAsked - asked);
}

TEST_CASE("JobLine: where nobody has room all wait, in order and ever longer [DSP-23]") {
    World w;
    w.add(20);
    std::int64_t pause = JobLine::kFirstRetry.us();
    for (int round = 0; round < 8; ++round) {
        Ids asked = w.take_all();
        const std::size_t most = round == 0 ? 20 : JobLine::kAskedAfterNobody;
        CHECK(asked == ids(1, static_cast<int>(most)));
        std::reverse(asked.begin(), asked.end());
        for (const std::string& job : asked)
            w.line.nobody_there(w.now, job);
        CHECK(w.line.next_deadline() == w.now + Duration::micros(pause));
        w.now = w.now + Duration::micros(pause - 1);
        CHECK(w.take_all().empty());
        w.now = w.now + Duration::micros(1);
        pause = std::min(pause * 2, JobLine::kLastRetry.us());
    }
    for (const std::string& job : w.take_all())
        w.line.nobody_there(w.now, job);
    w.line.capacity(w.now);
    CHECK(w.take_all().size() == JobLine::kAskedAfterNobody);
    w.line.accepted(World::id(1));
    w.line.nobody_there(w.now, World::id(2));
    CHECK(w.line.next_deadline() == w.now + JobLine::kFirstRetry);  // the success counts
    w.line.nobody_there(w.now, World::id(3));
    CHECK(w.line.next_deadline() == w.now + JobLine::kFirstRetry);  // of one time
}

TEST_CASE("JobLine: a job that is refused leaves its place to the others [CON-52]") {
    World w;
    w.add(JobLine::kMaxAsked + 2);
    CHECK(w.take_all().size() == JobLine::kMaxAsked);
    w.line.refused(w.now, World::id(1));
    CHECK(w.take_all() == ids(JobLine::kMaxAsked + 1, JobLine::kMaxAsked + 1));
    for (int i = 2; i <= static_cast<int>(JobLine::kMaxAsked) + 1; ++i)
        w.line.accepted(World::id(i));
    CHECK(w.take_all() == ids(JobLine::kMaxAsked + 2, JobLine::kMaxAsked + 2));
    CHECK(w.line.next_deadline() == w.now + JobLine::kFirstRetry);
    w.now = w.now + JobLine::kFirstRetry - Duration::micros(1);
    CHECK(w.take_all().empty());
    w.now = w.now + Duration::micros(1);
    CHECK(w.take_all() == ids(1, 1));
    w.line.accepted(World::id(1));
    w.line.accepted(World::id(JobLine::kMaxAsked + 2));
    CHECK(w.line.is_empty());
}

TEST_CASE("JobLine: a job that is refused is tried ever more seldom [DSP-07]") {
    World w;
    w.add(1);
    std::int64_t pause = JobLine::kFirstRetry.us();
    for (int round = 0; round < 8; ++round) {
        REQUIRE(w.take_all() == ids(1, 1));
        w.line.refused(w.now, World::id(1));
        CHECK(w.line.next_deadline() == w.now + Duration::micros(pause));
        w.now = w.now + Duration::micros(pause);
        pause = std::min(pause * 2, JobLine::kLastRetry.us());
    }
}

TEST_CASE("JobLine: so many that were refused are tried at once, and no more [DSP-07] [IMM-15]") {
    World w;
    constexpr int kMany = JobLine::kMaxAgain + 1;
    w.add(kMany);
    CHECK(w.refuse_until(w.now) == kMany);
    w.now = w.now + JobLine::kFirstRetry;
    CHECK(w.take_all() == ids(1, JobLine::kMaxAgain));
    CHECK(w.line.next_deadline().is_never());  // until one of them is answered
    w.line.accepted(World::id(1));
    CHECK(w.take_all() == ids(kMany, kMany));
}

TEST_CASE("JobLine: after a further refusal only one in so long a time [DSP-07]") {
    World w;
    w.add(JobLine::kMaxAgain + 2);
    (void)w.refuse_until(w.now);
    w.now = w.now + JobLine::kFirstRetry;
    CHECK(w.take_all() == ids(1, JobLine::kMaxAgain));
    w.line.refused(w.now, World::id(1));
    CHECK(w.take_all().empty());
    w.add(1);
    CHECK(w.take_all() == ids(w.last, w.last));  // a new one is not concerned
    CHECK(w.line.next_deadline() == w.now + JobLine::kAgainPace);
    w.now = w.now + JobLine::kAgainPace;
    CHECK(w.take_all() == ids(JobLine::kMaxAgain + 1, JobLine::kMaxAgain + 1));
    for (int i = 2; i <= static_cast<int>(JobLine::kMaxAgain) + 1; ++i)
        w.line.refused(w.now, World::id(i));
    w.now = w.now + JobLine::kFirstRetry * 2;
    CHECK(w.take_all().size() == 1);  // though all are due
    w.now = w.now + JobLine::kAgainPace;
    const Ids next = w.take_all();
    REQUIRE(next.size() == 1);
    w.line.accepted(next[0]);
    CHECK(w.take_all().size() == JobLine::kMaxAgain - 1);  // with a success it is over
}

TEST_CASE("JobLine: a thousand jobs that nobody takes are no storm, and stop no other [DSP-07]") {
    World w;
    w.add(1000);
    CHECK(w.refuse_until(w.now) == 1000);  // each is asked for once, at once
    const Duration minute = Duration::seconds(60);
    CHECK(w.refuse_until(w.now + minute) <=
          static_cast<std::size_t>(minute.us() / JobLine::kAgainPace.us()) + JobLine::kMaxAgain);
    for (int i = 0; i < 100; ++i) {
        w.now = w.now + Duration::millis(7);
        w.add(1);
        Ids asked = w.take_all();
        CHECK(std::count(asked.begin(), asked.end(), World::id(w.last)) == 1);
        w.line.accepted(World::id(w.last));
        asked.erase(std::remove(asked.begin(), asked.end(), World::id(w.last)), asked.end());
        for (const std::string& job : asked)
            w.line.refused(w.now, job);
    }
}

TEST_CASE("JobLine: new room brings refused jobs forward, now and then [DSP-23]") {
    World w;
    w.add(1);
    const Timestamp began = w.now;
    (void)w.refuse_until(w.now + Duration::seconds(40));  // next: at 61 s
    CHECK(w.line.next_deadline() == began + Duration::seconds(61));
    w.line.capacity(w.now);
    REQUIRE(w.take_all() == ids(1, 1));
    w.line.refused(w.now, World::id(1));
    const Timestamp again = w.now + JobLine::kLastRetry;  // as if it had been its time
    CHECK(w.line.next_deadline() == again);
    w.now = w.now + JobLine::kForwardPause - Duration::micros(1);
    w.line.capacity(w.now);
    CHECK(w.line.next_deadline() == again);
    w.now = w.now + Duration::micros(1);
    w.line.capacity(w.now);
    CHECK(w.line.next_deadline() <= w.now);
}

TEST_CASE("JobLine: crowded from so many on [IMM-15]") {
    World w;
    w.add(JobLine::kMaxWaiting - 1);
    CHECK_FALSE(w.line.is_crowded());
    w.add(1);
    CHECK_FALSE(w.line.is_crowded());
    w.add(1);
    CHECK(w.line.is_crowded());
    CHECK(w.line.take(w.now) == World::id(1));  // does not wait any more
    CHECK_FALSE(w.line.is_crowded());
    w.line.refused(w.now, World::id(1));
    CHECK(w.line.is_crowded());
    w.line.remove(World::id(1));
    CHECK_FALSE(w.line.is_crowded());
}

TEST_CASE("JobLine: a job goes from wherever it is [DSP-25]") {
    World w;
    w.add(3);
    w.line.remove(World::id(2));
    w.line.remove(World::id(2));
    CHECK(w.take_all() == Ids{World::id(1), World::id(3)});
    w.line.refused(w.now, World::id(1));
    w.line.remove(World::id(1));
    w.line.remove(World::id(3));
    CHECK(w.line.is_empty());
    w.line.refused(w.now, World::id(3));  // the answer comes late
    w.line.accepted(World::id(3));
    CHECK(w.line.is_empty());
    CHECK(w.line.next_deadline().is_never());
}

}  // namespace confab::agents
