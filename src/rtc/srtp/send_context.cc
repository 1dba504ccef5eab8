// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// SRTP:  | header | encrypted payload | tag |
// SRTCP: | header | encrypted reports | tag | E, index |   AEAD (RFC 7714 §9)
//        | header | encrypted reports | E, index | tag |   counter mode (RFC 3711 §3.4)
#include "rtc/srtp/send_context.h"

namespace confab::srtp {
namespace {

constexpr std::uint32_t kEncryptedFlag = 0x8000'0000;

}  // namespace

SendContext::SendContext(Engine& engine, const ContextKeys& keys)
    : rtp_keys_(keys.rtp),
      rtcp_keys_(keys.rtcp),
      rtp_(engine.make_cipher(rtp_keys_, Direction::kSeal)),
      rtcp_(engine.make_cipher(rtcp_keys_, Direction::kSeal)),
      multi_buffer_(engine.make_multi_buffer_keys(rtp_keys_)) {
#ifndef CONFAB_RELEASE
    guard_ = std::make_unique<NonceGuard>();
#endif
}

bool SendContext::is_fresh(const RtpJob& job) noexcept {
    return !CONFAB_BUG_IF(!guard_->check(load_be32(&job.out[8]), job.index,
                                         job.out.first(job.header_size), job.payload),
                          "srtp_nonce_reuse");
}

std::size_t SendContext::protect_rtp(const RtpJob& job) noexcept {
    if (!acceptable(job)) return 0;
    std::uint8_t* const header = job.out.data();
    std::uint8_t* const text = header + job.header_size;
    std::array<std::uint8_t, 4> roc;
    Frame frame{make_iv(rtp_keys_, load_be32(header + 8), job.index), {header, text}, {}};
    if (!is_aead(profile())) {  // RFC 3711 §4.2: M = packet || ROC
        store_be32(roc.data(), static_cast<std::uint32_t>(job.index >> 16));
        frame.suffix = roc;
    }
    if (!rtp_->seal(frame, job.payload, text, text + job.payload.size())) return 0;
    return job.header_size + job.payload.size() + rtp_overhead();
}

std::size_t SendContext::protect_rtcp(BytesSpan buffer, std::size_t size) noexcept {
    if (size < kRtcpPlainHeader || size > kMaxProtectedSize || buffer.size() < size ||
        buffer.size() - size < rtcp_overhead() || next_srtcp_index_ > kMaxSrtcpIndex)
        return 0;
    const std::uint32_t index = next_srtcp_index_++;
    std::array<std::uint8_t, kSrtcpIndexSize> trailer;
    store_be32(trailer.data(), kEncryptedFlag | index);

    const Frame frame{make_iv(rtcp_keys_, load_be32(&buffer[4]), index),
                      buffer.first(kRtcpPlainHeader), trailer};
    const BytesSpan text = buffer.subspan(kRtcpPlainHeader, size - kRtcpPlainHeader);
    const bool aead = is_aead(profile());
    std::uint8_t* const tag = buffer.data() + size + (aead ? 0 : kSrtcpIndexSize);
    if (!rtcp_->seal(frame, text, text.data(), tag)) return 0;
    std::uint8_t* const place = aead ? tag + tag_size(profile()) : buffer.data() + size;
    std::memcpy(place, trailer.data(), trailer.size());
    return size + rtcp_overhead();
}

}  // namespace confab::srtp
