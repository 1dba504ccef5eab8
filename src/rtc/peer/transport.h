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
#include <string>
#include <variant>
#include <vector>

#include "base/prefetch.h"
#include "base/rng.h"
#include "rtc/dtls/session.h"
#include "rtc/ice/agent.h"
#include "rtc/sctp/data_channels.h"
#include "rtc/srtp/receive_context.h"
#include "rtc/srtp/send_context.h"

namespace confab::peer {

// What all connections of one worker share; outlives them.
struct SharedCrypto {
    srtp::Engine* engine = nullptr;
    const dtls::Context* dtls = nullptr;
    // The simulator only: OpenSSL's handshake has randomness of its own, so keys come from the ICE
    // passwords instead and a run is the same octet by octet for a seed (02 DES-53).
    bool simulate_dtls = false;
};

struct TransportConfig {
    ice::AgentConfig ice;
    std::vector<srtp::Profile> profiles;  // in order of preference; all three when empty
};

struct RemoteParameters {
    ice::Credentials ice;
    dtls::Role local_role = dtls::Role::kServer;  // fixed by the first call (DTLS-01)
    std::vector<dtls::Fingerprint> fingerprints;  // any one must match
    bool sctp = false;
    std::uint16_t sctp_port = 5000;
    std::size_t max_message_size = 65'535;
};

enum class TransportState : std::uint8_t {
    kConnecting,
    kConnected,
    kDisconnected,
    kReconnected,
    kFailed  // of DTLS for good; of ICE until a restart: then kDisconnected, or kConnecting again
};
enum class TransportFailure : std::uint8_t { kNone, kIce, kDtls, kFingerprint };

struct StateChanged {
    TransportState state = TransportState::kConnecting;
    TransportFailure failure = TransportFailure::kNone;
};
struct ChannelOpened {
    std::uint16_t channel = 0;
    std::string label;
};
struct ChannelClosed {
    std::uint16_t channel = 0;
};
struct MessageReceived {
    std::uint16_t channel = 0;
    Bytes payload;
};
// The association is gone, or made no progress for five seconds (02 DC-25).
struct DataFailed {};
using TransportEvent =
    std::variant<StateChanged, ChannelOpened, ChannelClosed, MessageReceived, DataFailed>;

struct WantedChannel {
    std::string label;
    bool ordered = true;
    std::optional<std::uint16_t> max_retransmits;
};

struct TransportCounters {
    std::uint64_t unknown_kind = 0;      // no STUN, DTLS or RTP by its first byte
    std::uint64_t unvalidated_path = 0;  // DTLS or media from a path without STUN (IMM-1)
    std::uint64_t before_keys = 0;       // media before DTLS was done
    std::uint64_t srtp_failures = 0;     // authentication, replay, malformed
    std::uint64_t throttled = 0;         // unknown streams after too many failures (DES-25)
};

class Transport {
  public:
    // More failures than this within a second: what is not of a known stream is not even tried for
    // the rest of it (DES-25).
    static constexpr std::uint32_t kMaxSrtpFailuresPerSecond = 100;
    static constexpr std::size_t kMaxEarlyFlight = 4;
    // Messages in poll_event(); more stay in the association, whose window then closes for the
    // peer (02 §6.3), so that what was acknowledged is never thrown away.
    static constexpr std::size_t kMaxUntakenBytes = 64 * 1024;

    Transport(const SharedCrypto& crypto, TransportConfig config, Rng rng);
    ~Transport();

    void set_remote(Timestamp now, const RemoteParameters& remote);
    void add_remote_candidate(Timestamp now, const ice::RemoteCandidate& candidate);
    void restart_ice(Timestamp now, const ice::RestartOptions& options);
    // A stream that we opened to a passive candidate of the peer: the role of a client.
    void tcp_opened(Timestamp now, const ice::Path& path);
    void tcp_closed(Timestamp now, std::uint32_t connection);

