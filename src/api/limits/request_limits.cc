// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/limits/request_limits.h"

#include <array>
#include <utility>

#include "base/limits/sources.h"

namespace confab::api {
namespace {

// For what ends when others like it to.
constexpr Duration kAskAgain = Duration::seconds(5);

constexpr int kTooMany = 429;
constexpr int kBusy = 503;
constexpr std::array<LimitInfo, 10> kLayers{{
    {LimitLayer::kConnection, "connection", "too many connections from this address",
     "confab.limits.connections", 0, 0,
     "keep connections open and use them again; the server's log names the address"},
    {LimitLayer::kRequest, "request", "too many requests from this address",
     "confab.limits.requests", kTooMany, kBusy,
     "wait longer after each failure; where many share an address, raise it or list the address in "
     "`confab.limits.trusted`"},
    {LimitLayer::kWebSocket, "websocket", "too many connections of this address are open",
     "confab.limits.websockets", kTooMany, kBusy,
     "leave rooms that nobody needs; where many share an address, raise it or list the address in "
     "`confab.limits.trusted`"},
    {LimitLayer::kToken, "token", "too many invalid tokens from this address",
     "confab.limits.bad_tokens", kTooMany, kTooMany,
     "mint a token that is good ([why it is not](#tokens)), which is let in at once"},
    {LimitLayer::kJoinIdentity, "join_identity", "this participant joins too often",
     "confab.limits.joins_of_identity", kTooMany, kBusy,
     "look for a page that joins in a loop, or for two clients with one identity"},
    {LimitLayer::kJoinRoom, "join_room", "too many join this room now",
     "confab.limits.joins_of_room", kTooMany, kBusy,
     "wait: SDKs try again by themselves; raise it for events that all join at once"},
    {LimitLayer::kJoinKey, "join_key", "too many join with this API key now",
     "confab.limits.joins_of_key", kTooMany, kBusy,
     "wait: SDKs try again by themselves; raise it, or give each application a key of its own"},
    {LimitLayer::kJoinLoad, "join_load", "this node is too busy for more participants",
     "confab.limits.join_load", kBusy, kBusy, "add nodes or processors, or raise it"},
    {LimitLayer::kApiKey, "api_key", "too many calls with this API key",
     "confab.limits.calls_of_key", kTooMany, kTooMany,
     "call less often (webhooks tell what lists are asked for), or raise it"},
    {LimitLayer::kApiMethod, "api_method", "too many calls of this method with this API key",
     "confab.limits.calls_of_method", kTooMany, kTooMany,
     "call it less often (webhooks tell what lists are asked for), or raise it"},
}};

BytesView key_of(const IpAddress& source) {
    return source.bytes();
}
// Two pairs that read alike share a bucket, no more.
std::string joined(std::string_view first, std::string_view second) {
    return std::string(first).append(1, '\0').append(second);
}

RequestLimits::Verdict verdict(LimitLayer layer, Duration wait) {
    if (wait <= Duration::zero()) return std::nullopt;
    return Excess{layer, wait};
}

}  // namespace

std::span<const LimitInfo> limit_infos() {
    return kLayers;
}
const LimitInfo& info_of(LimitLayer layer) {
    return kLayers[static_cast<std::size_t>(layer)];
}
std::string_view limit_in(std::string_view text) {
    for (const LimitInfo& layer : kLayers)
        if (text.starts_with(layer.text)) return layer.text;
    return {};
}

RequestLimits::RequestLimits(const SipKey& key, RequestLimitOptions options)
    : options_(std::move(options)),
      connections_(key, kAddresses),
      requests_(key, kAddresses),
      bad_tokens_(key, kAddresses),
      identities_(key, kJoins),
      rooms_(key, kJoins),
      keys_(key, kKeys),
      calls_of_key_(key, kKeys),
      calls_of_method_(key, kKeys) {}

bool RequestLimits::is_trusted(const IpAddress& address) const {
    return is_listed(options_.trusted, address);
}

RequestLimits::Verdict RequestLimits::connection(Timestamp now, const IpAddress& address) {
    if (is_trusted(address)) return std::nullopt;
    const IpAddress source = source_of(address);
    return verdict(LimitLayer::kConnection,
                   connections_.take(now, options_.connections, key_of(source)));
}

RequestLimits::Verdict RequestLimits::request(Timestamp now, const IpAddress& address) {
    if (is_trusted(address)) return std::nullopt;
    const IpAddress source = source_of(address);
    return verdict(LimitLayer::kRequest, requests_.take(now, options_.requests, key_of(source)));
}

RequestLimits::Verdict RequestLimits::bad_token(Timestamp now, const IpAddress& address) {
    if (is_trusted(address)) return std::nullopt;
    const IpAddress source = source_of(address);
    return verdict(LimitLayer::kToken,
                   bad_tokens_.owe(now, options_.bad_tokens, key_of(source), kLongestWait));
}

// The narrowest first: what it refuses takes nothing from the others, so that one identity in a
// loop keeps nobody else out of its room.
template <typename Ask>
RequestLimits::Verdict RequestLimits::ask_joins(const Join& join, Ask ask) const {
    const std::string identity = joined(join.room, join.identity);
    if (auto excess = verdict(LimitLayer::kJoinIdentity, ask(&RequestLimits::identities_,
                                                             options_.joins_of_identity, identity)))
        return excess;
    if (join.resumes) return std::nullopt;
    if (options_.join_load > 0 && load_ >= options_.join_load)
        return Excess{LimitLayer::kJoinLoad, kAskAgain};
    if (auto excess = verdict(LimitLayer::kJoinRoom,
                              ask(&RequestLimits::rooms_, options_.joins_of_room, join.room)))
        return excess;
    return verdict(LimitLayer::kJoinKey,
                   ask(&RequestLimits::keys_, options_.joins_of_key, join.api_key));
}

RequestLimits::Verdict RequestLimits::join(Timestamp now, const IpAddress& address,
                                           const Join& join) {
    if (is_trusted(address)) return std::nullopt;
    return ask_joins(join, [&](auto buckets, const Rate& rate, std::string_view key) {
        return (this->*buckets).take(now, rate, as_bytes(key));
    });
}

RequestLimits::Verdict RequestLimits::would_join(Timestamp now, const IpAddress& address,
                                                 const Join& join) const {
    if (is_trusted(address)) return std::nullopt;
    return ask_joins(join, [&](auto buckets, const Rate& rate, std::string_view key) {
        return (this->*buckets).wait(now, rate, as_bytes(key));
    });
}

RequestLimits::Verdict RequestLimits::open_web_socket(const IpAddress& address) {
    const IpAddress source = source_of(address);
    const std::size_t open = web_sockets_of(address);
    if (options_.web_sockets != 0 && open >= options_.web_sockets && !is_trusted(address))
        return Excess{LimitLayer::kWebSocket, kAskAgain};
    web_sockets_[source] = open + 1;
    return std::nullopt;
}

void RequestLimits::close_web_socket(const IpAddress& address) {
    const auto found = web_sockets_.find(source_of(address));
    if (found != web_sockets_.end() && --found->second == 0) web_sockets_.erase(found);
}

std::size_t RequestLimits::web_sockets_of(const IpAddress& address) const {
    const auto found = web_sockets_.find(source_of(address));
    return found == web_sockets_.end() ? 0 : found->second;
}

RequestLimits::Verdict RequestLimits::call(Timestamp now, const IpAddress& address,
                                           std::string_view caller, std::string_view method) {
    if (is_trusted(address)) return std::nullopt;
    if (auto excess = verdict(
            LimitLayer::kApiMethod,
            calls_of_method_.take(now, options_.calls_of_method, as_bytes(joined(caller, method)))))
        return excess;
    return verdict(LimitLayer::kApiKey,
                   calls_of_key_.take(now, options_.calls_of_key, as_bytes(caller)));
}

Rate RequestLimits::signals(const IpAddress& address) const {
    return is_trusted(address) ? Rate{} : options_.signals;
}

}  // namespace confab::api
