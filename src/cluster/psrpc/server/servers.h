// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Internal to the bus: what this node serves, and the way of a request through it (03 PSR-09,
// PSR-10):
//   admitted ─▶ considered ─▶ locked (queues) ─▶ claimed ─▶ chosen ─▶ handled ─▶ answered
// Whoever keeps still does so before the lock, so that it does not take a request from others.
// Streams come this way up to their choice; then they are the stream's (streams.h).
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "cluster/psrpc/core.h"
#include "cluster/psrpc/listeners.h"
#include "cluster/psrpc/server/claims.h"
#include "cluster/psrpc/server/intake.h"
#include "cluster/psrpc/streams.h"
#include "psrpc_internal.pb.h"
#include "rpc/bus.h"

namespace confab::cluster::psrpc {

class Servers {
  public:
    // Handlers that have not answered. Beyond, requests are left to other nodes.
    static constexpr std::size_t kMaxRunning = 16'384;

    struct Parts {
        Core& core;
        Listeners& listeners;
        Streams& streams;
        rpc::Bus& local;  // serves the same to this node itself
    };
    explicit Servers(const Parts& parts) : parts_(parts), core_(parts.core), intake_(parts.core) {}
    Servers(const Servers&) = delete;
    Servers& operator=(const Servers&) = delete;

    Result<rpc::Registration, rpc::Error> add(const rpc::Method& method, rpc::Topic topic,
                                              rpc::Handler handler, rpc::Affinity affinity);
    Result<rpc::Registration, rpc::Error> add_stream(const rpc::Method& method, rpc::Topic topic,
                                                     rpc::StreamHandler handler);
    bool has(const rpc::Method& method, const rpc::Topic& topic) const;
    bool has_stream(const rpc::Method& method, const rpc::Topic& topic) const;
    // Serves it, and does not abstain from this request.
    bool would_take(const rpc::Method& method, const rpc::Topic& topic,
                    const std::function<rpc::Request()>& request) const;

    void expire(Timestamp now) { claims_.expire(now); }
    Timestamp next_deadline() const { return claims_.next_deadline(); }
    std::size_t size() const { return services_.size(); }
    std::size_t claims() const { return claims_.size(); }
    std::size_t running() const { return running_; }

  private:
    struct Service {
        rpc::Method method;
        rpc::Topic topic;
        std::string server_id;
        std::shared_ptr<const rpc::Handler> handler;  // one of these two
        std::shared_ptr<const rpc::StreamHandler> stream_handler;
        rpc::Affinity affinity;
        rpc::Registration local;
        std::vector<rpc::Registration> channels;
    };
    using Key = std::tuple<std::string_view, std::string_view, rpc::Topic>;
    // A request on its way; `client` is who gets the answer.
    struct Job {
        std::weak_ptr<Service> service;
        std::string id;
        std::string client;
        std::string stream;  // its id, of the opening of one
        std::int64_t sent_at = 0;
        std::int64_t expiry = 0;
        std::string lock;  // its key, of a queue
        double affinity = 1;
        rpc::Request request;
    };
    using JobPtr = std::shared_ptr<Job>;
    class Answer;

    const Service* find(const rpc::Method& method, const rpc::Topic& topic) const;
    rpc::Registration start(const std::shared_ptr<Service>& service);
    void listen(const std::shared_ptr<Service>& service);
    void handle_request(Timestamp now, const std::shared_ptr<Service>& service,
                        const Envelope& envelope, std::string_view payload);
    void handle_stream(Timestamp now, const std::shared_ptr<Service>& service,
                       const std::string& channel, const Envelope& envelope);
    void handle_open(Timestamp now, const std::shared_ptr<Service>& service,
                     internal::Stream stream);
    bool admit(Timestamp now, const Service& service, const Job& job);
    void consider(Timestamp now, const JobPtr& job);
    void lock(Timestamp now, const JobPtr& job);
    void claim(Timestamp now, const JobPtr& job);
    void run(Timestamp now, const JobPtr& job);
    void accept_stream(Timestamp now, const Service& service, const JobPtr& job);
    rpc::Reply counted(const rpc::Method& method, const rpc::Request& request, rpc::Reply reply);
    void note_answer(const rpc::Method& method, Duration took, const rpc::Outcome& outcome);
    void respond(Timestamp now, const Job& job, const std::string& server_id,
                 const rpc::Method& method, rpc::Outcome outcome);

    Parts parts_;
    Core& core_;
    Intake intake_;
    Claims claims_;
    std::map<Key, std::shared_ptr<Service>> services_;
    std::size_t running_ = 0;
};

}  // namespace confab::cluster::psrpc
