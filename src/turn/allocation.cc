// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "turn/allocation.h"

#include "base/check.h"

namespace confab::turn {

bool Allocation::has_permission(const IpAddress& ip, Timestamp now) const {
    const auto found = permissions_.find(ip);
    return found != permissions_.end() && now < found->second;
}

bool Allocation::permit(const IpAddress& ip, Timestamp now) {
    if (!permissions_.contains(ip) && permissions_.size() >= kMaxPermissions) {
        forget_expired(now);
        if (permissions_.size() >= kMaxPermissions) return false;
    }
    permissions_[ip] = now + kPermissionLifetime;
    return true;
}

Allocation::Bound Allocation::bind(std::uint16_t channel, const SocketAddress& peer,
                                   Timestamp now) {
    const auto bound_peer = peer_of(channel, now);
    const auto bound_channel = channel_of(peer, now);
    if ((bound_peer && *bound_peer != peer) || (bound_channel && *bound_channel != channel))
        return Bound::kConflict;
    if (!bound_peer) {
        forget_expired(now);
        if (channels_.size() >= kMaxChannels) return Bound::kFull;
    }
    if (!permit(peer.ip, now)) return Bound::kFull;
    channels_[channel] = {peer, now + kChannelLifetime};
    channel_numbers_[peer] = channel;
    CONFAB_DCHECK(channels_.size() == channel_numbers_.size());
    return Bound::kDone;
}

std::optional<SocketAddress> Allocation::peer_of(std::uint16_t channel, Timestamp now) const {
    const auto found = channels_.find(channel);
    if (found == channels_.end() || now >= found->second.ends_at) return std::nullopt;
    return found->second.peer;
}

std::optional<std::uint16_t> Allocation::channel_of(const SocketAddress& peer,
                                                    Timestamp now) const {
    const auto found = channel_numbers_.find(peer);
    if (found == channel_numbers_.end() || !peer_of(found->second, now)) return std::nullopt;
    return found->second;
}

void Allocation::forget_expired(Timestamp now) {
    std::erase_if(permissions_, [&](const auto& entry) { return now >= entry.second; });
    std::erase_if(channels_, [&](const auto& entry) {
        const bool over = now >= entry.second.ends_at;
        if (over) channel_numbers_.erase(entry.second.peer);
        return over;
    });
}

}  // namespace confab::turn
