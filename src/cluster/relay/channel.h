// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One end of a relayed session: a stream of the bus, with the sequence rule on it. Callbacks of the
// bus only note what happened and wake whoever has the channel, which calls advance() in its turn.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cluster/relay/sequence.h"
#include "rpc/bus.h"

namespace confab::cluster::relay {

class Channel {
  public:
    // What is sent: requests at the node with the WebSocket (which fails when nothing arrives),
    // responses at the node with the room (which drops).
    Channel(std::shared_ptr<rpc::Stream> stream, BatchKind sends, const Settings& settings,
            std::function<void()> wake);
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    // A message of the stream that no sequence applies to: the start of the session.
    void send_start(Timestamp now, std::string message);
    // Messages leave with the next advance(), together.
    void send(std::string message) { sender_.push(std::move(message)); }
    // Ends when what is queued has arrived, or was given up; what still comes is dropped.
    void finish();
    // Reads and writes all there is.
    void advance(Timestamp now);
    Timestamp next_deadline() const;
    // The bus is away (BatchSender::pause(), unless the stream has a way of its own), or there
    // again; the next advance() sends what can go.
    void pause() { outage_ = true; }
    void resume(Timestamp now) {
        outage_ = false;
        sender_.resume(now);
    }
    // The process at the other end stands still: nothing is sent, and no time counts, until it goes
    // on. With the next advance().
    void hold(bool held) { held_ = held; }
    // What has been received outlives the end of the channel.
    std::optional<std::string> receive() { return receiver_.take(); }
    std::size_t received() const { return receiver_.waiting(); }
    // A batch that was read from the stream before the channel was made.
    void accept(const Batch& batch);
    // The stream ends at once, and the peer is told why.
    void abort(rpc::Error cause);
    // The same, as by a fault of the peer: the channel has failed.
    void reject(rpc::Error cause) { fail(std::move(cause)); }

    enum class State : std::uint8_t {
        kOpen,
        kFinished,  // one of both said that nothing more comes, and nothing was lost before
        kFailed,
    };
    State state() const { return state_; }
    // Of kFailed.
    const rpc::Error& failure() const { return failure_; }

  private:
    struct Notes;
    void read();
    void write(Timestamp now);
    void fail(rpc::Error cause);
    void end(State state, rpc::Error told);

    BatchKind receives_;
    BatchSender sender_;
    BatchReceiver receiver_;
    bool outage_ = false;
    bool held_ = false;
    std::shared_ptr<rpc::Stream> stream_;  // null once it has ended
    std::shared_ptr<Notes> notes_;
    State state_ = State::kOpen;
    bool finishing_ = false;
    rpc::Error failure_;
};

}  // namespace confab::cluster::relay
