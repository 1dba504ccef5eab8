// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which allocation of the TURN server has a relayed port: written by its thread, asked by media
// workers for what they send. A port is entered only while its socket is bound, so nobody else's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/check.h"
#include "base/net_address.h"

namespace confab::worker {

class RelayTable {
  public:
    // The ports are those of the relay range, both included.
    RelayTable(std::uint16_t first, std::uint16_t last)
        : first_(first),
          last_(last),
          count_(last - first + 1U),
          owners_(std::make_unique<std::atomic<std::uint64_t>[]>(2 * count_)) {
        CONFAB_CHECK(first <= last);
    }

    // TURN server's thread. `owner` is a packed handle; the port is in the range.
    void open(IpAddress::Family family, std::uint16_t port, std::uint64_t owner) {
        CONFAB_CHECK(covers(port) && owner != 0);
        owners_[place(family, port)].store(owner, std::memory_order_release);
        open_.fetch_add(1, std::memory_order_release);
    }
    void close(IpAddress::Family family, std::uint16_t port) {
        owners_[place(family, port)].store(0, std::memory_order_release);
        open_.fetch_sub(1, std::memory_order_release);
    }

    // Any thread.
    bool empty() const { return open_.load(std::memory_order_acquire) == 0; }
    // 0: nobody's.
    std::uint64_t owner(IpAddress::Family family, std::uint16_t port) const {
        return covers(port) ? owners_[place(family, port)].load(std::memory_order_acquire) : 0;
    }

    bool covers(std::uint16_t port) const { return port >= first_ && port <= last_; }
    // Of all ports of both families, from 0 on; only for ports of the range.
    std::size_t place(IpAddress::Family family, std::uint16_t port) const {
        const std::size_t behind = family == IpAddress::Family::kV6 ? count_ : 0;
        return behind + port - first_;
    }
    std::size_t places() const { return 2 * count_; }

  private:
    std::uint16_t first_;
    std::uint16_t last_;
    std::size_t count_;
    std::unique_ptr<std::atomic<std::uint64_t>[]> owners_;
    std::atomic<std::size_t> open_{0};
};

}  // namespace confab::worker
