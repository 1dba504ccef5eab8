// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The data channels of one peer connection (RFC 8831): what is wanted before the association
// exists, the association from then on, and its events until the owner takes them. Pure; packets
// are those of SCTP, which DTLS carries (RFC 8261).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/rng.h"
#include "base/state/state.h"
#include "base/time.h"
#include "rtc/peer/transport_types.h"
#include "rtc/sctp/data_channels.h"

namespace confab::peer {

// What the association is begun with, by what the peer said of itself.
sctp::DataChannels::Config data_config(const RemoteParameters& remote,
                                       const sctp::Tunables& tunables);

class SctpTransport {
  public:
    // What poll_event() has to give beside messages; more stays in the association. Messages close
    // its window for the peer until they are taken (02 §6.3), so that what was acknowledged is
    // never thrown away.
    static constexpr std::size_t kMaxOthers = 256;

    // Once DTLS is up: the association begins, with the channels that are wanted.
    void start(Timestamp now, const sctp::DataChannels::Config& config, Rng rng);
    bool started() const { return data_ != nullptr; }
    // A channel of ours; it is opened as soon as the association exists.
    void want_channel(Timestamp now, WantedChannel channel);
    sctp::SendStatus send(Timestamp now, std::uint16_t channel, sctp::SharedBytes payload);

    // Without effect before start(), as there is nothing to be due for.
    void handle_packet(Timestamp now, BytesView packet);
    void handle_timeout(Timestamp now);
    // The path may work again, or is another one.
    void path_restored(Timestamp now);
    Timestamp next_deadline() const;
    // The same without output that waits: for an owner that cannot send now.
    Timestamp next_timeout() const;
    // Nothing is to be sent and nothing sent waits for an answer.
    bool idle() const { return !data_ || (asked_ && timeout_.is_never()); }
    // Behind packets and timeouts, once for all of them: takes what the association reports.
    void drain();

    std::optional<Bytes> poll_transmit();
    // Messages of channels that may lose some come first: they are of no use when they have waited
    // behind those of others. On a channel nothing overtakes anything.
    std::optional<TransportEvent> poll_event();
    bool next_is_message() const {
        return !ahead_.empty() ||
               (!events_.empty() && std::holds_alternative<MessageReceived>(events_.front()));
    }
    // The channel of the next event, if that is a message that may be lost.
    std::optional<std::uint16_t> next_may_be_lost() const {
        return ahead_.empty() ? std::nullopt : std::optional(ahead_.front().channel);
    }
    // Bytes of the channel that wait or are not acknowledged.
    std::size_t buffered_amount(std::uint16_t channel) const {
        return data_ ? data_->buffered_amount(channel) : 0;
    }
    // As of the association.
    Duration least_round_trip() const {
        return data_ ? sctp::least_round_trip(data_->association()) : Duration::zero();
    }

    // What waits and the association (base/state/state.h). load(): into one not started, with the
    // settings that start() would be given.
    void save(StateWriter& out) const;
    void load(const sctp::DataChannels::Config& config, Rng rng, StateReader& in);

  private:
    static std::size_t cost(const MessageReceived& message);
    void changed() { asked_ = drained_ = false; }
    void set_kept();
    void take_message(MessageReceived message);
    void give(const ChannelOpened& opened);

    std::unique_ptr<sctp::DataChannels> data_;
    // Nothing has happened to it since it had nothing to send, and nothing to report: it is left
    // in peace then, what it is asked behind each packet of media is a way to cold memory.
    bool asked_ = false;
    bool drained_ = false;
    Timestamp timeout_ = Timestamp::never();   // of it, if it was asked
    Timestamp deadline_ = Timestamp::never();  // the same
    std::vector<WantedChannel> wanted_;
    std::deque<TransportEvent> events_;
    std::deque<MessageReceived> ahead_;  // of channels in lossy_
    // Channels that may lose messages, from the time when the owner knows of them.
    std::set<std::uint16_t> lossy_;
    std::size_t kept_bytes_ = 0;  // of all messages
    std::size_t others_ = 0;      // events that are none
};

}  // namespace confab::peer
