// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Hand-over at random in the middle of scenarios (07 SIO-11, TST7-04). Only for tests.
//
//   TEST_CASE_HANDED_OVER("Machine: does this") { … }
//
// is the test twice: as it is, and with machines replaced, at seeded random steps, by what
// import_state() makes of their export_state(). The harness of the test asks HandOvers::due().
#pragma once

#include <doctest/doctest.h>

#include <utility>

#include "base/rng.h"
#include "base/state/state.h"

namespace confab {

class HandOvers {
  public:
    HandOvers() { current() = this; }
    ~HandOvers() { current() = nullptr; }
    HandOvers(const HandOvers&) = delete;
    HandOvers& operator=(const HandOvers&) = delete;

    // Whether a machine is to be replaced now: once in `every` calls, while one of these lives.
    static bool due(std::uint64_t every = 40) {
        if (current() == nullptr || current()->rng_.below(every) != 0) return false;
        ++current()->count_;
        return true;
    }
    int count() const { return count_; }

  private:
    static HandOvers*& current() {
        static HandOvers* now = nullptr;
        return now;
    }
    Rng rng_{20260};
    int count_ = 0;
};

// `machine` by way of its bytes, which say the same when written again; `fresh`: one just made.
template <typename Machine>
void hand_over(Machine& machine, Machine fresh, Timestamp now) {
    const Bytes state = export_state(machine, now);
    REQUIRE(import_state(fresh, state, now));
    REQUIRE(export_state(fresh, now) == state);
    machine = std::move(fresh);
}

}  // namespace confab

#define CONFAB_HANDED_OVER(function, ...)       \
    static void function();                     \
    TEST_CASE(__VA_ARGS__) {                    \
        function();                             \
    }                                           \
    TEST_CASE("Handed over: " __VA_ARGS__) {    \
        const confab::HandOvers with_hand_over; \
        function();                             \
    }                                           \
    static void function()
#define TEST_CASE_HANDED_OVER(...) \
    CONFAB_HANDED_OVER(DOCTEST_ANONYMOUS(confab_handed_over_), __VA_ARGS__)
