// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Routing and errors of the endpoint; twirp_*.cc have the methods.
#include "api/twirp/twirp.h"

#include <algorithm>
#include <utility>

#include "api/twirp/twirp_call.h"
#include "base/text.h"

namespace confab::api {
namespace {

constexpr std::string_view kPrefix = "/twirp/";

// What came from the request line goes into an error text.
std::string printable(std::string_view text) {
    std::string out(text);
    const bool utf8 = is_valid_utf8(text);
    std::replace_if(
        out.begin(), out.end(),
        [utf8](char c) {
            const auto byte = static_cast<unsigned char>(c);
            return byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !utf8);
        },
        '?');
    return out;
}

// As Go prints a quoted string.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : printable(text)) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    return out + "\"";
}

ServiceError bad_route(const TwirpRequest& request, const std::string& text) {
    ServiceError error = native_error(ErrorCode::kBadRoute, text);
    error.meta["twirp_invalid_route"] = printable(request.method) + " " + printable(request.path);
    return error;
}

enum class Encoding : std::uint8_t { kJson, kProtobuf, kOther };

Encoding parse_encoding(std::string_view content_type) {
    const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
    if (equals_ignore_case(type, kApplicationJson)) return Encoding::kJson;
    if (equals_ignore_case(type, kApplicationProtobuf)) return Encoding::kProtobuf;
    return Encoding::kOther;
}

}  // namespace

TwirpRouter::TwirpRouter(const TwirpOptions& options, RoomServicePort& rooms, rpc::Bus& bus,
                         WebhookPort* webhooks, ServicePorts services)
    : max_body_bytes_(options.max_body_bytes) {
    add_room_methods(methods_, options.limits, rooms);
    add_participant_methods(methods_, options, rooms);
    add_agent_dispatch(methods_, options, rooms, bus);
    add_unconnected_services(methods_, rooms);
    if (services.egress != nullptr) add_egress(methods_, options.limits, *services.egress);
    if (services.ingress != nullptr) add_ingress(methods_, *services.ingress);
    if (services.sip != nullptr) add_sip(methods_, rooms, *services.sip);
    if (webhooks != nullptr) add_webhooks(methods_, *webhooks);
}

void TwirpRouter::handle(const TwirpRequest& request, const CallContext& context,
                         Responder respond) const {
    if (!owns(request.path)) return respond(not_found_page());
    std::string_view rest = request.path.substr(kPrefix.size());
    const std::size_t slash = rest.find('/');
    const TwirpMethods::Service* service = methods_.find(rest.substr(0, slash));
    if (service == nullptr) return respond(not_found_page());
    if (slash == rest.npos)
        return respond({307, {{"Location", std::string(request.path) + "/"}}, {}});

    if (token::exceeds(request.body.size(), max_body_bytes_))
        return respond(text_response(413, "request body too large"));
    if (request.method != "POST")
        return respond_error(bad_route(request, "unsupported method " + quoted(request.method) +
                                                    " (only POST is allowed)"),
                             respond);
    const auto method = service->find(rest.substr(slash + 1));
    if (method == service->end())
        return respond_error(bad_route(request, "no handler for path " + quoted(request.path)),
                             respond);
    const Encoding encoding = parse_encoding(request.content_type);
    if (encoding == Encoding::kOther)
        return respond_error(
            bad_route(request, "unexpected Content-Type: " + quoted(request.content_type)),
            respond);
    CallContext of_caller = context;
    if (request.grants != nullptr) of_caller.tenant = request.grants->tenant;
    method->second(
        {request.body, encoding == Encoding::kJson, request.grants, std::move(of_caller)},
        std::move(respond));
}

std::optional<Duration> parse_twirp_timeout(std::string_view header) {
    const auto ms = parse_decimal<std::int64_t>(trim(header));
    if (!ms || *ms < 0) return std::nullopt;
    return Duration::millis(std::min(*ms, kMaxTwirpTimeout.ms()));
}

HttpResponse timeout_response() {
    return to_response(service_error(ErrorCode::kCanceled, "request canceled"));
}

}  // namespace confab::api
