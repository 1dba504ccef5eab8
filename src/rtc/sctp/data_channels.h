// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// WebRTC data channels over one SCTP association (RFC 8831, RFC 8832; 02 §6.1): a poll machine that
// owns the Association. Drain poll_event() first, then poll_transmit(): taking an event may answer
// the peer. An owner that stops taking events closes the receive window (02 §6.3).
//
//   kConnecting  our OPEN waits for its ACK; messages may already be sent and come
//   kOpen
//   kClosing     ChannelClosed was given; the id is free again when both directions are reset
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "base/rng.h"
#include "base/state/state.h"
#include "rtc/sctp/association/association.h"
#include "wire/sctp/dcep.h"

namespace confab::sctp {

inline constexpr std::size_t kMaxChannels = 64;    // more: the peer's OPEN is answered by reset
inline constexpr std::size_t kMaxLabelSize = 512;  // of label and of protocol; longer: reset

using ChannelId = std::uint16_t;  // the stream id in both directions

// Labels that exist once: a new channel of the name replaces the old one (DC-10).
inline constexpr std::string_view kSingleLabels[] = {"_reliable", "_lossy", "_data_track"};

struct ChannelOptions {
    std::string label;
    std::string protocol;
    bool ordered = true;
    std::optional<std::uint16_t> max_retransmits;
    std::optional<Duration> lifetime;
};

enum class OpenError : std::uint8_t { kTooManyChannels, kBadLabel, kIdInUse, kClosed, kQueueFull };
enum class ChannelCloseReason : std::uint8_t {
    kLocal,
    kPeer,
    kReplaced,         // DC-10
    kMessageTooLarge,  // DC-05
};

struct AssociationUp {};
struct ChannelOpened {
    ChannelId id = 0;
    ChannelOptions options;
    bool incoming = false;
};
struct ChannelMessage {
    ChannelId id = 0;
    bool binary = true;
    Bytes payload;
};
struct ChannelClosed {
    ChannelId id = 0;
    ChannelCloseReason reason = ChannelCloseReason::kLocal;
};
struct ChannelBufferLow {
    ChannelId id = 0;
};
// Nothing reliable gets through any more (DC-25).
struct ChannelsStalled {};
// All channels are gone; `graceful` after SHUTDOWN.
struct AssociationFailed {
    AbortReason reason = AbortReason::kPeerAbort;
    bool graceful = false;
};
using ChannelEvent = std::variant<AssociationUp, ChannelOpened, ChannelMessage, ChannelClosed,
                                  ChannelBufferLow, ChannelsStalled, AssociationFailed>;

class DataChannels {
  public:
    struct Config {
        sctp::Config association;
        bool dtls_client = true;  // even ids as client, odd as server (RFC 8832 §6, DC-02)
        std::span<const std::string_view> single_labels = kSingleLabels;
    };
    DataChannels(const Config& config, Rng rng);

    // Starts the association; once DTLS is up (SCTP-01).
    void connect(Timestamp now);
    void handle_packet(Timestamp now, BytesView packet);
    void handle_timeout(Timestamp now);
    // As of the association.
    void path_restored(Timestamp now) { association_.path_restored(now); }
    Timestamp next_deadline() const;
    // The same without output that waits to be taken: for an owner that cannot send now.
    Timestamp next_timeout() const { return association_.next_timeout(); }
    std::optional<Bytes> poll_transmit();
    std::optional<ChannelEvent> poll_event();
    // As of the association.
    friend void set_kept(DataChannels& channels, std::size_t bytes) {
        channels.kept_ = bytes;
        set_kept(channels.association_, bytes + channels.late_.bytes());
    }

    // The lowest free id of our parity; ChannelOpened follows with the ACK.
    Result<ChannelId, OpenError> open(Timestamp now, const ChannelOptions& options);
    // A channel agreed on elsewhere (negotiated = true, DC-11): open at once, no DCEP.
    Result<void, OpenError> add_negotiated(ChannelId id, const ChannelOptions& options);
    SendStatus send(Timestamp now, ChannelId id, bool binary, SharedBytes payload);
    // Closes after what is queued, by stream reset (DC-08).
    void close(Timestamp now, ChannelId id);
    void shutdown(Timestamp now) { association_.shutdown(now); }
    void abort(Timestamp now) { association_.abort(now); }

    void set_peer_max_message_size(std::size_t bytes) {
        association_.set_peer_max_message_size(bytes);
    }
    void set_buffered_amount_low_threshold(ChannelId id, std::size_t bytes) {
        association_.set_buffered_amount_low_threshold(id, bytes);
    }
    std::size_t buffered_amount(ChannelId id) const { return association_.buffered_amount(id); }
    // The channel of that label that is not closing.
    std::optional<ChannelId> find(std::string_view label) const;
    bool is_open(ChannelId id) const;
    const Association& association() const { return association_; }

    struct Snapshot {
        Association::Snapshot association;
        std::size_t channels = 0;
        std::uint64_t refused_opens = 0;
        std::uint64_t dropped_messages = 0;  // unknown channel or PPID, bad DCEP
    };
    Snapshot snapshot() const;

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    struct Fields;  // state.cc
    enum class State : std::uint8_t { kConnecting, kOpen, kClosing };
    struct Channel {
        ChannelOptions options;
        State state = State::kConnecting;
        bool acknowledged = false;  // the peer knows the channel: unordered sending is allowed
        bool reset_out = false;
        bool reset_in = false;
        bool replaced = false;  // what still comes on it counts for the one of its label (DC-10)
        // What comes on it is of a channel that the peer has opened since: it knows of our reset,
        // and we do not know that it does.
        bool is_ahead() const { return state == State::kClosing && reset_in && !reset_out; }
    };

    void on_event(Connected event);
    void on_event(MessageReceived event);
    void on_event(MessageTooLarge event);
    void on_event(StreamReset event);
    void on_event(StreamResetDone event);
    void on_event(BufferedAmountLow event);
    void on_event(NoProgress event);
    void on_event(Aborted event);
    void on_event(Closed event);
    void handle_control(ChannelId id, BytesView message);
    void handle_open(ChannelId id, BytesView message);
    void refuse(ChannelId id);
    void mark_open(ChannelId id, Channel& channel, bool incoming);
    void begin_close(ChannelId id, Channel& channel, ChannelCloseReason reason, bool discard);
    void erase_if_done(ChannelId id);
    void fail_all(AbortReason reason, bool graceful);
    SendStatus send_control(ChannelId id, Bytes message);

    bool dtls_client_;
    std::span<const std::string_view> single_labels_;
    Association association_;
    std::map<ChannelId, Channel> channels_;
    std::list<ChannelEvent> events_;  // made from one association event
    EventQueue late_;                 // of channels that are ahead, until our reset is answered
    std::size_t kept_ = 0;            // by the owner
    Timestamp now_;
    bool output_pending_ = false;  // poll_event() may have made packets
    std::uint64_t refused_ = 0;
    std::uint64_t dropped_ = 0;
};

void set_kept(DataChannels& channels, std::size_t bytes);

}  // namespace confab::sctp
