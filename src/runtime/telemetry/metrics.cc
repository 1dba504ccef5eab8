// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/telemetry/metrics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>

#include "base/text.h"

namespace confab::telemetry {

namespace {

std::vector<std::string_view> label_names(const MetricInfo& metric) {
    if (metric.labels.empty()) return {};
    return split(metric.labels, ',');
}

std::vector<std::string> complete(const MetricInfo& metric, LabelValues values) {
    std::vector<std::string> out(values.begin(), values.end());
    out.resize(label_names(metric).size());
    return out;
}

std::string format_number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    std::array<char, 64> digits{};
    // Counts are exact up to 2^53 and read better without exponent.
    const bool whole = std::trunc(value) == value && std::abs(value) < 9007199254740992.0;
    const auto result = whole ? std::to_chars(digits.data(), digits.data() + digits.size(),
                                              static_cast<std::int64_t>(value))
                              : std::to_chars(digits.data(), digits.data() + digits.size(), value);
    return {digits.data(), result.ptr};
}

void append_label(std::string& out, std::string_view name, std::string_view value) {
    if (out.back() != '{') out += ',';
    out += name;
    out += "=\"";
    for (const char c : value) {
        if (c == '\\' || c == '"') out += '\\';
        if (c == '\n')
            out += "\\n";
        else
            out += c;
    }
    out += '"';
}

bool has_node_labels(const MetricInfo& metric) {
    return !metric.name.starts_with("process_");
}

std::string_view type_name(MetricType type) {
    switch (type) {
        case MetricType::kCounter:
            return "counter";
        case MetricType::kGauge:
            return "gauge";
        case MetricType::kHistogram:
            return "histogram";
    }
    return "untyped";
}

constexpr std::string_view kReferenceHead =
    R"(<!-- SPDX-FileCopyrightText: confab contributors -->
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Made by `confab metrics-reference > docs/reference/metrics.md`; do not edit. -->

# Metrics

Prometheus text on every path of `prometheus.port`, behind Basic authentication when
`prometheus.username` and `prometheus.password` are set; with `confab.metrics_enabled`, or `--dev`
without keys of your own, also on `/metrics` of the main port. Names that begin with `livekit_` are those that dashboards of a LiveKit server expect.
Metrics that begin with `livekit_` or `confab_` also carry `node_id` and `node_type`. A metric with
labels appears with its first value. Histograms have `_bucket`, `_sum` and `_count`.

)";

constexpr bool table_is_in_order() {
    for (std::size_t i = 0; i < kMetricTable.size(); ++i)
        if (static_cast<std::size_t>(kMetricTable[i].id) != i) return false;
    return true;
}
static_assert(table_is_in_order(), "kMetricTable has one row per Metric, in its order");

}  // namespace

Metrics::Metrics(std::string node_id)
    : node_id_(std::move(node_id)),
      network_before_(read_network_packets()),
      families_(kMetricTable.size()) {
    // Without labels a series is there from the start (03 OBS-01).
    for (const MetricInfo& metric : kMetricTable)
        if (metric.labels.empty()) (void)series(metric.id, {});
}

Metrics::Series* Metrics::series(Metric metric, LabelValues labels) {
    return series(metric, complete(info(metric), labels));
}

Metrics::Series* Metrics::series(Metric metric, std::vector<std::string> key) {
    const MetricInfo& about = info(metric);
    auto& family = families_[static_cast<std::size_t>(metric)];
    if (const auto found = family.find(key); found != family.end()) return &found->second;
    if (family.size() >= kMaxSeries) {
        dropped_ += 1;
        return nullptr;
    }
    Series fresh;
    fresh.labels = key;
    fresh.buckets.resize(about.buckets.size());
    return &family.emplace(std::move(key), std::move(fresh)).first->second;
}

void Metrics::set(Metric metric, LabelValues labels, double value) {
    Series* const s = series(metric, labels);
    if (s == nullptr) return;
    if (info(metric).type == MetricType::kCounter) value = std::max(value, s->value);
    s->value = value;
}

void Metrics::add(Metric metric, LabelValues labels, double amount) {
    Series* const s = series(metric, labels);
    if (s == nullptr) return;
    if (info(metric).type == MetricType::kCounter && !(amount >= 0)) return;
    s->value += amount;
}

