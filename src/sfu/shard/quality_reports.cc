// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/quality_reports.h"

#include <utility>

namespace confab::sfu {

StreamRound QualityReports::take_round(const Receiver& receiver, InboundStream& stream) {
    const StreamRound round = stream.take_round();
    figures_.add(Direction::kIncoming, receiver.config().kind, receiver.config().source, round);
    return round;
}

DownTrackWindow QualityReports::take_window(DownTrack& down_track) {
    const DownTrackWindow window = down_track.window();
    figures_.add(Direction::kOutgoing, down_track.info().kind, down_track.info().source,
                 {window.packets, window.lost, window.out_of_order, window.jitter, window.rtt});
    return window;
}

void QualityReports::end(const Receiver& receiver) {
    for (const auto& stream : receiver.streams())
        (void)take_round(receiver, *stream);
}

QualitySample QualityReports::sample(Timestamp now, const Receiver& receiver,
                                     InboundStream& stream) {
    const StreamRound round = take_round(receiver, stream);
    QualitySample sample;
    sample.receiver = receiver.id();
    sample.packets_expected = round.packets;
    sample.packets_lost = round.lost;
    sample.muted = receiver.muted();
    const auto& report = stream.sender_report();
    sample.rtcp_overdue = !report || now - report->arrival > kInterval * 2;
    return sample;
}

QualitySample QualityReports::sample(DownTrack& down_track) {
    ++visited_;
    const DownTrackWindow window = take_window(down_track);
    QualitySample sample;
    sample.down_track = down_track.info().id;
    sample.packets_expected = window.packets;
    sample.packets_lost = window.lost;
    const DownTrackLayers layers = down_track.layers();
    sample.distance_to_desired = layers.distance;
    sample.muted =
        layers.pause == PauseReason::kMuted || layers.pause == PauseReason::kPublisherMuted;
    sample.paused = layers.pause == PauseReason::kBandwidth;
    return sample;
}

void QualityReports::report(Timestamp now, ShardPeer& peer) {
    start(now, peer);
    QualityBatch batch;
    batch.peer = peer.id();
    for (const Receiver* receiver : peer.uplink().inbound().receivers())
        for (const auto& stream : receiver->streams())
            batch.samples.push_back(sample(now, *receiver, *stream));
    for (const auto& outbound : peer.downlink().tracks())
        batch.samples.push_back(sample(outbound->down_track));
    if (!batch.samples.empty()) events_.emit(std::move(batch));
}

}  // namespace confab::sfu
