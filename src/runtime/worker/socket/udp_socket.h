// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One UDP socket of a media worker: datagrams in by recvmmsg, runs out by sendmmsg with UDP GSO
// (02 DES-03…06, DES-10, DES-13). Never blocks.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "base/net_address.h"
#include "base/result.h"
#include "base/time.h"
#include "runtime/worker/socket/file_descriptor.h"
#include "runtime/worker/socket/held_runs.h"
#include "runtime/worker/socket/plain_paths.h"
#include "sfu/packet/packet_pool.h"
#include "sfu/packet/send_batch.h"
#include "sfu/shard/media_figures.h"

namespace confab::worker {

// Datagrams of one send, for its distribution.
inline constexpr std::array kSendRunBounds = {1., 2., 3., 4., 8., 16., 32.};

struct UdpCounters {
    std::uint64_t datagrams_in = 0;
    std::uint64_t datagrams_out = 0;
    std::uint64_t sends = 0;  // system calls' messages: one per run
    sfu::Distribution<kSendRunBounds.size()> runs;
    std::uint64_t truncated = 0;  // larger than a slot, dropped (NET-01)
    std::uint64_t send_errors = 0;
    std::uint64_t unsegmented = 0;  // runs that left datagram by datagram (DES-13)
};

class UdpSocket {
  public:
    static constexpr std::size_t kBatch = 32;
    static constexpr int kBufferSize = 16'777'216;  // 02 ICE-01
    static constexpr int kBufferWarn = 5'000'000;

    struct Received {
        sfu::PacketRef packet;
        SocketAddress from;
        Duration waited;  // in the socket, as the kernel knows; zero if it does not
    };

    // One local address, never a wildcard: every answer leaves from the address that was asked (02
    // TURN-19, ICE-01). Port 0 lets the kernel choose. With `shared`, sockets of other workers may
    // bind the same port (SO_REUSEPORT, DES-03 mode B). The error names address and reason;
    // `taken`, if given, becomes true where it is that the port is somebody else's.
    static Result<UdpSocket, std::string> open(const SocketAddress& local, bool shared,
                                               bool* taken = nullptr);
    // One that another process opened and gave away (02 MC-20): what waits in it is ours. The error
    // says what it is instead.
    static Result<UdpSocket, std::string> adopt(FileDescriptor fd);
    UdpSocket(UdpSocket&&) noexcept;
    UdpSocket& operator=(UdpSocket&&) noexcept;
    ~UdpSocket();

    int fd() const { return fd_.get(); }
    const SocketAddress& local() const { return local_; }
    int receive_buffer() const { return receive_buffer_; }

    // Up to kBatch datagrams into slots of `pool`; 0 when nothing waits. The wall clock is read
    // once for all of them.
    std::size_t receive(sfu::PacketPool& pool, std::array<Received, kBatch>& out);
    // Sends the runs of the batch that belong to socket index `index` and were not sent yet. A path
    // that takes no segmented sends (its MTU is small, its device cannot) gets its datagrams one by
    // one for PlainPaths::kFor; others are not concerned (DES-13). What finds the socket's buffer
    // full is held for HeldRuns::kLongest at most, and so is what comes behind it.
    void send(Timestamp now, sfu::SendBatch& batch, std::uint16_t index);
    // Something is held: nobody tells when there is room, so send_held() asks, soon.
    bool holds() const { return held_ != nullptr && !held_->empty(); }
    void send_held(Timestamp now);
    // Datagrams that found no room in time (DES-06).
    std::uint64_t dropped_full() const { return held_ ? held_->dropped() : 0; }
    // Gives the slots made ready for receive() back to their pool, which is about to go.
    void release_slots();
    const UdpCounters& counters() const { return counters_; }

  private:
    struct Messages;
    UdpSocket();
    // Buffers, times of arrival and the local address.
    Result<void, std::string> set_up();
    sfu::PacketRef take_slot_behind(std::size_t place);
    void send_messages(Timestamp now, Messages& messages, sfu::SendBatch& batch);
    void send_one_by_one(Timestamp now, const sfu::SendRun& run, BytesView datagrams);
    void hold(Timestamp now, const sfu::SendRun& run, BytesView datagrams);
    void count_sent(std::uint16_t datagrams);

    FileDescriptor fd_;
    SocketAddress local_;
    int receive_buffer_ = 0;
    PlainPaths plain_paths_;
    UdpCounters counters_;
    std::unique_ptr<Messages> messages_;
    std::unique_ptr<HeldRuns> held_;  // null as long as there always was room
    std::array<sfu::PacketRef, kBatch> slots_;
};

}  // namespace confab::worker
