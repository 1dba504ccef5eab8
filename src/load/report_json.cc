// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "json/json.h"
#include "load/limits.h"
#include "load/report.h"
#include "load/report_numbers.h"

namespace confab::load {
namespace {

void count(json::Writer& out, const char* name, std::uint64_t value) {
    out.integer(name, static_cast<std::int64_t>(value));
}

void times(json::Writer& out, const char* name, const Histogram& histogram) {
    out.begin_object(name);
    out.raw("p50", millis_text(histogram.percentile(0.5)));
    out.raw("p95", millis_text(histogram.percentile(0.95)));
    out.raw("p99", millis_text(histogram.percentile(0.99)));
    out.raw("max", millis_text(histogram.longest()));
    count(out, "count", histogram.count());
    out.end_object();
}

void steps(json::Writer& out, const JoinTimes& joins) {
    out.begin_object("join_steps_ms");
    times(out, "websocket", joins.web_socket);
    times(out, "join_response", joins.joined);
    times(out, "ice", joins.ice);
    times(out, "dtls", joins.connected);
    times(out, "first_packet", joins.first_rtp);
    times(out, "first_key_frame", joins.first_key_frame);
    out.end_object();
}

void tester(json::Writer& out, const Report& report) {
    const TesterFigures& figures = report.tester;
    const std::uint64_t packets = report.figures.received.packets + report.figures.sent;
    out.begin_object("tester");
    out.raw("cpu_seconds", decimal_text(figures.cpu.to_seconds(), 3));
    out.raw(
        "cpu_ns_per_packet",
        decimal_text(
            packets == 0 ? 0 : figures.cpu.to_seconds() * 1e9 / static_cast<double>(packets), 0));
    out.raw("busiest_thread", decimal_text(figures.busiest, 3));
    count(out, "threads", figures.threads);
    count(out, "socket_drops", figures.drops);
    times(out, "lateness_ms", figures.lateness);
    out.boolean("bound", figures.is_bound());
    out.end_object();
}

void media(json::Writer& out, const Figures& figures) {
    const StreamFigures& received = figures.received;
    count(out, "packets_received", received.packets);
    count(out, "packets_lost", received.lost);
    out.raw("loss", decimal_text(loss_of(received), 6));
    count(out, "packets_missing", received.missing);
    count(out, "packets_repaired", received.repaired);
    count(out, "packets_repeated", received.repeated);
    count(out, "bytes_received", received.bytes);
    count(out, "packets_sent", figures.sent);
    count(out, "packets_resent", figures.resent);
    times(out, "latency_ms", figures.latency);
    times(out, "settled_latency_ms", figures.settled_latency);
    times(out, "join_ms", figures.joins.connected);
    count(out, "freezes", received.freezes);
    out.raw("frozen_seconds", decimal_text(received.frozen.to_seconds(), 3));
    count(out, "audio_gaps", received.audio_gaps);
    count(out, "nacks", received.asks);
    count(out, "plis", received.key_asks);
    count(out, "key_frames", figures.key_frames);
    count(out, "packets_decrypted", figures.decrypted);
}

std::uint64_t per_second(std::uint64_t packets, Duration lasted) {
    return lasted <= Duration::zero()
               ? 0
               : packets * 1'000'000 / static_cast<std::uint64_t>(lasted.us());
}

}  // namespace

std::string json_text(const Report& report, const std::vector<std::string>& violations) {
    const Figures& figures = report.figures;
    json::Writer out;
    out.begin_object();
    media(out, figures);
    count(out, "rooms", report.rooms);
    count(out, "participants", report.participants);
    count(out, "joined", figures.joined);
    count(out, "failed", figures.failed());
    count(out, "tracks", figures.tracks);
    count(out, "tracks_expected", figures.expected_tracks);
    count(out, "tracks_stopped", figures.received.stopped);
    steps(out, figures.joins);
    out.begin_object("data");
    count(out, "sent", figures.data_sent);
    count(out, "received", figures.data_received);
    times(out, "latency_ms", figures.data_latency);
    out.end_object();
    out.raw("duration_seconds", decimal_text(report.lasted.to_seconds(), 3));
    count(out, "packets_per_second", per_second(report.packets, report.lasted));
    tester(out, report);
    out.strings("violations", violations);
    out.string("failure", report.failure);
    out.end_object();
    return out.take();
}

}  // namespace confab::load
