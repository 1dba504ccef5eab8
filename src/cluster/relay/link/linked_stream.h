// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Internal to the linked bus: one end of a stream that may use a link, and what all of them share.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cluster/relay/link/linked_bus.h"

namespace confab::cluster::relay {

class LinkedStream;

struct LinkedBus::State {
    std::map<std::string, Link*> links;            // by peer
    std::map<std::string, LinkedStream*> streams;  // by name
    Snapshot counters;
};

class LinkedStream final : public rpc::Stream {
  public:
    // Known under its name until it is destroyed or closed.
    LinkedStream(std::shared_ptr<LinkedBus::State> state, std::shared_ptr<rpc::Stream> bus,
                 std::string name, std::string peer);
    LinkedStream(const LinkedStream&) = delete;
    LinkedStream& operator=(const LinkedStream&) = delete;
    ~LinkedStream() override;

    // Who sets them looks for messages first: what came over a link before is not told again.
    void set_handlers(std::function<void()> on_readable,
                      std::function<void(const rpc::Error&)> on_closed) override;
    void send(Timestamp now, std::string message, Sent sent) override;
    std::optional<std::string> receive() override;
    void close(rpc::Error cause) override;
    bool is_open() const override { return open_ && bus_->is_open(); }

    bool is_beside_bus() const override { return open_ && state_->links.contains(peer_); }

    const std::string& peer() const { return peer_; }
    // What waited for the bus can go.
    void link_came();
    void handle(Timestamp now, Link& link, const ::rpc::LinkFrame& frame);
    // What went over the link that ended goes over the bus.
    void link_ended(Timestamp now);

  private:
    struct OnLink {
        std::string message;
        Sent sent;
    };
    void take_message(Timestamp now, Link& link, const ::rpc::LinkMessage& message);
    void acknowledge(std::uint64_t number);
    void take_close(const ::rpc::LinkClose& close);
    bool send_over_link(Timestamp now, const std::string& message);
    void leave();

    std::shared_ptr<LinkedBus::State> state_;
    std::shared_ptr<rpc::Stream> bus_;
    std::string name_;
    std::string peer_;
    std::deque<std::string> inbox_;  // in the order of arrival, before what the bus has
    std::function<void()> on_readable_;
    std::function<void(const rpc::Error&)> on_closed_;
    std::map<std::uint64_t, OnLink> on_link_;
    std::size_t bytes_on_link_ = 0;
    std::uint64_t last_number_ = 0;
    Timestamp last_now_;
    bool open_ = true;
};

}  // namespace confab::cluster::relay
