// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/job_state.h"

#include <doctest/doctest.h>

#include "token/ids.h"

namespace confab::agents {

TEST_CASE("JobState: when it began and ended, in nanoseconds [CON-52]") {
    livekit::JobState state = running_state("AW_a", UnixTime::seconds(3));
    CHECK(state.status() == livekit::JS_RUNNING);
    CHECK(state.worker_id() == "AW_a");
    CHECK(state.started_at() == 3'000'000'000);
    CHECK(state.updated_at() == 3'000'000'000);
    CHECK(state.ended_at() == 0);
    end_state(state, livekit::JS_FAILED, "why", UnixTime::seconds(4));
    CHECK(state.status() == livekit::JS_FAILED);
    CHECK(state.error() == "why");
    CHECK(state.started_at() == 3'000'000'000);
    CHECK(state.updated_at() == 4'000'000'000);
    CHECK(state.ended_at() == 4'000'000'000);
}

TEST_CASE("JobState: ids as servers make them [SID-01]") {
    Rng rng(1);
    CHECK(is_job_id(token::make_id(token::kAgentJobPrefix, rng)));
    CHECK_FALSE(is_job_id(token::make_id(token::kAgentWorkerPrefix, rng)));
    for (const char* id : {"", "AJ_", "AJ_23456789ABC", "AJ_23456789ABCDE", "AJ_23456789AB/D",
                           "AJ_23456789AB_D", "aj_23456789ABCD"})
        CHECK_FALSE(is_job_id(id));
}

}  // namespace confab::agents
