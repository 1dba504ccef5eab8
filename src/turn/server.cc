// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The life of allocations, and what they relay.
#include "turn/server.h"

#include <utility>
#include <vector>

#include "base/check.h"
#include "wire/ice/channel_data.h"

namespace confab::turn {

using wire::StunAttr;
using wire::StunClass;
using wire::StunMessage;
using wire::StunMethod;

namespace {

constexpr std::size_t kSources = 4096;  // that are told apart; beyond, see KeyedBuckets

SipKey key_of(std::uint64_t seed) {
    Rng rng(seed ^ 0x6C69'6D69'7473);
    return {rng.u64(), rng.u64()};
}

}  // namespace

Server::Server(Timestamp now, ServerOptions options, RelayPorts& ports)
    : options_(std::move(options)),
      ports_(ports),
      filter_(options_.peers),
      nonces_(options_.nonce_key),
      strangers_(key_of(options_.seed), kSources),
      allocators_(key_of(options_.seed), kSources),
      rng_(options_.seed),
      timers_(now),
      ended_(options_.credential_lifetime) {
    CONFAB_CHECK(options_.first_port <= options_.last_port && options_.first_port != 0);
}

Output Server::handle_client(Timestamp now, UnixTime wall, const ClientPath& from,
                             BytesView message) {
    if (!message.empty() && wire::looks_like_channel_data(message[0]))
        return relay_channel_data(now, from, message);
    const auto stun = StunMessage::parse(message);
    if (!stun || stun->fingerprint() == wire::StunFingerprint::kInvalid) return {};
    if (stun->is(StunClass::kIndication, StunMethod::kSend))
        return relay_indication(now, from, *stun);
    if (stun->message_class() != StunClass::kRequest) return {};
    return handle_request(now, wall, from, *stun);
}

Output Server::handle_peer(Timestamp now, AllocationHandle handle, const SocketAddress& peer,
                           BytesView datagram) {
    const Allocation* const allocation = allocations_.find(handle);
    if (allocation == nullptr || datagram.size() > kMaxRelayedSize) return {};
    if (!allocation->has_permission(peer.ip, now)) {
        ++counters_.without_permission;
        return {};
    }
    ++counters_.to_clients;
    counters_.to_clients_bytes += datagram.size();
    Output output{Output::To::kClient, allocation->path, {}, {}, {}};
    if (const auto channel = allocation->channel_of(peer, now)) {
        const bool padded = allocation->path.stream != 0;
        output.bytes = wire::build_channel_data(buffer_, *channel, datagram, padded);
        return output;
    }
    wire::StunTransactionId id;
    rng_.fill(id);
    wire::StunBuilder builder(buffer_, StunClass::kIndication, StunMethod::kData, id);
    builder.xor_address(StunAttr::kXorPeerAddress, peer).bytes(StunAttr::kData, datagram);
    output.bytes = builder.finish();
    return output;
}

Output Server::relay_channel_data(Timestamp now, const ClientPath& from, BytesView message) {
    Allocation* const allocation = find(from);
    const auto parsed = wire::ChannelData::parse(message);
    if (allocation == nullptr || !parsed) return {};
    const auto peer = allocation->peer_of(parsed->channel, now);
    if (!peer) {
        ++counters_.without_permission;
        return {};
    }
    return relay(now, *allocation, *peer, parsed->data);
}

// No answer in any case (RFC 8656 §11.2). A DONT-FRAGMENT that we do not know drops it too.
Output Server::relay_indication(Timestamp now, const ClientPath& from, const StunMessage& message) {
    Allocation* const allocation = find(from);
    const auto peer = message.xor_address(StunAttr::kXorPeerAddress);
    const auto data = message.find(StunAttr::kData);
    if (allocation == nullptr || !peer || !data || message.has(StunAttr::kDontFragment)) return {};
    return relay(now, *allocation, *peer, *data);
}

// The filter is asked for each datagram, so that a change of its rules is heeded at once.
Output Server::relay(Timestamp now, Allocation& allocation, const SocketAddress& peer,
                     BytesView data) {
    if (!allocation.has_permission(peer.ip, now)) {
        ++counters_.without_permission;
        return {};
    }
    if (!filter_.allows(peer)) {
        ++counters_.forbidden_peers;
        return {};
    }
    ++counters_.to_peers;
    counters_.to_peers_bytes += data.size();
    return {Output::To::kPeer, {}, allocation.handle, peer, data};
}

void Server::handle_timeout(Timestamp now) {
    while (TimerNode* const due = timers_.pop_due(now))
        remove(*static_cast<Allocation*>(due->owner()));
}

void Server::close_client(const ClientPath& path) {
    if (Allocation* const allocation = find(path)) remove(*allocation);
}

void Server::end_user(Timestamp now, std::string_view participant_sid) {
    ended_.note(now, participant_sid);
    const auto theirs = by_user_.find(std::string(participant_sid));
    if (theirs == by_user_.end()) return;
    for (const AllocationHandle handle : theirs->second) {
        Allocation& allocation = *allocations_.find(handle);
        allocation.ends_by = earlier(allocation.ends_by, now + kAfterParticipant);
        timers_.schedule(allocation.expiry,
                         earlier(allocation.expiry.deadline(), allocation.ends_by));
    }
}

void Server::handle_new_keys() {
    std::vector<AllocationHandle> revoked;
    allocations_.for_each([&](AllocationHandle handle, const Allocation& allocation) {
        const auto secret = options_.find_secret(allocation.user.api_key);
        if (!secret || integrity_key(allocation.username,
                                     make_password(allocation.user, *secret)) != allocation.key)
            revoked.push_back(handle);
    });
    for (const AllocationHandle handle : revoked)
        remove(*allocations_.find(handle));
}

Allocation* Server::find(const ClientPath& path) {
    const auto found = by_path_.find(path);
    return found == by_path_.end() ? nullptr : allocations_.find(found->second);
}

void Server::remove(Allocation& allocation) {
    const AllocationHandle handle = allocation.handle;
    const auto theirs = by_user_.find(allocation.user.participant_sid);
    CONFAB_CHECK(theirs != by_user_.end() && std::erase(theirs->second, handle) == 1);
    if (theirs->second.empty()) by_user_.erase(theirs);
    by_path_.erase(allocation.path);
    ports_.close(handle);
    CONFAB_CHECK(allocations_.erase(handle));
    CONFAB_DCHECK(allocations_.size() == by_path_.size());
}

}  // namespace confab::turn
