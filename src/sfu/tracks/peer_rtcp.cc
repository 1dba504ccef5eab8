// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/peer_rtcp.h"

#include <algorithm>
#include <array>

#include "wire/rtcp/transport_cc.h"

namespace confab::sfu {
namespace {

// What is said of its repair stream is of no interest, but for what it lost.
OutboundTrack* find_media(ShardPeer& peer, std::uint32_t ssrc) {
    OutboundTrack* outbound = peer.downlink().find_by_ssrc(ssrc);
    return outbound == nullptr || outbound->down_track.info().ssrc != ssrc ? nullptr : outbound;
}

}  // namespace

void PeerRtcp::handle(Timestamp now, ShardPeer& peer, BytesView compound) {
    ++peer.counters().rtcp_in;
    bool estimated = false;
    wire::RtcpReader reader(compound);
    while (const auto block = reader.next()) {
        switch (block->type) {
            case wire::RtcpType::kSenderReport:
                handle_sender_report(now, peer, *block);
                break;
            case wire::RtcpType::kReceiverReport:
                if (const auto report = wire::parse_receiver_report(*block))
                    handle_report_blocks(now, peer, report->blocks);
                break;
            case wire::RtcpType::kTransportFeedback:
                handle_transport_feedback(now, peer, *block);
                break;
            case wire::RtcpType::kPayloadFeedback:
                estimated |= handle_payload_feedback(now, peer, *block);
                break;
            case wire::RtcpType::kExtendedReport:
                handle_extended_report(now, peer, *block);
                break;
            case wire::RtcpType::kSdes:
            case wire::RtcpType::kBye:
            case wire::RtcpType::kApp:
                break;
        }
    }
    // Once, however many there were: the link of all its tracks is shared anew.
    if (estimated) subscriptions_.allocate(now, peer);
    if (reader.error()) ++peer.counters().rtcp_malformed;
}

// ---------------------------------------------------------------- of a publisher

void PeerRtcp::handle_sender_report(Timestamp now, ShardPeer& peer, const wire::RtcpBlock& block) {
    const auto report = wire::parse_sender_report(block);
    if (!report) return;
    handle_report_blocks(now, peer, report->blocks);
    publications_.handle_sender_report(now, peer, *report);
}

void PeerRtcp::handle_extended_report(Timestamp now, ShardPeer& peer,
                                      const wire::RtcpBlock& block) {
    wire::XrReader reader(block);
    std::optional<Duration> newest;
    while (const auto report = reader.next()) {
        if (const auto reference = wire::read_rrtr(*report)) {
            // Answered at once, so the delay is zero (FWD-13).
            peer.answer_rrtr(reader.sender_ssrc(), *reference);
            continue;
        }
        for (std::size_t i = 0; i < wire::dlrr_entries(*report); ++i) {
            const wire::DlrrEntry entry = wire::dlrr_entry(*report, i);
            if (entry.last_rr == 0) continue;
            const std::uint32_t elapsed =
                clock_.ntp(now).compact() - entry.last_rr - entry.delay_since_last_rr;
            const Duration rtt = from_compact_ntp(elapsed);
            if (rtt > Duration::seconds(10)) continue;
            newest = rtt;
        }
    }
    if (newest) peer.uplink().update_rtt(*newest);
}

// ---------------------------------------------------------------- of a subscriber

void PeerRtcp::handle_report_blocks(Timestamp now, ShardPeer& peer,
                                    const wire::ReportBlocks& blocks) {
    std::optional<std::uint8_t> worst;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const wire::ReportBlock block = blocks[i];
        OutboundTrack* outbound = peer.downlink().find_by_ssrc(block.ssrc);
        if (outbound == nullptr) continue;
        if (outbound->down_track.info().ssrc == block.ssrc) {
            worst = std::max(worst.value_or(0), block.fraction_lost);
            if (block.fraction_lost > 0)
                upstream_.note_loss(now, *outbound->track, block.fraction_lost);
        }
        const auto rtt = outbound->down_track.handle_report(block, now);
        if (!rtt) continue;
        peer.downlink().update_rtt(*rtt, now);
        peer.reported_rtt = rtt;
    }
    if (worst) peer.losses.note(*worst);
}

