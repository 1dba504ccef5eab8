// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Internal to the Twirp endpoint: one call and the typed registration of methods.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/twirp/service_error.h"
#include "api/twirp/twirp_methods.h"
#include "proto/proto_json.h"
#include "rpc/typed.h"
#include "token/grants.h"

namespace confab::api {

struct TwirpCall {
    std::string_view body;
    bool json = false;
    const token::Grants* grants = nullptr;
    CallContext context;
};

using CheckResult = std::optional<ServiceError>;  // nullopt: go on

inline bool decode_body(bool json, std::string_view body, google::protobuf::Message& message) {
    if (json) return proto::parse_json(body, message);
    return message.ParseFromArray(body.data(), static_cast<int>(body.size()));
}

inline HttpResponse encode_response(bool json, const google::protobuf::Message& message) {
    HttpResponse response;
    response.headers = {
        {"Content-Type", std::string(json ? kApplicationJson : kApplicationProtobuf)}};
    response.body = json ? proto::to_api_json(message) : message.SerializeAsString();
    return response;
}

inline ServiceError decode_error(bool json) {
    return native_error(ErrorCode::kMalformed, json ? "the json request could not be decoded"
                                                    : "the protobuf request could not be decoded");
}

inline void respond_error(const ServiceError& error, Callback<HttpResponse>& respond) {
    respond(to_response(error));
}

// One service of the table, whose methods get their types here.
class ServiceMethods {
  public:
    ServiceMethods(TwirpMethods& methods, std::string_view service)
        : methods_(methods), service_(service) {}

    // Registers a method: decode, `check` (returns an error to refuse), then `invoke` on the port.
    template <typename Request, typename Response, typename Check, typename Invoke>
    void add(std::string_view method, Check check, Invoke invoke) const {
        methods_.add(service_, method,
                     [check = std::move(check), invoke = std::move(invoke)](
                         const TwirpCall& call, Callback<HttpResponse> respond) mutable {
                         Request request;
                         if (!decode_body(call.json, call.body, request))
                             return respond_error(decode_error(call.json), respond);
                         if (const CheckResult error = check(call.grants, request))
                             return respond_error(*error, respond);
                         invoke(call.context, request, reply_to<Response>(call.json, respond));
                     });
    }

  private:
    template <typename Response>
    static Reply<Response> reply_to(bool json, Callback<HttpResponse>& respond) {
        return [json, respond = std::move(respond)](Result<Response, ServiceError> result) mutable {
            if (!result) return respond_error(result.error(), respond);
            respond(encode_response(json, *result));
        };
    }

    TwirpMethods& methods_;
    std::string_view service_;
};

// Asks another service; its errors are those of the call (API-W5).
template <typename Response, typename Message>
void ask(rpc::Bus& bus, const CallContext& context, const rpc::Method& method, rpc::Topic topic,
         const Message& request, Reply<Response> reply) {
    rpc::CallOptions options;
    if (context.timeout) options.timeout = std::min(options.timeout, *context.timeout);
    rpc::call<Response>(bus, context.now, method, std::move(topic), request, std::move(options),
                        [reply = std::move(reply)](Result<Response, rpc::Error> result) mutable {
                            if (!result)
                                return reply(tl::make_unexpected(service_error(result.error())));
                            reply(*std::move(result));
                        });
}

// Grant checks (API-W4): permission_error() or nothing.
using GrantFlag = bool token::VideoGrant::*;
inline CheckResult require_flag(const token::Grants* grants, GrantFlag flag) {
    if (grants != nullptr && grants->video && (*grants->video).*flag) return std::nullopt;
    return permission_error();
}
// roomAdmin for exactly that room (TOK-10).
inline CheckResult require_admin(const token::Grants* grants, std::string_view room) {
    if (grants != nullptr && grants->video && grants->video->room_admin &&
        grants->video->room == room)
        return std::nullopt;
    return permission_error();
}

}  // namespace confab::api
