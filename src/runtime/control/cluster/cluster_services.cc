// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/cluster_services.h"

#include <utility>

#include "runtime/net/event_loop.h"
#include "runtime/telemetry/log.h"

namespace confab::control {

namespace services = cluster::services;

namespace {

UnixTime wall_at(Timestamp at) {
    return net::EventLoop::wall() + (at - net::EventLoop::now());
}

}  // namespace

ClusterServices::ClusterServices(const Parts& parts, Timestamp now, std::uint64_t seed)
    : egress_store_(parts.redis, parts.notices),
      sweeper_(parts.redis, parts.notices, now),
      ingress_store_(parts.redis, parts.notices),
      hooks_(parts.webhook, wall_at, seed),
      egress_records_(egress_store_, hooks_),
      egress_service_({parts.retrier, turns_, egress_store_, parts.reader, egress_records_,
                       parts.plan, metadata_by(parts.rooms)},
                      seed + 1),
      egress_(egress_service_),
      ingress_records_(ingress_store_, hooks_),
      ingress_service_(
          {parts.retrier, turns_, ingress_store_, ingress_records_, parts.plan, parts.addresses},
          seed + 2),
      ingress_(ingress_service_),
      sip_store_(parts.redis, parts.notices),
      sip_records_(sip_store_),
      sip_store_service_(sip_records_, seed + 3),
      sip_call_service_(parts.retrier, sip_records_, seed + 4),
      sip_(sip_store_service_, sip_call_service_) {
    auto served = services::IoInfo::serve(
        {parts.bus, egress_store_, egress_records_, ingress_store_, ingress_records_});
    if (served)
        io_ = *std::move(served);
    else
        telemetry::log_error("workers of egress and ingress cannot ask this node",
                             {{"error", served.error().text}});
    auto sip_served = services::sip::SipIo::serve(parts.bus, sip_records_, seed + 5);
    if (sip_served)
        sip_io_ = *std::move(sip_served);
    else
        telemetry::log_error("SIP services cannot ask this node",
                             {{"error", sip_served.error().text}});
}

void ClusterServices::handle_timeout(cluster::nodes::Clock clock) {
    turns_.handle_timeout(clock.now);
    if (io_) io_->handle_timeout(clock.now);
    if (sweeper_.next_deadline() <= clock.now) sweeper_.handle_timeout(clock.now, clock.wall);
}

Timestamp ClusterServices::next_deadline() const {
    const Timestamp next = earlier(turns_.next_deadline(), sweeper_.next_deadline());
    return io_ ? earlier(next, io_->next_deadline()) : next;
}

}  // namespace confab::control
