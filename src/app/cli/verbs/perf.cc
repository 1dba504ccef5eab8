// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// perf load-test: the command `load-test` (05 C.4).
#include "app/cli/call/call.h"
#include "app/cli/verbs/verbs.h"

namespace confab::app::cli {
namespace {

// run_command() takes it before; its flags are those of the command.
Outcome load_test(Call& call) {
    return call.failed("give the flags of `load-test` behind `perf load-test`");
}

constexpr Verb kVerbs[] = {
    {.group = "perf",
     .name = "load-test",
     .help = "Fill rooms with participants and measure what they get",
     .examples = "confab perf load-test --dev --video-publishers 2 --subscribers 20\n"
                 "confab load-test --help",
     .params = {},
     .run = load_test,
     .takes_anything = true},
};

}  // namespace

std::span<const Verb> perf_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli
