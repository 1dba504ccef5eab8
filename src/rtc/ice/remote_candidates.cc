// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/ice/remote_candidates.h"

#include <algorithm>

namespace confab::ice {
namespace {

// Nothing answers from these, and nobody shall use us to send there.
bool is_reachable(const SocketAddress& remote) {
    if (remote.port == 0 || remote.ip.is_none() || remote.ip.is_unspecified()) return false;
    const std::uint8_t first = remote.ip.bytes()[0];
    return remote.ip.is_v4() ? first < 224 : first != 0xFF;  // multicast, reserved, broadcast
}

}  // namespace

bool RemoteCandidates::add(const RemoteCandidate& candidate) {
    const bool known = std::any_of(list_.begin(), list_.end(), [&](const RemoteCandidate& other) {
        return other.protocol == candidate.protocol && other.address == candidate.address;
    });
    const bool wanted = candidate.protocol == Protocol::kUdp && is_reachable(candidate.address);
    if (known || !wanted || list_.size() >= kMaxRemoteCandidates) return false;
    list_.push_back(candidate);
    return true;
}

CandidateType RemoteCandidates::type_of(const Pair& pair) const {
    if (pair.remote_type != CandidateType::kPeerReflexive) return pair.remote_type;
    const bool at_relay = std::any_of(list_.begin(), list_.end(), [&](const RemoteCandidate& c) {
        return c.type == CandidateType::kRelay && c.address.ip == pair.path.remote.ip;
    });
    return at_relay ? CandidateType::kRelay : CandidateType::kPeerReflexive;
}

}  // namespace confab::ice
