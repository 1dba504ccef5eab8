// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One peer connection below RTP: ICE, DTLS, SRTP keys and data channels behind one set of inputs
// and outputs (RFC 8829 §3.4; everything in one BUNDLE group, 02 NET-02). Pure.
//
//   datagram ─▶ demultiplex (RFC 7983) ─▶ ICE agent
//                                      ─▶ DTLS session ─▶ SRTP keys, SCTP packets ─▶ data channels
//                                      ─▶ SRTP: decrypted in place and given back to the caller
//
// DTLS and SRTP are taken only from paths that STUN has validated (08 IMM-1, 02 TRAP-16); nothing
// of the application exists before the certificate matched its fingerprint (08 IMM-6).
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/prefetch.h"
#include "base/rng.h"
#include "crypto/secret.h"
#include "rtc/dtls/session.h"
#include "rtc/ice/agent.h"
#include "rtc/peer/connection_state.h"
#include "rtc/peer/sctp_transport.h"
#include "rtc/peer/srtp_session.h"
#include "rtc/peer/transport_types.h"

namespace confab::peer {

// What all connections of one worker share; outlives them.
struct SharedCrypto {
    srtp::Engine* engine = nullptr;
    const dtls::Context* dtls = nullptr;
    // The simulator only: OpenSSL's handshake has randomness of its own, so fixed keys stand in for
    // it and a run is the same octet by octet for a seed (02 DES-53).
    bool simulate_dtls = false;
};

class Transport {
  public:
    static constexpr std::uint32_t kMaxSrtpFailuresPerSecond = SrtpSession::kMaxFailuresPerSecond;
    static constexpr std::size_t kMaxEarlyFlight = 4;
    // Whose media were heard within is not looked for elsewhere.
    static constexpr Duration kMediaSilence = Duration::millis(50);
    // After a silence as long data that waits for its timer is sent again with the first sign of
    // the peer: an outage would otherwise hold it back for as long again (RFC 9260 §6.3.3 E2).
    static constexpr Duration kSilence = Duration::seconds(1);
    // ICE has a path: DTLS has to be through in three times of what ICE took, within these (02
    // ICE-17). The limits of the session itself are longer, and for good.
    static constexpr Duration kMinDtlsTime = Duration::seconds(10);
    static constexpr Duration kMaxDtlsTime = Duration::seconds(20);

    Transport(const SharedCrypto& crypto, TransportConfig config, Rng rng);
    ~Transport();

    void set_remote(Timestamp now, const RemoteParameters& remote);
    void add_remote_candidate(Timestamp now, const ice::RemoteCandidate& candidate);
    void restart_ice(Timestamp now, const ice::RestartOptions& options);
    // A stream that we opened to a passive candidate of the peer: the role of a client.
    void tcp_opened(Timestamp now, const ice::Path& path);
    void tcp_closed(Timestamp now, std::uint32_t connection);

    using Media = peer::Media;
    // Takes one datagram; what is media comes back decrypted in place.
    Media handle_packet(Timestamp now, const ice::Path& path, BytesSpan datagram);
    // Media from a path that leads nowhere: the NAT may have given this peer another port. If its
    // keys made the packet the path is asked, as Agent::note_stray() says; the packet is left. Not
    // tried, which costs a decryption, while the peer is heard, or if its SSRC and number do not
    // fit.
    enum class Stray : std::uint8_t { kNotTried, kNotOurs, kOurs };
    Stray handle_stray(Timestamp now, const ice::Path& path, BytesView datagram);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

    // Datagrams of ICE, DTLS and SCTP. The bytes are valid until the next call.
    struct Datagram {
        ice::Path path;
        BytesView bytes;
    };
    std::optional<Datagram> poll_transmit();
    std::optional<TransportEvent> poll_event();
    // States alone: they are told at once, and poll_event() tells them first, whatever waits.
    std::optional<StateChanged> poll_state() { return connection_.poll(); }
    // The next event is a message, which the owner may leave until there is room for it.
    bool next_is_message() const { return !connection_.has_news() && sctp_.next_is_message(); }

    // A channel of ours; it is opened as soon as the association exists.
    void want_channel(Timestamp now, WantedChannel channel) {
        sctp_.want_channel(now, std::move(channel));
    }
    sctp::SendStatus send_message(Timestamp now, std::uint16_t channel, sctp::SharedBytes payload) {
        return sctp_.send(now, channel, std::move(payload));
    }
    // What is known of its channels.
    const SctpTransport& data() const { return sctp_; }

