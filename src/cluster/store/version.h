// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The newest version of a server that was ever started on this Redis (RDS-01): raised, never
// lowered.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/store/commands.h"
#include "cluster/store/records.h"
#include "redis/port.h"

namespace confab::cluster::store {

// Negative, 0, positive: a is older, equal, newer, as semver.org 2.0.0 §11 orders them (what
// follows a '+' does not count); nullopt if either is no version. A leading 'v' is passed over.
std::optional<int> compare_versions(std::string_view a, std::string_view b);

class VersionStore {
  public:
    static constexpr int kTries = 5;  // races with other nodes that start

    // Port and notices outlive it.
    VersionStore(redis::Port& port, Notices& notices) : commands_(port, notices) {}

    // `done` once, perhaps inside the call: what is stored now. kInvalid: `own` is no version;
    // kBusy: kTries races lost. What is stored and is no version counts as 0.0.0.
    void raise(Timestamp now, const std::string& own, Got<std::string> done);

  private:
    void read(Timestamp now, const std::string& own, int tries, Got<std::string> done);
    void write(Timestamp now, const std::string& own, const std::string& there, int tries,
               Got<std::string> done);

    Commands commands_;
};

}  // namespace confab::cluster::store
