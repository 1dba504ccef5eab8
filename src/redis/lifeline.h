// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One connection to a server that is made again whenever it ends: at once after one that was well,
// then often for some seconds, as a restart takes, then ever later. Half of each pause is by
// chance, so that the nodes of a cluster do not all come back in the same moment.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/rng.h"
#include "base/time.h"
#include "redis/port.h"
#include "redis/session.h"

namespace confab::redis {

class Lifeline {
  public:
    static constexpr Duration kFirstPause = Duration::millis(50);
    // Until so long after the first attempt that failed; whoever calls the moment it is back is
    // heard soon.
    static constexpr Duration kSoonPause = Duration::millis(250);
    static constexpr Duration kSoon = Duration::seconds(5);
    static constexpr Duration kLongestPause = Duration::seconds(2);

    Lifeline(Timestamp now, std::uint64_t seed) : rng_(seed), next_attempt_(now) {}

    bool wants(Timestamp now) const { return !session_ && !connecting_ && next_attempt_ <= now; }
    void dialled() { connecting_ = true; }
    void connected(Timestamp now, const Login& login, Session::MessageHandler on_message,
                   Timing timing);
    // The connection, or the attempt, has ended; look() tells why, once.
    void closed(Timestamp now, std::string_view why);
    // A new one takes its place at once: nothing was wrong with this one but where it led.
    void move(Timestamp now, std::string_view why);
    Timestamp next_deadline() const;
    bool keeps() const { return session_ || connecting_; }

    // What to do after each input: nothing, or tell that it is down. Takes an ended session away.
    std::optional<Fault> look(Timestamp now);
    // All is well: the next pause is short again.
    void is_well() {
        pause_ = kFirstPause;
        trouble_since_.reset();
    }

    // Null while there is no connection.
    Session* session() { return session_.get(); }
    const Session* session() const { return session_.get(); }
    bool is_ready() const { return session_ && session_->state() == Session::State::kReady; }
    const std::string& trouble() const { return trouble_; }
    void set_trouble(std::string trouble) { trouble_ = std::move(trouble); }

  private:
    Rng rng_;
    std::unique_ptr<Session> session_;
    bool connecting_ = false;
    std::optional<Fault> failed_;  // of an attempt
    Duration pause_ = kFirstPause;
    std::optional<Timestamp> trouble_since_;
    bool at_once_ = false;
    Timestamp next_attempt_;
    std::string trouble_;
};

}  // namespace confab::redis
