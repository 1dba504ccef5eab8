// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/data/data_router.h"

#include <algorithm>
#include <utility>

namespace confab::room {

bool DataRouter::accept_nonce(const Bytes& nonce) {
    if (nonce.empty()) return true;
    if (std::find(nonces_.begin(), nonces_.end(), nonce) != nonces_.end()) return false;
    nonces_.push_back(nonce);
    if (nonces_.size() > kMaxNonces) nonces_.pop_front();
    return true;
}

void DataRouter::prune(Timestamp now) {
    while (!cache_.empty() &&
           (cached_bytes_ > kMaxCachedBytes || cache_.size() > kMaxCachedPackets ||
            now - cache_.front().at > kCacheTime)) {
        cached_bytes_ -= cache_.front().packet.payload.size();
        cache_.pop_front();
    }
}

void DataRouter::remember(Timestamp now, std::string sender_sid, RoutedPacket packet) {
    cached_bytes_ += packet.payload.size();
    cache_.push_back({now, std::move(sender_sid), std::move(packet)});
    prune(now);
}

std::vector<const DataRouter::Cached*> DataRouter::since(
    Timestamp now, const std::map<std::string, std::uint32_t>& first) const {
    std::vector<const Cached*> result;
    for (const Cached& cached : cache_) {
        const auto entry = first.find(cached.sender_sid);
        if (entry == first.end() || cached.packet.sequence < entry->second) continue;
        if (now - cached.at <= kCacheTime) result.push_back(&cached);
    }
    return result;
}

void HeldData::hold_sequenced(const std::string& sender_sid, std::uint32_t sequence) {
    if (first_.size() < kMaxSenders) first_.try_emplace(sender_sid, sequence);
}

void HeldData::hold(Bytes payload) {
    if (payload.size() > kMaxBytes - bytes_) return;
    bytes_ += payload.size();
    held_.push_back(std::move(payload));
}

std::vector<Bytes> HeldData::take_unsequenced() {
    bytes_ = 0;
    return std::exchange(held_, {});
}

void HeldData::clear() {
    first_.clear();
    held_.clear();
    bytes_ = 0;
}

}  // namespace confab::room
