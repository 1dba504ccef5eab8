// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the console shows of the node and its cluster, as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "console/joins.h"
#include "console/rates.h"
#include "console/sign_in.h"

namespace confab::console {

struct NodeView {
    std::string id;
    std::string address;
    std::string region;
    std::string state;
    double cpu = 0;  // 0 … 1
    std::int64_t rooms = 0;
    std::int64_t participants = 0;
    std::int64_t tracks = 0;
    UnixTime started;
    bool self = false;
};

struct WorkerView {
    std::size_t peers = 0;
    WorkerRates rates;
};

// Bytes of all of them together.
WorkerRates sum_of(const std::vector<WorkerView>& workers);

struct CertificateView {
    std::string use;                 // "http", "turn"
    std::vector<std::string> names;  // as far as there are not too many
    UnixTime not_after;
    std::string source;  // "acme", "files"
    std::string state;   // "valid", "expires soon", "expired", "waiting"
    std::string detail;  // what to do, where something is wrong
};

struct Overview {
    std::string version;
    UnixTime now;
    std::string node_id;
    UnixTime started;
    bool cluster = false;
    std::vector<NodeView> nodes;
    std::vector<WorkerView> workers;
    JoinCounts joins;
    std::vector<CertificateView> certificates;
    std::string history;  // what is wrong with it; empty: nothing
};
// Totals are those of all nodes; bytes are this node's.
std::string to_json(const Overview& overview);

struct OptionView {
    std::string_view name;
    std::string value;  // without secrets
    bool is_default = true;
};
std::string to_json(const std::vector<OptionView>& options);

struct DeliveryView {
    std::string id;
    UnixTime at;
    std::string url;
    std::string event;
    std::string room;
    std::int64_t attempts = 0;
    std::string state;  // "delivered", "waiting", "failed"
    int status = 0;     // that the receiver answered with last; 0: none
};
std::string to_json(const std::vector<DeliveryView>& deliveries);

std::string to_json(const Session& session);
std::string error_json(std::string_view text);

}  // namespace confab::console
