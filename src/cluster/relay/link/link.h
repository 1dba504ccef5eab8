// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One end of a direct connection between two of our nodes (03 §10 row 8): signalling that does not
// pass Redis. Bytes of a stream in and out; linked_bus.h says what goes over it.
//
//   both    hello{version, node id, nonce}
//   dialer  proof = HMAC-SHA-256(secret, role and both hellos), then the listener's
//   both    frames; each second at least one, after 3 s without any the link has ended
//
// unless the system at the other end still acknowledges all that is sent: then the process there
// stands still (a debugger, a machine that is much too busy), and has until kStanding.
//
// A frame is its length (32 bits, big-endian) and a rpc.LinkFrame. The proofs say who is at the
// other end; they neither hide nor sign what follows: the network between the nodes is the
// operator's own, as Redis is.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "cluster/relay/settings.h"
#include "rpc_signal.pb.h"

namespace confab::cluster::relay {

class Link {
  public:
    static constexpr std::uint32_t kVersion = 1;
    static constexpr Duration kHeartbeat = Duration::seconds(1);
    static constexpr Duration kSilence = Duration::seconds(3);    // of the greeting, too
    static constexpr Duration kQuiet = Duration::seconds(2);      // then its system is asked about
    static constexpr Duration kStanding = Duration::seconds(15);  // of silence: then it ends, too
    static constexpr std::size_t kMaxFrame = kMaxStreamMessage + 1024;
    static constexpr std::size_t kMaxGreeting = 256;  // a frame before the peer is known
    // Not taken by take_output(): beyond it send() refuses, and the bus is used instead.
    static constexpr std::size_t kMaxUnsent = std::size_t{16} << 20;
    // why_ended() of a peer that has another secret.
    static constexpr std::string_view kOtherSecret = "another secret";
    using Nonce = std::array<std::uint8_t, 32>;
    enum class Role : std::uint8_t { kDialer, kListener };

    struct Options {
        Role role = Role::kDialer;
        std::string node;    // own id
        std::string peer;    // who was dialled; empty: whoever proves to be one of us
        std::string secret;  // that all nodes have; empty: nobody is believed
    };
    // `nonce` is used once and not to be guessed.
    Link(Timestamp now, Options options, const Nonce& nonce);

    void received(Timestamp now, BytesView bytes);
    std::string take_output();
    // False: not up, or too much is unsent.
    bool send(Timestamp now, const ::rpc::LinkFrame& frame);
    // Messages, acknowledgements and closes, once it is up.
    std::optional<::rpc::LinkFrame> poll_frame();

    enum class State : std::uint8_t { kGreeting, kUp, kEnded };
    State state() const { return state_; }
    const std::string& peer() const { return options_.peer; }
    std::string_view why_ended() const { return why_; }
    // Up, and something was heard within kQuiet.
    bool is_heard(Timestamp now) const { return state_ == State::kUp && !is_quiet(now); }
    // Up, and nothing was heard for kQuiet: system_acknowledged() is of use.
    bool is_quiet(Timestamp now) const;
    // What the system at the other end has received, before handle_timeout(): whether it is all
    // that was sent, and how long ago it last said so.
    void system_acknowledged(Timestamp now, bool all, Duration since);
    // Nothing is heard, but its system answers.
    bool is_standing() const { return standing_; }
    // The connection is gone.
    void closed() { end("connection closed"); }
    void handle_timeout(Timestamp now);
    // Once it is up, within kHeartbeat of the last handle_timeout(), however much is said
    // meanwhile: whoever drives it tells others then what has become of the peer.
    Timestamp next_deadline() const;

  private:
    void take(Timestamp now, const ::rpc::LinkFrame& frame);
    void greet(Timestamp now, const ::rpc::LinkHello& hello);
    void check_proof(Timestamp now, std::string_view proof);
    std::string proof_of(Role prover) const;
    void write(Timestamp now, const ::rpc::LinkFrame& frame);
    void end(std::string_view why);
    void judge_silence(Timestamp now);

    Options options_;
    std::string own_nonce_;
    std::string peer_nonce_;  // empty before its hello
    State state_ = State::kGreeting;
    std::string_view why_;
    std::string input_;
    std::string output_;
    std::deque<::rpc::LinkFrame> frames_;
    Timestamp heard_;
    Timestamp said_;
    Timestamp judged_;
    std::optional<Timestamp> acknowledged_;
    bool standing_ = false;
};

}  // namespace confab::cluster::relay
