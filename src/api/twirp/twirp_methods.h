// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Internal to the Twirp endpoint: the table of its methods, filled once by a function per service
// (twirp_*.cc) and read by the router.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "api/http/http_types.h"
#include "api/ports.h"
#include "base/callback.h"
#include "rpc/bus.h"
#include "token/limits.h"

namespace confab::api {

struct TwirpCall;  // twirp_call.h
struct TwirpOptions;
class EgressPort;   // services/egress_port.h
class IngressPort;  // services/ingress_port.h
class SipPort;      // services/sip_port.h
class WebhookPort;  // webhook/webhook_port.h

class TwirpMethods {
  public:
    using Handler = std::function<void(const TwirpCall&, Callback<HttpResponse>)>;
    using Service = std::map<std::string, Handler, std::less<>>;

    void add(std::string_view service, std::string_view method, Handler handler) {
        services_[std::string(service)][std::string(method)] = std::move(handler);
    }
    // The methods of `service` by their names; null if there is no such service.
    const Service* find(std::string_view service) const {
        const auto found = services_.find(service);
        return found == services_.end() ? nullptr : &found->second;
    }

  private:
    std::map<std::string, Service, std::less<>> services_;
};

// What each service adds; the ports must outlive the table.
void add_room_methods(TwirpMethods& methods, const token::Limits& limits, RoomServicePort& port);
void add_participant_methods(TwirpMethods& methods, const TwirpOptions& options,
                             RoomServicePort& port);
void add_agent_dispatch(TwirpMethods& methods, const TwirpOptions& options, RoomServicePort& rooms,
                        rpc::Bus& bus);
// Egress, Ingress and SIP as they answer without a store and without workers.
void add_unconnected_services(TwirpMethods& methods, RoomServicePort& rooms);
// Of a node that reaches workers: in place of the unconnected ones.
void add_egress(TwirpMethods& methods, const token::Limits& limits, EgressPort& port);
void add_ingress(TwirpMethods& methods, IngressPort& port);
void add_sip(TwirpMethods& methods, RoomServicePort& rooms, SipPort& port);
void add_webhooks(TwirpMethods& methods, WebhookPort& port);

}  // namespace confab::api
