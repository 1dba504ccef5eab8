// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/quality/quality_reports.h"

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
    sample.spatial = stream.spatial();
    sample.frames = round.frames;
    sample.bytes = round.bytes;
    const auto& report = stream.sender_report();
    sample.rtcp_overdue = !report || now - report->arrival > kInterval * 2;
    return sample;
}

QualitySample QualityReports::sample(Timestamp now, DownTrack& down_track) {
    ++visited_;
    const DownTrackWindow window = take_window(now, down_track);
    QualitySample sample;
    sample.down_track = down_track.info().id;
    // What nothing is said of did not come.
    sample.packets_expected = window.unreported ? 0 : window.packets;
    sample.rtcp_overdue = window.unreported;
    sample.packets_lost = window.lost;
    sample.bytes = window.octets;
    const DownTrackLayers layers = down_track.layers();
    sample.distance_to_desired = window.distance;
    sample.unmuted = window.unmuted;
    sample.muted =
        layers.pause == PauseReason::kMuted || layers.pause == PauseReason::kPublisherMuted;
    sample.paused = layers.pause == PauseReason::kBandwidth;
    return sample;
}

void QualityReports::report(Timestamp now, ShardPeer& peer) {
    start(now, peer);
    QualityBatch batch;
    batch.peer = peer.id();
    for (Receiver* receiver : peer.uplink().inbound().receivers()) {
        const double unmuted = receiver->take_unmuted(now);
        for (const auto& stream : receiver->streams()) {
            batch.samples.push_back(sample(now, *receiver, *stream));
            batch.samples.back().unmuted = unmuted;
        }
    }
    for (const auto& outbound : peer.downlink().tracks())
        batch.samples.push_back(sample(now, outbound->down_track));
    batch.path = {peer.losses.bad_reports(), peer.reported_rtt};
    batch.data = std::exchange(peer.data_count, {});
    const bool has_some = !batch.samples.empty() || batch.data != DataCount{};
    // That there is nothing any more is told, too.
    if (std::exchange(peer.data_told, has_some) || has_some) events_.emit(std::move(batch));
}

}  // namespace confab::sfu
