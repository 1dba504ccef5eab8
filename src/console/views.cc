// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/views.h"

#include "console/json_text.h"

namespace confab::console {
namespace {

template <typename Fill>
std::string object(Fill&& fill) {
    json::Writer writer;
    writer.begin_object();
    fill(writer);
    writer.end_object();
    return writer.take();
}

std::int64_t count(auto value) {
    return static_cast<std::int64_t>(value);
}

std::string text_of(const NodeView& node) {
    return object([&](json::Writer& out) {
        out.string("id", node.id);
        out.string("address", node.address);
        out.string("region", node.region);
        out.string("state", node.state);
        out.raw("cpu", number_text(node.cpu));
        out.integer("rooms", node.rooms);
        out.integer("participants", node.participants);
        out.integer("tracks", node.tracks);
        out.integer("started_at", node.started.ms());
        out.boolean("self", node.self);
    });
}

std::string workers_text(const std::vector<WorkerView>& workers) {
    std::int64_t index = 0;
    return list_text(workers, [&](const WorkerView& worker) {
        return object([&](json::Writer& out) {
            out.integer("index", index++);
            out.raw("load", number_text(worker.rates.load));
            out.integer("peers", count(worker.peers));
            out.raw("packets_in_per_s", number_text(worker.rates.packets_in));
            out.raw("packets_out_per_s", number_text(worker.rates.packets_out));
            out.raw("bytes_in_per_s", number_text(worker.rates.bytes_in));
            out.raw("bytes_out_per_s", number_text(worker.rates.bytes_out));
        });
    });
}

std::string totals_text(const Overview& overview) {
    NodeView all;
    for (const NodeView& node : overview.nodes) {
        all.rooms += node.rooms;
        all.participants += node.participants;
        all.tracks += node.tracks;
    }
    const WorkerRates rates = sum_of(overview.workers);
    return object([&](json::Writer& out) {
        out.integer("rooms", all.rooms);
        out.integer("participants", all.participants);
        out.integer("tracks", all.tracks);
        out.raw("bytes_in_per_s", number_text(rates.bytes_in));
        out.raw("bytes_out_per_s", number_text(rates.bytes_out));
    });
}

std::string text_of(const JoinCounts& joins) {
    std::vector<JoinCounts::Refused> refused;
    for (const JoinCounts::Refused& one : joins.refused)
        if (one.count > 0) refused.push_back(one);
    return object([&](json::Writer& out) {
        out.integer("attempted", count(joins.attempted()));
        out.integer("admitted", count(joins.admitted));
        out.integer("connected", count(joins.connected));
        out.integer("failed", count(joins.failed));
        out.integer("canceled", count(joins.canceled));
        out.raw("refused", list_text(refused, [](const JoinCounts::Refused& one) {
                    return object([&](json::Writer& reason) {
                        reason.string("reason", one.reason);
                        reason.integer("count", count(one.count));
                    });
                }));
    });
}

std::string text_of(const CertificateView& certificate) {
    return object([&](json::Writer& out) {
        out.string("use", certificate.use);
        out.strings("names", certificate.names);
        out.integer("not_after", certificate.not_after.ms());
        out.string("source", certificate.source);
        out.string("state", certificate.state);
        out.string("detail", certificate.detail);
    });
}

}  // namespace

WorkerRates sum_of(const std::vector<WorkerView>& workers) {
    WorkerRates all;
    for (const WorkerView& worker : workers) {
        all.bytes_in += worker.rates.bytes_in;
        all.bytes_out += worker.rates.bytes_out;
    }
    return all;
}

std::string to_json(const Overview& overview) {
    return object([&](json::Writer& out) {
        out.string("version", overview.version);
        out.integer("now", overview.now.ms());
        out.string("node_id", overview.node_id);
        out.integer("started_at", overview.started.ms());
        out.boolean("cluster", overview.cluster);
        out.raw("totals", totals_text(overview));
        out.raw("nodes",
                list_text(overview.nodes, [](const NodeView& node) { return text_of(node); }));
        out.raw("workers", workers_text(overview.workers));
        out.raw("joins", text_of(overview.joins));
        out.raw("certificates", list_text(overview.certificates,
                                          [](const CertificateView& one) { return text_of(one); }));
        out.string("history", overview.history);
    });
}

std::string to_json(const std::vector<OptionView>& options) {
    return object([&](json::Writer& out) {
        out.raw("options", list_text(options, [](const OptionView& option) {
                    return object([&](json::Writer& one) {
                        one.string("name", option.name);
                        one.string("value", option.value);
                        one.boolean("default", option.is_default);
                        one.string("source", option.is_default ? "default" : "set");
                    });
                }));
    });
}

std::string to_json(const std::vector<DeliveryView>& deliveries) {
    return object([&](json::Writer& out) {
        out.raw("deliveries", list_text(deliveries, [](const DeliveryView& delivery) {
                    return object([&](json::Writer& one) {
                        one.string("id", delivery.id);
                        one.integer("at", delivery.at.ms());
                        one.string("url", delivery.url);
                        one.string("event", delivery.event);
                        one.string("room", delivery.room);
                        one.integer("attempts", delivery.attempts);
                        one.string("status", delivery.state);
                        const bool answered = delivery.status != 0;
                        const bool fine = delivery.state == "delivered" || delivery.attempts == 0;
                        one.string("error", fine       ? std::string()
                                            : answered ? "HTTP " + std::to_string(delivery.status)
                                                       : "no answer");
                    });
                }));
    });
}

std::string to_json(const Session& session) {
    return object([&](json::Writer& out) {
        out.string("role", to_text(session.role));
        out.string("name", session.name);
        out.integer("expires_at", session.expires.ms());
    });
}

std::string error_json(std::string_view text) {
    return object([&](json::Writer& out) { out.string("error", text); });
}

}  // namespace confab::console
