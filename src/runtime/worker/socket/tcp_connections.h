// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// ICE over TCP, passive side (RFC 6544, RFC 4571 framing; 02 ICE-08): listeners, accepted streams,
// bounded reading and writing. A stream must begin with a STUN message within 30 s and be taken by
// a peer within 30 s, and again once no peer uses it any more; where there is no room, or its
// source has more of them than its share, the oldest that no peer uses gives way. What the kernel
// takes not at once waits for a moment, sound first (TRAP-24).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/limits/backlog.h"
#include "base/result.h"
#include "base/time.h"
#include "rtc/ice/path.h"
#include "runtime/worker/socket/file_descriptor.h"
#include "runtime/worker/socket/poller.h"
#include "runtime/worker/socket/unclaimed_streams.h"
#include "wire/ice/rfc4571.h"

namespace confab::worker {

struct TcpCounters {
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;  // over a limit, accepted or handed over
    std::uint64_t frames_in = 0;
    std::uint64_t frames_out = 0;
    std::uint64_t writes = 0;      // system calls for them
    std::uint64_t dropped = 0;     // frames that found no room
    std::uint64_t expired = 0;     // or gave way
    std::uint64_t bad_frames = 0;  // oversize, or the first was no STUN
};

// A stream on its way to the worker that owns the peer, with the frame that told so.
struct TcpHandOver {
    FileDescriptor fd;
    ice::Path path;
    Bytes frame;
    Bytes unread;
};

// One datagram, as a frame of a stream.
struct TcpFrame {
    BytesView bytes;
    Urgency urgency = Urgency::kFirst;
};

class TcpConnections {
  public:
    static constexpr std::size_t kMaxConnections = 8192;
    // Of all places those that one source may have without a peer that uses them: many clients may
    // come from one address at once, each for a moment only.
    static constexpr std::size_t kShare = 8;
    // What the kernel may hold that it has not sent, beside a write of as much: it knows no order,
    // so as little as keeps a stream busy until we hear that there is room.
    static constexpr int kMaxUnsent = 16 * 1024;
    static constexpr std::size_t kMaxFramesPerWrite = 64;
    static constexpr Duration kUnclaimedLimit = Duration::seconds(30);
    static constexpr Duration kAcceptPause = Duration::millis(100);

    // `poller` gets the descriptors with tags that owns_tag() knows; it outlives this. `first_id`:
    // streams are numbered from there in steps of `id_step`, so that numbers are unique over
    // workers.
    TcpConnections(Poller& poller, std::uint32_t first_id, std::uint32_t id_step,
                   std::size_t max_connections = kMaxConnections);
    ~TcpConnections();

    Result<SocketAddress, std::string> listen(const SocketAddress& local,
                                              std::uint16_t socket_index);

    // Whether the tag of something ready is one of ours.
    static bool owns_tag(std::uint64_t tag) { return (tag >> 62) != 0; }

    enum class Verdict : std::uint8_t { kKeep, kClose, kHandOver };
    // Gets every frame; kHandOver may be said to the first one only.
    using OnFrame = std::function<Verdict(const ice::Path&, BytesSpan frame)>;
    using OnHandOver = std::function<void(TcpHandOver)>;
    using OnClosed = std::function<void(const ice::Path&)>;
    // Whether a peer still uses a stream that was claimed.
    using InUse = std::function<bool(const ice::Path&)>;
    void set_handlers(OnFrame on_frame, OnHandOver on_hand_over, OnClosed on_closed, InUse in_use);

    void handle_ready(Timestamp now, const Poller::Ready& ready);
    // A stream that another listener accepted, and of which nothing was read; as if we had at
    // `local`.
    void take(Timestamp now, FileDescriptor fd, const SocketAddress& local,
              std::uint16_t socket_index, const SocketAddress& remote);
    // A stream that another worker accepted.
    void adopt(Timestamp now, TcpHandOver connection);
    // A peer uses the stream: it does not expire as long as that is so.
    void claim(std::uint32_t connection);
    // Frames of at most kMaxRfc4571Frame bytes in one write, as far as possible; those that find
    // the stream gone or full are dropped.
    void send(Timestamp now, std::uint32_t connection, std::span<const TcpFrame> frames);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return earlier(next_sweep_, resume_at_); }
    const TcpCounters& counters() const { return counters_; }
    std::size_t size() const { return connections_.size(); }
    // Octets that wait for room in the stream.
    std::size_t buffered(std::uint32_t connection) const;

  private:
    struct Listener {
        FileDescriptor fd;
        SocketAddress local;
        std::uint16_t socket_index = 0;
    };
    struct Connection;
    using Connections = std::unordered_map<std::uint32_t, std::unique_ptr<Connection>>;
    void accept_all(Timestamp now, const Listener& listener);
    void pause_listeners(Timestamp now);
    void watch_listeners(bool readable);
    // False: all places have a peer.
    bool make_room(const IpAddress& source);
    // False if the kernel watches no more.
    bool add(Timestamp now, FileDescriptor fd, const ice::Path& path);
    void read_all(Timestamp now, Connection& connection);
    // False: the connection is gone.
    bool consume(Connection& connection, BytesView bytes);
    void flush(Timestamp now, Connection& connection);
    void write_frames(Timestamp now, Connection& connection, std::span<const TcpFrame> frames);
    void keep_rest(Timestamp now, Connection& connection, BytesView header, const TcpFrame& frame,
                   std::size_t sent);
    void watch(const Connection& connection, bool writable);
    bool has_expired(Timestamp now, Connection& connection);
    void erase(Connections::iterator connection);
    void close(std::uint32_t id);

    Poller* poller_;
    std::uint32_t next_id_;
    std::uint32_t id_step_;
    std::size_t max_connections_;
    std::vector<Listener> listeners_;
    Connections connections_;
    UnclaimedStreams unclaimed_;
    OnFrame on_frame_;
    OnHandOver on_hand_over_;
    OnClosed on_closed_;
    InUse in_use_;
    Timestamp next_sweep_ = Timestamp::never();
    Timestamp resume_at_ = Timestamp::never();  // listeners rest for want of descriptors
    TcpCounters counters_;
};

}  // namespace confab::worker
