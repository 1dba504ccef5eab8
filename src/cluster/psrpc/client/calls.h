// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Internal to the bus: calls and the opening of streams, from their start to their one answer
// (03 PSR-10 … PSR-16).
//
//   queued ─▶ local                           this node serves it: no Redis
//          ─▶ preparing ─▶ selecting ─▶ awaiting     channels, claims, the answer
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "cluster/psrpc/alarms.h"
#include "cluster/psrpc/client/clients.h"
#include "cluster/psrpc/client/selection.h"
#include "cluster/psrpc/core.h"
#include "cluster/psrpc/server/servers.h"
#include "cluster/psrpc/streams.h"
#include "psrpc_internal.pb.h"
#include "rpc/bus.h"

namespace confab::cluster::psrpc {

// A call as its user wants it.
struct Wish {
    rpc::Method method;
    rpc::Topic topic;
    std::string payload;
    rpc::CallOptions options;
};

class Calls {
  public:
    static constexpr std::size_t kMaxPending = 16'384;  // one more is refused
    static constexpr std::size_t kMaxAnswers = 1024;    // of a gather(); more are left out

    struct Parts {
        Core& core;
        Clients& clients;
        Servers& servers;
        Streams& streams;
        rpc::Bus& local;  // this node alone
    };
    explicit Calls(const Parts& parts) : parts_(parts), core_(parts.core) {}
    Calls(const Calls&) = delete;
    Calls& operator=(const Calls&) = delete;

    rpc::CallId call(Timestamp now, Wish wish, rpc::Reply done);
    rpc::CallId gather(Timestamp now, Wish wish, std::function<void(rpc::Outcome)> each,
                       Callback<> finished);
    void open(Timestamp now, Wish wish, rpc::Opened opened);
    void cancel(rpc::CallId id);

    void handle_claim(Timestamp now, const internal::ClaimRequest& claim);
    void handle_response(Timestamp now, internal::Response response);
    // A stream that nobody has: perhaps one that is being opened.
    void handle_ack(Timestamp now, const std::string& channel, const internal::Stream& ack);
    void expire(Timestamp now);
    Timestamp next_deadline() const { return alarms_.next(); }
    std::size_t pending() const { return calls_.size(); }

  private:
    enum class Stage : std::uint8_t { kQueued, kLocal, kPreparing, kSelecting, kAwaiting };
    struct Call {
        Wish wish;
        Timestamp started;
        Timestamp deadline;
        // One of these three.
        rpc::Reply done;
        std::function<void(rpc::Outcome)> each;
        rpc::Opened opened;
        Callback<> finished;  // with `each`

        Stage stage = Stage::kQueued;
        rpc::CallId local;
        std::string request_id;
        std::string stream_id;
        Selection selection;
        std::string server;              // the one that was chosen
        std::set<std::string> answered;  // gather: by whom
        bool is_multi() const { return static_cast<bool>(each); }
        bool is_stream() const { return static_cast<bool>(opened); }
    };
    using Entry = std::pair<const rpc::CallId, Call>;

    rpc::CallId add(Timestamp now, Call call);
    Entry* find(rpc::CallId id);
    Entry* find(const std::string& request_id);
    void begin(Timestamp now, rpc::CallId id);
    bool is_for_us(Timestamp now, const Call& call) const;
    void begin_local(Timestamp now, Entry& entry);
    void prepare(Timestamp now, Entry& entry);
    void send(Timestamp now, Entry& entry);
    std::string request_of(Timestamp now, Call& call);
    std::string opening_of(Timestamp now, Call& call);
    void set_stage(Entry& entry, Stage stage, Timestamp alarm);
    Core::Published when_published(rpc::CallId id);
    void choose(Timestamp now, Entry& entry);
    void answer(Entry& entry, rpc::Outcome outcome);
    void give_up(Timestamp now, Entry& entry);
    void take_back(Timestamp now, const Call& call);
    // The end of the call; its entry is gone afterwards.
    void end(Timestamp now, Entry& entry, rpc::Outcome outcome);
    void end_opened(Timestamp now, Entry& entry, Result<std::shared_ptr<rpc::Stream>, rpc::Error>);
    Call remove(rpc::CallId id);
    void note_end(Timestamp now, const Call& call, const rpc::Error* error);

    Parts parts_;
    Core& core_;
    std::map<rpc::CallId, Call> calls_;
    std::map<std::string, rpc::CallId> by_request_;
    std::set<rpc::CallId> ending_;  // their answer waits for a turn
    Alarms<rpc::CallId> alarms_;
    std::uint64_t last_ = 0;
};

}  // namespace confab::cluster::psrpc
