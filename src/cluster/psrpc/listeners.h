// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Internal to the bus: who hears which channel, and which of them Redis has confirmed on this
// connection (03 PSR-20).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "cluster/psrpc/core.h"
#include "rpc/bus.h"

namespace confab::cluster::psrpc {

class Listeners {
  public:
    using Handler = std::function<void(Timestamp now, const Envelope&, std::string_view payload)>;
    enum class State : std::uint8_t { kAsked, kConfirmed, kRefused };

    explicit Listeners(Core& core) : core_(core) {}
    Listeners(const Listeners&) = delete;
    Listeners& operator=(const Listeners&) = delete;

    // Until the Registration goes. Redis is asked in the next turn.
    rpc::Registration add(const std::string& channel, Handler handler);

    void handle_message(Timestamp now, std::string_view channel, std::string_view payload);
    void handle_subscribed(const std::string& channel);
    void handle_refused(const std::string& channel, const std::string& error);
    void handle_down();
    // Lets go of all channels.
    void end(Timestamp now);

    State state(const std::string& channel) const;
    // Of the latest channel that was refused.
    const std::string& refusal() const { return refusal_; }
    bool are_all_answered() const;  // confirmed or refused
    std::size_t channels() const { return channels_.size(); }

  private:
    struct Channel {
        std::map<std::uint64_t, std::shared_ptr<const Handler>> handlers;
        State state = State::kAsked;
        bool subscribed = false;  // at the port
    };
    void remove(const std::string& channel, std::uint64_t id);
    void settle(Timestamp now, const std::string& channel);

    Core& core_;
    std::map<std::string, Channel, std::less<>> channels_;
    std::uint64_t last_ = 0;
    std::string refusal_;
};

}  // namespace confab::cluster::psrpc
