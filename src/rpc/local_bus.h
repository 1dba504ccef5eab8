// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The bus inside a process: a hub that all nodes in it share (one in a server, several in the
// simulator), and a LocalBus for each node. Nothing is lost on the way and the hub knows who serves
// what, so a call that nobody serves fails at once, and claims need no time.
// A machine of one thread: handle_timeout() carries on what is queued and calls the callbacks.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rpc/bus.h"

namespace confab::rpc {

class LocalHub {
  public:
    // Calls that wait or are being answered, and as many steps (calls, streams and publications
    // that wait for a turn); beyond either a call fails with kResourceExhausted, and a publication
    // is dropped.
    static constexpr std::size_t kMaxPending = 16'384;
    // Callbacks in one turn; the others have the next one.
    static constexpr std::size_t kMaxStepsPerTurn = 1024;

    LocalHub();
    ~LocalHub();
    LocalHub(const LocalHub&) = delete;
    LocalHub& operator=(const LocalHub&) = delete;

    void handle_timeout(Timestamp now);
    // In the past while something is queued.
    Timestamp next_deadline() const;
    struct Snapshot {
        std::size_t servers = 0;
        std::size_t pending = 0;
        std::uint64_t calls = 0;
        std::uint64_t unanswered = 0;  // timed out, or nobody there
        std::uint64_t refused = 0;     // kMaxPending
    };
    Snapshot snapshot() const;

    struct State;  // local_state.h

  private:
    friend class LocalBus;
    std::shared_ptr<State> state_;
};

class LocalBus final : public Bus {
  public:
    // `node` tells servers of one method and topic from each other.
    LocalBus(LocalHub& hub, std::string node) : state_(hub.state_), node_(std::move(node)) {}

    Result<Registration, Error> serve(const Method& method, Topic topic, Handler handler,
                                      Affinity affinity) override;
    Result<Registration, Error> serve_stream(const Method& method, Topic topic,
                                             StreamHandler handler) override;
    Registration subscribe(const Method& method, Topic topic, Listener listener) override;
    CallId call(Timestamp now, const Method& method, Topic topic, std::string request,
                CallOptions options, Reply done) override;
    CallId gather(Timestamp now, const Method& method, Topic topic, std::string request,
                  CallOptions options, std::function<void(Outcome)> each,
                  Callback<> finished) override;
    void cancel(CallId call) override;
    void open(Timestamp now, const Method& method, Topic topic, std::string request,
              CallOptions options, Opened opened) override;
    void publish(const Method& method, Topic topic, std::string message) override;

  private:
    std::shared_ptr<LocalHub::State> state_;
    std::string node_;
};

}  // namespace confab::rpc
