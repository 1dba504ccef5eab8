// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A participant of a load with its sockets: load::Person behind a WebSocket and UDP.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "load/person.h"
#include "runtime/load/loop.h"
#include "runtime/load/server_target.h"
#include "runtime/load/udp_port.h"
#include "runtime/load/web_socket_client.h"

namespace confab::load {

// What the members of a thread share.
struct MemberShared {
    Loop& loop;
    DatagramBuffers& buffers;
    Histogram& lateness;
    const ServerTarget& server;
};

class Member final : public Waiter {
  public:
    // `port`: the shared one, or null; then there is one of its own for each connection.
    Member(MemberShared shared, const PersonShared& person, PersonPlan plan, UdpPort* port,
           std::array<SocketAddress, client::kTargets> addresses, std::vector<UdpPort> own_ports,
           Rng rng);
    ~Member() override { shared_.loop.set_timer(*this, timer_, Timestamp::never()); }

    void join();
    void leave();
    // Of the shared socket; flush() follows once all are in. True: it is needed.
    bool take(client::Target target, const ArrivedDatagram& datagram) {
        return person_.handle_packet(datagram.now, datagram.arrival, target, datagram.from,
                                     datagram.bytes);
    }
    void flush();
    Person& person() { return person_; }
    // The server does not know /rtc/v1: another Member takes its place, this one counts for
    // nothing.
    bool is_superseded() const { return superseded_; }
    // Whether it is is known.
    bool is_settled() const { return superseded_ || person_.over() || (web_ && web_->is_open()); }
    // Before it could speak to it at all, or because of what it may: no other will fare better.
    bool is_hopeless() const { return hopeless_; }
    std::uint64_t drops() const;

    void on_socket(std::size_t number) override;
    void on_time() override;

  private:
    static constexpr std::size_t kWeb = client::kTargets;  // after the sockets of media

    void web_socket_failed();

    MemberShared shared_;
    UdpPort* port_;
    std::vector<UdpPort> own_ports_;
    std::array<SocketAddress, client::kTargets> addresses_;
    Person person_;
    std::unique_ptr<WebSocketClient> web_;
    Timestamp timer_ = Timestamp::never();
    bool writing_ = true;  // the socket is watched for it
    bool superseded_ = false;
    bool hopeless_ = false;
};

}  // namespace confab::load
