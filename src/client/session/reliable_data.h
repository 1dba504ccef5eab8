// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Reliable data across a resume (01 SIG-146): packets carry numbers, the sender keeps the newest
// and sends again what the server has not got, receivers take each number of a sender once and say
// on resuming how far they are.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace confab::client {

class ReliableData {
  public:
    static constexpr std::size_t kMaxKept = 1024;                  // then the oldest go
    static constexpr std::size_t kMaxKeptBytes = 4 * 1024 * 1024;  // likewise
    static constexpr std::size_t kMaxSenders = 20'000;             // others are taken unchecked

    std::uint32_t next_number() const { return next_; }
    // The packet with next_number() was sent.
    void sent(Bytes packet);
    // What is to be sent again; the server has everything up to `last`.
    std::vector<Bytes> after(std::uint32_t last);

    // False: it came before. Number 0 is none.
    bool received(const std::string& sender_sid, std::uint32_t number);
    const std::map<std::string, std::uint32_t>& highest() const { return highest_; }

  private:
    struct Kept {
        std::uint32_t number = 0;
        Bytes packet;
    };
    std::uint32_t next_ = 1;
    std::deque<Kept> kept_;
    std::size_t kept_bytes_ = 0;
    std::map<std::string, std::uint32_t> highest_;
};

}  // namespace confab::client
