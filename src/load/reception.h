// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// All streams that one connection receives: finds the meter of a packet by its SSRC, reads stamps
// of the contents that are wanted, and says what a browser would say to the sender: reports, what
// is missing, transport-wide feedback.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "client/connection/connection.h"
#include "client/session/descriptions.h"
#include "load/figures.h"
#include "load/stream_meter.h"
#include "rtc/rtp/transport_cc_responder.h"

namespace confab::load {

class Reception {
  public:
    static constexpr std::size_t kMaxStreams = 1024;  // others are not counted
    static constexpr Duration kReportInterval = Duration::seconds(1);
    // A stream begins with the pictures since the last key frame, which are old. Behind that time
    // its latency is that of the path.
    static constexpr Duration kSettled = Duration::seconds(2);

    explicit Reception(std::uint32_t sample) : sample_(sample) {}

    // What the server has said it sends. Streams that are gone stay, for the result.
    void set_streams(const client::RemoteStreams& streams);

    // An RTP packet as it came. True: it is to be decrypted, for take().
    bool look(Timestamp arrival, BytesView packet);
    // One that was.
    void take(Timestamp now, Timestamp arrival, BytesView packet);

    // Sends what is due.
    void handle_timeout(Timestamp now, client::Connection& connection);
    Timestamp next_deadline();
    // Something is due by count, or sooner than next_deadline() said: call handle_timeout().
    bool urgent(Timestamp now) const { return sooner_ || transport_.due(now); }
    void finish(Timestamp now);

    bool has_rtp() const { return !streams_.empty(); }
    // Something can be decoded.
    bool decodes() const;
    std::size_t flowing() const;  // streams with packets
    const Histogram& latency() const { return latency_; }
    // Of what came kSettled or later behind the first packet of its stream.
    const Histogram& settled_latency() const { return settled_latency_; }
    std::uint64_t decrypted() const { return decrypted_; }
    StreamFigures total() const;
    std::vector<TrackRow> rows(const std::string& identity) const;

  private:
    struct Stream {
        std::uint32_t ssrc = 0;
        std::uint32_t rtx_ssrc = 0;
        std::string track_sid;
        StreamMeter meter;
        bool there = true;  // the server has not said that it ended
        std::uint64_t reported_lost = 0;
        std::uint64_t reported_packets = 0;
    };
    Stream* find(std::uint32_t ssrc);
    Stream* find_repairs(std::uint32_t ssrc);
    Stream* begin(std::uint32_t ssrc, std::uint8_t payload_type);
    void add_latency(const Stream& stream, Timestamp arrival, const client::MediaStamp& stamp);
    void note_transport(Timestamp arrival, BytesView packet, std::uint32_t ssrc);
    void send_reports(client::Connection& connection);
    void send_asks(Timestamp now, client::Connection& connection);

    std::uint32_t sample_;
    std::vector<Stream> streams_;
    std::size_t last_found_ = 0;
    rtp::TransportCcResponder transport_{1};
    Timestamp next_report_ = Timestamp::never();
    Timestamp next_transport_ = Timestamp::never();
    Timestamp told_ = Timestamp::never();
    bool sooner_ = false;
    Histogram latency_;
    Histogram settled_latency_;
    std::uint64_t decrypted_ = 0;
    std::uint32_t repairs_ = 0;
};

// The stamp in a decrypted payload of our encoders; nothing in others, in padding and blank frames.
std::optional<client::MediaStamp> stamp_of(client::MediaKind kind, BytesView payload);

}  // namespace confab::load
