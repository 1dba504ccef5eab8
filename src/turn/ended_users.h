// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Participants that have ended while their credentials are still good (TURN-17): without them
// somebody who was sent away would make a new allocation, and keep it for ever. Bounded: beyond
// kMax those that ended first are forgotten.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/time.h"

namespace confab::turn {

class EndedUsers {
  public:
    static constexpr std::size_t kMax = 65'536;

    // `remember`: how long credentials live.
    explicit EndedUsers(Duration remember) : remember_(remember) {}

    void note(Timestamp now, std::string_view participant_sid);
    // When it ended, if it has.
    std::optional<Timestamp> ended_at(Timestamp now, std::string_view participant_sid);
    std::size_t size() const { return ended_.size(); }

  private:
    void forget_first();
    void forget_expired(Timestamp now);

    Duration remember_;
    std::unordered_map<std::string, Timestamp> ended_;
    std::deque<std::pair<Timestamp, std::string>> in_order_;
};

}  // namespace confab::turn
