// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is served where on the main port (01 section 1): health, signalling and its validate twins,
// WHIP, Twirp, metrics, the development token endpoint and the demo page.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/join/join.h"
#include "api/twirp/twirp.h"
#include "runtime/control/cluster/cluster.h"
#include "runtime/control/console/console.h"
#include "runtime/control/routes/debug_endpoint.h"
#include "runtime/control/routes/endpoints.h"
#include "runtime/control/routes/route_table.h"
#include "runtime/control/shards/control_node.h"
#include "runtime/control/shards/node_room_service.h"
#include "runtime/control/signal/local_signal_backend.h"
#include "runtime/control/webhook_service.h"
#include "runtime/control/whip/local_whip_backend.h"

namespace confab::control {

// What this node carries now, and how much it may (01 §7.1 limit.*); 0 or less is no limit.
struct NodeLoad {
    std::size_t tracks = 0;  // published and subscribed
    double bytes_per_second = 0;
};
struct LoadLimits {
    std::int32_t tracks = 0;
    double bytes_per_second = 0;
    bool reached_by(const NodeLoad& load) const {
        return (tracks > 0 && load.tracks >= static_cast<std::size_t>(tracks)) ||
               (bytes_per_second > 0 && load.bytes_per_second >= bytes_per_second);
    }
};

struct RouteOptions {
    api::JoinOptions join;
    api::TwirpOptions twirp;
    // `POST /api/token` without authentication, for the demo page; with the placeholder keys,
    // or where asked for (DEMO-02).
    bool development_tokens = false;
    bool tls = false;                   // this port speaks it
    bool metrics_on_main_port = false;  // GET /metrics
    // /debug/… on the main port, and for whom (CON-09).
    std::optional<DebugAccess> debug_on_main_port;
    std::string metrics_user;  // both empty: metrics are for everybody (CON-10)
    std::string metrics_password;
    LoadLimits load_limits;
    ConsoleOptions console;
    GateOptions gate;
};

// Where the endpoints get their figures; all but the first may be empty.
struct RouteSources {
    MetricsText metrics;
    std::function<Timestamp()> updated;  // when the threads last told of themselves
    // Why no new work may come here, for /readyz; empty: it may. Null: always.
    std::function<std::string()> not_ready;
    // Asked before each join and CreateRoom while there are limits.
    std::function<NodeLoad()> load;
    // Of a node in a cluster; it must outlive the routes. Null: the node is alone.
    Cluster* cluster = nullptr;
    cluster::nodes::NodeRegistry::Figures figures;
    std::optional<ConsoleSources> console;  // none: no console
};

class Routes {
  public:
    Routes(ControlNode& control, const token::KeyProvider& keys, telemetry::Metrics& metrics,
           const RouteOptions& options, RouteSources sources);
    Routes(const Routes&) = delete;
    Routes& operator=(const Routes&) = delete;

    // From the next request on. Which routes there are stays as it was: development_tokens,
    // metrics_on_main_port and debug_on_main_port have no effect here.
    void reconfigure(const RouteOptions& options);
    // The built demo page, under /demo; without it the path says how to get it.
    void set_demo(std::optional<net::StaticFiles> files);
    void handle(net::HttpRequest request, net::HttpExchange exchange);
    LimitGate& gate() { return gate_; }
    // For the port of its own: the metrics on every path.
    void serve_metrics(net::HttpRequest request, net::HttpExchange exchange);
    // So the debug pages, for whoever reaches that port.
    void serve_debug(net::HttpRequest request, net::HttpExchange exchange);
    // The headers of CON-03, for answers that the listener gives by itself.
    static void add_cors(const net::HttpRequest& request, net::HttpResponse& response);

  private:
    template <typename E>
    E* add(const char* path, const char* method, Access access, std::unique_ptr<E> endpoint);
    void add_probes();
    void add_rooms(ControlNode& control, telemetry::Metrics& metrics, const RouteOptions& options);
    void add_console(ControlNode& control);
    // Refused for its token: a request to join, perhaps.
    void note_refusal(const Call& call, const api::HttpError& error);

    const token::KeyProvider& keys_;
    RouteSources sources_;
    LoadLimits load_limits_;
    std::function<bool()> over_limit_;
    LimitGate gate_;
    NodeRoomService rooms_;
    LocalSignalBackend signal_;
    LocalWhipBackend whip_;
    WebhookService webhooks_;
    MetricsEndpoint metrics_;
    DebugEndpoint debug_;
    std::optional<net::StaticFiles> demo_;
    RouteTable table_;
    // Those of the table whose options may change.
    std::vector<SignalEndpoint*> signal_endpoints_;
    std::vector<WhipEndpoint*> whip_endpoints_;
    TwirpEndpoint* twirp_endpoint_ = nullptr;
    MetricsEndpoint* main_metrics_ = nullptr;  // null: not on the main port
    Console* console_ = nullptr;               // null: there is none
};

}  // namespace confab::control
