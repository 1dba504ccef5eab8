// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// SRTP:  | header | encrypted payload | tag |
// SRTCP: | header | encrypted reports | tag | E, index |   AEAD (RFC 7714 §9)
//        | header | encrypted reports | E, index | tag |   counter mode (RFC 3711 §3.4)
#include "rtc/srtp/send_context.h"

#include "base/check.h"

namespace confab::srtp {
namespace {

constexpr std::uint32_t kEncryptedFlag = 0x8000'0000;

}  // namespace

SendContext::SendContext(Engine& engine, const MasterKey& master)
    : rtp_keys_(derive_keys(master, Purpose::kRtp)),
      rtcp_keys_(derive_keys(master, Purpose::kRtcp)),
      rtp_(engine.make_cipher(rtp_keys_, Direction::kSeal)),
      rtcp_(engine.make_cipher(rtcp_keys_, Direction::kSeal)),
      multi_buffer_(engine.make_multi_buffer_keys(rtp_keys_)) {
#ifndef CONFAB_RELEASE
    guard_ = std::make_unique<NonceGuard>();
#endif
}

bool SendContext::acceptable(BytesView out, std::size_t header_size, BytesView payload,
                             std::uint64_t index) noexcept {
    if (header_size < kRtpFixedHeader || header_size > kMaxProtectedSize ||
        payload.size() > kMaxProtectedSize || index > kMaxPacketIndex ||
        out.size() < header_size + payload.size() + rtp_overhead())
        return false;
    if (CONFAB_BUG_IF(load_be16(&out[2]) != (index & 0xffff), "srtp_index")) return false;
    return !guard_ || !CONFAB_BUG_IF(!guard_->check(load_be32(&out[8]), index,
                                                    out.first(header_size), payload),
                                     "srtp_nonce_reuse");
}

std::size_t SendContext::protect_rtp(BytesSpan out, std::size_t header_size, BytesView payload,
                                     std::uint64_t index) noexcept {
    if (!acceptable(out, header_size, payload, index)) return 0;
    std::array<std::uint8_t, 4> roc;
    store_be32(roc.data(), static_cast<std::uint32_t>(index >> 16));
    Frame frame{make_iv(rtp_keys_, load_be32(&out[8]), index), out.first(header_size), {}};
    if (!is_aead(profile())) frame.suffix = roc;  // RFC 3711 §4.2: M = packet || ROC
    std::uint8_t* const text = out.data() + header_size;
    if (!rtp_->seal(frame, payload, text, text + payload.size())) return 0;
    return header_size + payload.size() + rtp_overhead();
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
