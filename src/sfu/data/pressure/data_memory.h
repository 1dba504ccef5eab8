// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Memory of a room's data packets on one shard (02 §6.2 steps 6, 7, 9; 01 SIG-121, SIG-123): nonces
// seen, and the packets a receiver gets later whose channels are not open yet.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "sfu/data/data_message.h"

namespace confab::sfu {

using DataSequences = std::map<std::string, std::uint32_t>;  // by sid of the sender

class DataMemory {
  public:
    static constexpr std::size_t kMaxNonces = 100;
    // Of each; those of the API have 16. Longer ones are not remembered.
    static constexpr std::size_t kMaxNonceBytes = 64;
    static constexpr std::size_t kMaxCachedBytes = 100'000;
    static constexpr std::size_t kMaxCachedPackets = 4'096;
    static constexpr Duration kCacheTime = Duration::seconds(2);

    // False for a nonce seen before; an empty one is always new, and one that is too long.
    bool accept_nonce(const Bytes& nonce);

    struct Cached {
        Timestamp at;
        DataMessage message;  // with its destinations: a replay reaches nobody else
    };
    void remember(Timestamp now, const DataMessage& message);
    // Messages from that sequence on, of the senders listed by sid, oldest first; for whom they are
    // is for the caller to see.
    std::vector<const Cached*> since(Timestamp now,
                                     const std::map<std::string, std::uint32_t>& first) const;
    std::size_t cached_bytes() const { return cached_bytes_; }
    // The last sequence of each sender by its sid; of more than kMaxSenders some are forgotten.
    static constexpr std::size_t kMaxSenders = 1'000;
    const DataSequences& newest() const { return newest_; }

  private:
    void prune(Timestamp now);

    std::deque<Bytes> nonces_;
    std::deque<Cached> cache_;
    std::size_t cached_bytes_ = 0;
    DataSequences newest_;
};

// What one receiver missed while its reliable channel was not open.
class HeldData {
  public:
    static constexpr std::size_t kMaxBytes = 100'000;
    static constexpr std::size_t kMaxMessages = 4'096;
    static constexpr std::size_t kMaxSenders = 1'000;

    // Both are false when it does not fit, which loses it.
    bool hold_sequenced(const std::string& sender_sid, std::uint32_t sequence);
    bool hold(sctp::SharedBytes payload, Timestamp at = {}, MemberId sender = {});
    const std::map<std::string, std::uint32_t>& first_missed() const { return first_; }
    struct Unsequenced {
        Timestamp at;
        sctp::SharedBytes payload;
        MemberId sender;
    };
    // Those from `since` on; what came before is dropped.
    std::vector<Unsequenced> take_unsequenced(Timestamp since = {});
    void clear();
    bool empty() const { return first_.empty() && held_.empty(); }

  private:
    std::map<std::string, std::uint32_t> first_;
    std::vector<Unsequenced> held_;
    std::size_t bytes_ = 0;
};

}  // namespace confab::sfu
