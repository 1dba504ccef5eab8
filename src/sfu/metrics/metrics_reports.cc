// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/metrics/metrics_reports.h"

#include <algorithm>

namespace confab::sfu {
namespace {

Bytes packet_of(const Bytes& body, UnixTime wall) {
    return metrics_packet({}, metrics_times(wall), body);
}

}  // namespace

MetricsReports::MetricsReports(Duration interval)
    : interval_(interval > Duration::zero() ? std::max(interval, kMinInterval) : Duration::zero()) {
}

std::vector<Bytes> MetricsReports::add(Timestamp now, RoomId id, BytesView packet, UnixTime wall) {
    const auto [found, first] = rooms_.try_emplace(id);
    Room& room = found->second;
    const std::uint64_t dropped = room.packer.dropped();
    std::vector<Bytes> full;
    (void)for_each_batch(packet, [&](BytesView batch, std::string_view sender) {
        return room.packer.add(batch, sender, full);
    });
    dropped_ += room.packer.dropped() - dropped;
    if (full.size() > MetricsPacker::kMaxParts) {
        full.resize(MetricsPacker::kMaxParts);
        ++dropped_;
    }
    for (Bytes& body : full)
        body = packet_of(body, wall);
    if (first && room.packer.empty()) {
        rooms_.erase(found);
    } else if (first) {
        room.due = now + interval_;
        deadlines_.insert({room.due, id});
    }
    return full;
}

std::vector<MetricsReports::Report> MetricsReports::take_due(Timestamp now, UnixTime wall) {
    std::vector<Report> reports;
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        const auto found = rooms_.find(deadlines_.begin()->second);
        deadlines_.erase(deadlines_.begin());
        reports.push_back({found->first, packet_of(found->second.packer.take(), wall)});
        rooms_.erase(found);
    }
    return reports;
}

void MetricsReports::forget(RoomId id) {
    const auto found = rooms_.find(id);
    if (found == rooms_.end()) return;
    deadlines_.erase({found->second.due, id});
    rooms_.erase(found);
}

}  // namespace confab::sfu
