// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Internal to the bus: streams that are open, this node's ends of them (03 PSR-16). A message is
// acknowledged when it is in the queue of the other end; what is not acknowledged in time fails,
// and whoever sent it decides. A message that comes twice is delivered twice.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "cluster/psrpc/alarms.h"
#include "cluster/psrpc/core.h"
#include "psrpc_internal.pb.h"
#include "rpc/bus.h"

namespace confab::cluster::psrpc {

inline constexpr Duration kServerSendTimeout = Duration::seconds(3);  // PSR-12

struct StreamSpec {
    Role role = Role::kClient;
    rpc::Method method;
    std::string id;
    std::string inbound;  // channels
    std::string outbound;
    Duration send_timeout;
};

class Streams {
  public:
    static constexpr std::size_t kMaxStreams = 65'536;  // one more is not opened
    // Of one stream: sends without an acknowledgement; one more fails.
    static constexpr std::size_t kMaxUnacknowledged = 1024;
    // Of one stream, beside Stream::kMaxQueued: bytes that were not taken.
    static constexpr std::size_t kMaxQueuedBytes = std::size_t{32} << 20;

    explicit Streams(Core& core) : core_(core) {}
    Streams(const Streams&) = delete;
    Streams& operator=(const Streams&) = delete;

    // Null if there are too many, or one with this id.
    std::shared_ptr<rpc::Stream> create(StreamSpec spec);
    // What came on a channel for the end with this role. False: there is none.
    // Otherwise `message` is used up.
    bool deliver(Timestamp now, Role role, const std::string& channel, internal::Stream& message);
    // For a stream that we do not have.
    void send_close(Timestamp now, const std::string& id, const std::string& outbound,
                    const rpc::Error& cause);
    void expire(Timestamp now);
    Timestamp next_deadline() const { return alarms_.next(); }
    std::size_t size() const { return ends_[0].size() + ends_[1].size(); }
    std::size_t unacknowledged() const { return sends_.size(); }

  private:
    struct End {
        StreamSpec spec;
        bool open = true;
        std::optional<rpc::Error> closed;  // by the other end, and not told yet
        std::deque<std::string> inbox;
        std::size_t inbox_bytes = 0;
        std::function<void()> on_readable;
        std::function<void(const rpc::Error&)> on_closed;
        std::set<std::string> unacknowledged;
    };
    using EndPtr = std::shared_ptr<End>;
    struct Send {
        EndPtr end;
        Timestamp since;
        rpc::Stream::Sent sent;
    };
    class Handle;

    internal::Stream message_of(Timestamp now, const StreamSpec& spec);
    void send(Timestamp now, const EndPtr& end, std::string message, rpc::Stream::Sent sent);
    void transmit(Timestamp now, const EndPtr& end, const std::string& request,
                  std::string message);
    void settle(Timestamp now, const std::string& request, Result<void, rpc::Error> result);
    void receive(Timestamp now, const EndPtr& end, internal::Stream message);
    void close(const EndPtr& end, rpc::Error cause);
    void handle_close(Timestamp now, const EndPtr& end, const internal::StreamClose& close);
    void forget(Timestamp now, const EndPtr& end, const rpc::Error& cause);
    void tell_readable(const EndPtr& end);
    void tell_closed(const EndPtr& end);

    Core& core_;
    std::array<std::map<std::string, EndPtr>, 2> ends_;  // by role
    std::map<std::string, Send> sends_;                  // by request id
    Alarms<std::string> alarms_;
};

}  // namespace confab::cluster::psrpc
