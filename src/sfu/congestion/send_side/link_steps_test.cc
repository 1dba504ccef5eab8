// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Much more is sent from one moment to the next, as when a camera comes to sound or somebody takes
// the stage: what is thought of the link is of before (02 §5.1, §5.3).
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>

#include "sfu/congestion/send_side/loop_testing.h"

namespace confab::sfu {
namespace {

using test::camera;
using test::Loop;
using test::wish;

// Whether pictures were cut within ten seconds.
bool is_cut(Loop& loop) {
    const std::int64_t until = loop.now + 10'000;
    while (loop.now < until) {
        loop.run(loop.now + 10);
        if (loop.flow.port().deficient()) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("Link: a few losses do not cut what comes to sound, nor what grows [BWE-30] [BWE-33]") {
    const SourceState source = camera();
    for (const double loss : {0.001, 0.003, 0.01})
        for (const bool grows : {false, true}) {
            CAPTURE(loss);
            CAPTURE(grows);
            int cut = 0;
            for (std::int64_t i = 0; i < 20; ++i) {
                bwe::test::BottleneckProfile profile = Loop::wide();
                profile.loss = loss;
                Loop loop(profile);
                if (grows) loop.flow.tracks().add(wish(source, {0, 3}));
                loop.run(10'000 + 137 * i);
                if (grows)
                    loop.flow.tracks().demands[0] = wish(source);
                else
                    loop.flow.tracks().add(wish(source));
                cut += is_cut(loop) ? 1 : 0;
            }
            CHECK(cut == 0);
        }
}

TEST_CASE(
    "Link: a camera too large for the link is cut to what arrives, also after sound alone "
    "[BWE-32] [BWE-33]") {
    const SourceState source = camera();
    for (const std::int64_t sound_ms : {600, 5'000, 30'000})
        for (const double narrow : {600e3, 1e6, 1.5e6}) {
            CAPTURE(sound_ms);
            CAPTURE(narrow);
            Loop loop;
            loop.narrow(narrow, 300);
            loop.run(sound_ms);
            loop.flow.tracks().add(wish(source));
            REQUIRE(is_cut(loop));
            CHECK(static_cast<double>(loop.flow.estimate()) > 0.6 * narrow);
            CHECK(static_cast<double>(loop.flow.estimate()) < 0.95 * narrow);
        }
}

}  // namespace confab::sfu
