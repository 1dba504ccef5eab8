// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The services of other processes that this node reaches. Null: it does not.
#pragma once

namespace confab::api {

class EgressPort;   // egress_port.h
class IngressPort;  // ingress_port.h
class SipPort;      // sip_port.h

struct ServicePorts {
    EgressPort* egress = nullptr;
    IngressPort* ingress = nullptr;
    SipPort* sip = nullptr;
};

}  // namespace confab::api
