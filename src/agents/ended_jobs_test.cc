// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/ended_jobs.h"

#include <doctest/doctest.h>

#include <string>

namespace confab::agents {

TEST_CASE("EndedJobs: are known for a time [WRK-10]") {
    EndedJobs jobs;
    const Timestamp now = Timestamp::micros(1'000'000);
    CHECK_FALSE(jobs.contains(now, "AJ_1"));
    jobs.add(now, "AJ_1");
    jobs.add(now + Duration::micros(1), "AJ_1");  // once is enough
    CHECK(jobs.size() == 1);
    const Timestamp over = now + EndedJobs::kKept;
    CHECK(jobs.contains(over - Duration::micros(1), "AJ_1"));
    CHECK_FALSE(jobs.contains(over, "AJ_1"));
    jobs.add(over, "AJ_2");
    CHECK(jobs.size() == 1);  // the old one takes no room any more
    jobs.add(over + EndedJobs::kKept, "AJ_2");
    CHECK(jobs.contains(over + EndedJobs::kKept, "AJ_2"));
}

TEST_CASE("EndedJobs: so many and no more, the oldest go first [IMM-15]") {
    EndedJobs jobs;
    const Timestamp now;
    const auto id = [](std::size_t number) { return "AJ_" + std::to_string(number); };
    for (std::size_t i = 0; i < EndedJobs::kMax; ++i)
        jobs.add(now, id(i));
    CHECK(jobs.size() == EndedJobs::kMax);
    CHECK(jobs.contains(now, id(0)));
    jobs.add(now, id(EndedJobs::kMax));
    CHECK(jobs.size() == EndedJobs::kMax);
    CHECK_FALSE(jobs.contains(now, id(0)));
    CHECK(jobs.contains(now, id(1)));
    CHECK(jobs.contains(now, id(EndedJobs::kMax)));
}

}  // namespace confab::agents
