// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Header of RTP (RFC 3550 §5.1), which stays readable and is authenticated:
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//   |                           timestamp                           |
//   |                             SSRC                              |
//   |                       CC contributing SSRCs                   |
//   |      extension profile        |       length in words         |  if X
#include "rtc/srtp/receive_context.h"

#include <algorithm>
#include <array>

#include "rtc/srtp/send_context.h"

namespace confab::srtp {
namespace {

constexpr std::uint32_t kEncryptedFlag = 0x8000'0000;
constexpr std::uint64_t kCycle = 0x1'0000;  // of sequence numbers
constexpr std::uint64_t kHalfCycle = kCycle / 2;
// Longer datagrams than this do not come over the networks that media uses.
constexpr std::size_t kMaxFirstPacket = 2048;

}  // namespace

std::size_t rtp_header_size(BytesView packet) noexcept {
    if (packet.size() < kRtpFixedHeader || packet[0] >> 6 != 2) return 0;
    std::size_t size = kRtpFixedHeader + std::size_t{packet[0] & 0x0fU} * 4;
    if ((packet[0] & 0x10) != 0) {
        if (packet.size() < size + 4) return 0;
        size += 4 + std::size_t{load_be16(&packet[size + 2])} * 4;
    }
    return size <= packet.size() ? size : 0;
}

ReceiveContext::ReceiveContext(Engine& engine, const ContextKeys& keys)
    : rtp_keys_(keys.rtp),
      rtcp_keys_(keys.rtcp),
      rtp_(engine.make_cipher(rtp_keys_, Direction::kOpen)),
      rtcp_(engine.make_cipher(rtcp_keys_, Direction::kOpen)) {}

Result<std::size_t, OpenError> ReceiveContext::refuse(OpenError error) noexcept {
    switch (error) {
        case OpenError::kAuthentication:
            ++counters_.authentication_failures;
            break;
        case OpenError::kReplay:
            ++counters_.replays;
            break;
        case OpenError::kMalformed:
        case OpenError::kNotEncrypted:
            ++counters_.malformed;
            break;
    }
    return fail(error);
}

bool ReceiveContext::knows_rtp(BytesView packet) const noexcept {
    return packet.size() >= kRtpFixedHeader && rollovers_.contains(load_be32(&packet[8]));
}

bool ReceiveContext::knows_rtcp(BytesView packet) const noexcept {
    return packet.size() >= kRtcpPlainHeader && windows_.contains(load_be32(&packet[4]));
}

bool ReceiveContext::may_follow_rtp(BytesView packet) noexcept {
    if (packet.size() < kRtpFixedHeader) return false;
    const Rollover* const known = rollovers_.find(load_be32(&packet[8]));
    return known != nullptr && known->is_news(load_be16(&packet[2]));
}

bool ReceiveContext::may_follow_rtcp(BytesView packet) noexcept {
    const std::size_t overhead = rtcp_overhead(profile());
    if (packet.size() < kRtcpPlainHeader + overhead) return false;
    const ReplayWindow* const known = windows_.find(load_be32(&packet[4]));
    // The index stands last with AEAD, else before the tag (RFC 3711 §3.4, RFC 7714 §9.2).
    const std::size_t behind = is_aead(profile()) ? 0 : tag_size(profile());
    const std::uint32_t word = load_be32(&packet[packet.size() - behind - kSrtcpIndexSize]);
    return known != nullptr && known->fresh(word & ~kEncryptedFlag);
}

Result<std::size_t, OpenError> ReceiveContext::unprotect_rtp(BytesSpan packet) noexcept {
    const std::size_t header_size = rtp_header_size(packet);
    const std::size_t tag = tag_size(profile());
    if (header_size == 0 || packet.size() - header_size < tag || packet.size() > kMaxProtectedSize)
        return refuse(OpenError::kMalformed);
    const std::uint32_t ssrc = load_be32(&packet[8]);
    const std::uint16_t sequence = load_be16(&packet[2]);
    const Rollover* const known = rollovers_.find(ssrc);
    const auto index = (known != nullptr ? *known : Rollover{}).guess(sequence);
    if (!index) return refuse(OpenError::kAuthentication);
    const bool authentic = known != nullptr ? open_rtp(packet, header_size, ssrc, *index)
                                            : open_first_rtp(packet, header_size, ssrc, *index);
    if (!authentic) return refuse(OpenError::kAuthentication);
    ++counters_.rtp;
    return packet.size() - tag;
}

bool ReceiveContext::open_rtp(BytesSpan packet, std::size_t header_size, std::uint32_t ssrc,
                              std::uint64_t index) noexcept {
    std::array<std::uint8_t, 4> roc;
    store_be32(roc.data(), static_cast<std::uint32_t>(index >> 16));
    Frame frame{make_iv(rtp_keys_, ssrc, index), packet.first(header_size), {}};
    if (!is_aead(profile())) frame.suffix = roc;
    const std::size_t size = packet.size() - tag_size(profile());
    if (!rtp_->open(frame, packet.subspan(header_size, size - header_size), packet.subspan(size)))
        return false;
    rollovers_.use(ssrc).commit(index);
    return true;
}

bool ReceiveContext::open_first_rtp(BytesSpan packet, std::size_t header_size, std::uint32_t ssrc,
                                    std::uint64_t index) noexcept {
    std::array<std::uint8_t, kMaxFirstPacket> before;
    const bool may_have_wrapped = index < kHalfCycle && packet.size() <= before.size();
    if (may_have_wrapped) std::ranges::copy(packet, before.begin());
    if (open_rtp(packet, header_size, ssrc, index)) return true;
    if (!may_have_wrapped) return false;
    // A failed attempt leaves other octets behind.
    std::copy_n(before.begin(), packet.size(), packet.begin());
    return open_rtp(packet, header_size, ssrc, index + kCycle);
}

Result<std::size_t, OpenError> ReceiveContext::unprotect_rtcp(BytesSpan packet) noexcept {
    const std::size_t overhead = rtcp_overhead(profile());
    if (packet.size() < kRtcpPlainHeader + overhead || packet.size() > kMaxProtectedSize ||
        packet[0] >> 6 != 2)
        return refuse(OpenError::kMalformed);
    const std::size_t size = packet.size() - overhead;
    const std::size_t tag = tag_size(profile());
    const bool aead = is_aead(profile());
    const BytesView trailer = packet.subspan(aead ? size + tag : size, kSrtcpIndexSize);
    const std::uint32_t word = load_be32(trailer.data());
    if ((word & kEncryptedFlag) == 0) return refuse(OpenError::kNotEncrypted);
    const std::uint32_t index = word & ~kEncryptedFlag;
    const std::uint32_t ssrc = load_be32(&packet[4]);
    const ReplayWindow* const known = windows_.find(ssrc);
    if (known != nullptr && !known->fresh(index)) return refuse(OpenError::kReplay);

    const Frame frame{make_iv(rtcp_keys_, ssrc, index), packet.first(kRtcpPlainHeader), trailer};
    const BytesView received = packet.subspan(aead ? size : size + kSrtcpIndexSize, tag);
    if (!rtcp_->open(frame, packet.subspan(kRtcpPlainHeader, size - kRtcpPlainHeader), received))
        return refuse(OpenError::kAuthentication);
    windows_.use(ssrc).commit(index);
    ++counters_.rtcp;
    return size;
}

}  // namespace confab::srtp
