// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the Egress service needs of a node that reaches egress workers (01 API-20 … API-23). The
// router has checked grants and the form of the request; the port answers each Reply once, now or
// later, on the thread it was called on. Without a port there is no such node
// (twirp/twirp_unconnected.cc).
#pragma once

#include "api/ports.h"
#include "livekit_egress.pb.h"
#include "rpc_egress.pb.h"

namespace confab::api {

class EgressPort {
  public:
    virtual ~EgressPort() = default;
    // The request has its kind and nothing else. not_found "requested room does not exist", except
    // for web pages and without a room's name; unavailable "no response from servers" when there is
    // no worker; what a worker refuses.
    virtual void start(const CallContext&, const ::rpc::StartEgressRequest&,
                       Reply<livekit::EgressInfo>) = 0;
    // Of an egress that there is not: not_found "egress does not exist". So the next ones.
    virtual void update_layout(const CallContext&, const livekit::UpdateLayoutRequest&,
                               Reply<livekit::EgressInfo>) = 0;
    // failed_precondition "egress with status … cannot be …", without the prefix of services.
    virtual void update_stream(const CallContext&, const livekit::UpdateStreamRequest&,
                               Reply<livekit::EgressInfo>) = 0;
    virtual void stop(const CallContext&, const livekit::StopEgressRequest&,
                      Reply<livekit::EgressInfo>) = 0;
    virtual void list(const CallContext&, const livekit::ListEgressRequest&,
                      Reply<livekit::ListEgressResponse>) = 0;
};

}  // namespace confab::api
