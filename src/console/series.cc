// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/series.h"

#include <algorithm>
#include <cstdint>

namespace confab::console {
namespace {

constexpr Duration kMinute = Duration::seconds(60);

// Minutes that fall to one point.
struct Sum {
    Minute all;
    std::int64_t minutes = 0;
    std::int64_t with_quality = 0;

    void add(const Minute& one) {
        ++minutes;
        all.participants = std::max(all.participants, one.participants);
        all.rooms = std::max(all.rooms, one.rooms);
        all.joins += one.joins;
        all.refused += one.refused;
        all.bytes_in += one.bytes_in;
        all.bytes_out += one.bytes_out;
        all.cpu += one.cpu;
        if (!one.quality) return;
        ++with_quality;
        all.quality = all.quality.value_or(0) + *one.quality;
    }
    Minute take() const {
        Minute result = all;
        const auto count = static_cast<double>(minutes);
        result.bytes_in /= count;
        result.bytes_out /= count;
        result.cpu /= count;
        if (result.quality) *result.quality /= static_cast<double>(with_quality);
        return result;
    }
};

Duration step_for(const HistoryQuery& query) {
    const Duration all = query.range.to - query.range.from;
    const auto points = static_cast<std::int64_t>(std::max<std::size_t>(query.points, 1));
    const std::int64_t minutes = (all.us() + kMinute.us() * points - 1) / (kMinute.us() * points);
    return kMinute * std::max<std::int64_t>(minutes, 1);
}

}  // namespace

Series to_series(const std::vector<Minute>& minutes, const HistoryQuery& query) {
    Series series;
    series.step = step_for(query);
    const std::int64_t step = series.step.us();
    series.from = UnixTime::micros(query.range.from.us() / step * step);
    const auto slot = [&](UnixTime at) { return (at - series.from).us() / step; };
    std::vector<Sum> sums(static_cast<std::size_t>(slot(query.range.to)) + 1);
    for (const Minute& minute : minutes) {
        const std::int64_t at = slot(minute.at);
        if (minute.at < series.from || at >= static_cast<std::int64_t>(sums.size())) continue;
        sums[static_cast<std::size_t>(at)].add(minute);
    }
    series.points.reserve(sums.size());
    for (const Sum& sum : sums)
        series.points.push_back(sum.minutes == 0 ? std::nullopt : std::optional(sum.take()));
    return series;
}

}  // namespace confab::console
