// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The requests of clients: who may (RFC 8489 §9.2.4), and what is asked (RFC 8656 §7 to §12).
#include <algorithm>
#include <vector>

#include "base/limits/sources.h"
#include "crypto/hmac.h"
#include "turn/server.h"
#include "wire/ice/channel_data.h"

namespace confab::turn {

using wire::StunAttr;
using wire::StunBuilder;
using wire::StunClass;
using wire::StunMessage;
using wire::StunMethod;

namespace {

constexpr std::uint8_t kUdp = 17;
constexpr int kPortTries = 50;  // TURN-03

// Attributes a client must not send without our knowing them. DONT-FRAGMENT and RESERVATION-TOKEN
// are not here: they ask for what is not done (TURN-10, TURN-12).
constexpr StunAttr kKnown[] = {
    StunAttr::kUsername,
    StunAttr::kMessageIntegrity,
    StunAttr::kChannelNumber,
    StunAttr::kLifetime,
    StunAttr::kXorPeerAddress,
    StunAttr::kRealm,
    StunAttr::kNonce,
    StunAttr::kRequestedAddressFamily,
    StunAttr::kData,
    StunAttr::kMessageIntegritySha256,
    StunAttr::kRequestedTransport,
    StunAttr::kEvenPort,
};

constexpr std::uint16_t kUnknownAttribute = 420;
constexpr std::uint16_t kFragments[] = {static_cast<std::uint16_t>(StunAttr::kDontFragment)};

// Of an Allocate without DONT-FRAGMENT, whose turn comes behind the transport (TURN-12).
std::vector<std::uint16_t> unknown_attributes(const StunMessage& message) {
    const bool allocates = message.method() == StunMethod::kAllocate;
    std::vector<std::uint16_t> unknown;
    auto walk = message.attributes();
    while (const auto attribute = walk.next()) {
        if (!wire::is_comprehension_required(attribute->type)) continue;
        if (allocates && attribute->type == StunAttr::kDontFragment) continue;
        if (std::find(std::begin(kKnown), std::end(kKnown), attribute->type) == std::end(kKnown))
            unknown.push_back(static_cast<std::uint16_t>(attribute->type));
    }
    return unknown;
}

// TURN-13: from kMaxLifetime on the default, not the maximum. 0 means the end, to Refresh.
Duration granted_lifetime(const StunMessage& message) {
    const auto asked = message.u32(StunAttr::kLifetime);
    if (!asked) return kDefaultLifetime;
    const Duration lifetime = Duration::seconds(*asked);
    return lifetime >= kMaxLifetime ? kDefaultLifetime : lifetime;
}

std::uint32_t in_seconds(Duration lifetime) {
    return static_cast<std::uint32_t>(lifetime.us() / 1'000'000);
}

}  // namespace

Output Server::handle_request(Timestamp now, UnixTime wall, const ClientPath& from,
                              const StunMessage& message) {
    switch (message.method()) {
        case StunMethod::kBinding:
            return answer_binding(now, from, message);
        case StunMethod::kAllocate:
        case StunMethod::kRefresh:
        case StunMethod::kCreatePermission:
        case StunMethod::kChannelBind:
            break;
        default:
            return {};
    }
    if (!message.integrity_input()) return challenge(now, from, message, 401);
    const auto username = message.text(StunAttr::kUsername);
    const auto nonce = message.text(StunAttr::kNonce);
    if (!username || !nonce || !message.has(StunAttr::kRealm))
        return refuse_stranger(now, from, message, 400);
    if (!nonces_.is_valid(*nonce, now, from.remote.ip)) return challenge(now, from, message, 438);

    Request request{now, wall, from, message, *username, {}, {}, find(from)};
    if (!authenticate(request)) {
        ++counters_.unauthorized;
        return refuse_stranger(now, from, message, 400);
    }
    return serve(request);
}

Output Server::answer_binding(Timestamp now, const ClientPath& from, const StunMessage& message) {
    if (!may_answer_stranger(now, from)) return {};
    StunBuilder builder = begin(message, StunClass::kSuccess);
    builder.xor_address(StunAttr::kXorMappedAddress, from.remote);
    return {Output::To::kClient, from, {}, {}, builder.finish()};
}

// The key of an allocation is kept: its owner goes on although the credentials have ended, and the
// API key may be gone (TURN-04).
bool Server::authenticate(Request& request) {
    const Allocation* const own = request.allocation;
    if (own != nullptr && own->username == request.username) {
        request.user = own->user;
        request.key = own->key;
    } else {
        auto user = parse_username(request.username);
        if (!user) return false;
        const auto secret = options_.find_secret(user->api_key);
        if (!secret) return false;
        request.key = integrity_key(request.username, make_password(*user, *secret));
        request.user = *std::move(user);
    }
    const auto input = request.message.integrity_input();
    crypto::HmacSha1 hmac(request.key);
    hmac.update(input->header);
    hmac.update(input->body);
    return equal_constant_time(hmac.finish(), input->mac);
}

Output Server::serve(Request& request) {
    if (const auto unknown = unknown_attributes(request.message); !unknown.empty())
        return refuse_unknown(request, unknown);
    if (request.message.method() == StunMethod::kAllocate) return allocate(request);
    if (request.allocation == nullptr) return refuse(request, 437);
    if (request.allocation->user.participant_sid != request.user.participant_sid)
        return refuse(request, 441);
    if (request.message.method() == StunMethod::kRefresh) return refresh(request);
    if (request.message.method() == StunMethod::kCreatePermission)
        return create_permission(request);
    return bind_channel(request);
}

Output Server::allocate(Request& request) {
    // A repetition of the request that made it is answered as that was (RFC 8656 §7.2).
    if (request.allocation != nullptr) {
        if (request.allocation->made_by != request.message.transaction_id())
            return refuse(request, 437);
        return allocated(request, request.allocation->expiry.deadline() - request.now);
    }
    IpAddress relay;
    const std::uint16_t code = refuse_allocate(request, relay);
    if (code == kUnknownAttribute) return refuse_unknown(request, kFragments);
    if (code != 0) return refuse(request, code);
    if (!may_allocate(request.now, request.from.remote.ip)) {
        ++counters_.over_rate;
        return refuse(request, 486);
    }
    const auto handle = open_relay(request, relay);
    if (!handle) {
        ++counters_.without_port;
        return refuse(request, 508);
    }
    Allocation& made = *allocations_.find(*handle);
    made.user = request.user;
    made.username = request.username;
    made.key = request.key;
    made.made_by = request.message.transaction_id();
    by_path_[made.path] = *handle;
    by_user_[made.user.participant_sid].push_back(*handle);
    ++counters_.allocations;
    const Duration asked = granted_lifetime(request.message);
    const Duration wanted = asked == Duration::zero() ? kDefaultLifetime : asked;
    if (const auto ended = ended_.ended_at(request.now, made.user.participant_sid))
        made.ends_by = *ended + kAfterParticipant;
    const Timestamp end = earlier(request.now + wanted, made.ends_by);
    timers_.schedule(made.expiry, end);
    request.allocation = &made;
    return allocated(request, end - request.now);
}

// TURN-12, in its order; 0 if nothing speaks against it, and the address to relay from.
std::uint16_t Server::refuse_allocate(const Request& request, IpAddress& relay) {
    const StunMessage& message = request.message;
    const auto ended = ended_.ended_at(request.now, request.user.participant_sid);
    if (request.wall.s() > request.user.expires_at ||
        (ended && request.now >= *ended + kAfterParticipant)) {
        ++counters_.unauthorized;
        return 400;
    }
    const auto transport = message.find(StunAttr::kRequestedTransport);
    if (!transport || transport->size() != 4) return 400;
    if ((*transport)[0] != kUdp) return 442;
    if (message.has(StunAttr::kDontFragment)) return kUnknownAttribute;
    // An even port there is, a pair of ports is not reserved (RFC 8656 §14.6).
    if (const auto even = message.find(StunAttr::kEvenPort)) {
        if (even->size() != 1) return 400;
        if (((*even)[0] & 0x80) != 0) return 508;
    }
    IpAddress::Family family = request.from.local.ip.family();
    if (const auto asked = message.find(StunAttr::kRequestedAddressFamily)) {
        if (asked->size() != 4 || ((*asked)[0] != 1 && (*asked)[0] != 2)) return 440;
        family = (*asked)[0] == 1 ? IpAddress::Family::kV4 : IpAddress::Family::kV6;
        relay = family == IpAddress::Family::kV4 ? options_.relay_v4 : options_.relay_v6;
        if (relay.is_none()) return 508;
    } else {
        // Who does not ask can use the family we have, too.
        relay = family == IpAddress::Family::kV4 ? options_.relay_v4 : options_.relay_v6;
        if (relay.is_none())
            relay = options_.relay_v4.is_none() ? options_.relay_v6 : options_.relay_v4;
        if (relay.is_none()) return 508;
    }
    const auto theirs = by_user_.find(request.user.participant_sid);
    if (options_.allocations_per_user != 0 && theirs != by_user_.end() &&
        theirs->second.size() >= options_.allocations_per_user) {
        ++counters_.over_quota;
        return 486;
    }
    return 0;
}

bool Server::may_allocate(Timestamp now, const IpAddress& from) {
    const AllocationLimits& limits = options_.limits;
    if (is_listed(limits.trusted, from)) return true;
    const IpAddress source = source_of(from);
    return allocators_.take(now, limits.rate, source.bytes()) == Duration::zero();
}

std::optional<AllocationHandle> Server::open_relay(const Request& request, const IpAddress& relay) {
    if (allocations_.size() >= options_.max_allocations) return std::nullopt;
    const AllocationHandle handle = allocations_.emplace(request.from);
    Allocation& allocation = *allocations_.find(handle);
    allocation.handle = handle;
    const unsigned step = request.message.has(StunAttr::kEvenPort) ? 2 : 1;
    const unsigned lowest = options_.first_port;
    const std::uint64_t first = lowest + (step == 2 ? lowest % 2 : 0);
    for (int i = 0; i < kPortTries && first <= options_.last_port; ++i) {
        const std::uint64_t ports = (options_.last_port - first) / step + 1;
        allocation.relayed = {relay, static_cast<std::uint16_t>(first + step * rng_.below(ports))};
        if (ports_.open(handle, allocation.relayed)) return handle;
    }
    allocations_.erase(handle);
    return std::nullopt;
}

Output Server::refresh(Request& request) {
    const Duration asked = granted_lifetime(request.message);
    if (asked == Duration::zero()) {
        remove(*request.allocation);
        request.allocation = nullptr;
        return success(request, 0);
    }
    const Timestamp end = earlier(request.now + asked, request.allocation->ends_by);
    timers_.schedule(request.allocation->expiry, end);
    return success(request, in_seconds(end - request.now));
}

// One peer that may not be refuses the whole request (02 §7.3).
Output Server::create_permission(Request& request) {
    std::vector<IpAddress> peers;
    auto walk = request.message.attributes();
    while (const auto attribute = walk.next()) {
        if (attribute->type == StunAttr::kMessageIntegrity) break;
        if (attribute->type != StunAttr::kXorPeerAddress) continue;
        const auto peer = request.message.xor_address(*attribute);
        if (!peer) return refuse(request, 400);
        if (peer->ip.family() != request.allocation->relayed.ip.family())
            return refuse(request, 443);
        if (!filter_.allows(peer->ip)) {
            ++counters_.forbidden_peers;
            return refuse(request, 403);
        }
        peers.push_back(peer->ip);
    }
    if (peers.empty()) return refuse(request, 400);
    for (const IpAddress& peer : peers)
        if (!request.allocation->permit(peer, request.now)) return refuse(request, 508);
    return success(request, std::nullopt);
}

Output Server::bind_channel(Request& request) {
    const auto number = request.message.u32(StunAttr::kChannelNumber);
    const auto peer = request.message.xor_address(StunAttr::kXorPeerAddress);
    if (!number || !peer) return refuse(request, 400);
    const auto channel = static_cast<std::uint16_t>(*number >> 16);
    if (channel < wire::kMinChannel || channel > wire::kMaxChannel) return refuse(request, 400);
    if (peer->ip.family() != request.allocation->relayed.ip.family()) return refuse(request, 443);
    if (!filter_.allows(*peer)) {
        ++counters_.forbidden_peers;
        return refuse(request, 403);
    }
    switch (request.allocation->bind(channel, *peer, request.now)) {
        case Allocation::Bound::kConflict:
            return refuse(request, 400);
        case Allocation::Bound::kFull:
            return refuse(request, 508);
        case Allocation::Bound::kDone:
            break;
    }
    return success(request, std::nullopt);
}

}  // namespace confab::turn
