// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The fingerprint of a run (07 §8, invariant 7): every datagram with its time and addresses, in
// order. Two runs of one seed must agree in all 64 bits. Not cryptographic: nobody attacks it.
#pragma once

#include <bit>
#include <cstdint>

#include "base/bytes.h"
#include "base/net_address.h"
#include "base/time.h"

namespace confab::sim {

class RunHash {
  public:
    void add(std::uint64_t word) {
        state_ = (std::rotl(state_, 23) ^ word) * 0x9E37'79B9'7F4A'7C15ULL;
        state_ ^= state_ >> 29;
    }
    void add(BytesView bytes) {
        add(bytes.size());
        std::size_t at = 0;
        for (; at + 8 <= bytes.size(); at += 8)
            add(load_be64(bytes.data() + at));
        std::uint64_t rest = 0;
        for (; at < bytes.size(); ++at)
            rest = rest << 8 | bytes[at];
        add(rest);
    }
    void add(const SocketAddress& address) {
        add(address.ip.bytes());
        add(address.port);
    }
    void add_datagram(Timestamp now, const SocketAddress& from, const SocketAddress& to,
                      BytesView bytes) {
        add(static_cast<std::uint64_t>(now.us()));
        add(from);
        add(to);
        add(bytes);
    }
    std::uint64_t value() const { return state_; }

  private:
    std::uint64_t state_ = 0x2545'F491'4F6C'DD1DULL;
};

}  // namespace confab::sim
