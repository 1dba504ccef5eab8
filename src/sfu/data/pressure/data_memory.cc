// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/pressure/data_memory.h"

#include <algorithm>
#include <utility>

namespace confab::sfu {

bool DataMemory::accept_nonce(const Bytes& nonce) {
    if (nonce.empty() || nonce.size() > kMaxNonceBytes) return true;
    if (std::find(nonces_.begin(), nonces_.end(), nonce) != nonces_.end()) return false;
    nonces_.push_back(nonce);
    if (nonces_.size() > kMaxNonces) nonces_.pop_front();
    return true;
}

void DataMemory::prune(Timestamp now) {
    while (!cache_.empty() &&
           (cached_bytes_ > kMaxCachedBytes || cache_.size() > kMaxCachedPackets ||
            now - cache_.front().at > kCacheTime)) {
        cached_bytes_ -= cache_.front().message.payload.size();
        cache_.pop_front();
    }
}

void DataMemory::remember(Timestamp now, const DataMessage& message) {
    cached_bytes_ += message.payload.size();
    cache_.push_back({now, message});
    prune(now);
    newest_[message.sender_sid] = message.sequence;
    if (newest_.size() > kMaxSenders) newest_.erase(newest_.begin());
}

std::vector<const DataMemory::Cached*> DataMemory::since(
    Timestamp now, const std::map<std::string, std::uint32_t>& first) const {
    std::vector<const Cached*> result;
    for (const Cached& cached : cache_) {
        const auto entry = first.find(cached.message.sender_sid);
        if (entry == first.end() || cached.message.sequence < entry->second) continue;
        if (now - cached.at <= kCacheTime) result.push_back(&cached);
    }
    return result;
}

bool HeldData::hold_sequenced(const std::string& sender_sid, std::uint32_t sequence) {
    if (first_.size() >= kMaxSenders) return first_.contains(sender_sid);
    first_.try_emplace(sender_sid, sequence);
    return true;
}

bool HeldData::hold(sctp::SharedBytes payload, Timestamp at, MemberId sender) {
    if (payload.size() > kMaxBytes - bytes_ || held_.size() >= kMaxMessages) return false;
    bytes_ += payload.size();
    held_.push_back({at, std::move(payload), sender});
    return true;
}

std::vector<HeldData::Unsequenced> HeldData::take_unsequenced(Timestamp since) {
    bytes_ = 0;
    std::vector<Unsequenced> result;
    for (Unsequenced& one : std::exchange(held_, {}))
        if (one.at >= since) result.push_back(std::move(one));
    return result;
}

void HeldData::clear() {
    first_.clear();
    held_.clear();
    bytes_ = 0;
}

}  // namespace confab::sfu
