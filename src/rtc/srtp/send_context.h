// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The sending half of one peer connection: SRTP and SRTCP protection (RFC 3711, RFC 7714).
// All SSRCs share one session key (02 DES-21). The packet index comes from the caller, who owns the
// sequence number space and so knows the roll-over counter exactly (02 SRTP-03).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/check.h"
#include "base/prefetch.h"
#include "base/state/state.h"
#include "rtc/srtp/engine.h"
#include "rtc/srtp/nonce_guard.h"
#include "rtc/srtp/profile.h"

namespace confab::srtp {

// 48 bits: roll-over counter and sequence number (RFC 3711 §3.3.1).
inline constexpr std::uint64_t kMaxPacketIndex = (std::uint64_t{1} << 48) - 1;
inline constexpr std::uint32_t kMaxSrtcpIndex = 0x7fff'ffff;
inline constexpr std::size_t kMaxProtectedSize = 65'535;
inline constexpr std::size_t kRtpFixedHeader = 12;
inline constexpr std::size_t kRtcpPlainHeader = 8;  // first header and SSRC stay readable

// Arguments of protect_rtp(). By reference: spans as arguments on the stack are written in halves
// and copied whole, which waits for the store buffer.
struct RtpJob {
    BytesSpan out;
    std::size_t header_size = 0;
    BytesView payload;
    std::uint64_t index = 0;
};

class SendContext {
  public:
    // The engine must outlive the context.
    SendContext(Engine& engine, const MasterKey& master)
        : SendContext(engine, derive_keys(master)) {}
    SendContext(Engine& engine, const ContextKeys& keys);

    Profile profile() const { return rtp_keys_.profile; }
    std::size_t rtp_overhead() const { return srtp::rtp_overhead(profile()); }
    std::size_t rtcp_overhead() const { return srtp::rtcp_overhead(profile()); }

    // Encrypts out of place (02 DES-22): the header with its extensions already stands in
    // out[0, header_size), the encrypted payload and the tag are written behind it. `payload` may
    // be exactly that place or not overlap `out` at all. `index` is ROC * 65536 + sequence number,
    // ROC 0 for the first 65536 numbers of an SSRC; its low 16 bits must be the header's. The same
    // index may come again only with identical octets. Returns the size of the packet, or 0 if it
    // does not fit, the arguments contradict each other or the index is beyond 48 bits.
    std::size_t protect_rtp(const RtpJob& job) noexcept;
    std::size_t protect_rtp(BytesSpan out, std::size_t header_size, BytesView payload,
                            std::uint64_t index) noexcept {
        return protect_rtp({out, header_size, payload, index});
    }

    // Protects the compound packet in buffer[0, size) in place; the buffer needs rtcp_overhead()
    // octets behind it. Takes the next SRTCP index of this context, for all SSRCs one counter that
    // is never reset. Returns the new size; 0 if it does not fit or all 2^31 indices are used up
    // (RFC 3711 §9.2).
    std::size_t protect_rtcp(BytesSpan buffer, std::size_t size) noexcept;

    // Fetches the keys of RTP, which lie behind a pointer.
    void prefetch_keys() const {
        constexpr std::size_t kKeys = 1072;  // of AES-128-GCM, expanded and with its hash's powers
        prefetch_for_write(rtp_.get(), kKeys);
    }

    std::uint32_t next_srtcp_index() const { return next_srtcp_index_; }

    // Its keys and the next SRTCP index (base/state/state.h). Indexes of RTP are the caller's, who
    // must never begin below the last one sent (02 TRAP-14).
    void save(StateWriter& out) const;
    static std::optional<SendContext> load(Engine& engine, StateReader& in);
    // Leaves out indices that the owner before may have used beyond what it told.
    void skip_ahead(std::uint32_t count);

  private:
    friend class BatchEncryptor;
    friend class SendContextTester;

    // The checks of protect_rtp(), shared with the batch.
    [[gnu::always_inline]] bool acceptable(const RtpJob& job) noexcept {
        if (job.header_size < kRtpFixedHeader || job.header_size > kMaxProtectedSize ||
            job.payload.size() > kMaxProtectedSize || job.index > kMaxPacketIndex ||
            job.out.size() < job.header_size + job.payload.size() + rtp_overhead())
            return false;
        const std::uint16_t number = load_be16(job.out.data() + 2);
        if (CONFAB_BUG_IF(number != (job.index & 0xffff), "srtp_index")) return false;
        return !guard_ || is_fresh(job);
    }
    bool is_fresh(const RtpJob& job) noexcept;

    SessionKeys rtp_keys_;
    SessionKeys rtcp_keys_;
    std::unique_ptr<PacketCipher> rtp_;
    std::unique_ptr<PacketCipher> rtcp_;
    MultiBufferKeysPtr multi_buffer_;
    std::unique_ptr<NonceGuard> guard_;  // null in release builds
    std::uint32_t next_srtcp_index_ = 0;
};

}  // namespace confab::srtp
