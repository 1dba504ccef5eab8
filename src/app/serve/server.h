// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The running server: everything behind `confab serve`. Made in steps, each of which needs those
// before it: addresses and options, media workers, control plane, listeners.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/serve/console/console_setup.h"
#include "app/serve/cpu/cpu_gauge.h"
#include "app/serve/gauges.h"
#include "app/serve/load_meter.h"
#include "app/serve/machine.h"
#include "app/serve/network/media_addresses.h"
#include "app/serve/network/turn_options.h"
#include "app/serve/reload.h"
#include "app/serve/serve_context.h"
#include "app/serve/shutdown.h"
#include "app/serve/tls/acme.h"
#include "app/serve/tls/certificates.h"
#include "base/result.h"
#include "base/rng.h"
#include "config/config.h"
#include "runtime/control/cluster/cluster.h"
#include "runtime/control/live_keys.h"
#include "runtime/control/routes/routes.h"
#include "runtime/control/shards/control_node.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/http/http_server.h"
#include "runtime/telemetry/metrics.h"
#include "runtime/worker/media_node.h"

namespace confab::app {

class Server {
  public:
    // Serving when it returns; the error is a text for the operator.
    static Result<std::unique_ptr<Server>, std::string> start(const config::Config& config,
                                                              const ServeContext& context);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Until signals, or stop(), end it. False: it had to end, or a thread hangs. Whoever destroys
    // this waits for that thread, which may never end.
    [[nodiscard]] bool run();
    // Any thread; like the second signal.
    void stop();
    std::uint16_t http_port() const { return http_port_; }  // the one chosen, where it was 0

  private:
    using Step = Result<void, std::string>;
    Server(const config::Config& config, const ServeContext& context);
    Step load_certificates();
    Step find_addresses();
    Step start_media();
    Step start_turn();
    Step join_cluster();
    std::string not_ready() const;
    Step start_control();
    void make_listeners();
    // Where data are kept; empty: nowhere.
    std::string data_folder() const;
    // What the HTTP port does beside HTTP, or instead of it.
    void serve_tls();
    void answer_plain(const net::HttpRequest& request, net::HttpExchange exchange);
    void show_certificates();
    Step listen();
    Step listen_for_redirects();
    void load_demo();
    void tell();
    // Takes over what may change while the server runs; or the error, and nothing has changed.
    Step reconfigure(const config::Config& config);
    void limit_media(const config::Config& config);
    void watch_load();
    void begin_reloading();
    control::ControlNodeOptions control_options();
    // Null, which the log tells, where there is no folder for it or the folder does not serve.
    std::unique_ptr<store::WebhookFile> open_outbox();
    control::ConsoleSources console_sources();
    // What waits is written; false: its thread hangs.
    bool end_history();
    using Presets = std::map<std::string, livekit::RoomConfiguration>;
    room::Config room_settings(const config::Config& config, Presets presets) const;
    // Duplicates of the media sockets that take what is for the TURN server.
    std::vector<int> shared_udp() const;
    turn::PeerRules peer_rules(const config::Config& config) const;
    room::MediaNode room_media() const;

    config::Config config_;
    ServeContext context_;
    control::LiveKeys keys_;
    Rng rng_;
    bool failed_ = false;  // ends without having been asked to: run() says so
    std::string node_id_;
    telemetry::Metrics metrics_;
    LoadMeter load_meter_;
    MachineGauge machine_gauge_;
    CpuGauge cpu_gauge_{read_system_file, std::max(1U, std::thread::hardware_concurrency())};
    CpuGauge minute_gauge_{read_system_file, std::max(1U, std::thread::hardware_concurrency())};
    CpuGauge join_gauge_{read_system_file, std::max(1U, std::thread::hardware_concurrency())};
    double load_ = 0;  // of confab.limits.join_load
    std::vector<MediaAddress> addresses_;
    Presets presets_;
    std::unique_ptr<worker::MediaNode> media_;
    net::EventLoop loop_;
    Certificates certificates_;
    std::unique_ptr<Acme> acme_;                     // null where certificates come from files
    std::unique_ptr<turn_server::TurnNode> turn_;    // null where it is not enabled
    std::optional<EmbeddedTurn> told_turn_;          // as clients are told of it
    std::unique_ptr<control::Cluster> cluster_;      // null: this node is alone
    std::unique_ptr<store::HistoryWriter> history_;  // null: none is wanted
    std::unique_ptr<control::ControlNode> control_;  // its threads use all of the above
    std::unique_ptr<control::Routes> routes_;
    std::unique_ptr<net::HttpServer> http_;
    std::unique_ptr<net::HttpServer> redirect_http_;
    std::unique_ptr<net::HttpServer> metrics_http_;
    std::unique_ptr<net::HttpServer> debug_http_;
    std::unique_ptr<Gauges> gauges_;
    std::uint16_t http_port_ = 0;
    net::EventLoop::Timer load_timer_{loop_};
    Shutdown shutdown_;
    Reload reload_;
};

// Starts a server and runs it; the exit code of the process.
int run_server(const config::Config& config, const ServeContext& context);

}  // namespace confab::app
