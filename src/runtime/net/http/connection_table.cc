// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/connection_table.h"

#include "base/limits/sources.h"

namespace confab::net {

std::shared_ptr<ConnectionTable> ConnectionTable::make(std::size_t total, std::size_t per_address) {
    return std::shared_ptr<ConnectionTable>(new ConnectionTable(total, per_address));
}

Result<ConnectionTable::Slot, ConnectionLimit> ConnectionTable::admit(
    const IpAddress& address, std::function<void()> give_way) {
    const IpAddress owner = source_of(address);
    const auto known = owners_.find(owner);
    if (!address.is_loopback() && known != owners_.end() && known->second.count >= per_address_ &&
        !evict_first_of(known->second.idle))
        return tl::unexpected(ConnectionLimit::kAddress);
    if (entries_.size() >= total_ && !evict_idlest()) return tl::unexpected(ConnectionLimit::kAll);
    const std::uint64_t id = next_++;
    entries_.emplace(id, Entry{owner, Timestamp::never(), std::move(give_way)});
    ++owners_[owner].count;
    return Slot(shared_from_this(), id);
}

bool ConnectionTable::evict_idlest() {
    return evict_first_of(idle_);
}

bool ConnectionTable::evict_first_of(const IdleSet& idle) {
    if (idle.empty()) return false;
    const std::uint64_t id = idle.begin()->second;
    const std::function<void()> give_way = std::move(entries_.at(id).give_way);
    remove(id);
    ++evicted_;
    if (give_way) give_way();
    return true;
}

void ConnectionTable::set_idle(std::uint64_t id, Timestamp since) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;  // has given way
    Entry& entry = found->second;
    IdleSet& of_owner = owners_.at(entry.owner).idle;
    if (!entry.idle_since.is_never()) {
        idle_.erase({entry.idle_since, id});
        of_owner.erase({entry.idle_since, id});
    }
    entry.idle_since = since;
    if (since.is_never()) return;
    idle_.insert({since, id});
    of_owner.insert({since, id});
}

void ConnectionTable::remove(std::uint64_t id) {
    set_idle(id, Timestamp::never());
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    const auto owner = owners_.find(found->second.owner);
    if (--owner->second.count == 0) owners_.erase(owner);
    entries_.erase(found);
}

std::size_t ConnectionTable::count_of(const IpAddress& address) const {
    const auto found = owners_.find(source_of(address));
    return found == owners_.end() ? 0 : found->second.count;
}

}  // namespace confab::net