    // Fetches what sending media needs.
    void prefetch(PrefetchStep step) const {
        if (step == PrefetchStep::kMiddle) srtp_.prefetch_keys();
        if (step != PrefetchStep::kFar) return;
        srtp_.prefetch_sender();
        prefetch_for_write(&agent_.selected());
    }
    // Fetches what connected() looks at.
    void prefetch_state() const { prefetch_for_write(&connection_); }
    bool connected() const { return connection_.connected(); }
    TransportState state() const { return connection_.state(); }
    ice::PathFacts path_facts() const { return agent_.path_facts(); }
    // Where RTP and RTCP go: over the pair that ICE selected; before, once DTLS is through, over
    // the valid one that carried it (RFC 8445 §12.1): peers far away nominate a round trip later,
    // and want reports of what they send until then.
    const std::optional<ice::Path>& path() const {
        return dtls_connected_ ? way() : agent_.selected();
    }
    // Null before DTLS is done.
    srtp::SendContext* srtp_sender() { return srtp_.sender(); }
    bool is_valid_path(const ice::Path& path) const { return agent_.is_valid_path(path); }
    friend std::vector<ice::Path> shown_paths(const Transport& transport) {
        return shown_paths(transport.agent_);
    }
    TransportCounters counters() const;

    // The whole connection as bytes from which import_state() goes on, also in another process
    // (07 SIO-11, docs/design/migration.md): keys are in them. From here on this one must send
    // nothing. nullopt while DTLS is not through, has failed, or has a suite that does not move.
    std::optional<crypto::Secret> export_state(Timestamp now) const;
    // Whether the owner before surely sent nothing behind its export: if not, the numbers of
    // records and SRTCP are left out that it may have used (02 TRAP-14).
    enum class Before : std::uint8_t { kSilent, kInDoubt };
    static constexpr std::uint32_t kNumbersInDoubt = 1000;
    // Into one that was just made, with settings and local candidates of the new owner; paths go on
    // at the sockets of their addresses. False: the bytes are no such state, this is of no use.
    [[nodiscard]] bool import_state(BytesView state, Timestamp now, Before before);

  private:
    struct Fields;  // state.cc

    Media handle_media(Timestamp now, const ice::Path& path, BytesSpan datagram, Media::Kind kind);
    std::optional<Bytes> next_record();
    const std::optional<ice::Path>& way() const {
        return agent_.selected() ? agent_.selected() : early_path_;
    }
    // True behind a silence, if something waits for an answer: it may be time to send.
    bool heard(Timestamp now);
    Timestamp data_deadline() const;
    void drain(Timestamp now);
    void drain_ice(Timestamp now);
    void start_early(Timestamp now, const ice::Path& path);
    void start_dtls(Timestamp now);
    void selected(Timestamp now);
    void drain_dtls(Timestamp now);
    void keys_ready(Timestamp now, const dtls::Connected& connected);
    void use_keys(Timestamp now, const std::optional<srtp::MasterKey>& local,
                  const std::optional<srtp::MasterKey>& remote);
    void simulate_handshake(Timestamp now);

    SharedCrypto crypto_;
    TransportConfig config_;
    Rng rng_;
    ice::Agent agent_;
    std::optional<RemoteParameters> remote_;
    std::optional<dtls::Session> dtls_;
    bool dtls_started_ = false;
    bool dtls_connected_ = false;
    Timestamp ice_began_;                      // this generation
    Timestamp dtls_due_ = Timestamp::never();  // while it is not
    SrtpSession srtp_;
    SctpTransport sctp_;
    ConnectionState connection_;
    // While no pair is selected: the valid path that DTLS uses, and what was sent on it before the
    // peer said anything.
    std::optional<ice::Path> early_path_;
    std::vector<Bytes> early_flight_;
    Timestamp heard_at_;         // anything but RTP, on a valid path
    Timestamp media_heard_at_;   // on the selected path
    std::deque<Bytes> records_;  // to be sent before those of the session
    Bytes last_datagram_;        // what poll_transmit() gave out last
    std::uint64_t unknown_kind_ = 0;
    std::uint64_t unvalidated_path_ = 0;
};

// A new one that goes on where the state says; null: the bytes are none.
inline std::unique_ptr<Transport> import_transport(const SharedCrypto& crypto,
                                                   TransportConfig config, Rng rng, BytesView state,
                                                   Timestamp now, Transport::Before before) {
    auto transport = std::make_unique<Transport>(crypto, std::move(config), rng);
    return transport->import_state(state, now, before) ? std::move(transport) : nullptr;
}

}  // namespace confab::peer
