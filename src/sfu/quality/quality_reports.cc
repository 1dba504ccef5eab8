// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/quality/quality_reports.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace confab::sfu {

StreamRound QualityReports::take_round(const Receiver& receiver, InboundStream& stream) {
    const StreamRound round = stream.take_round();
    figures_.add(Direction::kIncoming, receiver.config().kind, receiver.config().source, round);
    return round;
}

DownTrackWindow QualityReports::take_window(Timestamp now, DownTrack& down_track) {
    const DownTrackWindow window = down_track.window(now);
    figures_.add(Direction::kOutgoing, down_track.info().kind, down_track.info().source,
                 {.packets = window.reported,
                  .lost = window.lost,
                  .out_of_order = window.out_of_order,
                  .jitter = window.jitter,
                  .rtt = window.rtt,
                  .sent = window.packets});
    return window;
}

void QualityReports::end(const Receiver& receiver) {
    for (const auto& stream : receiver.streams())
        (void)take_round(receiver, *stream);
}

void QualityReports::hand_over(Timestamp now, ShardPeer& peer) {
    for (const Receiver* receiver : peer.uplink().inbound().receivers())
        for (const auto& stream : receiver->streams())
            (void)stream->take_round();
    for (const auto& outbound : peer.downlink().tracks())
        (void)outbound->down_track.window(now);
}

QualitySample QualityReports::sample(Timestamp now, Receiver& receiver,
                                     std::vector<StreamSample>& streams) {
    QualitySample sample;
    sample.receiver = receiver.id();
    sample.codec = receiver.config().codecs.front().codec;
    sample.muted = receiver.muted();
    sample.unwanted = !receiver.wanted();
    sample.unmuted = receiver.take_unmuted(now);
    sample.distance_to_desired = receiver.take_missing_layers(now);
    std::optional<Timestamp> reported = receiver.reported();
    for (const auto& stream : receiver.streams()) {
        const StreamRound round = take_round(receiver, *stream);
        streams.push_back({receiver.id(), stream->spatial(), round.bytes, round.packets, round.lost,
                           round.frames});
        sample.packets_expected += round.packets;
        sample.packets_lost += round.lost;
        sample.bytes += round.bytes;
        const auto& report = stream->sender_report();
        if (report) reported = std::max(reported.value_or(report->arrival), report->arrival);
    }
    // Of who never sent one nothing can be missed.
    sample.rtcp_overdue = reported && now - *reported > kInterval;
    return sample;
}

QualitySample QualityReports::sample(Timestamp now, DownTrack& down_track) {
    ++visited_;
    const DownTrackWindow window = take_window(now, down_track);
    QualitySample sample;
    sample.down_track = down_track.info().id;
    sample.codec = window.codec;
    // Losses are of what a report is of: those of sound come 2 to 8 s apart. What nothing is said
    // of for long did not come.
    sample.packets_expected = window.unreported ? 0 : window.reported;
    sample.span = window.span;
    sample.rtcp_overdue = window.unreported;
    sample.packets_lost = window.lost;
    sample.bytes = window.octets;
    sample.distance_to_desired = window.distance;
    sample.unmuted = window.unmuted;
    sample.muted = down_track.muted();
    sample.unjudged = window.reported == 0;
    sample.paused = down_track.layers().pause == PauseReason::kBandwidth;
    return sample;
}

void QualityReports::report(Timestamp now, ShardPeer& peer) {
    start(now, peer);
    QualityBatch batch;
    batch.peer = peer.id();
    for (Receiver* receiver : peer.uplink().inbound().receivers())
        if (!receiver->streams().empty())
            batch.samples.push_back(sample(now, *receiver, batch.streams));
    for (const auto& outbound : peer.downlink().tracks())
        batch.samples.push_back(sample(now, outbound->down_track));
    batch.path = {peer.losses.bad_reports(), peer.reported_rtt};
    batch.data = std::exchange(peer.data_count, {});
    const bool has_some = !batch.samples.empty() || batch.data != DataCount{};
    // That there is nothing any more is told, too.
    if (std::exchange(peer.data_told, has_some) || has_some) events_.emit(std::move(batch));
}

}  // namespace confab::sfu
