// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Calls between the services of a deployment: rooms, agents, egress, ingress, SIP (03 section 2 is
// the contract, PSR-08 … PSR-21). A bus is what one node holds of it; local_bus.h is the one inside
// a process, where nothing is lost and everybody is known. bus_contract_testing.h holds every
// implementation to the same behaviour.
//
// Messages are serialised protobuf; typed.h has the typed form. No callback comes inside a call:
// all come from the turn of whoever drives the bus.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/result.h"
#include "base/tagged.h"
#include "base/time.h"
#include "rpc/error.h"

namespace confab::rpc {

// Who answers (PSR-08).
enum class Flow : std::uint8_t {
    kQueue,     // one of the servers, in turn
    kAffinity,  // the server that says that it suits best
    kMulti,     // all of them
    kStream,    // one, and both sides send
    kPublish,   // all; nobody answers
};
// All texts are literals: buses keep the views.
struct Method {
    std::string_view service;
    std::string_view name;
    Flow flow = Flow::kQueue;
    // kQueue and kStream: there is one server for a topic, so that none has to be chosen (PSR-15).
    bool single_server = false;
    // kPublish: the full name of the message that is published (PSR-07).
    std::string_view message = "google.protobuf.Empty";

    // Whether servers say that they would, and the client chooses (PSR-08).
    constexpr bool has_claims() const {
        return flow == Flow::kAffinity ||
               ((flow == Flow::kQueue || flow == Flow::kStream) && !single_server);
    }
};
// What the server of a method registered for: a node, a room, a participant; empty for any.
using Topic = std::vector<std::string>;
using Metadata = std::map<std::string, std::string>;  // trace context; unknown keys are carried on

struct CallOptions {  // PSR-12
    Duration timeout = Duration::seconds(3);
    double minimum_affinity = 0;  // claims below do not count
    double maximum_affinity = 0;  // a claim that reaches it wins at once
    // For claims, of all methods that have them; zero: as long as `timeout`.
    Duration selection_timeout = Duration::seconds(1);
    // kAffinity: from the first claim on, how long others may claim; zero: the selection timeout.
    Duration short_circuit = Duration::millis(200);
    bool accept_first = false;  // kAffinity: whoever claims first; other flows do so anyway
    Metadata metadata;
};

using Outcome = Result<std::string, Error>;
using Reply = Callback<Outcome>;

// What a handler is called with.
struct Request {
    std::string payload;
    Topic topic;
    Metadata metadata;
    Timestamp now;
    Timestamp deadline;  // nobody waits for an answer after it
    // Of a stream from another node: who opened it, as it says; the node in the Signal service.
    std::string caller{};
};
// May answer later; a Reply that is dropped answers kInternal.
using Handler = std::function<void(const Request&, Reply)>;
// How well this server suits: the higher the better, 0 is never chosen, below 0 it keeps still.
using Affinity = std::function<double(const Request&)>;
using Listener = std::function<void(const std::string& payload)>;

// One end of a stream (PSR-16). Keeps the stream open while it lives.
class Stream {
  public:
    // Of messages that were not taken with receive(); the next one is dropped, and its sender hears
    // kDeadlineExceeded.
    static constexpr std::size_t kMaxQueued = 100;
    using Sent = Callback<Result<void, Error>>;

    virtual ~Stream() = default;
    virtual void set_handlers(std::function<void()> on_readable,
                              std::function<void(const Error&)> on_closed) = 0;
    // `sent` is called when the other end has taken it into its queue.
    virtual void send(Timestamp now, std::string message, Sent sent) = 0;
    virtual std::optional<std::string> receive() = 0;
    // The other end is told the cause; this one hears nothing more.
    virtual void close(Error cause = {Code::kCanceled, "stream closed", {}}) = 0;
    virtual bool is_open() const = 0;
    // What is sent goes a way that is there even when the bus is not.
    virtual bool is_beside_bus() const { return false; }
};
using StreamHandler = std::function<void(const Request&, std::shared_ptr<Stream>)>;
using Opened = Callback<Result<std::shared_ptr<Stream>, Error>>;

// Ends the service or subscription when it is destroyed.
class Registration {
  public:
    Registration() = default;
    explicit Registration(std::function<void()> end) : end_(std::move(end)) {}
    Registration(Registration&& other) noexcept : end_(std::exchange(other.end_, nullptr)) {}
    Registration& operator=(Registration&& other) noexcept {
        std::swap(end_, other.end_);
        return *this;
    }
    ~Registration() {
        if (end_) end_();
    }

  private:
    std::function<void()> end_;
};

using CallId = Tagged<struct CallIdTag, std::uint64_t>;

class Bus {
  public:
    virtual ~Bus() = default;

    // ---- servers. A second one of this node for method and topic is kAlreadyExists (PSR-21).
    virtual Result<Registration, Error> serve(const Method& method, Topic topic, Handler handler,
                                              Affinity affinity = {}) = 0;
    virtual Result<Registration, Error> serve_stream(const Method& method, Topic topic,
                                                     StreamHandler handler) = 0;
    virtual Registration subscribe(const Method& method, Topic topic, Listener listener) = 0;

    // ---- clients. Nobody there: kUnavailable "no response from servers", at the latest after the
    // selection timeout. `done` is called once, unless the call is cancelled.
    virtual CallId call(Timestamp now, const Method& method, Topic topic, std::string request,
                        CallOptions options, Reply done) = 0;
    // kMulti: `each` for every answer, `finished` after the timeout (PSR-14).
    virtual CallId gather(Timestamp now, const Method& method, Topic topic, std::string request,
                          CallOptions options, std::function<void(Outcome)> each,
                          Callback<> finished) = 0;
    virtual void cancel(CallId call) = 0;
    // `request` comes to servers of confab only: upstream's streams have no place for it, and begin
    // with a message.
    virtual void open(Timestamp now, const Method& method, Topic topic, std::string request,
                      CallOptions options, Opened opened) = 0;
    virtual void publish(const Method& method, Topic topic, std::string message) = 0;

    // Messages reach all that is served and subscribed so far, but for what the bus may not listen
    // to: who is not yet heard tells nobody that it is there (PSR-20).
    virtual bool is_listening() const { return true; }
};

}  // namespace confab::rpc
