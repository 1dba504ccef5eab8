// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "token/revocations.h"

#include <algorithm>
#include <string>

namespace confab::token {
namespace {

// As the times in tokens are, so that it is the same wherever it is written: the next one.
UnixTime whole_second(UnixTime time) {
    const UnixTime second = UnixTime::seconds(time.s());
    return second < time ? second + Duration::seconds(1) : second;
}

}  // namespace

Revocations::Name Revocations::name_of(std::string_view room, std::string_view identity) {
    // With the length of the first, so that no other two names are the same text.
    std::string text = std::to_string(room.size()) + ":";
    text.append(room).append(identity);
    return crypto::sha256(as_bytes(text));
}

void Revocations::forget(std::uint64_t serial) {
    const auto place = by_serial_.find(serial);
    const auto entry = entries_.find(place->second);
    const auto room = by_room_.find(entry->second.room);
    room->second.erase(serial);
    if (room->second.empty()) by_room_.erase(room);
    const auto tenant = by_tenant_.find(entry->second.tenant);
    tenant->second.erase(serial);
    if (tenant->second.empty()) by_tenant_.erase(tenant);
    entries_.erase(entry);
    by_serial_.erase(place);
}

std::uint64_t Revocations::first_of_largest_tenant() const {
    const auto smaller = [](const auto& a, const auto& b) {
        return a.second.size() < b.second.size();
    };
    return *std::max_element(by_tenant_.begin(), by_tenant_.end(), smaller)->second.begin();
}

Revocations::Record Revocations::record_of(std::string_view room, std::string_view identity,
                                           UnixTime before) {
    return {name_of(room, identity), name_of(room, {}), std::string(tenant_in(room)), before};
}

std::optional<UnixTime> Revocations::find(const Name& name) const {
    const auto known = entries_.find(name);
    if (known == entries_.end()) return std::nullopt;
    return known->second.before;
}

std::vector<Revocations::Record> Revocations::records() const {
    std::vector<Record> all;
    all.reserve(by_serial_.size());
    for (const auto& [serial, name] : by_serial_) {
        const Entry& entry = entries_.at(name);
        all.push_back({name, entry.room, entry.tenant, entry.before});
    }
    return all;
}

Revocations::Outcome Revocations::add(const Record& record, UnixTime now) {
    const UnixTime before = whole_second(std::min(record.before, now + kMaxAhead));
    const Name& name = record.name;
    const auto first = [this] { return entries_.at(by_serial_.begin()->second); };
    while (!by_serial_.empty() && first().before + kMaxTokenLifetime < now)
        forget(by_serial_.begin()->first);
    const auto known = entries_.find(name);
    if (known != entries_.end()) {
        if (before <= known->second.before) return Outcome::kKept;
        auto& of_room = by_room_.at(known->second.room);
        of_room.erase(known->second.serial);
        of_room.insert(next_serial_);
        auto& of_tenant = by_tenant_.at(known->second.tenant);
        of_tenant.erase(known->second.serial);
        of_tenant.insert(next_serial_);
        by_serial_.erase(known->second.serial);
        known->second.before = before;
        known->second.serial = next_serial_;
        by_serial_.emplace(next_serial_++, name);
        return Outcome::kKept;
    }
    auto& of_room = by_room_[record.room];
    of_room.insert(next_serial_);
    by_tenant_[record.tenant].insert(next_serial_);
    entries_.emplace(name, Entry{before, next_serial_, record.room, record.tenant});
    by_serial_.emplace(next_serial_++, name);
    if (of_room.size() > kMaxPerRoom)
        forget(*of_room.begin());
    else if (entries_.size() > kMaxEntries)
        forget(first_of_largest_tenant());
    else
        return Outcome::kKept;
    return Outcome::kForgotOther;
}

bool Revocations::refuses(const Grants& grants, std::string_view identity) const {
    const auto known = entries_.find(name_of(room_key(grants), identity));
    return known != entries_.end() &&
           (!grants.issued_at || *grants.issued_at < known->second.before);
}

bool Revocations::refuses(const Grants& grants) const {
    if (entries_.empty() || !grants.video) return false;
    return refuses(grants, grants.identity) ||
           (!grants.publishes_for.empty() && refuses(grants, grants.publishes_for));
}

UnixTime revocation_time(std::int64_t revoke_token_ts) {
    constexpr std::int64_t kMaxSeconds = 99'999'999'999;
    constexpr std::int64_t kMaxTokenTime = 253'402'300'799;  // year 9999
    if (revoke_token_ts <= kMaxSeconds)
        return UnixTime::seconds(std::max<std::int64_t>(0, revoke_token_ts));
    const std::int64_t seconds = revoke_token_ts / 1000 + (revoke_token_ts % 1000 != 0 ? 1 : 0);
    return UnixTime::seconds(std::min(seconds, kMaxTokenTime));
}

}  // namespace confab::token
