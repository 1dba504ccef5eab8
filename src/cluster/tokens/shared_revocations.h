// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tokens that one node has revoked are revoked at all (01 TOK-14): each node has the whole table,
// hears of what others add, and reads the rest from Redis, where it outlives every node. A pure
// machine. What is lost on the way comes with the next reading; of two times of one name the later
// one counts, wherever it is known.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "cluster/store/commands.h"
#include "rpc/bus.h"
#include "token/revocations.h"

namespace confab::cluster::tokens {

class SharedRevocations {
  public:
    using Record = token::Revocations::Record;
    static constexpr Duration kReadEvery = Duration::seconds(3600);
    // After something went wrong, or the table had no place for something.
    static constexpr Duration kReadAgain = Duration::seconds(60);
    // What is heard between two turns; beyond, it is read.
    static constexpr std::size_t kMaxHeard = 4096;
    static constexpr std::size_t kMaxTenant = 256;  // octets of a tenant's name

    // All outlive it. `wall`: what the wall clock says at a time.
    SharedRevocations(redis::Port& port, store::Notices& notices, rpc::Bus& bus,
                      token::Revocations& table, std::function<UnixTime(Timestamp)> wall);
    SharedRevocations(const SharedRevocations&) = delete;
    SharedRevocations& operator=(const SharedRevocations&) = delete;

    // One that was added to the table here.
    void tell(Timestamp now, const Record& record);
    // A connection to Redis is there, or there again.
    void handle_up(Timestamp now) { read_at_ = now; }
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

  private:
    void hear(const std::string& payload);
    void take(Timestamp now, const Record& record);
    void read(Timestamp now);
    void read_done(Timestamp now, store::Answer answer);
    std::vector<Record> records_in(Timestamp now, const redis::Value& reply,
                                   std::vector<std::string>& bad);
    void write(Timestamp now, const std::vector<Record>& records);
    void remove(Timestamp now, const std::vector<std::string>& fields);
    void read_again(Timestamp now) { read_at_ = earlier(read_at_, now + kReadAgain); }

    store::Commands commands_;
    rpc::Bus& bus_;
    token::Revocations& table_;
    std::function<UnixTime(Timestamp)> wall_;
    std::deque<Record> heard_;
    bool heard_too_much_ = false;
    bool reading_ = false;
    Timestamp read_at_ = Timestamp::never();
    rpc::Registration heard_from_;
};

}  // namespace confab::cluster::tokens
