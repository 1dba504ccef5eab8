// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// All media workers of the process and the control thread's side of their rings.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "runtime/worker/worker.h"

namespace confab::worker {

struct MediaNodeOptions {
    std::size_t workers = 0;  // 0: processors minus one, at least one
    bool pin = true;          // only where there are enough processors
    // The local addresses to bind; each worker binds all of them.
    std::vector<IpAddress> addresses;
    // One UDP port shared by all workers, or the first of a range with one port per worker; 0 lets
    // the kernel choose.
    std::uint16_t udp_port = 0;
    std::uint16_t udp_port_end = 0;
    std::optional<std::uint16_t> tcp_port;  // shared by all workers; none: no ICE/TCP
    std::uint64_t seed = 0;
    sfu::ShardOptions shard;  // of every worker
};

struct WorkerAddressList {
    std::vector<SocketAddress> udp;
    std::vector<SocketAddress> tcp;
};

class MediaNode {
  public:
    static Result<std::unique_ptr<MediaNode>, std::string> start(MediaNodeOptions options,
                                                                 UnixTime now);
    ~MediaNode();

    std::size_t size() const { return workers_.size(); }
    const WorkerAddressList& addresses(std::size_t worker) const { return addresses_[worker]; }
    std::string fingerprint() const { return certificate_.sha256_fingerprint(); }
    int smallest_receive_buffer() const;

    // ------------------------------------------------------------ control thread only
    // Never blocks: what does not fit the ring waits here and goes with the next call. Data waits
    // up to kMaxWaitingBytes for each worker; then poll_data() gives no more, which holds back the
    // senders, and what still comes (by the API) is dropped and counted beyond twice that. Other
    // commands are as many as the rooms' state makes; a worker that left kMaxWaiting of them unread
    // hangs, and gets no more but those that end what it has.
    static constexpr std::size_t kMaxWaitingBytes = std::size_t{16} << 20U;
    static constexpr std::size_t kMaxWaiting = std::size_t{1} << 20U;
    void send(sfu::WorkerIndex worker, sfu::Command command);
    std::uint64_t commands_dropped() const { return commands_dropped_; }
    // Rings the workers that got commands; call once per turn of the control loop.
    void flush();
    // Something did not fit: call flush() again soon, as nobody tells when there is room.
    bool commands_waiting() const;
    // Readable when events wait; see poll_event().
    int event_fd() const { return control_.fd(); }
    void announce_sleep() { control_.announce_sleep(); }
    void awake() { control_.awake(); }
    struct WorkerEvent {
        sfu::WorkerIndex worker = 0;
        sfu::Event event;
    };
    std::optional<WorkerEvent> poll_event();
    // A data message; worker by worker in turn.
    std::optional<WorkerEvent> poll_data();
    bool has_events() const;
    // The newest snapshot of a worker, a second old at most while it is well.
    const Mailbox::Published& snapshot(std::size_t worker);
    // When the worker that has been silent longest told about itself.
    Timestamp oldest_snapshot();
    void stop();

  private:
    MediaNode(MediaNodeOptions options, crypto::Certificate certificate, dtls::Context context);
    Result<void, std::string> open();

    MediaNodeOptions options_;
    crypto::Certificate certificate_;
    dtls::Context dtls_;
    Wakeup control_;
    std::vector<std::unique_ptr<Mailbox>> mailboxes_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<WorkerAddressList> addresses_;
    struct Outgoing {
        std::deque<sfu::Command> waiting;
        std::size_t data_bytes = 0;  // in `waiting`
        bool ring_bell = false;
    };
    using EventRing = SpscRing<sfu::Event>;
    std::optional<WorkerEvent> take(EventRing Mailbox::* ring, std::size_t& next);
    static bool is_release(const sfu::Command& command);
    static std::size_t data_bytes(const sfu::Command& command);
    bool data_held() const;

    std::vector<Outgoing> outgoing_;
    std::uint64_t commands_dropped_ = 0;
    std::size_t next_worker_ = 0;
    std::size_t next_data_ = 0;
};

}  // namespace confab::worker
