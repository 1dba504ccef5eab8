// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The secret by which the nodes of one cluster know each other on direct links
// (cluster/relay/link/link.h): whoever comes first writes one, and who has the cluster's Redis has
// it. A Redis that lost all it had gets back the one that is in use.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "cluster/store/commands.h"

namespace confab::cluster::store {

class LinkSecret {
  public:
    static constexpr Duration kRetry = Duration::seconds(5);
    // What strangers say makes nobody ask more often.
    static constexpr Duration kSoonest = Duration::seconds(2);
    static constexpr std::size_t kMaxSize = 256;  // bytes; a longer one is none

    // `own`: what to write if there is none, not to be guessed. Port and notices outlive it.
    LinkSecret(redis::Port& port, Notices& notices, std::string own)
        : secret_(std::move(own)), commands_(port, notices) {}

    // With each new connection to Redis.
    void handle_up(Timestamp now);
    // Others have another one: asks again, if that was not a moment ago.
    void doubt(Timestamp now);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return due_; }

    // Empty until Redis has told it.
    const std::string& get() const { return known_; }
    std::uint64_t asked() const { return asked_; }

  private:
    void ask(Timestamp now);

    std::string secret_;  // to be written
    std::string known_;
    bool asking_ = false;
    Timestamp last_;
    std::uint64_t asked_ = 0;
    Timestamp due_ = Timestamp::never();
    Commands commands_;
};

}  // namespace confab::cluster::store
