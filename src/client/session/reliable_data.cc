// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/reliable_data.h"

namespace confab::client {

void ReliableData::sent(Bytes packet) {
    kept_bytes_ += packet.size();
    kept_.push_back({next_++, std::move(packet)});
    while (kept_.size() > kMaxKept || kept_bytes_ > kMaxKeptBytes) {
        kept_bytes_ -= kept_.front().packet.size();
        kept_.pop_front();
    }
}

std::vector<Bytes> ReliableData::after(std::uint32_t last) {
    while (!kept_.empty() && kept_.front().number <= last) {
        kept_bytes_ -= kept_.front().packet.size();
        kept_.pop_front();
    }
    std::vector<Bytes> again;
    for (const Kept& kept : kept_)
        again.push_back(kept.packet);
    return again;
}

bool ReliableData::received(const std::string& sender_sid, std::uint32_t number) {
    if (number == 0) return true;
    if (highest_.size() >= kMaxSenders && !highest_.contains(sender_sid)) return true;
    std::uint32_t& highest = highest_[sender_sid];
    if (number <= highest) return false;
    highest = number;
    return true;
}

}  // namespace confab::client
