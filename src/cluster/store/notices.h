// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the log and the metrics of a node are told of its store. One for all stores of a node; it
// says each thing once, and counts all.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/time.h"

namespace confab::cluster::store {

struct Notice {
    enum class Kind : std::uint8_t {
        kRefused,    // Redis refuses a command; the text has the remedy
        kWrongType,  // a key is of another type
        kGarbage,    // a record that does not decode; it is passed over
        kTooLarge,   // a record beyond kMaxRecord; neither written nor given out
        kTooMany,    // a limit of this node is reached
        kLockLost,   // a lock ended before what it guarded
        kLost,       // Redis has lost a room of this node; it is written again
        kNotOurs,    // a room of this node is routed to another one; it is left alone
    };
    static constexpr std::size_t kKinds = 8;

    Kind kind = Kind::kRefused;
    std::string key;    // of Redis
    std::string field;  // of its hash; empty if there is none
    std::string text;
};

class Notices {
  public:
    // The same kind, key and field are told again after this time.
    static constexpr Duration kAgain = Duration::seconds(3600);
    // Beyond that many all are forgotten, and told again.
    static constexpr std::size_t kMaxRemembered = 4096;

    explicit Notices(std::function<void(Timestamp, const Notice&)> tell) : tell_(std::move(tell)) {}

    void tell(Timestamp now, const Notice& notice);
    std::uint64_t count(Notice::Kind kind) const { return counts_[static_cast<std::size_t>(kind)]; }

  private:
    std::function<void(Timestamp, const Notice&)> tell_;
    std::map<std::string, Timestamp> told_;
    std::array<std::uint64_t, Notice::kKinds> counts_{};
};

}  // namespace confab::cluster::store
