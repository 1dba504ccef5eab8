// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The client's end of one peer connection: our own peer::Transport with what descriptions and
// trickled candidates say, data channels by label, and RTP and RTCP protected for the path in use.
// Its driver owns a UDP socket and, if it likes, streams to the server's passive TCP candidates.
// Pure.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/sequence.h"
#include "rtc/peer/transport.h"
#include "rtc/sdp/description/description.h"
#include "rtc/srtp/profile.h"
#include "wire/rtp/rtp_extensions.h"

namespace confab::client {

// Who it connects as; stands in every section of its descriptions.
struct LocalDescription {
    std::string ufrag;
    std::string pwd;
    std::string fingerprint;  // SHA-256, hex with colons
};

struct ConnectionConfig {
    peer::SharedCrypto crypto;
    LocalDescription local;
    ice::Role role = ice::Role::kControlling;
    SocketAddress address;  // of its UDP socket, as it sees it itself
    bool opens_channels = false;
    std::vector<srtp::Profile> profiles = {};  // in order of preference; all when empty
};

struct OutgoingDatagram {
    ice::Path path;
    Bytes bytes;
};

class Connection {
  public:
    static constexpr std::size_t kMaxQueued = 20'000;  // media beyond it is dropped
    static constexpr std::size_t kMaxTcpCandidates = 8;
    static constexpr std::size_t kMaxChannels = 16;

    Connection(ConnectionConfig config, Rng rng);

    peer::Transport& transport() { return transport_; }
    const peer::Transport& transport() const { return transport_; }
    const LocalDescription& local() const { return config_.local; }
    const SocketAddress& address() const { return config_.address; }
    bool connected() const { return transport_.connected(); }
    bool failed() const { return transport_.state() == peer::TransportState::kFailed; }
    bool can_send() const { return transport_.connected() && transport_.path().has_value(); }

    // An answer to us, or an offer that we answer as the DTLS client. False without a section.
    bool set_remote(Timestamp now, const sdp::Description& remote, bool is_answer);
    // The credentials of the last description; empty before it.
    const ice::Credentials& remote_credentials() const { return remote_; }
    // Candidates of a line of the peer: UDP ones are checked, passive TCP ones wait to be opened.
    void add_candidate(Timestamp now, std::string_view line);
    // A new generation with fresh credentials (RFC 8445 §9).
    void restart_ice(Timestamp now);

    // Passive TCP candidates of the peer that came since the last call.
    std::vector<SocketAddress> take_tcp_candidates() { return std::exchange(tcp_candidates_, {}); }
    void tcp_opened(Timestamp now, const ice::Path& path) { transport_.tcp_opened(now, path); }
    void tcp_closed(Timestamp now, std::uint32_t id) { transport_.tcp_closed(now, id); }

    // False while there is no such channel or its buffer is full.
    bool send_message(Timestamp now, const std::string& label, Bytes payload);
    // Octets on it that the peer has not acknowledged.
    std::size_t unacknowledged(const std::string& label) const;
    std::size_t channels() const { return channels_.size(); }
    bool has_channel(const std::string& label) const { return channels_.contains(label); }
    std::string label_of(std::uint16_t channel) const;

    // Dropped while not connected. `header.sequence` of one SSRC goes up, but for resent packets.
    void send_rtp(const wire::RtpHeader& header, wire::ExtensionWriter& extensions,
                  BytesView payload);
    void send_rtcp(BytesView compound);
    // What the transport itself wants to send, then media.
    std::optional<OutgoingDatagram> poll_transmit();
    // Notes channels on the way.
    std::optional<peer::TransportEvent> poll_event();

    // RTCIceCandidateInit of our UDP socket (01 SIG-03).
    std::string candidate_init() const;

  private:
    void queue(Bytes datagram);

    ConnectionConfig config_;
    Rng rng_;
    peer::Transport transport_;
    ice::Credentials remote_;
    std::vector<SocketAddress> tcp_candidates_;
    std::map<std::string, std::uint16_t> channels_;
    std::map<std::uint32_t, SeqUnwrapper> indices_;  // SRTP indices, by SSRC
    std::deque<OutgoingDatagram> media_;
};

// Letters and digits (RFC 8839 §5.4 asks for no others in ufrag and password).
std::string random_text(Rng& rng, std::size_t size);

}  // namespace confab::client
