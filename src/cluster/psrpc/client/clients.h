// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Internal to the bus: this node as a client of each service. Its id, and the channels on which it
// is answered, which are there from the first use of the service on; nothing is asked before Redis
// has confirmed them (03 PSR-04, PSR-05, PSR-20).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/psrpc/core.h"
#include "cluster/psrpc/listeners.h"
#include "psrpc_internal.pb.h"
#include "rpc/bus.h"

namespace confab::cluster::psrpc {

// The Signal service knows nodes by their ids, clients and servers alike; the others get new ones.
std::string make_service_id(Core& core, std::string_view service, std::string_view prefix);

class Clients {
  public:
    // What comes on the channels.
    struct Handlers {
        std::function<void(Timestamp, internal::Response)> response;
        std::function<void(Timestamp, const internal::ClaimRequest&)> claim;
        std::function<void(Timestamp, const std::string& channel, internal::Stream)> stream;
    };
    using Ready = Callback<Timestamp, Result<void, rpc::Error>>;

    Clients(Core& core, Listeners& listeners) : core_(core), listeners_(listeners) {}
    Clients(const Clients&) = delete;
    Clients& operator=(const Clients&) = delete;

    void set_handlers(Handlers handlers) { handlers_ = std::move(handlers); }

    // Asks for the channels that calls of the method need.
    void prepare(const rpc::Method& method) { (void)client_of(method); }
    const std::string& id(const rpc::Method& method) { return client_of(method).id; }
    // At once if they are confirmed. Error: Redis refuses one, or the connection ended.
    void when_ready(Timestamp now, const rpc::Method& method, Ready ready);
    // After anything that happened to channels: whoever can go on does.
    void look(Timestamp now);
    void handle_down(Timestamp now);

  private:
    struct Client {
        std::string id;
        std::vector<std::string> channels;  // the third one for streams
        std::vector<rpc::Registration> registrations;
        std::vector<Ready> waiting;
    };
    Client& client_of(const rpc::Method& method);
    void listen(Client& client, const std::string& channel, Listeners::Handler handler);
    Listeners::State state(const Client& client) const;
    void settle(Timestamp now, Client& client, const Result<void, rpc::Error>& result);

    Core& core_;
    Listeners& listeners_;
    Handlers handlers_;
    std::map<std::string, Client, std::less<>> clients_;
};

}  // namespace confab::cluster::psrpc
