// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DataRouter: metrics to those who may hear them (01 SIG-124).
#include <algorithm>
#include <utility>

#include "sfu/data/data_router.h"
#include "sfu/metrics/metrics_packet.h"

namespace confab::sfu {
namespace {

// Nobody's, reliable.
DataMessage message_of(Bytes packet) {
    RoutedPacket routed;
    routed.payload = std::move(packet);
    routed.kind = DataKind::kMetrics;
    return {{}, {}, std::move(routed), false};
}

bool hears(const DataRoomMember& m) {
    return m.info.hears_metrics && !m.info.elsewhere;
}

}  // namespace

// Whoever has them reads their times by one clock. The times may make several packets of one.
std::size_t DataRouter::route_metrics(Timestamp now, Member& m, const RoutedPacket& packet,
                                      bool lossy) {
    const auto sent = metrics_sent_at(packet.payload);
    if (!sent) return refuse();
    auto ours =
        normalize_metrics(packet.payload, m.metrics.shift(times_, now, port_.wall(now), *sent));
    if (!ours) return refuse();
    auto parts = split_metrics(*std::move(ours));
    if (!parts || parts->empty()) return refuse();
    std::size_t count = 1;
    std::uint32_t sequence = packet.sequence;  // of the first part
    for (Bytes& part : *parts) {
        RoutedPacket routed;
        routed.payload = std::move(part);
        routed.kind = DataKind::kMetrics;
        routed.sequence = std::exchange(sequence, 0);
        const DataMessage message(m.info.member, m.info.sid, std::move(routed), lossy);
        link(*m.room, m, message);
        count += deliver(now, *m.room, message, m.window);
    }
    return count;
}

std::size_t DataRouter::deliver_metrics(Timestamp now, Room& room, const DataMessage& message,
                                        WindowId window) {
    if (!reports_.enabled()) {
        if (!message.lossy && message.sequence > 0) room.memory.remember(now, message);
        return tell_metrics(now, room, message, window);
    }
    const bool heard =
        std::any_of(room.list.begin(), room.list.end(), [](const Member* m) { return hears(*m); });
    if (!heard) return 0;
    // Whoever fills reports is held back by who takes them late. What came lossy from elsewhere is
    // nothing that a window there counts.
    const bool uncounted = message.lossy && windows_.at(window).home;
    std::size_t count = 0;
    for (Bytes& full : reports_.add(now, room.id, message.payload.view(), port_.wall(now)))
        count +=
            tell_metrics(now, room, message_of(std::move(full)), uncounted ? room.own : window);
    return count;
}

// They come back to their sender, nothing else does.
std::size_t DataRouter::tell_metrics(Timestamp now, Room& room, const DataMessage& message,
                                     WindowId window) {
    PendingId pending;
    std::size_t count = 0;
    for (Member* to : room.list) {
        if (!hears(*to)) continue;
        ++count;
        receivers_.give(now, *to, message, window, pending);
    }
    return count;
}

void DataRouter::report_metrics(Timestamp now) {
    for (MetricsReports::Report& report : reports_.take_due(now, port_.wall(now)))
        if (Room* const room = rooms_.find(report.room))
            (void)tell_metrics(now, *room, message_of(std::move(report.packet)), room->own);
}

}  // namespace confab::sfu
