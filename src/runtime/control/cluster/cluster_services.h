// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Egress, ingress and SIP through the workers that share the node's Redis: what cluster/services
// needs, and the ports for the API. On the first loop, as all of the cluster.
#pragma once

#include <cstdint>
#include <memory>

#include "api/ports.h"
#include "api/services/service_ports.h"
#include "cluster/nodes/clock.h"
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
#include "cluster/store/egress_store.h"
#include "cluster/store/egress_sweeper.h"
#include "cluster/store/ingress_store.h"
#include "cluster/store/sip_store.h"
#include "runtime/control/cluster/service_adapters.h"
#include "runtime/control/cluster/sip_adapter.h"

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
        cluster::services::Hooks::Send webhook;
        cluster::services::IngressAddresses addresses;
    };
    ClusterServices(const Parts& parts, Timestamp now, std::uint64_t seed);
    ClusterServices(const ClusterServices&) = delete;
    ClusterServices& operator=(const ClusterServices&) = delete;

    api::ServicePorts ports() { return {&egress_, &ingress_, &sip_}; }

    void handle_timeout(cluster::nodes::Clock clock);
    Timestamp next_deadline() const;

  private:
    cluster::store::EgressStore egress_store_;
    cluster::store::EgressSweeper sweeper_;
    cluster::store::IngressStore ingress_store_;
    cluster::services::Turns turns_;
    cluster::services::Hooks hooks_;
    cluster::services::EgressRecords egress_records_;
    cluster::services::EgressService egress_service_;
    EgressAdapter egress_;
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
