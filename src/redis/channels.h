// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The channels that are wanted, and what has become of asking one connection for them.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "redis/session.h"

namespace confab::redis {

class Channels {
  public:
    static constexpr std::size_t kAtOnce = 64;  // of one SUBSCRIBE

    // `events`: on_subscribed and on_refused are told. Must outlive the sessions that are asked.
    explicit Channels(const Events& events) : events_(events) {}
    Channels(const Channels&) = delete;
    Channels& operator=(const Channels&) = delete;

    // Both leave with the next ask(), together with others: who serves something has many channels
    // at once.
    void add(std::string channel);
    void remove(const std::string& channel);
    bool has_changes() const { return !fresh_.empty() || !stale_.empty(); }

    // A session that has become ready, and again after each of its turns until it ends. True once
    // everything is subscribed; it has ended if it takes no more.
    bool ask(Timestamp now, Session& session);
    // There is no connection any more.
    void forget();

  private:
    void send_changes(Timestamp now, Session& session);
    void ask_for(Timestamp now, const std::set<std::string>& channels, Session& session);
    void ask_for(Timestamp now, std::vector<std::string> channels, Session& session);
    void settle(Timestamp now, const std::vector<std::string>& channels,
                const Result<Value, Fault>& reply);

    const Events& events_;
    std::set<std::string> wanted_;
    // Of an asked connection: what it has still to be told.
    std::set<std::string> fresh_;
    std::set<std::string> stale_;
    bool asked_ = false;                   // for all, on this connection
    std::size_t unconfirmed_ = 0;          // its SUBSCRIBEs
    std::vector<std::string> one_by_one_;  // of a SUBSCRIBE that was refused as a whole
};

}  // namespace confab::redis
