// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How much of the HTTP port one address, API key, room, identity and method may have (03 OPS-05).
// Machine without clock or socket: each question takes from the buckets that it is about. Behind
// every limit that is reached others go on: nobody waits for somebody else's bucket to fill.
//
// From trusted addresses nothing is counted, and nothing refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cidr.h"
#include "base/limits/keyed_buckets.h"
#include "base/net_address.h"

namespace confab::api {

// What of a limit is reached; the words are labels of confab_ratelimit_total.
enum class LimitLayer : std::uint8_t {
    kConnection,
    kRequest,
    kWebSocket,
    kToken,
    kJoinIdentity,
    kJoinRoom,
    kJoinKey,
    kJoinLoad,
    kApiKey,
    kApiMethod,
};
// docs/reference/errors.md is printed from it.
struct LimitInfo {
    LimitLayer layer;
    std::string_view label;
    // What a client is told, without when to come again.
    std::string_view text;
    std::string_view setting;  // of the configuration
    // Of HTTP; 0: the connection is closed without a word.
    int status;
    // Below /rtc: to clients that reconnect, 4xx means that their token is no good
    // (livekit-client 2.15), and they would give the call up.
    int status_of_call;
    std::string_view remedy;
};
std::span<const LimitInfo> limit_infos();
const LimitInfo& info_of(LimitLayer layer);
// Of those texts the one that `text` begins with; empty: none of them.
std::string_view limit_in(std::string_view text);

struct RequestLimitOptions {
    Rate connections;             // of an address: TCP connections
    Rate requests;                // of an address: for signalling, WHIP, agents, tokens
    std::size_t web_sockets = 0;  // of an address, at once; 0: any number
    Rate bad_tokens;              // of an address
    Rate joins_of_identity;       // resumes too
    Rate joins_of_room;
    Rate joins_of_key;
    double join_load = 0;  // of the node's processors, from which on nobody new is let in; 0: none
    Rate calls_of_key;
    Rate calls_of_method;  // by one key
    Rate signals;          // of a participant; counted where its messages are read
    std::vector<Cidr> trusted;
};

struct Join {
    std::string_view api_key;
    std::string_view room;  // its key
    std::string_view identity;
    bool resumes = false;
};

struct Excess {
    LimitLayer layer = LimitLayer::kConnection;
    Duration wait;  // until it is worth asking again
};

class RequestLimits {
  public:
    using Verdict = std::optional<Excess>;  // nothing: go on

    // Places for keys of each kind; beyond, see KeyedBuckets.
    static constexpr std::size_t kAddresses = 16'384;
    static constexpr std::size_t kJoins = 16'384;
    static constexpr std::size_t kKeys = 1024;
    // Who shows one bad token after the other is told to wait so long at last.
    static constexpr Duration kLongestWait = Duration::seconds(60);

    // `key`: random.
    RequestLimits(const SipKey& key, RequestLimitOptions options);
    // How busy the node is, 0 … 1.
    void set_load(double load) { load_ = load; }
    // What was taken stays taken.
    void reconfigure(RequestLimitOptions options) { options_ = std::move(options); }
    const RequestLimitOptions& options() const { return options_; }
    bool is_trusted(const IpAddress& address) const;

    Verdict connection(Timestamp now, const IpAddress& address);
    Verdict request(Timestamp now, const IpAddress& address);
    // A token was wrong. Each more makes the wait longer; who has a good one is let in meanwhile,
    // or one client would lock out all that share its address.
    Verdict bad_token(Timestamp now, const IpAddress& address);
    // A resume is of a call that goes on: it counts for its identity alone, and is let in by a busy
    // node too.
    Verdict join(Timestamp now, const IpAddress& address, const Join& join);
    // What join() would say; nothing is taken.
    Verdict would_join(Timestamp now, const IpAddress& address, const Join& join) const;
    // One that is let in is to be closed.
    Verdict open_web_socket(const IpAddress& address);
    void close_web_socket(const IpAddress& address);
    // `caller`: whose calls are counted together, such as an API key.
    Verdict call(Timestamp now, const IpAddress& address, std::string_view caller,
                 std::string_view method);
    // Of the messages of a participant who joins from there.
    Rate signals(const IpAddress& address) const;

    std::size_t web_sockets_of(const IpAddress& address) const;

  private:
    template <typename Ask>
    Verdict ask_joins(const Join& join, Ask ask) const;

    RequestLimitOptions options_;
    double load_ = 0;
    KeyedBuckets connections_;
    KeyedBuckets requests_;
    KeyedBuckets bad_tokens_;
    KeyedBuckets identities_;
    KeyedBuckets rooms_;
    KeyedBuckets keys_;
    KeyedBuckets calls_of_key_;
    KeyedBuckets calls_of_method_;
    std::map<IpAddress, std::size_t> web_sockets_;  // as many at most as there are connections
};

}  // namespace confab::api
