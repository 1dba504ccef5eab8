// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The publishing side of one connection: which stream a packet belongs to, and what its publisher
// is told of it: receiver reports, NACK, PLI and transport-wide feedback (02 IN-04 to IN-08).
#pragma once

#include "base/state/state.h"
#include "rtc/rtp/transport_cc_responder.h"
#include "sfu/inbound/inbound_table.h"
#include "sfu/peer/peer_counters.h"
#include "sfu/peer/rtcp_compounds.h"

namespace confab::sfu {

class Uplink {
  public:
    static constexpr Duration kReportInterval = Duration::seconds(1);  // IN-05

    // Transport and counters are those of the connection and outlive this.
    Uplink(peer::Transport& transport, PeerCounters& counters, std::uint32_t feedback_ssrc)
        : transport_(transport), counters_(counters), transport_cc_(feedback_ssrc) {}

    InboundTable& inbound() { return inbound_; }
    const InboundTable& inbound() const { return inbound_; }
    rtp::TransportCcResponder& transport_cc() { return transport_cc_; }
    std::uint8_t transport_cc_id = 0;  // header extension, the same in all sections of a bundle

    // The first stream came: its first report is due in an interval. Not sooner, as browsers name
    // their streams only until they are reported on (IN-50).
    void start_reports(Timestamp now) {
        if (next_report_.is_never()) next_report_ = now + kReportInterval;
    }
    // The round trip time as the publisher's reports tell it.
    void update_rtt(Duration rtt);
    // NACK, PLI, RR and XR that are due. False when the batch is full before all was said: it goes
    // on with the next one.
    bool write_feedback(Timestamp now, NtpTime ntp, RtcpCompounds& out) {
        return write_reports(now, ntp, out) && write_loss_feedback(now, out);
    }
    // A compound of its own, as browsers expect it; waits for the next batch if there is no room,
    // and for a path: the first one tells what the publisher's first probe brought.
    void write_transport_feedback(Timestamp now, SendBatch& batch);
    // Key-frame requests that become due without a packet.
    Timestamp next_deadline() const;

    // But for the receivers; read once these were added (base/state/state.h).
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    bool write_loss_feedback(Timestamp now, RtcpCompounds& out);
    bool write_reports(Timestamp now, NtpTime ntp, RtcpCompounds& out);

    peer::Transport& transport_;
    PeerCounters& counters_;
    InboundTable inbound_;
    rtp::TransportCcResponder transport_cc_;
    Timestamp next_report_ = Timestamp::never();
    std::size_t streams_reported_ = 0;  // in a round of reports that did not fit the batch
};

}  // namespace confab::sfu
