// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/netsim/netsim_report.h"

#include <cstdint>
#include <cstdio>
#include <string_view>

#include "json/json.h"

namespace confab::app {
namespace {

using netsim::DirectionTotals;
using netsim::Totals;

// Every figure of a direction, in the order of a datagram's way.
struct Row {
    std::string_view key;
    std::string_view label;
    std::uint64_t (*value)(const DirectionTotals&);
};
constexpr Row kRows[] = {
    {"entered", "entered",
     [](const DirectionTotals& t) { return t.link.offered + t.relay.udp_dropped; }},
    {"udp_dropped", "dropped as UDP", [](const DirectionTotals& t) { return t.relay.udp_dropped; }},
    {"too_big", "larger than the MTU", [](const DirectionTotals& t) { return t.link.too_big; }},
    {"in_outage", "lost in an outage", [](const DirectionTotals& t) { return t.link.in_outage; }},
    {"queue_full", "lost at a full queue",
     [](const DirectionTotals& t) { return t.link.queue_dropped; }},
    {"lost", "lost on the way", [](const DirectionTotals& t) { return t.link.lost; }},
    {"overflow", "no room in the relay", [](const DirectionTotals& t) { return t.relay.overflow; }},
    {"reordered", "late", [](const DirectionTotals& t) { return t.link.reordered; }},
    {"duplicated", "twice", [](const DirectionTotals& t) { return t.link.duplicated; }},
    {"forwarded", "forwarded", [](const DirectionTotals& t) { return t.relay.forwarded; }},
    {"octets", "octets of these", [](const DirectionTotals& t) { return t.relay.octets; }},
};

template <typename... Values>
std::string format(const char* form, Values... values) {
    char line[200];
    const int size = std::snprintf(line, sizeof line, form, values...);
    return {line, static_cast<std::size_t>(size < 0 ? 0 : size)};
}

std::uint64_t losses(const DirectionTotals& t) {
    return t.relay.udp_dropped + t.link.too_big + t.link.in_outage + t.link.queue_dropped +
           t.link.lost;
}

std::string rate_text(const char* name, const DirectionTotals& before, const DirectionTotals& now) {
    const auto octets = static_cast<double>(now.relay.octets - before.relay.octets);
    const auto lost = static_cast<unsigned long long>(losses(now) - losses(before));
    return format("%s %.0f kbit/s, %llu lost", name, octets * 8 / 1000, lost);
}

void write_direction(json::Writer& out, std::string_view name, const DirectionTotals& totals) {
    out.begin_object(name);
    for (const Row& row : kRows)
        out.integer(row.key, static_cast<std::int64_t>(row.value(totals)));
    out.end_object();
}

unsigned long long plain(std::uint64_t value) {
    return value;
}

}  // namespace

std::string route_line(const netsim::Route& route) {
    return std::string("listening ") + (route.is_tcp ? "tcp " : "udp ") + route.listen.to_string() +
           " for " + route.server.to_string() + "\n";
}

std::string progress_text(const Totals& before, const Totals& now) {
    return format("%.0f s: %zu clients, %zu streams; ", now.running.to_seconds(), now.clients,
                  now.streams) +
           rate_text("up", before.up, now.up) + "; " + rate_text("down", before.down, now.down);
}

std::string totals_text(const Totals& t) {
    std::string out = format("%-22s %14s %14s\n", "datagrams", "up", "down");
    for (const Row& row : kRows)
        out += format("%-22.*s %14llu %14llu\n", static_cast<int>(row.label.size()),
                      row.label.data(), plain(row.value(t.up)), plain(row.value(t.down)));
    out += format("%.1f s, %zu clients, %u rebindings\n", t.running.to_seconds(), t.clients,
                  t.rebinds);
    out += format(
        "TCP: %llu streams (%llu refused, %llu cut, %llu not reached), octets %llu up, %llu down\n",
        plain(t.tcp.opened), plain(t.tcp.refused), plain(t.tcp.cut), plain(t.tcp_not_reached),
        plain(t.tcp.octets_up), plain(t.tcp.octets_down));
    if (t.not_read > 0)
        out += format(
            "warning: %llu datagrams were lost because this machine is too slow for them; give it "
            "less load, or raise net.core.rmem_max\n",
            plain(t.not_read));
    if (t.evicted > 0)
        out += format(
            "warning: %llu times a client got another port because there were more than %zu "
            "at once; to the server each was a rebinding\n",
            plain(t.evicted), netem::RelayLimits{}.max_clients);
    if (t.not_opened > 0)
        out +=
            format("warning: %llu times a client got no port (%s), so that its packets were lost\n",
                   plain(t.not_opened), t.port_error.c_str());
    return out;
}

std::string totals_json(const Totals& t) {
    json::Writer out;
    out.begin_object();
    out.integer("running_ms", t.running.ms());
    out.integer("clients", static_cast<std::int64_t>(t.clients));
    out.integer("rebinds", t.rebinds);
    write_direction(out, "up", t.up);
    write_direction(out, "down", t.down);
    out.begin_object("tcp");
    out.integer("streams", static_cast<std::int64_t>(t.tcp.opened));
    out.integer("refused", static_cast<std::int64_t>(t.tcp.refused));
    out.integer("cut", static_cast<std::int64_t>(t.tcp.cut));
    out.integer("not_reached", static_cast<std::int64_t>(t.tcp_not_reached));
    out.integer("octets_up", static_cast<std::int64_t>(t.tcp.octets_up));
    out.integer("octets_down", static_cast<std::int64_t>(t.tcp.octets_down));
    out.end_object();
    out.integer("not_read", static_cast<std::int64_t>(t.not_read));
    out.integer("not_sent", static_cast<std::int64_t>(t.not_sent));
    out.integer("evicted", static_cast<std::int64_t>(t.evicted));
    out.integer("not_opened", static_cast<std::int64_t>(t.not_opened));
    out.end_object();
    return out.take() + "\n";
}

}  // namespace confab::app
