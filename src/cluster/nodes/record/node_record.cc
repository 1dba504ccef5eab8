// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/record/node_record.h"

#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "livekit_internal.pb.h"

namespace confab::cluster::nodes {
namespace {

// Of NodeLimits, beside the fields of livekit.Node.
constexpr int kTracksField = 50'001;
constexpr int kBytesField = 50'002;
constexpr int kLinkField = 50'003;

template <typename T>
T saturate(std::uint64_t value) {
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
    return static_cast<T>(std::min(value, kMost));
}
template <typename T>
std::uint64_t natural(T value) {
    return value > 0 ? static_cast<std::uint64_t>(value) : 0;
}
float natural_float(float value) {
    return std::isfinite(value) && value > 0 ? value : 0;
}

// How a counter stands in NodeStats and, per second, in NodeStatsRate.
struct Column {
    Counter counter;
    void (*set)(livekit::NodeStats&, std::uint64_t);
    std::uint64_t (*get)(const livekit::NodeStats&);
    void (*set_rate)(livekit::NodeStatsRate&, float);
    float (*get_rate)(const livekit::NodeStatsRate&);
};
#define CONFAB_COLUMN(counter, field, rate)                                       \
    {Counter::counter,                                                            \
     [](livekit::NodeStats& stats, std::uint64_t value) {                         \
         stats.set_##field(saturate<decltype(stats.field())>(value));             \
     },                                                                           \
     [](const livekit::NodeStats& stats) { return natural(stats.field()); },      \
     [](livekit::NodeStatsRate& rates, float value) { rates.set_##rate(value); }, \
     [](const livekit::NodeStatsRate& rates) { return natural_float(rates.rate()); }}
constexpr Column kColumns[] = {
    CONFAB_COLUMN(kBytesIn, bytes_in, bytes_in),
    CONFAB_COLUMN(kBytesOut, bytes_out, bytes_out),
    CONFAB_COLUMN(kPacketsIn, packets_in, packets_in),
    CONFAB_COLUMN(kPacketsOut, packets_out, packets_out),
    CONFAB_COLUMN(kNacks, nack_total, nack_total),
    CONFAB_COLUMN(kRetransmitBytesOut, retransmit_bytes_out, retransmit_bytes_out),
    CONFAB_COLUMN(kRetransmitPacketsOut, retransmit_packets_out, retransmit_packets_out),
    CONFAB_COLUMN(kSystemPacketsOut, sys_packets_out, sys_packets_out),
    CONFAB_COLUMN(kSystemPacketsDropped, sys_packets_dropped, sys_packets_dropped),
    CONFAB_COLUMN(kPublishAttempts, num_track_publish_attempts, track_publish_attempts),
    CONFAB_COLUMN(kPublishSuccesses, num_track_publish_success, track_publish_success),
    CONFAB_COLUMN(kPublishCancels, num_track_publish_cancels, track_publish_cancels),
    CONFAB_COLUMN(kSubscribeAttempts, num_track_subscribe_attempts, track_subscribe_attempts),
    CONFAB_COLUMN(kSubscribeSuccesses, num_track_subscribe_success, track_subscribe_success),
    CONFAB_COLUMN(kSubscribeCancels, num_track_subscribe_cancels, track_subscribe_cancels),
    CONFAB_COLUMN(kSignalConnected, participant_signal_connected, participant_signal_connected),
    CONFAB_COLUMN(kSignalFailed, participant_signal_failed, participant_signal_failed),
    CONFAB_COLUMN(kSignalValidationFailed, participant_signal_validation_failed,
                  participant_signal_validation_failed),
    CONFAB_COLUMN(kRtcConnected, participant_rtc_connected, participant_rtc_connected),
    CONFAB_COLUMN(kRtcInit, participant_rtc_init, participant_rtc_init),
    CONFAB_COLUMN(kRtcCanceled, participant_rtc_canceled, participant_rtc_canceled),
    CONFAB_COLUMN(kRtcActive, participant_rtc_active, participant_rtc_active),
};
#undef CONFAB_COLUMN
static_assert(std::size(kColumns) == kCounters);

void write_rate(const RateFigures& from, livekit::NodeStatsRate& to) {
    to.set_started_at(from.started.s());
    to.set_ended_at(from.ended.s());
    to.set_duration(from.duration.us() / 1'000'000);
    for (const Column& column : kColumns)
        column.set_rate(to, from[column.counter]);
    to.set_cpu_load(from.cpu_load);
    to.set_memory_load(from.memory_load);
    to.set_memory_used(from.memory_used);
    to.set_memory_total(from.memory_total);
}

void write_stats(const NodeStats& from, livekit::NodeStats& to) {
    const NodeFigures& figures = from.figures;
    to.set_started_at(from.started_at);
    to.set_updated_at(from.updated_at);
    to.set_num_rooms(figures.num_rooms);
    to.set_num_clients(figures.num_clients);
    to.set_num_tracks_in(figures.num_tracks_in);
    to.set_num_tracks_out(figures.num_tracks_out);
    for (const Column& column : kColumns)
        column.set(to, figures[column.counter]);
    to.set_num_cpus(figures.num_cpus);
    to.set_load_avg_last1min(figures.load_avg_1min);
    to.set_load_avg_last5min(figures.load_avg_5min);
    to.set_load_avg_last15min(figures.load_avg_15min);
    to.set_cpu_load(figures.cpu_load);
    to.set_memory_total(figures.memory_total);
    to.set_memory_used(figures.memory_used);
    to.set_forward_latency(figures.forward_latency_ns);
    to.set_forward_jitter(figures.forward_jitter_ns);
    for (const RateFigures& rate : from.rates)
        write_rate(rate, *to.add_rates());
}

UnixTime seconds_of(std::int64_t value) {
    constexpr std::int64_t kFar = std::int64_t{1} << 40;
    return UnixTime::seconds(std::clamp<std::int64_t>(value, 0, kFar));
}

RateFigures read_rate(const livekit::NodeStatsRate& from) {
    RateFigures to;
    to.started = seconds_of(from.started_at());
    to.ended = seconds_of(from.ended_at());
    to.duration = Duration::seconds(std::clamp<std::int64_t>(from.duration(), 0, 1'000'000));
    for (const Column& column : kColumns)
        to[column.counter] = column.get_rate(from);
    to.cpu_load = natural_float(from.cpu_load());
    to.memory_load = natural_float(from.memory_load());
    to.memory_used = natural_float(from.memory_used());
    to.memory_total = natural_float(from.memory_total());
    return to;
}

NodeStats read_stats(const livekit::NodeStats& from) {
    NodeStats to;
    NodeFigures& figures = to.figures;
    to.started_at = seconds_of(from.started_at()).s();
    to.updated_at = seconds_of(from.updated_at()).s();
    figures.num_rooms = std::max(0, from.num_rooms());
    figures.num_clients = std::max(0, from.num_clients());
    figures.num_tracks_in = std::max(0, from.num_tracks_in());
    figures.num_tracks_out = std::max(0, from.num_tracks_out());
    for (const Column& column : kColumns)
        figures[column.counter] = column.get(from);
    figures.num_cpus = from.num_cpus();
    figures.load_avg_1min = natural_float(from.load_avg_last1min());
    figures.load_avg_5min = natural_float(from.load_avg_last5min());
    figures.load_avg_15min = natural_float(from.load_avg_last15min());
    figures.cpu_load = natural_float(from.cpu_load());
    figures.memory_total = from.memory_total();
    figures.memory_used = from.memory_used();
    figures.forward_latency_ns = from.forward_latency();
    figures.forward_jitter_ns = from.forward_jitter();
    for (const livekit::NodeStatsRate& rate : from.rates())
        if (to.rates.size() < kMaxNodeRates) to.rates.push_back(read_rate(rate));
    return to;
}

NodeState read_state(livekit::NodeState state) {
    switch (state) {
        case livekit::STARTING_UP:
            return NodeState::kStartingUp;
        case livekit::SERVING:
            return NodeState::kServing;
        case livekit::SHUTTING_DOWN:
            return NodeState::kShuttingDown;
        default:
            return NodeState::kSuspended;
    }
}

// The last one of a number counts, as with all fields; of another kind it is none of ours.
std::optional<NodeLimits> read_limits(const livekit::Node& node) {
    NodeLimits limits;
    bool there = false;
    const auto& fields = livekit::Node::GetReflection()->GetUnknownFields(node);
    for (int i = 0; i < fields.field_count(); ++i) {
        const auto& field = fields.field(i);
        if (field.type() != google::protobuf::UnknownField::TYPE_VARINT) continue;
        const auto value = saturate<std::int64_t>(field.varint());
        if (field.number() == kTracksField) limits.num_tracks = value;
        if (field.number() == kBytesField) limits.bytes_per_sec = value;
        there = there || field.number() == kTracksField || field.number() == kBytesField;
    }
    return there ? std::optional(limits) : std::nullopt;
}

std::string read_link(const livekit::Node& node) {
    std::string link;
    const auto& fields = livekit::Node::GetReflection()->GetUnknownFields(node);
    for (int i = 0; i < fields.field_count(); ++i) {
        const auto& field = fields.field(i);
        if (field.number() == kLinkField &&
            field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED)
            link = field.length_delimited().substr(0, kMaxNodeText);
    }
    return link;
}

}  // namespace

std::string_view to_text(NodeState state) {
    switch (state) {
        case NodeState::kStartingUp:
            return "STARTING_UP";
        case NodeState::kServing:
            return "SERVING";
        case NodeState::kShuttingDown:
            return "SHUTTING_DOWN";
        case NodeState::kSuspended:
            break;
    }
    return "SUSPENDED";
}

bool is_node_id(std::string_view text) {
    const auto fits = [](char c) { return c > ' ' && c < 0x7F && c != '|'; };
    return !text.empty() && text.size() <= kMaxNodeId &&
           std::all_of(text.begin(), text.end(), fits);
}

std::string write_record(const NodeRecord& record) {
    livekit::Node node;
    node.set_id(record.id);
    node.set_ip(record.ip);
    node.set_region(record.region);
    node.set_num_cpus(record.num_cpus);
    node.set_type(record.is_server ? livekit::SERVER : livekit::CONTROLLER);
    node.set_state(static_cast<livekit::NodeState>(record.state));
    if (record.stats) write_stats(*record.stats, *node.mutable_stats());
    if (record.limits) {
        auto& fields = *livekit::Node::GetReflection()->MutableUnknownFields(&node);
        fields.AddVarint(kTracksField, natural(record.limits->num_tracks));
        fields.AddVarint(kBytesField, natural(record.limits->bytes_per_sec));
    }
    if (!record.link.empty())
        livekit::Node::GetReflection()->MutableUnknownFields(&node)->AddLengthDelimited(
            kLinkField, record.link);
    return node.SerializeAsString();
}

std::optional<NodeRecord> read_record(std::string_view bytes) {
    livekit::Node node;
    if (bytes.size() > kMaxRecordBytes ||
        !node.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
        !is_node_id(node.id()))
        return std::nullopt;
    NodeRecord record;
    record.id = node.id();
    record.ip = node.ip().substr(0, kMaxNodeText);
    record.region = node.region().substr(0, kMaxNodeText);
    record.num_cpus = node.num_cpus();
    record.is_server = node.type() == livekit::SERVER;
    record.state = read_state(node.state());
    if (node.has_stats()) record.stats = read_stats(node.stats());
    record.limits = read_limits(node);
    record.link = read_link(node);
    return record;
}

std::int64_t tracks_of(const NodeStats& stats) {
    return std::int64_t{stats.figures.num_tracks_in} + stats.figures.num_tracks_out;
}

double bytes_per_sec_of(const NodeStats& stats) {
    if (stats.rates.empty()) return 0;
    const RateFigures& rate = stats.rates.front();
    return static_cast<double>(rate[Counter::kBytesIn]) +
           static_cast<double>(rate[Counter::kBytesOut]);
}

std::optional<double> sysload_of(const NodeRecord& record) {
    if (!record.stats) return std::nullopt;
    const NodeFigures& figures = record.stats->figures;
    const std::uint32_t cpus = figures.num_cpus > 0 ? figures.num_cpus : record.num_cpus;
    if (cpus == 0) return std::nullopt;
    return static_cast<double>(figures.load_avg_1min) / cpus;
}

bool is_full(const NodeRecord& record, const NodeLimits& others) {
    if (!record.stats) return false;
    const NodeLimits& limits = record.limits ? *record.limits : others;
    return (limits.num_tracks > 0 && tracks_of(*record.stats) >= limits.num_tracks) ||
           (limits.bytes_per_sec > 0 &&
            bytes_per_sec_of(*record.stats) >= static_cast<double>(limits.bytes_per_sec));
}

}  // namespace confab::cluster::nodes
