// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who holds how many of a server's connections (08 IMM-15). At the limit of all, or of one address,
// the connection that has been idle longest gives way to a new one; where none is idle the new one
// is refused. An address is an IPv4 address or an IPv6 /64, which one host may own as a whole;
// those of this machine have no share of their own, as all clients of a proxy on it come from
// there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "base/net_address.h"
#include "base/result.h"
#include "base/time.h"

namespace confab::net {

// Which limit refused a connection.
enum class ConnectionLimit : std::uint8_t { kAll, kAddress };

class ConnectionTable : public std::enable_shared_from_this<ConnectionTable> {
  public:
    // `total` and `per_address` at least 1.
    static std::shared_ptr<ConnectionTable> make(std::size_t total, std::size_t per_address);

    // A place in the table, given back when destroyed. Busy at first.
    class Slot {
      public:
        Slot() = default;
        Slot(std::shared_ptr<ConnectionTable> table, std::uint64_t id)
            : table_(std::move(table)), id_(id) {}
        Slot(Slot&& other) noexcept : table_(std::move(other.table_)), id_(other.id_) {}
        Slot& operator=(Slot&& other) noexcept {
            std::swap(table_, other.table_);
            std::swap(id_, other.id_);
            return *this;
        }
        ~Slot() {
            if (table_) table_->remove(id_);
        }
        // Nothing is asked of it since then: it may have to give way.
        void set_idle(Timestamp since) {
            if (table_) table_->set_idle(id_, since);
        }
        void set_busy() { set_idle(Timestamp::never()); }

      private:
        std::shared_ptr<ConnectionTable> table_;
        std::uint64_t id_ = 0;
    };

    // `give_way` is called at most once, from a later admit() or evict_idlest(), while the slot is
    // idle; the place is free from then on.
    Result<Slot, ConnectionLimit> admit(const IpAddress& address, std::function<void()> give_way);
    // False if nobody is idle.
    bool evict_idlest();

    std::size_t size() const { return entries_.size(); }
    std::size_t count_of(const IpAddress& address) const;
    std::uint64_t evicted() const { return evicted_; }

  private:
    using IdleSet = std::set<std::pair<Timestamp, std::uint64_t>>;  // longest first
    struct Entry {
        IpAddress owner;
        Timestamp idle_since = Timestamp::never();  // never: busy
        std::function<void()> give_way;
    };
    struct Owner {
        std::size_t count = 0;
        IdleSet idle;
    };

    ConnectionTable(std::size_t total, std::size_t per_address)
        : total_(total), per_address_(per_address) {}
    void set_idle(std::uint64_t id, Timestamp since);
    void remove(std::uint64_t id);
    bool evict_first_of(const IdleSet& idle);

    std::size_t total_;
    std::size_t per_address_;
    std::uint64_t next_ = 1;
    std::uint64_t evicted_ = 0;
    std::map<std::uint64_t, Entry> entries_;
    std::map<IpAddress, Owner> owners_;
    IdleSet idle_;
};

}  // namespace confab::net
