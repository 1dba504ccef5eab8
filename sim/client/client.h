// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One participant of a run: our own transport in the client role, what it publishes and what it
// subscribes to. A poll machine, as everything it stands for.
#pragma once

#include <map>
#include <string>

#include "sim/client/publisher.h"
#include "sim/client/subscriber.h"

namespace confab::sim {

struct ClientConfig {
    std::string name;
    SocketAddress address;  // as the client itself sees it
    ice::Credentials credentials;
    UnixTime wall;  // at kRunStart
    std::uint32_t own_ssrc = 0;
};

class Client {
  public:
    Client(const ClientConfig& config, srtp::Engine& engine, Rng rng, Report& report);

    const std::string& name() const { return config_.name; }
    const SocketAddress& address() const { return socket_.address(); }
    const ice::Credentials& ice_credentials() const { return config_.credentials; }
    peer::Transport& transport() { return socket_.transport(); }
    ClientSocket& socket() { return socket_; }
    Publisher& publisher() { return publisher_; }
    Subscriber& subscriber() { return subscriber_; }

    void connect(Timestamp now, const peer::RemoteParameters& remote, const SocketAddress& server);
    void restart_ice(Timestamp now, const ice::Credentials& own,
                     const peer::RemoteParameters& remote, const SocketAddress& server);
    // Messages sent on `_reliable` carry sender and number; each receiver checks their order.
    bool send_message(Timestamp now, std::uint32_t sender);

    void handle_packet(Timestamp now, const SocketAddress& from, BytesSpan datagram);
    void note_sent(Timestamp now, BytesView datagram);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    std::optional<OutgoingDatagram> poll_transmit() { return socket_.poll_transmit(); }

    bool connected() const { return socket_.transport().connected(); }
    bool failed() const { return socket_.transport().state() == peer::TransportState::kFailed; }
    std::uint64_t messages() const { return messages_; }

  private:
    void handle_rtcp(Timestamp now, BytesView compound);
    void drain_events(Timestamp now);
    void take_message(Timestamp now, BytesView payload);

    ClientConfig config_;
    Report& report_;
    ClientSocket socket_;
    Publisher publisher_;
    Subscriber subscriber_;
    std::map<std::string, std::uint16_t> channels_;
    std::uint32_t next_message_ = 0;
    std::map<std::uint32_t, std::uint32_t> expected_;  // next message number, by sender
    std::uint64_t messages_ = 0;
};

}  // namespace confab::sim
