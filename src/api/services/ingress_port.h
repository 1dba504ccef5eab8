// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the Ingress service needs of a node that reaches ingress services (01 API-25, API-26). The
// router has checked grants and the form of the request; the port answers each Reply once, now or
// later, on the thread it was called on. Without a port there is no such node
// (twirp/twirp_unconnected.cc).
#pragma once

#include "api/ports.h"
#include "livekit_ingress.pb.h"

namespace confab::api {

class IngressPort {
  public:
    virtual ~IngressPort() = default;
    // invalid_argument with the texts of 04 ING-07; unavailable "no response from servers" for what
    // is to be fetched and nobody does.
    virtual void create(const CallContext&, const livekit::CreateIngressRequest&,
                        Reply<livekit::IngressInfo>) = 0;
    // Of an ingress that there is not: not_found "ingress does not exist". So the next ones.
    virtual void update(const CallContext&, const livekit::UpdateIngressRequest&,
                        Reply<livekit::IngressInfo>) = 0;
    virtual void list(const CallContext&, const livekit::ListIngressRequest&,
                      Reply<livekit::ListIngressResponse>) = 0;
    virtual void remove(const CallContext&, const livekit::DeleteIngressRequest&,
                        Reply<livekit::IngressInfo>) = 0;
};

}  // namespace confab::api
