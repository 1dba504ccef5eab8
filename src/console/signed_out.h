// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sessions that were signed out and would still be good. As a text they outlive the process: a line
// for each, "ID SECONDS", until when it would have been good.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "base/time.h"

namespace confab::console {

class SignedOut {
  public:
    // Of more, those that would end first are forgotten.
    static constexpr std::size_t kMax = 10'000;
    static constexpr std::size_t kMaxId = 64;
    static constexpr std::size_t kMaxText = kMax * (kMaxId + 24);

    bool contains(const std::string& id) const { return until_.contains(id); }
    std::size_t size() const { return until_.size(); }
    // Those whose time is over go.
    void add(const std::string& id, UnixTime until, UnixTime now);

    std::string text() const;
    // Lines that are none are left out, as are those whose time is over.
    static SignedOut parse(std::string_view text, UnixTime now);

  private:
    std::map<std::string, UnixTime> until_;  // by id
};

}  // namespace confab::console
