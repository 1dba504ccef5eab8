// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The Twirp endpoint (01 section 5.1): routes POST /twirp/livekit.<Service>/<Method> (and
// confab.Webhooks), decodes the body, checks grants and argument limits, calls the port and encodes
// the answer in the encoding of the request. Errors are always JSON.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "api/http/http_types.h"
#include "api/ports.h"
#include "api/services/service_ports.h"
#include "api/twirp/twirp_methods.h"
#include "base/callback.h"
#include "rpc/bus.h"
#include "token/grants.h"
#include "token/limits.h"

namespace confab::api {

inline constexpr Duration kMaxTwirpTimeout = Duration::seconds(3600);

// Views of the request; valid during handle() only.
struct TwirpRequest {
    std::string_view method;
    std::string_view path;          // without query
    std::string_view content_type;  // the header, empty if absent
    std::string_view body;
    const token::Grants* grants = nullptr;  // null: no token
};

struct TwirpOptions {
    token::Limits limits;
    std::size_t max_body_bytes = 10 * 1024 * 1024;  // 0: no limit
    bool enable_remote_unmute = false;              // room.enable_remote_unmute
    bool auto_create = true;                        // room.auto_create
    std::uint64_t seed = 0;                         // of ids that are made here
};

class TwirpRouter {
  public:
    using Responder = Callback<HttpResponse>;

    // Ports and bus must outlive the router; without `webhooks` there is no such service, and what
    // is not in `services` answers that it is not connected.
    TwirpRouter(const TwirpOptions& options, RoomServicePort& rooms, rpc::Bus& bus,
                WebhookPort* webhooks = nullptr, ServicePorts services = {});

    static bool owns(std::string_view path) { return path.starts_with("/twirp/"); }
    // Answers exactly once, now or when the port does.
    void handle(const TwirpRequest& request, const CallContext& context, Responder respond) const;

  private:
    std::size_t max_body_bytes_;
    TwirpMethods methods_;
};

// The server-side deadline a client asks for (API-W6); nullopt if the header is no number.
std::optional<Duration> parse_twirp_timeout(std::string_view header);
// What is answered when it has passed.
HttpResponse timeout_response();

}  // namespace confab::api
