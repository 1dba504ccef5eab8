// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which incoming SSRC of one connection belongs to which stream: known from the SDP, or learned
// from mid and rid on the first packets (RFC 9143 §9.2, RFC 8852; 02 SDP-28, IN-13, IN-50).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/state/state.h"
#include "sfu/inbound/receiver.h"
#include "wire/rtcp/rtcp.h"
#include "wire/rtp/rtp.h"

namespace confab::sfu {

struct InboundRoute {
    Receiver* receiver = nullptr;
    InboundStream* stream = nullptr;
    bool rtx = false;
    std::uint8_t spatial = 0;
    explicit operator bool() const { return stream != nullptr; }
};

class InboundTable {
  public:
    static constexpr std::size_t kMaxProbed = 25;    // unknown SSRCs looked at at a time
    static constexpr std::uint32_t kMaxProbes = 10;  // packets looked at for each, then not until
    static constexpr Duration kProbeAgain = Duration::seconds(1);  // this much later
    static constexpr std::size_t kMaxEarlyReports = 8;
    static constexpr std::size_t kMaxRetired = 256;  // SSRCs of tracks that ended
    // How long packets of an ended track may still be under way.
    static constexpr Duration kRetired = Duration::seconds(5);

    // Receivers outlive the table or are removed first. Of each layer two SSRCs are known, media
    // and retransmissions: none that is in use gives way to others, as nothing would name it again
    // (IN-50).
    void add(Receiver& receiver);
    void remove(const Receiver& receiver, Timestamp now);

    // Where the packet goes; an empty route when it cannot be told (yet). `new_stream` is set when
    // the SSRC was recognised by this packet; an early sender report is then waiting for it.
    InboundRoute resolve(const wire::RtpPacketView& packet, Timestamp now, bool& new_stream);
    InboundRoute find(std::uint32_t ssrc) const;
    // The SSRC of a layer's retransmissions, 0 if it is not known.
    Ssrc rtx_ssrc_of(const Receiver& receiver, std::uint8_t spatial) const;
    // A sender report that came before its SSRC was recognised (IN-13).
    void keep_early_report(Timestamp now, const wire::SenderReport& report);
    struct EarlyReport {
        wire::SenderReport report;
        Timestamp arrival;
    };
    std::optional<EarlyReport> take_early_report(std::uint32_t ssrc);

    std::size_t known_ssrcs() const { return known_.size(); }
    const std::vector<Receiver*>& receivers() const { return receivers_; }

    // Which SSRC is whose, by the ids of the receivers; read once these were added. What belongs to
    // others is left out.
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    // The layer rather than the stream: a layer that gets a new SSRC gets a new stream.
    struct Known {
        std::uint32_t ssrc = 0;
        Receiver* receiver = nullptr;
        std::uint8_t spatial = 0;
        bool rtx = false;
    };
    struct Probed {
        std::uint32_t ssrc = 0;
        std::uint32_t packets = 0;
        Timestamp since;
    };
    struct Retired {
        std::uint32_t ssrc = 0;
        Timestamp since;
    };
    enum class Age : std::uint8_t { kNever, kLongAgo, kJustNow };
    std::vector<Known>::const_iterator at_or_behind(std::uint32_t ssrc) const;
    bool may_probe(std::uint32_t ssrc, Timestamp now);
    InboundRoute identify(const wire::RtpPacketView& packet, Age retired) const;
    void learn(std::uint32_t ssrc, const InboundRoute& route, Timestamp now);
    void retire(std::uint32_t ssrc, Timestamp now);
    Age retired(std::uint32_t ssrc, Timestamp now) const;

    std::vector<Receiver*> receivers_;
    std::vector<Known> known_;  // by SSRC: each packet looks there
    std::vector<Probed> probed_;
    std::vector<EarlyReport> early_reports_;
    std::vector<Retired> retired_;  // oldest first
};

}  // namespace confab::sfu
