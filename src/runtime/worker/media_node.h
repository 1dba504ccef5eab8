// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// All media workers of the process, and for each control shard its port to them.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "rtc/ice/types.h"
#include "runtime/worker/control_port.h"
#include "runtime/worker/worker.h"
#include "sfu/shard/shard_options.h"

namespace confab::worker {

struct MediaNodeOptions {
    std::size_t workers = 0;  // 0: processors minus one, at least one
    bool pin = true;          // only where there are enough processors
    // Threads that rooms are spread over, kMaxControlShards at most; each has a port.
    std::size_t control_shards = 1;
    // The local addresses to bind, kMaxAddresses at most; each worker binds all of them.
    static constexpr std::size_t kMaxAddresses = ice::kMaxLocalCandidates / 2;  // by UDP and by TCP
    std::vector<IpAddress> addresses;
    // One UDP port shared by all workers, or the first of a range with one port per worker; 0 lets
    // the kernel choose.
    std::uint16_t udp_port = 0;
    std::uint16_t udp_port_end = 0;
    // Of the process before (MediaNode::udp_sockets), as many for each worker as there are
    // addresses: none is opened then. start() takes them over; they are read once listen() says so.
    std::vector<int> udp_sockets = {};
    std::optional<std::uint16_t> tcp_port;  // shared by all workers; none: no ICE/TCP
    // Somebody else listens at tcp_port, which is not 0, and gives us streams with take_stream().
    bool tcp_accepted_elsewhere = false;
    std::optional<RelayPlace> relays;  // of the TURN server in this process
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
    ~MediaNode();  // stop(), and waits for the threads that hang

    std::size_t size() const { return workers_.size(); }
    const WorkerAddressList& addresses(std::size_t worker) const { return addresses_[worker]; }
    std::string fingerprint() const { return certificate_.sha256_fingerprint(); }
    int smallest_receive_buffer() const;

    // One process follows another (02 MC-20): while this is off, what comes by UDP waits in the
    // sockets, for this one or for who was given them; nothing is lost in between. Commands that
    // are sent after this are carried out after it.
    void listen(bool on);
    // Worker by worker; they stay ours.
    std::vector<int> udp_sockets() const;

    // A connection that begins with ICE over TCP, of which nothing was read yet; of one thread
    // only. It is closed where no worker has room for it.
    void take_stream(FileDescriptor fd, const SocketAddress& local, const SocketAddress& remote);

    // What the control shard `shard` holds; only its thread may use it.
    ControlPort& port(std::size_t shard) { return *ports_[shard]; }
    std::size_t control_shards() const { return ports_.size(); }

    // For the TURN server; null without MediaNodeOptions::relays. Ends with this.
    RelayExchange* relays() const { return relays_.get(); }

    // Ends the threads of the workers; commands that wait are not carried out any more. What the
    // workers reported before can still be read. Gives the number of those that did not end within
    // kPatience: what they use must live on.
    static constexpr std::chrono::seconds kPatience{3};
    std::size_t stop();

  private:
    MediaNode(MediaNodeOptions options, crypto::Certificate certificate, dtls::Context context);
    Result<void, std::string> open();
    std::vector<FileDescriptor> adopted_sockets(std::size_t worker) const;

    MediaNodeOptions options_;
    crypto::Certificate certificate_;
    dtls::Context dtls_;
    std::vector<std::unique_ptr<WorkerInbox>> inboxes_;
    std::unique_ptr<RelayExchange> relays_;
    std::vector<std::unique_ptr<ControlPort>> ports_;  // by control shard
    std::vector<std::unique_ptr<Worker>> workers_;     // end before what they use
    std::vector<WorkerAddressList> addresses_;
    std::size_t next_taker_ = 0;  // of streams
};

}  // namespace confab::worker
