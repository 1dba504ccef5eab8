// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/congestion/send_side/send_side_estimator.h"

#include <doctest/doctest.h>

#include <functional>
#include <span>
#include <vector>

#include "sfu/congestion/allocator_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;

// Packets over a link, each with the delay that the test gives it; what it cuts, and when.
struct Link {
    SendSideEstimator estimator;
    std::int64_t now = 0;
    std::uint16_t number = 0;
    std::vector<std::int64_t> cuts;

    // A packet of so many bytes at each millisecond, none at most; feedback each 100 ms.
    void run(std::int64_t ms, const std::function<std::uint16_t(std::int64_t)>& size,
             const std::function<double(std::int64_t)>& delay_ms) {
        std::vector<PacketResult> results;
        for (const std::int64_t end = now + ms; now < end; ++now) {
            if (const std::uint16_t bytes = size(now); bytes > 0) {
                const SentPacket packet{at_ms(now), number++, bytes, 0};
                estimator.packets_sent(std::span(&packet, 1));
                const double arrives = static_cast<double>(now) + delay_ms(now);
                results.push_back(
                    {packet, true, Duration::micros(static_cast<std::int64_t>(arrives * 1000))});
            }
            if (now % 100 != 99) continue;
            estimator.handle_feedback(results, at_ms(now));
            results.clear();
            if (!estimator.has_news()) continue;
            estimator.take_news();
            DownlinkReport report;
            report.expected_usage = 2'000'000;
            if (estimator.handle_report(report, at_ms(now)) == LinkEstimator::Change::kCommitted)
                cuts.push_back(now);
        }
    }
};

std::uint16_t fast(std::int64_t ms) {
    return ms % 10 == 0 ? 1'000 : 0;
}
std::uint16_t slower(std::int64_t ms) {
    return ms % 20 == 0 ? 1'000 : 0;
}
double free_link(std::int64_t) {
    return 5;
}
double standing(std::int64_t) {
    return 150;
}

TEST_CASE("SendSideEstimator: a queue that became shorter after a cut is given time [BWE-07]") {
    Link link;
    link.run(5'000, fast, free_link);
    REQUIRE(link.cuts.empty());
    link.run(500, fast, standing);
    REQUIRE(link.cuts.size() == 1);
    SUBCASE("one that stands as before is not") {
        link.run(1'000, slower, standing);
        CHECK(link.cuts.size() > 1);
    }
    SUBCASE("two seconds at most") {
        link.run(2'000 - (link.now - link.cuts[0]), slower, [](std::int64_t) { return 100.0; });
        CHECK(link.cuts.size() == 1);
        link.run(1'000, slower, [](std::int64_t) { return 100.0; });
        CHECK(link.cuts.size() > 1);
    }
}

TEST_CASE(
    "SendSideEstimator: a link that was seen to be narrow is not flooded by probes [BWE-06]") {
    Link link;
    CHECK(link.estimator.most_to_probe() == kUnlimitedCapacity);
    link.run(5'000, fast, free_link);
    link.run(500, fast, standing);
    REQUIRE(link.cuts.size() == 1);
    CHECK(link.estimator.most_to_probe() ==
          2 * link.estimator.capacity() + SendSideEstimator::kMoreToProbe);
    link.estimator.reset();
    CHECK(link.estimator.most_to_probe() == kUnlimitedCapacity);
}

}  // namespace
}  // namespace confab::sfu
