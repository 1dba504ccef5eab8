// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/limits.h"

#include <charconv>

#include "load/report_numbers.h"

namespace confab::load {

std::optional<double> parse_share(std::string_view text) {
    const bool percent = text.ends_with('%');
    if (percent) text.remove_suffix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !(value >= 0))
        return std::nullopt;
    if (percent) value /= 100;
    return value <= 1 ? std::optional(value) : std::nullopt;
}

double loss_of(const StreamFigures& figures) {
    const double sent = static_cast<double>(figures.packets + figures.lost);
    return sent == 0 ? 0 : static_cast<double>(figures.lost) / sent;
}

std::vector<std::string> violations(const Report& report, const Limits& limits) {
    std::vector<std::string> lines;
    const Figures& figures = report.figures;
    const auto check = [&](const char* what, const Histogram& times, double share,
                           std::optional<Duration> limit) {
        if (!limit) return;
        if (times.count() == 0)
            return lines.push_back(std::string(what) + ": nothing was measured");
        const Duration found = times.percentile(share);
        if (found > *limit)
            lines.push_back(std::string(what) + " is " + millis_text(found) + " ms, more than " +
                            millis_text(*limit) + " ms");
    };
    if (limits.loss && figures.received.packets == 0)
        lines.emplace_back("loss: nothing was received");
    else if (limits.loss && loss_of(figures.received) > *limits.loss)
        lines.push_back("loss is " + percent_text(loss_of(figures.received)) + ", more than " +
                        percent_text(*limits.loss));
    check("latency p50", figures.latency, 0.5, limits.latency_p50);
    check("latency p95", figures.latency, 0.95, limits.latency_p95);
    check("latency p99", figures.latency, 0.99, limits.latency_p99);
    check("join p95", figures.joins.connected, 0.95, limits.join_p95);
    if (limits.any() && figures.tracks < figures.expected_tracks)
        lines.push_back("only " + std::to_string(figures.tracks) + " of " +
                        std::to_string(figures.expected_tracks) + " tracks came");
    if (limits.any() && figures.received.stopped > 0)
        lines.push_back(std::to_string(figures.received.stopped) +
                        " tracks had stopped before the end");
    if (limits.freezes && figures.received.freezes > *limits.freezes)
        lines.push_back(std::to_string(figures.received.freezes) + " freezes, more than " +
                        std::to_string(*limits.freezes));
    return lines;
}

}  // namespace confab::load
