// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The sending half of a client's one connection: protects RTP and RTCP with the keys of our own
// peer::Transport in the DTLS client role and queues datagrams for the network.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "base/rng.h"
#include "base/sequence.h"
#include "rtc/peer/transport.h"
#include "wire/rtp/rtp_extensions.h"

namespace confab::sim {

struct OutgoingDatagram {
    SocketAddress to;
    Bytes bytes;
};

class ClientSocket {
  public:
    static constexpr std::size_t kMaxQueued = 20'000;

    ClientSocket(const peer::SharedCrypto& crypto, peer::TransportConfig config,
                 SocketAddress address, Rng rng)
        : address_(address), transport_(crypto, std::move(config), rng) {}

    peer::Transport& transport() { return transport_; }
    const peer::Transport& transport() const { return transport_; }
    const SocketAddress& address() const { return address_; }
    bool can_send() const { return transport_.connected() && transport_.path().has_value(); }

    // Dropped while not connected. `header.sequence` of one SSRC goes up, but for resent packets.
    void send_rtp(const wire::RtpHeader& header, wire::ExtensionWriter& extensions,
                  BytesView payload);
    void send_rtcp(BytesView compound);
    // What the transport itself wants to send, then media.
    std::optional<OutgoingDatagram> poll_transmit();

  private:
    void queue(Bytes datagram);

    SocketAddress address_;
    peer::Transport transport_;
    std::map<std::uint32_t, SeqUnwrapper> indices_;  // SRTP indices, by SSRC
    std::deque<OutgoingDatagram> media_;
};

}  // namespace confab::sim
