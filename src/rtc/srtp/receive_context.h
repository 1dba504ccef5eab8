// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The receiving half of one peer connection: SRTP and SRTCP authentication and decryption in place
// (RFC 3711 §3.3 and §3.4, RFC 7714). A packet that fails changes nothing but a counter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/state/state.h"
#include "rtc/srtp/engine.h"
#include "rtc/srtp/profile.h"
#include "rtc/srtp/replay_window.h"
#include "rtc/srtp/rollover.h"
#include "rtc/srtp/ssrc_table.h"

namespace confab::srtp {

inline constexpr std::size_t kMaxReceiveSsrcs = 256;

enum class OpenError : std::uint8_t {
    kMalformed,       // too short, wrong version, header beyond the end
    kAuthentication,  // the tag does not fit, or no index is possible
    kReplay,          // SRTCP index already seen or too old
    kNotEncrypted,    // SRTCP without the E flag: never negotiated
};

struct ReceiveCounters {
    std::uint64_t rtp = 0;
    std::uint64_t rtcp = 0;
    std::uint64_t malformed = 0;
    std::uint64_t authentication_failures = 0;
    std::uint64_t replays = 0;
};

// Octets of the RTP header with CSRCs and extension (RFC 3550 §5.1, §5.3.1); 0 if the packet is not
// RTP of version 2 or ends before.
std::size_t rtp_header_size(BytesView packet) noexcept;

class ReceiveContext {
  public:
    // The engine must outlive the context.
    ReceiveContext(Engine& engine, const MasterKey& master)
        : ReceiveContext(engine, derive_keys(master)) {}
    ReceiveContext(Engine& engine, const ContextKeys& keys);

    Profile profile() const { return rtp_keys_.profile; }

    // The size of the plain RTP packet, which then stands at the start of `packet`. There is no
    // replay window: duplicates go through (02 SRTP-02, TRAP-06) and the packet buffer removes
    // them. On error the octets behind the header are undefined.
    Result<std::size_t, OpenError> unprotect_rtp(BytesSpan packet) noexcept;
    // The same for SRTCP, with a replay window of kReplayWindow per SSRC.
    Result<std::size_t, OpenError> unprotect_rtcp(BytesSpan packet) noexcept;

    // Whether packets with this one's SSRC were authentic before.
    bool knows_rtp(BytesView packet) const noexcept;
    bool knows_rtcp(BytesView packet) const noexcept;

    // Whether the packet could be the next one of an SSRC whose packets were authentic before. Says
    // nothing about who sent it: nothing is decrypted.
    bool may_follow_rtp(BytesView packet) noexcept;
    bool may_follow_rtcp(BytesView packet) noexcept;

    const ReceiveCounters& counters() const { return counters_; }

    // Its keys, roll-over counters and replay windows (base/state/state.h).
    void save(StateWriter& out) const;
    static std::optional<ReceiveContext> load(Engine& engine, StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    Result<std::size_t, OpenError> refuse(OpenError error) noexcept;
    bool open_rtp(BytesSpan packet, std::size_t header_size, std::uint32_t ssrc,
                  std::uint64_t index) noexcept;
    // The first authentic packet of an SSRC tells its roll-over counter: 0, or 1 if the sender
    // began shortly before its numbers wrapped and the packets before were lost. RFC 3711 §3.3.1
    // takes 0 for granted, with which such a stream stays silent for good.
    bool open_first_rtp(BytesSpan packet, std::size_t header_size, std::uint32_t ssrc,
                        std::uint64_t index) noexcept;

    SessionKeys rtp_keys_;
    SessionKeys rtcp_keys_;
    std::unique_ptr<PacketCipher> rtp_;
    std::unique_ptr<PacketCipher> rtcp_;
    SsrcTable<Rollover, kMaxReceiveSsrcs> rollovers_;
    SsrcTable<ReplayWindow, kMaxReceiveSsrcs> windows_;
    ReceiveCounters counters_;
};

}  // namespace confab::srtp
