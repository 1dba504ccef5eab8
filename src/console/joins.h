// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The funnel of joins since the start: who asked, who was refused and why, who was let in, whose
// media connected. Each thread counts its own; the sum is shown. Clients that resume a session are
// no joins.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "room/scope/observation.h"

namespace confab::console {

struct JoinCounts {
    // Reasons are literals: there are fewer. Of more, the last counts for all.
    static constexpr std::size_t kMaxReasons = 40;
    struct Refused {
        std::string_view reason;
        std::uint64_t count = 0;
    };

    std::uint64_t admitted = 0;
    std::uint64_t connected = 0;
    std::uint64_t failed = 0;    // let in, and its media did not connect
    std::uint64_t canceled = 0;  // let in, and it left or was sent away before
    // Of all looks at the quality of somebody's connection: how many, and their sum (1 … 4.5).
    std::uint64_t qualities = 0;
    double quality_sum = 0;
    std::array<Refused, kMaxReasons> refused{};

    void note(const room::Observation& observation);
    // `reason`: a literal.
    void refuse(std::string_view reason, std::uint64_t count = 1);
    void merge(const JoinCounts& other);

    std::uint64_t refusals() const;
    std::uint64_t attempted() const { return admitted + refusals(); }
};

// What /rtc answered with this, as one of the reasons that it has (a literal).
std::string_view refusal_reason(int status, std::string_view text);

}  // namespace confab::console
