// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A bus whose relay streams use a direct link to the other node while there is one (link.h), and
// the bus below otherwise. A stream is opened over the bus, with a name for the link beside it
// (others ignore that); its messages then go either way. What is on its way when a link ends is
// sent again over the bus: it may arrive twice, which the numbers of the relay make harmless
// (NODE-21), and nothing else may use these streams.
//
// Flow control is per stream: kMaxOnLink messages without acknowledgement, of kMaxQueuedBytes, and
// what its receiver does not fetch is not acknowledged.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/rng.h"
#include "cluster/relay/link/link.h"
#include "rpc/bus.h"

namespace confab::cluster::relay {

class LinkedBus final : public rpc::Bus {
  public:
    static constexpr std::size_t kMaxOnLink = 16;

    // `node` is the id of this one. The bus must outlive it.
    LinkedBus(rpc::Bus& bus, std::string node, std::uint64_t seed);
    ~LinkedBus() override;
    LinkedBus(const LinkedBus&) = delete;
    LinkedBus& operator=(const LinkedBus&) = delete;

    // After each change of a link: takes its frames, uses it once it is up, and no more once it has
    // ended. Of several to one node one is used. Links may have output after every turn.
    void advance(Timestamp now, Link& link);
    // Before a link is destroyed.
    void forget(Timestamp now, Link& link);

    struct Snapshot {
        std::size_t links = 0;
        std::size_t streams = 0;
        std::uint64_t over_link = 0;
        std::uint64_t over_bus = 0;
        std::uint64_t sent_again = 0;  // over the bus, after their link ended
    };
    Snapshot snapshot() const;

    Result<rpc::Registration, rpc::Error> serve(const rpc::Method& method, rpc::Topic topic,
                                                rpc::Handler handler,
                                                rpc::Affinity affinity) override;
    Result<rpc::Registration, rpc::Error> serve_stream(const rpc::Method& method, rpc::Topic topic,
                                                       rpc::StreamHandler handler) override;
    rpc::Registration subscribe(const rpc::Method& method, rpc::Topic topic,
                                rpc::Listener listener) override;
    rpc::CallId call(Timestamp now, const rpc::Method& method, rpc::Topic topic,
                     std::string request, rpc::CallOptions options, rpc::Reply done) override;
    rpc::CallId gather(Timestamp now, const rpc::Method& method, rpc::Topic topic,
                       std::string request, rpc::CallOptions options,
                       std::function<void(rpc::Outcome)> each, Callback<> finished) override;
    void cancel(rpc::CallId call) override;
    void open(Timestamp now, const rpc::Method& method, rpc::Topic topic, std::string request,
              rpc::CallOptions options, rpc::Opened opened) override;
    void publish(const rpc::Method& method, rpc::Topic topic, std::string message) override;
    bool is_listening() const override { return bus_.is_listening(); }

    struct State;  // linked_stream.h

  private:
    rpc::Bus& bus_;
    std::string node_;
    Rng rng_;
    std::shared_ptr<State> state_;
};

}  // namespace confab::cluster::relay
