// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/verbs/node_metrics.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/text.h"
#include "json/json.h"

namespace confab::app::cli {
namespace {

using Sums = std::map<std::string, double, std::less<>>;

constexpr std::size_t kMaxNames = 10'000;

double at(const Sums& sums, std::string_view name) {
    const auto found = sums.find(name);
    return found == sums.end() ? 0 : found->second;
}

// The value of a label of a sample; empty: it has none.
std::string_view label_of(std::string_view labels, std::string_view name) {
    const std::string begin = std::string(name) + "=\"";
    const std::size_t found = labels.find(begin);
    if (found == labels.npos) return {};
    const std::string_view rest = labels.substr(found + begin.size());
    return rest.substr(0, rest.find('"'));
}

void add_line(Sums& sums, std::string_view line) {
    if (line.empty() || line.front() == '#') return;
    const std::size_t brace = line.find('{');
    const std::size_t close = brace == line.npos ? line.npos : line.rfind('}');
    const std::size_t blank = line.find(' ', close == line.npos ? 0 : close);
    if (blank == line.npos || sums.size() >= kMaxNames) return;
    const std::string name(line.substr(0, std::min(brace, blank)));
    const std::string number(line.substr(blank + 1));
    const double value = std::strtod(number.c_str(), nullptr);
    if (!std::isfinite(value)) return;
    sums[name] += value;
    if (brace == line.npos || close == line.npos) return;
    const std::string_view direction = label_of(line.substr(brace, close - brace), "direction");
    if (!direction.empty()) sums[name + "/" + std::string(direction)] += value;
}

// "12.3 Mbit/s" and the like: three digits.
std::string short_number(double value, const char* unit) {
    static constexpr const char* kPrefixes[] = {"", "k", "M", "G", "T"};
    std::size_t prefix = 0;
    while (value >= 1000 && prefix + 1 < std::size(kPrefixes)) {
        value /= 1000;
        ++prefix;
    }
    char text[64];
    (void)std::snprintf(text, sizeof text, value >= 100 || prefix == 0 ? "%.0f %s%s" : "%.1f %s%s",
                        value, kPrefixes[prefix], unit);
    return text;
}

std::string rounded(double value) {
    char text[64];
    (void)std::snprintf(text, sizeof text, "%.3f", value);
    return text;
}

}  // namespace

Sums sums_of(std::string_view metrics) {
    Sums sums;
    while (!metrics.empty())
        add_line(sums, trim(next_token(metrics, '\n')));
    return sums;
}

std::string node_text(const NodeFigures& f) {
    if (!f.known)
        return "(no figures of the node: /metrics is not open here, see confab.metrics_enabled)\n";
    std::string out = short_number(f.memory, "B") + " memory, " + short_number(f.tracks, "tracks");
    if (!f.rates) return out + "\n";
    char cpu[32];
    (void)std::snprintf(cpu, sizeof cpu, "%.0f %%", f.cpu * 100);
    return out + ", CPU " + cpu + " of a core\nin  " + short_number(f.packets_in, "packets/s") +
           ", " + short_number(f.bytes_in * 8, "bit/s") + "\nout " +
           short_number(f.packets_out, "packets/s") + ", " +
           short_number(f.bytes_out * 8, "bit/s") + ", " + short_number(f.nacks, "NACKs/s") + "\n";
}

std::string node_json(const NodeFigures& f) {
    json::Writer writer;
    writer.begin_object();
    writer.raw("memoryBytes", rounded(f.memory));
    writer.raw("tracks", rounded(f.tracks));
    if (f.rates) {
        writer.raw("cpu", rounded(f.cpu));
        writer.raw("packetsInPerSecond", rounded(f.packets_in));
        writer.raw("packetsOutPerSecond", rounded(f.packets_out));
        writer.raw("bytesInPerSecond", rounded(f.bytes_in));
        writer.raw("bytesOutPerSecond", rounded(f.bytes_out));
        writer.raw("nacksPerSecond", rounded(f.nacks));
    }
    writer.end_object();
    return writer.take();
}

NodeFigures NodeMeter::look(const Host& host, const Credentials& server) {
    if (is_off_) return {};
    net::HttpClientRequest request;
    request.method = "GET";
    request.url = http_url(server.url) + "/metrics";
    request.timeout = Duration::seconds(5);
    const auto answer = host.http(std::move(request));
    is_off_ = answer && answer->status != 200;  // a failure may pass
    if (!answer || is_off_) return {};
    return take(answer->body, host.now());
}

NodeFigures NodeMeter::take(std::string_view metrics, UnixTime now) {
    Sums sums = sums_of(metrics);
    NodeFigures figures;
    figures.known =
        sums.contains("livekit_room_total") || sums.contains("process_cpu_seconds_total");
    if (!figures.known) return figures;
    figures.memory = at(sums, "process_resident_memory_bytes");
    figures.tracks = at(sums, "livekit_track_published_total");
    const double seconds = (now - before_at_).to_seconds();
    figures.rates = !before_.empty() && seconds > 0;
    if (figures.rates) {
        const auto rate = [&](std::string_view name) {
            return std::max(0.0, at(sums, name) - at(before_, name)) / seconds;
        };
        figures.cpu = rate("process_cpu_seconds_total");
        figures.packets_in = rate("livekit_packet_total/incoming");
        figures.packets_out = rate("livekit_packet_total/outgoing");
        figures.bytes_in = rate("livekit_packet_bytes/incoming");
        figures.bytes_out = rate("livekit_packet_bytes/outgoing");
        figures.nacks = rate("livekit_nack_total");
    }
    before_ = std::move(sums);
    before_at_ = now;
    return figures;
}

}  // namespace confab::app::cli
