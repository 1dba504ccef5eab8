// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Egress, ingress and SIP through the workers that share the node's Redis: what cluster/services
// needs, and the ports for the API. On the first loop, as all of the cluster.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "api/ports.h"
#include "api/services/service_ports.h"
#include "cluster/nodes/clock.h"
#include "cluster/services/auto_egress.h"
#include "cluster/services/egress_records.h"
#include "cluster/services/egress_service.h"
#include "cluster/services/hooks.h"
#include "cluster/services/ingress_records.h"
#include "cluster/services/ingress_service.h"
#include "cluster/services/io_info.h"
#include "cluster/services/sip/sip_call_service.h"
#include "cluster/services/sip/sip_io.h"
#include "cluster/services/sip/sip_records.h"
#include "cluster/services/sip/sip_store_service.h"
#include "cluster/services/turns.h"
#include "cluster/services/whip_notices.h"
#include "cluster/store/egress_store.h"
#include "cluster/store/egress_sweeper.h"
#include "cluster/store/ingress_store.h"
#include "cluster/store/sip_store.h"
#include "runtime/control/cluster/service_adapters.h"
#include "runtime/control/cluster/sip_adapter.h"
#include "runtime/control/shards/control_node.h"

namespace confab::control {

class ClusterServices {
  public:
    // All outlive it.
    struct Parts {
        redis::Port& redis;
        rpc::Bus& bus;
        cluster::psrpc::Retrier& retrier;
        cluster::psrpc::RetryPlan plan;
        cluster::store::Notices& notices;
        cluster::store::RoomReader& reader;
        api::RoomServicePort& rooms;  // of all nodes
        ControlNode& node;            // whose rooms and sessions ask for things by themselves
        cluster::services::Hooks::Send webhook;
        cluster::services::IngressAddresses addresses;
        std::vector<std::string> egress_ids;  // as ByClusterId
        std::vector<std::string> sip_ids;
        std::function<void()> wake;  // there is something to do outside of a turn
    };
    ClusterServices(const Parts& parts, Timestamp now, std::uint64_t seed);
    ClusterServices(const ClusterServices&) = delete;
    ClusterServices& operator=(const ClusterServices&) = delete;

    api::ServicePorts ports() { return {&egress_, &ingress_, &sip_}; }

    void handle_timeout(cluster::nodes::Clock clock);
    Timestamp next_deadline() const;

  private:
    // What services ask of any node.
    void serve_workers(rpc::Bus& bus, std::uint64_t seed);
    void serve_rooms(ControlNode& node, std::function<void()> wake);

    cluster::services::Turns turns_;
    cluster::services::ByClusterId egress_workers_;
    cluster::services::ByClusterId sip_dialers_;
    cluster::store::EgressStore egress_store_;
    cluster::store::EgressSweeper sweeper_;
    cluster::store::IngressStore ingress_store_;
    cluster::services::Hooks hooks_;
    cluster::services::EgressRecords egress_records_;
    cluster::services::EgressService egress_service_;
    EgressAdapter egress_;
    cluster::services::AutoEgressService auto_egress_;
    cluster::services::WhipNotices whip_notices_;
    cluster::services::IngressRecords ingress_records_;
    cluster::services::IngressService ingress_service_;
    IngressAdapter ingress_;
    cluster::store::SipStore sip_store_;
    cluster::services::sip::SipRecords sip_records_;
    cluster::services::sip::SipStoreService sip_store_service_;
    cluster::services::sip::SipCallService sip_call_service_;
    SipAdapter sip_;
    // Null: it could not be served.
    std::unique_ptr<cluster::services::IoInfo> io_;
    std::unique_ptr<cluster::services::sip::SipIo> sip_io_;
};

}  // namespace confab::control
