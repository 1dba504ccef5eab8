// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DataRouter: metrics to those who may hear them, of clients and our own (01 SIG-124).
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
    return {{}, std::move(routed), false};
}

bool hears(const DataRoomMember& m) {
    return m.info.hears_metrics && !m.info.elsewhere;
}

// Who is hidden is not named to others.
void sample_round_trips(MetricsCollector& collector, DataPort& port, UnixTime wall,
                        const DataRoom& room) {
    for (const DataRoomMember* m : room.list)
        if (!m->info.hidden && !m->info.elsewhere)
            collector.add(
                room.id, m->info.member, m->info.identity, wall,
                {port.round_trip(m->info.publisher), port.round_trip(m->info.subscriber)});
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
        const DataMessage message(m.info, std::move(routed), lossy);
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

// What was measured here goes where clients' metrics go; then reports that are due. Nobody is held
// back by either.
void DataRouter::report_metrics(Timestamp now) {
    const UnixTime wall = port_.wall(now);
    for (const MetricsCollector::Due& due : collector_.take_due(now)) {
        Room* const room = rooms_.find(due.room);
        if (room == nullptr) continue;
        if (due.sample) sample_round_trips(collector_, port_, wall, *room);
        if (!due.batch && !collector_.full(room->id)) continue;
        for (Bytes& packet : collector_.take(room->id, wall)) {
            const DataMessage message = message_of(std::move(packet));
            links_.add_unpaced(room->others, room->id, message);
            (void)deliver(now, *room, message, room->own);
        }
    }
    for (MetricsReports::Report& report : reports_.take_due(now, wall))
        if (Room* const room = rooms_.find(report.room))
            (void)tell_metrics(now, *room, message_of(std::move(report.packet)), room->own);
}

}  // namespace confab::sfu
