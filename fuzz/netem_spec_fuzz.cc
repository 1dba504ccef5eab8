// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The input is the text of a link, of a change and of a schedule. What is read is written and read
// again as the same, and a link made of it stays within its bounds.
// fuzz: modules netem
#include <cstdlib>

#include "base/bytes.h"
#include "base/rng.h"
#include "netem/changes.h"
#include "netem/link.h"
#include "netem/link_spec.h"
#include "netem/profiles.h"

namespace {

using namespace confab;
using namespace confab::netem;

void require(bool holds) {
    if (!holds) std::abort();
}

void check_spec(std::string_view text) {
    const auto spec = parse_link_spec(text);
    if (!spec) {
        require(!spec.error().empty());
        return;
    }
    const std::string written = to_text(*spec);
    const auto again = parse_link_spec(written);
    require(again && *again == *spec);
    // Acceptance does not depend on what it is laid over.
    require(parse_link_spec(text, *parse_link_spec("jitter=1s,burst=50%/3,mtu=68")).has_value());
    const LinkProfile profile = to_profile(*spec);
    require(profile.burst_begin >= 0 && profile.burst_begin <= 1.0000001);
    require(profile.propagation >= Duration::zero() && profile.jitter >= Duration::zero());
    Link link(profile, Rng(1));
    Timestamp now = Timestamp::micros(1'000'000);
    for (int i = 0; i < 20; ++i) {
        const Deliveries deliveries = link.offer(now, 1000);
        for (std::size_t k = 0; k < deliveries.count; ++k)
            require(deliveries.at[k] >= now);
        now = now + Duration::millis(1);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text({data, size});
    check_spec(text);
    if (const auto change = parse_change(text)) {
        // As part of a schedule it is the same.
        const auto timed = parse_timed_change("10s:" + std::string(text));
        require(timed && timed->at == Duration::seconds(10) && timed->change == *change);
        if (change->kind == Change::Kind::kLink) require(parse_link_spec(change->spec).has_value());
    }
    if (const auto schedule = parse_schedule(text)) {
        require(schedule->size() <= kMaxChanges);
        for (std::size_t i = 1; i < schedule->size(); ++i)
            require((*schedule)[i - 1].at <= (*schedule)[i].at);
    }
    (void)find_profile(text);
    return 0;
}
