// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The server's side of one WebSocket connection (RFC 6455; 01 CON-41…45) without its socket: what
// has been received and the time come in; messages, what to write, how the connection goes on and
// the next deadline come out. One write is under way at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "websocket/handshake.h"
#include "websocket/message.h"
#include "websocket/outgoing_frame.h"
#include "websocket/receiver.h"

namespace confab::websocket {

struct SessionOptions {
    // Of one message, on the wire (beyond: close 1009) and inflated (beyond: close 1000); 0 = none.
    std::size_t max_message_bytes = 2 * 1024 * 1024;
    // Waiting to be written; beyond that the connection is cut (08 IMM-15).
    std::size_t max_queued_bytes = 8 * 1024 * 1024;
    Duration ping_interval = Duration::seconds(10);
    Duration ping_write_timeout = Duration::seconds(2);
    Duration write_timeout = Duration::seconds(5);
    // Without any frame of the peer, pongs included; seen at a ping. Beyond that it is cut.
    Duration silence_timeout = Duration::max();
    Duration handshake_timeout = Duration::seconds(5);
    // After an oversize or a broken message: how long queued messages may still take (CON-45).
    Duration error_grace = Duration::millis(250);
    bool deflate = true;
};

enum class SessionEnd : std::uint8_t {
    kPeer,          // a close frame of the peer; `code` is its code, 1005 if it had none
    kUs,            // close()
    kError,         // connection lost, protocol error or handshake refused
    kTooBig,        // a message beyond the limit
    kOverflow,      // the peer does not read: more than max_queued_bytes wait
    kWriteTimeout,  // the peer does not read: a write took longer than write_timeout
};
struct SessionClosed {
    SessionEnd by = SessionEnd::kError;
    std::uint16_t code = wire::kCloseAbnormal;
};

class Session {
  public:
    // For the peer's close frame once ours has gone, then for the end of its bytes.
    static constexpr Duration kCloseTimeout = Duration::seconds(1);
    // Of pongs that wait; beyond, only the newest ping is answered (§5.5.3).
    static constexpr std::size_t kMaxPongBytes = 4096;
    // One write takes messages from the queue until it has so many bytes or messages.
    static constexpr std::size_t kBytesAtOnce = 32 * 1024;
    static constexpr std::size_t kMaxAtOnce = 32;

    enum class Link : std::uint8_t {
        kOpen,
        kShut,  // nothing is written any more, the peer's end of the bytes is awaited
        kCut,   // to be closed
    };
    struct Event {
        std::optional<SessionClosed> closed;  // else a message; its payload stays until handle_…
        bool text = false;
        std::string_view payload;
    };

    // The handshake's response is the first that is written; one that refuses is the last.
    Session(const SessionOptions& options, Handshake handshake, Timestamp now);

    // Takes bytes up to the end of at most one frame; poll_event() before the next call.
    void handle_bytes(Timestamp now, BytesView& input);
    // What poll_event() has shown is of no use any more: its memory goes.
    void release() { receiver_.release(); }
    // No more bytes come, or none can be written.
    void handle_end();
    void handle_written(Timestamp now);
    void handle_timeout(Timestamp now);

    // False if the session is closing or gone, or goes now because too much is queued.
    bool send(bool text, std::shared_ptr<const Message> message);
    // Writes what is queued, for at most `grace`, then the close frame, none with 1006; messages of
    // the peer are dropped from now on.
    void close(Timestamp now, std::uint16_t code, Duration grace);
    // A failure of ours: the same, as an error.
    void fail(std::uint16_t code);
    // Without a close frame.
    void cut(SessionEnd by);

    // kClosed comes once, as soon as no message can come any more, after close() at the end. After
    // kTooBig, messages sent before the next poll_transmit() still go out.
    std::optional<Event> poll_event();
    // What to write now, for one handle_written(); empty: nothing. It stays until then.
    std::vector<BytesView> poll_transmit(Timestamp now);
    Timestamp next_deadline() const;
    Link link() const { return link_; }

    bool is_open() const { return !end_; }
    std::size_t queued_bytes() const { return queued_bytes_; }
    // Of the frame being received, not here yet.
    std::uint64_t missing_bytes() const { return receiver_.missing(); }
    // How long the write under way has taken.
    Duration writing_for(Timestamp now) const {
        return writing_ == Writing::kNothing ? Duration() : now - write_began_;
    }
    // Parts that were compressed for it first, since the last call.
    std::uint64_t take_deflated() { return std::exchange(deflated_, 0); }

  private:
    enum class Writing : std::uint8_t { kNothing, kResponse, kFrames, kControl, kClose };
    struct Queued {
        bool text = false;
        std::shared_ptr<const Message> message;
    };

    void handle_received(Receiver::Event event);
    void queue_pong();
    void end(SessionEnd by, std::uint16_t code);
    void begin_close(Timestamp now, std::uint16_t code, Duration grace);
    void drop_queue();
    void put_messages();
    void put_control(wire::WebSocketOpcode opcode, BytesView payload);
    void put_close(std::uint16_t code);
    Writing choose(Timestamp now);
    Duration time_for(Writing what) const;
    std::vector<BytesView> pieces() const;
    void response_written(Timestamp now);
    void close_written(Timestamp now);

    SessionOptions options_;
    bool accepted_;
    bool deflates_;
    Receiver receiver_;
    std::string response_;
    std::list<Queued> queue_;  // a deque holds half a kilobyte, empty or not
    std::size_t queued_bytes_ = 0;
    std::size_t writing_bytes_ = 0;  // of them, in the write under way
    std::vector<OutgoingFrame> frames_;
    Bytes control_;  // frames of the write under way
    Bytes pongs_;    // frames that wait
    std::uint64_t deflated_ = 0;
    std::optional<SessionClosed> end_;         // why no message comes any more
    std::optional<std::uint16_t> close_code_;  // of ours, behind what is queued
    std::optional<std::uint16_t> fault_code_;  // the same, once the end was told
    Timestamp close_deadline_ = Timestamp::never();
    Timestamp gone_deadline_ = Timestamp::never();
    Timestamp write_began_;
    Timestamp write_deadline_ = Timestamp::never();
    Timestamp next_ping_ = Timestamp::never();
    Timestamp heard_at_;  // the last bytes of the peer
    Writing writing_ = Writing::kNothing;
    Link link_ = Link::kOpen;
    bool has_message_ = false;
    bool ping_due_ = false;
    bool peer_closed_ = false;
    bool close_sent_ = false;
    bool told_ = false;
    bool pongs_went_ = false;  // last; messages and our close frame take turns with them
};

}  // namespace confab::websocket
