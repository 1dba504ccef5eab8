// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>

#include "sfu/shard/shard.h"
#include "wire/rtcp/rtcp.h"
#include "wire/rtcp/transport_cc.h"

// RTCP of a peer: reports of a publisher, feedback of a subscriber, both on one connection in
// single mode.

namespace confab::sfu {

void Shard::handle_rtcp(Timestamp now, ShardPeer& peer, BytesView compound) {
    ++peer.counters().rtcp_in;
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
                handle_payload_feedback(now, peer, *block);
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
    if (reader.error()) ++peer.counters().rtcp_malformed;
}

void Shard::handle_sender_report(Timestamp now, ShardPeer& peer, const wire::RtcpBlock& block) {
    const auto report = wire::parse_sender_report(block);
    if (!report) return;
    handle_report_blocks(now, peer, report->blocks);
    const InboundRoute route = peer.uplink().inbound().find(report->ssrc);
    if (!route) {
        peer.uplink().inbound().keep_early_report(now, *report);
    } else if (!route.rtx) {
        apply_sender_report(now, *route.receiver, *route.stream, *report);
    }
}

void Shard::apply_sender_report(Timestamp arrival, Receiver& receiver, InboundStream& stream,
                                const wire::SenderReport& report) {
    // The RTP line of a stream begins with its first packet.
    if (!stream.started()) {
        const auto entry = receivers_.find(receiver.id());
        if (entry != receivers_.end())
            entry->second->peer->uplink().inbound().keep_early_report(arrival, report);
        return;
    }
    stream.receive_sender_report(arrival, report);
    const auto found = tracks_.find(receiver.id());
    if (found == tracks_.end() || !stream.sender_report()) return;
    Track& track = *found->second;
    const auto& known = *stream.sender_report();
    const SourceReport source{known.ntp, known.rtp_time, known.arrival};
    const std::size_t index = track.source().stream_of(static_cast<std::int8_t>(stream.spatial()));
    if (!track.source().add_report(index, source)) return;
    for (const Replica& replica : track.replicas())
        push_link(arrival, replica.worker,
                  LinkReport{track.id(), static_cast<std::uint8_t>(index), source});
}

void Shard::handle_report_blocks(Timestamp now, ShardPeer& peer, const wire::ReportBlocks& blocks) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const wire::ReportBlock block = blocks[i];
        OutboundTrack* outbound = peer.downlink().find_by_ssrc(block.ssrc);
        if (outbound == nullptr || outbound->down_track.ssrc() != block.ssrc) continue;
        if (block.fraction_lost > 0) note_loss(now, *outbound->track, block.fraction_lost);
        const auto rtt = outbound->down_track.handle_report(block, now);
        if (rtt) peer.downlink().update_rtt(*rtt, now);
    }
}

// What the publisher of an audio track hears of its subscribers, so that it can add redundancy
// (audio.enable_loss_proxying, IN-05).
void Shard::note_loss(Timestamp now, const Track& track, std::uint8_t fraction) {
    if (!config_.options.loss_proxying || track.kind() != MediaKind::kAudio) return;
    if (track.home() != config_.index)
        push_link(now, track.home(), LinkLoss{track.id(), fraction});
    else if (const auto found = receivers_.find(track.id()); found != receivers_.end())
        found->second->receiver->note_loss(fraction);
}

void Shard::handle_transport_feedback(Timestamp now, ShardPeer& peer,
                                      const wire::RtcpBlock& block) {
    if (block.count == wire::kFormatTransportCc) {
        const auto feedback = wire::parse_transport_feedback(block);
        if (!feedback) return;
        peer.downlink().handle_transport_feedback(now, *feedback);
        if (now >= peer.downlink().bandwidth().next_deadline()) allocate(now, peer);
        return;
    }
    if (block.count != wire::kFormatNack) return;
    const auto nack = wire::parse_nack(block);
    if (!nack) return;
    OutboundTrack* outbound = peer.downlink().find_by_ssrc(nack->media_ssrc);
    if (outbound == nullptr || outbound->down_track.ssrc() != nack->media_ssrc) return;
    // A datagram holds at most a few hundred entries; each asks for up to 17 packets.
    std::array<std::uint16_t, 512> sequences;
    std::size_t count = 0;
    nack->for_each([&](std::uint16_t sequence) {
        if (count < sequences.size()) sequences[count++] = sequence;
    });
    totals_.nacks_in += count;
    std::array<ResendPacket, 512> resends;
    const std::size_t found =
        outbound->down_track.handle_nack(std::span(sequences).first(count), now, resends);
    resend(peer, *outbound, std::span(resends).first(found));
}

void Shard::handle_pli(Timestamp now, ShardPeer& peer, std::uint32_t ssrc) {
    OutboundTrack* outbound = peer.downlink().find_by_ssrc(ssrc);
    if (outbound == nullptr || outbound->down_track.ssrc() != ssrc) return;
    if (const auto layer = outbound->down_track.handle_pli(now))
        request_key_frame(now, *outbound->track, *layer);
}

void Shard::handle_payload_feedback(Timestamp now, ShardPeer& peer, const wire::RtcpBlock& block) {
    if (block.count == wire::kFormatPli) {
        const auto pli = wire::parse_pli(block);
        if (!pli) return;
        ++totals_.plis_in;
        handle_pli(now, peer, pli->media_ssrc);
    } else if (block.count == wire::kFormatFir) {
        // A FIR is treated as a PLI, once per SSRC it names (IN-08).
        if (const auto fir = wire::parse_fir(block))
            for (std::size_t i = 0; i < fir->entries(); ++i) {
                ++totals_.firs_in;
                handle_pli(now, peer, fir->entry(i).ssrc);
            }
    } else if (block.count == wire::kFormatAfb) {
        if (const auto remb = wire::parse_remb(block)) {
            std::array<std::uint32_t, 32> ssrcs;
            const std::size_t count = std::min(remb->size(), ssrcs.size());
            for (std::size_t i = 0; i < count; ++i)
                ssrcs[i] = remb->ssrc(i);
            peer.downlink().bandwidth().handle_remb(remb->bits_per_second, now,
                                                    std::span(ssrcs).first(count));
            allocate(now, peer);
        }
    }
}

void Shard::handle_extended_report(Timestamp now, ShardPeer& peer, const wire::RtcpBlock& block) {
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
                ntp(now).compact() - entry.last_rr - entry.delay_since_last_rr;
            const Duration rtt = from_compact_ntp(elapsed);
            if (rtt > Duration::seconds(10)) continue;
            newest = rtt;
        }
    }
    if (newest) peer.uplink().update_rtt(*newest);
}

}  // namespace confab::sfu
