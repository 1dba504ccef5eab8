// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Calls and handlers with protobuf messages instead of bytes.
#pragma once

#include <utility>

#include "rpc/bus.h"

namespace confab::rpc {

// What cannot be read is kMalformedResult at the caller and kMalformedRequest at the server.
template <typename Response, typename Message>
CallId call(Bus& bus, Timestamp now, const Method& method, Topic topic, const Message& request,
            CallOptions options, Callback<Result<Response, Error>> done) {
    return bus.call(now, method, std::move(topic), request.SerializeAsString(), std::move(options),
                    [done = std::move(done)](Outcome outcome) mutable {
                        if (!outcome) return done(tl::make_unexpected(std::move(outcome.error())));
                        Response response;
                        if (!response.ParseFromString(*outcome))
                            return done(tl::make_unexpected(
                                Error{Code::kMalformedResult, "answer cannot be read", {}}));
                        done(std::move(response));
                    });
}

// handler(const Message&, const Request&, Callback<Result<Response, Error>>)
template <typename Message, typename Response, typename F>
Result<Registration, Error> serve(Bus& bus, const Method& method, Topic topic, F handler,
                                  Affinity affinity = {}) {
    return bus.serve(
        method, std::move(topic),
        [handler = std::move(handler)](const Request& request, Reply reply) {
            Message message;
            if (!message.ParseFromString(request.payload))
                return reply(tl::make_unexpected(
                    Error{Code::kMalformedRequest, "request cannot be read", {}}));
            handler(message, request,
                    Callback<Result<Response, Error>>(
                        [reply = std::move(reply)](Result<Response, Error> result) mutable {
                            if (!result)
                                return reply(tl::make_unexpected(std::move(result.error())));
                            reply(result->SerializeAsString());
                        }));
        },
        std::move(affinity));
}

}  // namespace confab::rpc