    struct Media {
        enum class Kind : std::uint8_t { kNone, kRtp, kRtcp };
        Kind kind = Kind::kNone;
        BytesSpan packet;  // decrypted, inside the datagram given
    };
    // Takes one datagram; what is media comes back decrypted in place.
    Media handle_packet(Timestamp now, const ice::Path& path, BytesSpan datagram);
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
    std::optional<StateChanged> poll_state();
    // The next event is a message, which the owner may leave until there is room for it.
    bool next_is_message() const {
        return states_.empty() && !events_.empty() &&
               std::holds_alternative<MessageReceived>(events_.front());
    }

    // A channel of ours; it is opened as soon as the association exists.
    void want_channel(Timestamp now, WantedChannel channel);
    sctp::SendStatus send_message(Timestamp now, std::uint16_t channel, sctp::SharedBytes payload);

    // Bytes of the channel that wait or are not acknowledged.
    std::size_t buffered_amount(std::uint16_t channel) const {
        return data_ ? data_->buffered_amount(channel) : 0;
    }

    // Fetches what sending media needs.
    void prefetch() const {
        prefetch_for_write(&send_, sizeof send_);
        prefetch_for_write(&agent_.selected());
    }
    bool connected() const {
        return state_ == TransportState::kConnected || state_ == TransportState::kReconnected;
    }
    TransportState state() const { return state_; }
    // Where media goes; none before ICE selected a pair.
    const std::optional<ice::Path>& path() const { return agent_.selected(); }
    // Null before DTLS is done.
    srtp::SendContext* srtp_sender() { return send_ ? &*send_ : nullptr; }
    bool is_valid_path(const ice::Path& path) const { return agent_.is_valid_path(path); }
    const TransportCounters& counters() const { return counters_; }

  private:
    Media handle_media(Timestamp now, const ice::Path& path, BytesSpan datagram, Media::Kind kind);
    bool is_shed(Timestamp now, BytesView datagram, Media::Kind kind);
    std::optional<Bytes> next_record();
    const std::optional<ice::Path>& way() const {
        return agent_.selected() ? agent_.selected() : early_path_;
    }
    Timestamp data_deadline() const;
    void drain(Timestamp now);
    void drain_ice(Timestamp now);
    void start_early(Timestamp now, const ice::Path& path);
    void start_dtls(Timestamp now);
    void selected(Timestamp now);
    void drain_dtls(Timestamp now);
    void drain_data();
    void take_message(MessageReceived message);
    // An empty message takes room too.
    static std::size_t cost(const MessageReceived& message) {
        return message.payload.size() + sizeof message;
    }
    void keys_ready(Timestamp now, const dtls::Connected& connected);
    void use_keys(Timestamp now, const std::optional<srtp::MasterKey>& local,
                  const std::optional<srtp::MasterKey>& remote);
    void simulate_handshake(Timestamp now);
    void start_data(Timestamp now);
    void set_state(TransportState state);
    void fail(TransportFailure failure);
    void leave_ice_failure();
    void media_ready();
    void emit(TransportEvent event);

    SharedCrypto crypto_;
    TransportConfig config_;
    Rng rng_;
    ice::Agent agent_;
    std::optional<RemoteParameters> remote_;
    std::unique_ptr<dtls::Session> dtls_;
    bool dtls_started_ = false;
    bool dtls_connected_ = false;
    bool was_connected_ = false;
    TransportFailure failure_ = TransportFailure::kNone;
    std::optional<srtp::SendContext> send_;
    std::optional<srtp::ReceiveContext> receive_;
    std::unique_ptr<sctp::DataChannels> data_;
    std::vector<WantedChannel> wanted_channels_;
    TransportState state_ = TransportState::kConnecting;
    // While no pair is selected: the valid path that DTLS uses, and what was sent on it before the
    // peer said anything.
    std::optional<ice::Path> early_path_;
    std::vector<Bytes> early_flight_;
    std::deque<Bytes> records_;  // to be sent before those of the session
    Bytes last_datagram_;        // what poll_transmit() gave out last
    // As many as one input causes, when they are polled behind each; then a call's state is never
    // old news because its data waits.
    std::deque<StateChanged> states_;
    std::deque<TransportEvent> events_;
    std::size_t untaken_bytes_ = 0;  // of messages among them
    Timestamp failure_window_;
    std::uint32_t failures_in_window_ = 0;
    TransportCounters counters_;
};

}  // namespace confab::peer