void PeerRtcp::handle_transport_feedback(Timestamp now, ShardPeer& peer,
                                         const wire::RtcpBlock& block) {
    if (block.count == wire::kFormatTransportCc) {
        const auto feedback = wire::parse_transport_feedback(block);
        if (!feedback) return;
        peer.downlink().handle_transport_feedback(now, *feedback);
        subscriptions_.allocate_if_due(now, peer);
    } else if (block.count == wire::kFormatNack) {
        handle_nack(now, peer, block);
    }
}

void PeerRtcp::handle_nack(Timestamp now, ShardPeer& peer, const wire::RtcpBlock& block) {
    const auto nack = wire::parse_nack(block);
    if (!nack) return;
    OutboundTrack* outbound = find_media(peer, nack->media_ssrc);
    if (outbound == nullptr) return;
    // A datagram holds at most a few hundred entries; each asks for up to 17 packets.
    std::array<std::uint16_t, 512> sequences;
    std::size_t count = 0;
    nack->for_each([&](std::uint16_t sequence) {
        if (count < sequences.size()) sequences[count++] = sequence;
    });
    counters_.nacks += count;
    // Without RTX video is not sent again (TRAP-14), and a decoder that counts on repairs asks for
    // a key frame only after three seconds.
    const DownTrackInfo& info = outbound->down_track.info();
    if (info.video() && !info.repairs && count > 0) return handle_pli(now, peer, nack->media_ssrc);
    std::array<ResendPacket, 512> resends;
    const std::size_t found =
        outbound->down_track.handle_nack(std::span(sequences).first(count), now, resends);
    subscriptions_.resend(*outbound, std::span(resends).first(found));
    if (const auto layer = outbound->down_track.handle_pli(now, KeyFrameCause::kStuck))
        upstream_.request_key_frame(now, *outbound->track, *layer);
}

void PeerRtcp::handle_pli(Timestamp now, ShardPeer& peer, std::uint32_t ssrc) {
    OutboundTrack* outbound = find_media(peer, ssrc);
    if (outbound == nullptr) return;
    if (const auto layer = outbound->down_track.handle_pli(now))
        upstream_.request_key_frame(now, *outbound->track, *layer);
}

bool PeerRtcp::handle_payload_feedback(Timestamp now, ShardPeer& peer,
                                       const wire::RtcpBlock& block) {
    if (block.count == wire::kFormatAfb) return handle_remb(now, peer, block);
    if (block.count == wire::kFormatPli) {
        const auto pli = wire::parse_pli(block);
        if (!pli) return false;
        ++counters_.plis;
        handle_pli(now, peer, pli->media_ssrc);
    } else if (block.count == wire::kFormatFir) {
        // A FIR is treated as a PLI, once per SSRC it names (IN-08).
        if (const auto fir = wire::parse_fir(block))
            for (std::size_t i = 0; i < fir->entries(); ++i) {
                ++counters_.firs;
                handle_pli(now, peer, fir->entry(i).ssrc);
            }
    }
    return false;
}

bool PeerRtcp::handle_remb(Timestamp now, ShardPeer& peer, const wire::RtcpBlock& block) {
    const auto remb = wire::parse_remb(block);
    if (!remb) return false;
    std::array<std::uint32_t, 32> ssrcs;
    const std::size_t count = std::min(remb->size(), ssrcs.size());
    for (std::size_t i = 0; i < count; ++i)
        ssrcs[i] = remb->ssrc(i);
    peer.downlink().bandwidth().handle_remb(remb->bits_per_second, now,
                                            std::span(ssrcs).first(count));
    return true;
}

}  // namespace confab::sfu
