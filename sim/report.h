// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a run found: broken invariants with their virtual time. Keeps the first ones in words and
// counts the rest, as one defect may break an invariant with every packet.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace confab::sim {

// Clocks of every run start here.
inline constexpr Timestamp kRunStart = Timestamp::micros(1'000'000);

class Report {
  public:
    static constexpr std::size_t kMaxTexts = 20;

    void violation(Timestamp now, const std::string& what) {
        ++count_;
        if (texts_.size() < kMaxTexts)
            texts_.push_back("[" + std::to_string((now - kRunStart).ms()) + " ms] " + what);
    }
    std::uint64_t count() const { return count_; }
    const std::vector<std::string>& texts() const { return texts_; }

  private:
    std::uint64_t count_ = 0;
    std::vector<std::string> texts_;
};

}  // namespace confab::sim