void Metrics::observe(Metric metric, LabelValues labels, double value) {
    Series* const s = series(metric, labels);
    if (s == nullptr || std::isnan(value)) return;
    s->value += value;
    ++s->count;
    const std::span<const double> bounds = info(metric).buckets;
    const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin();
    if (static_cast<std::size_t>(bucket) < s->buckets.size())
        ++s->buckets[static_cast<std::size_t>(bucket)];
}

void Metrics::set_histogram(Metric metric, LabelValues labels,
                            std::span<const std::uint64_t> counts, double sum) {
    if (counts.size() != info(metric).buckets.size() + 1) return;
    const std::uint64_t total = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    Series* const s = series(metric, labels);
    if (s == nullptr || total < s->count) return;
    s->value = sum;
    s->count = total;
    std::copy_n(counts.begin(), s->buckets.size(), s->buckets.begin());
}

void Metrics::merge(const Metrics& other) {
    dropped_ += other.dropped_;
    for (const MetricInfo& metric : kMetricTable) {
        for (const auto& [key, theirs] : other.families_[static_cast<std::size_t>(metric.id)]) {
            Series* const ours = series(metric.id, key);
            if (ours == nullptr) continue;
            ours->value += theirs.value;
            ours->count += theirs.count;
            for (std::size_t i = 0; i < ours->buckets.size(); ++i)
                ours->buckets[i] += theirs.buckets[i];
        }
    }
}

void Metrics::remove(Metric metric, LabelValues labels) {
    families_[static_cast<std::size_t>(metric)].erase(complete(info(metric), labels));
}

double Metrics::value(Metric metric, LabelValues labels) const {
    const auto& family = families_[static_cast<std::size_t>(metric)];
    const auto found = family.find(complete(info(metric), labels));
    if (found == family.end()) return 0;
    const Series& s = found->second;
    return info(metric).type == MetricType::kHistogram ? static_cast<double>(s.count) : s.value;
}

std::string Metrics::render() const {
    std::string out;
    const auto line = [&out](const MetricInfo& metric, std::string_view suffix,
                             const std::string& labels, double value) {
        out += metric.name;
        out += suffix;
        if (labels != "{") out += labels + "}";
        out += ' ' + format_number(value) + '\n';
    };
    for (const MetricInfo& metric : kMetricTable) {
        const auto& family = families_[static_cast<std::size_t>(metric.id)];
        if (family.empty()) continue;
        out += "# HELP " + std::string(metric.name) + " " + std::string(metric.help) + "\n";
        out +=
            "# TYPE " + std::string(metric.name) + " " + std::string(type_name(metric.type)) + "\n";
        const std::vector<std::string_view> names = label_names(metric);
        for (const auto& [key, s] : family) {
            std::string labels = "{";
            if (has_node_labels(metric)) {
                append_label(labels, "node_id", node_id_);
                append_label(labels, "node_type", "SERVER");
            }
            for (std::size_t i = 0; i < names.size(); ++i)
                append_label(labels, names[i], s.labels[i]);
            if (metric.type != MetricType::kHistogram) {
                line(metric, "", labels, metric.id == Metric::kMetricsDropped ? dropped_ : s.value);
                continue;
            }
            std::uint64_t below = 0;
            for (std::size_t i = 0; i < s.buckets.size(); ++i) {
                below += s.buckets[i];
                std::string with_bound = labels;
                append_label(with_bound, "le", format_number(metric.buckets[i]));
                line(metric, "_bucket", with_bound, static_cast<double>(below));
            }
            std::string with_bound = labels;
            append_label(with_bound, "le", "+Inf");
            line(metric, "_bucket", with_bound, static_cast<double>(s.count));
            line(metric, "_sum", labels, s.value);
            line(metric, "_count", labels, static_cast<double>(s.count));
        }
    }
    return out;
}

std::string metrics_reference() {
    std::string out(kReferenceHead);
    out += "| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n";
    for (const MetricInfo& metric : kMetricTable) {
        std::string labels;
        for (const std::string_view name : label_names(metric)) {
            if (!labels.empty()) labels += ", ";
            labels += "`" + std::string(name) + "`";
        }
        out += "| `" + std::string(metric.name) + "` | " + std::string(type_name(metric.type)) +
               " | " + (labels.empty() ? "–" : labels) + " | " + std::string(metric.help) + " |\n";
    }
    return out;
}

}  // namespace confab::telemetry
