// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/refusal.h"

#include <doctest/doctest.h>

#include <map>

using namespace confab;
using namespace confab::cluster::relay;
using rpc::Code;

TEST_CASE("http_status: the number of each code [PSR-18]") {
    const std::map<std::string_view, int> numbers{{"canceled", 503},
                                                  {"malformed_request", 400},
                                                  {"malformed_result", 500},
                                                  {"deadline_exceeded", 503},
                                                  {"unavailable", 503},
                                                  {"unknown", 500},
                                                  {"invalid_argument", 400},
                                                  {"not_found", 404},
                                                  {"not_acceptable", 406},
                                                  {"already_exists", 409},
                                                  {"permission_denied", 403},
                                                  {"resource_exhausted", 429},
                                                  {"failed_precondition", 412},
                                                  {"aborted", 409},
                                                  {"out_of_range", 416},
                                                  {"unimplemented", 501},
                                                  {"internal", 500},
                                                  {"data_loss", 500},
                                                  {"unauthenticated", 401},
                                                  {"unprocessable_entity", 422},
                                                  {"upstream_server_error", 502},
                                                  {"upstream_client_error", 424}};
    CHECK(numbers.size() == static_cast<std::size_t>(Code::kUpstreamClientError) + 1);
    for (const auto& [text, status] : numbers) {
        INFO(text);
        CHECK(http_status(*rpc::parse_code(text)) == status);
    }
}

TEST_CASE(
    "may_try_again: another node may do what this one could not, not what it refused [NODE-20]") {
    for (const Code code : {Code::kUnavailable, Code::kDeadlineExceeded, Code::kUnknown,
                            Code::kCanceled, Code::kAborted})
        CHECK(may_try_again(code));
    for (const Code code :
         {Code::kNotFound, Code::kPermissionDenied, Code::kInvalidArgument,
          Code::kResourceExhausted, Code::kUnauthenticated, Code::kMalformedRequest})
        CHECK(!may_try_again(code));
}

TEST_CASE("farewell_message: join anew when the node died, else resume [NODE-24, SIG-152]") {
    const auto died = farewell_message(Farewell::kNodeDied, 13);
    REQUIRE(died);
    CHECK(died->leave().action() == livekit::LeaveRequest::RECONNECT);
    CHECK(died->leave().reason() == livekit::STATE_MISMATCH);
    CHECK(!died->leave().can_reconnect());
    const auto old = farewell_message(Farewell::kNodeDied, 12);
    REQUIRE(old);
    CHECK(old->leave().can_reconnect());
    CHECK(old->leave().action() == livekit::LeaveRequest::DISCONNECT);  // not there

    const auto failed = farewell_message(Farewell::kRelayFailed, 13);
    REQUIRE(failed);
    CHECK(failed->leave().action() == livekit::LeaveRequest::RESUME);
    CHECK(!farewell_message(Farewell::kRelayFailed, 12));
}
