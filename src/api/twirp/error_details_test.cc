// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/twirp/error_details.h"

#include <doctest/doctest.h>
#include <google/protobuf/any.pb.h>

#include <string>
#include <vector>

#include "api/twirp/service_error.h"
#include "base/text.h"
#include "livekit_sip.pb.h"
#include "rpc_status.pb.h"

namespace confab::api {
namespace {

std::string packed(livekit::SIPStatusCode code, const std::string& text) {
    livekit::SIPStatus status;
    status.set_code(code);
    status.set_status(text);
    google::protobuf::Any any;
    any.PackFrom(status, "type.googleapis.com/");
    return any.SerializeAsString();
}

struct Case {
    rpc::Code code;
    const char* text;
    livekit::SIPStatusCode status;
    const char* said;
    const char* body;  // as recorded
};

}  // namespace

TEST_CASE("Error details: the failures of calls as recorded [API-W5] [SIP-18] [SDK-04]") {
    const Case cases[] = {
        {rpc::Code::kResourceExhausted, "INVITE failed: sip status: 486: Phrase X",
         livekit::SIP_STATUS_BUSY_HERE, "Phrase X",
         R"({"code":"resource_exhausted","msg":"twirp error unknown: INVITE failed: sip status: 486: Phrase X","meta":{"error_details":"CAgSKElOVklURSBmYWlsZWQ6IHNpcCBzdGF0dXM6IDQ4NjogUGhyYXNlIFgaNgoldHlwZS5nb29nbGVhcGlzLmNvbS9saXZla2l0LlNJUFN0YXR1cxINCOYDEghQaHJhc2UgWA==","sip_status":"Phrase X","sip_status_code":"486"}})"},
        {rpc::Code::kUnknown, "unexpected status from INVITE response: sip status: 202: Phrase X",
         livekit::SIP_STATUS_ACCEPTED, "Phrase X",
         R"({"code":"unknown","msg":"twirp error unknown: unexpected status from INVITE response: sip status: 202: Phrase X","meta":{"error_details":"CAISQXVuZXhwZWN0ZWQgc3RhdHVzIGZyb20gSU5WSVRFIHJlc3BvbnNlOiBzaXAgc3RhdHVzOiAyMDI6IFBocmFzZSBYGjYKJXR5cGUuZ29vZ2xlYXBpcy5jb20vbGl2ZWtpdC5TSVBTdGF0dXMSDQjKARIIUGhyYXNlIFg=","sip_status":"Phrase X","sip_status_code":"202"}})"},
        {rpc::Code::kPermissionDenied, "call transfer failed: sip status: 603: Declined",
         livekit::SIP_STATUS_GLOBAL_DECLINE, "Declined",
         R"({"code":"permission_denied","msg":"twirp error unknown: call transfer failed: sip status: 603: Declined","meta":{"error_details":"CAcSL2NhbGwgdHJhbnNmZXIgZmFpbGVkOiBzaXAgc3RhdHVzOiA2MDM6IERlY2xpbmVkGjYKJXR5cGUuZ29vZ2xlYXBpcy5jb20vbGl2ZWtpdC5TSVBTdGF0dXMSDQjbBBIIRGVjbGluZWQ=","sip_status":"Declined","sip_status_code":"603"}})"},
    };
    for (const Case& one : cases) {
        const ServiceError error =
            service_error(rpc::Error{one.code, one.text, {packed(one.status, one.said)}});
        CHECK(to_response(error).body == one.body);
    }
}

TEST_CASE("Error details: each code has its number of gRPC [API-W5]") {
    const std::vector<std::pair<rpc::Code, int>> codes{{rpc::Code::kCanceled, 1},
                                                       {rpc::Code::kUnknown, 2},
                                                       {rpc::Code::kNotAcceptable, 2},
                                                       {rpc::Code::kUnprocessableEntity, 2},
                                                       {rpc::Code::kInvalidArgument, 3},
                                                       {rpc::Code::kMalformedRequest, 3},
                                                       {rpc::Code::kUpstreamClientError, 3},
                                                       {rpc::Code::kDeadlineExceeded, 4},
                                                       {rpc::Code::kNotFound, 5},
                                                       {rpc::Code::kAlreadyExists, 6},
                                                       {rpc::Code::kPermissionDenied, 7},
                                                       {rpc::Code::kResourceExhausted, 8},
                                                       {rpc::Code::kFailedPrecondition, 9},
                                                       {rpc::Code::kAborted, 10},
                                                       {rpc::Code::kOutOfRange, 11},
                                                       {rpc::Code::kUnimplemented, 12},
                                                       {rpc::Code::kInternal, 13},
                                                       {rpc::Code::kMalformedResult, 13},
                                                       {rpc::Code::kUpstreamServerError, 13},
                                                       {rpc::Code::kUnavailable, 14},
                                                       {rpc::Code::kDataLoss, 15},
                                                       {rpc::Code::kUnauthenticated, 16}};
    for (const auto& [code, number] : codes) {
        const auto meta = details_meta({code, "t", {packed(livekit::SIP_STATUS_OK, "x")}});
        const auto bytes = base64_decode(meta.at("error_details"));
        REQUIRE(bytes);
        ::rpc::Status status;
        REQUIRE(status.ParseFromString(std::string(as_text(*bytes))));
        CHECK(status.code() == number);
        CHECK(status.message() == "t");
        CHECK(status.details_size() == 1);
    }
}

TEST_CASE("Error details: without a text the code is named; others are kept as they are [API-W5]") {
    const auto named =
        details_meta({rpc::Code::kUnknown, "", {packed(livekit::SIP_STATUS_BUSY_HERE, "")}});
    CHECK(named.at("sip_status") == "SIP_STATUS_BUSY_HERE");
    const auto odd = details_meta(
        {rpc::Code::kUnknown, "", {packed(static_cast<livekit::SIPStatusCode>(599), "")}});
    CHECK(odd.at("sip_status") == "599");
    CHECK(odd.at("sip_status_code") == "599");
    google::protobuf::Any other;
    other.set_type_url("type.googleapis.com/other.Thing");
    other.set_value("v");
    const auto kept = details_meta({rpc::Code::kUnknown, "", {other.SerializeAsString()}});
    CHECK(kept.size() == 1);
    CHECK(kept.contains("error_details"));
}

TEST_CASE("Error details: none, or what is none, is left out [API-W5]") {
    CHECK(details_meta({rpc::Code::kUnknown, "t", {}}).empty());
    CHECK(details_meta({rpc::Code::kUnknown, "t", {"\xff"}}).empty());
    google::protobuf::Any bad;
    bad.set_type_url("type.googleapis.com/livekit.SIPStatus");
    bad.set_value("\xff");
    CHECK(details_meta({rpc::Code::kUnknown, "t", {bad.SerializeAsString()}}).size() == 1);
    CHECK(to_response(service_error(rpc::Error{rpc::Code::kUnknown, "t", {}})).body ==
          R"({"code":"unknown","msg":"twirp error unknown: t"})");
}

}  // namespace confab::api
