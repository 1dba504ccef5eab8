// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/call/call.h"

#include <google/protobuf/descriptor.h>

#include <memory>

#include "app/cli/call/failures.h"
#include "app/cli/call/request_fields.h"
#include "app/cli/output/json_text.h"
#include "app/commands/commands.h"
#include "proto/proto_json.h"
#include "token/token.h"

namespace confab::app::cli {
namespace {

using google::protobuf::Message;

constexpr Duration kTokenLifetime = Duration::seconds(600);

// What the request says by that name; empty: nothing, or it has no such field.
std::string text_field(const Message& message, const char* name) {
    const auto* const field = message.GetDescriptor()->FindFieldByName(name);
    if (field == nullptr || field->is_repeated() ||
        field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING)
        return {};
    return message.GetReflection()->GetString(message, field);
}

token::VideoGrant video_grant(unsigned grants, const Message& request) {
    token::VideoGrant video;
    video.room_create = (grants & grant::kCreate) != 0;
    video.room_list = (grants & grant::kList) != 0;
    video.room_record = (grants & grant::kRecord) != 0;
    video.ingress_admin = (grants & grant::kIngress) != 0;
    if ((grants & grant::kAdmin) == 0) return video;
    video.room_admin = true;
    video.room = text_field(request, "room");
    if (video.room.empty()) video.room = text_field(request, "room_name");
    video.destination_room = text_field(request, "destination_room");
    return video;
}

// In single quotes of a shell.
std::string quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string curl_line(const net::HttpClientRequest& request, const std::string& json) {
    std::string line = "curl -X POST " + quoted(request.url);
    for (const net::HttpHeader& header : request.headers)
        if (header.name == "Authorization")
            line += " \\\n  -H " + quoted(header.name + ": " + header.value);
    return line + " \\\n  -H 'Content-Type: application/json' \\\n  -d " + quoted(json);
}

constexpr Column kSipColumns[] = {{"SIPStatusCode", "sipStatusCode"}, {"SIPStatus", "sipStatus"}};
constexpr Print kSipPrint{.shape = Shape::kObject, .columns = kSipColumns};

// Why a phone call failed; empty: it was none.
std::string sip_text(const net::HttpResponse& answer, const Form& form) {
    const auto status = sip_status(answer);
    if (!status) return {};
    json::Writer writer;
    writer.begin_object();
    writer.integer("sipStatusCode", status->code);
    writer.string("sipStatus", status->text);
    writer.end_object();
    return printed({.json = writer.take(), .items = {}, .name = {}, .others = {}}, kSipPrint, form,
                   "");
}

}  // namespace

Result<Credentials, std::string> Call::credentials() {
    if (credentials_) return *credentials_;
    CONFAB_TRY(Credentials found, find_credentials(values_, host_));
    notes_ += found.warning;
    if (!settings_.quiet) notes_ += found.notice;
    credentials_ = std::move(found);
    return *credentials_;
}

void Call::notice(std::string_view line) {
    if (!settings_.quiet) notes_.append(line).append("\n");
}
void Call::warn(std::string_view line) {
    notes_.append("warning: ").append(line).append("\n");
}

Result<std::string, std::string> Call::read_given(const std::string& given) const {
    if (given == "-") return host_.read_input();
    if (auto file = host_.read_file(given)) return std::move(file->text);
    return given;
}

Result<void, std::string> Call::read_json(const std::string& given, Message& message) const {
    CONFAB_TRY(const std::string text, read_given(given));
    auto read = read_json_text(text, message);
    // Who names a file that is not there is not helped by what JSON says of it.
    if (!read && text == given && given.find_first_of("{[") == given.npos)
        return fail("`" + given + "` is neither a file nor JSON");
    return read;
}

Result<void, std::string> Call::fill(Message& request) {
    for (const Param& param : verb_.params) {
        if (param.field.empty() || !values_.has(param.key())) continue;
        const auto set = set_field(request, param.field, values_.list(param.key()));
        if (!set) return fail("--" + std::string(param.key()) + ": " + set.error());
    }
    if (verb_.prepare != nullptr) return verb_.prepare(*this, request);
    return {};
}

std::string Call::token_for(unsigned grants, const Credentials& credentials,
                            const Message& request) const {
    token::Grants claims;
    claims.video = video_grant(grants, request);
    const bool sip_admin = (grants & grant::kSipAdmin) != 0;
    const bool sip_call = (grants & grant::kSipCall) != 0;
    if (sip_admin || sip_call) claims.sip = token::SipGrant{sip_admin, sip_call};
    return token::mint_token(claims, {credentials.api_key, credentials.api_secret}, host_.now(),
                             kTokenLifetime);
}

Result<void, std::string> Call::ask(const Api& api, const Message& request, Message& response) {
    CONFAB_TRY(const Credentials server, credentials());
    net::HttpClientRequest http;
    http.url = http_url(server.url) + "/twirp/" + std::string(api.service);
    http.headers.add("Content-Type", "application/protobuf");
    http.headers.add("Authorization", "Bearer " + token_for(api.grants, server, request));
    http.body = request.SerializeAsString();
    http.timeout = timeout_;
    const std::string json = proto::to_camel_json(request);
    if (settings_.verbose) notice(indented(json));
    if (settings_.curl) notes_ += curl_line(http, json) + "\n";
    const auto result = host_.http(std::move(http));
    if (!result) return fail(unreachable(result.error(), server));
    if (result->status != 200) told_ = sip_text(*result, settings_.form);
    if (result->status != 200) return fail(refused(*result, server, host_.now()));
    if (!result->headers.get("Content-Type").starts_with("application/protobuf") ||
        !response.ParseFromString(result->body))
        return fail(no_server(server));
    return {};
}

Outcome Call::answered(const Message& response) {
    return answered(response, verb_.print);
}

Outcome Call::answered(const Message& response, const Print& print) {
    const bool usual = settings_.form.format == Format::kUsual && settings_.form.field.empty();
    if (print.as_lk != nullptr && usual && host_.is_named_lk()) {
        const std::string text = proto::to_camel_json(response);
        if (const auto json = json::parse(text)) return done(print.as_lk(*json));
    }
    return done(printed(answer_of(response, print), print, settings_.form,
                        filled(print.sentence, values_)));
}

Outcome Call::done(std::string out) {
    return {.code = 0, .out = std::move(out), .err = notes_};
}

Outcome Call::failed(const std::string& error) {
    Outcome outcome = failure(error);
    outcome.err.insert(0, notes_);
    outcome.out = told_;
    return outcome;
}

Outcome run_api(Call& call) {
    const Api& api = call.verb().api;
    const std::unique_ptr<Message> request(api.request().New());
    const std::unique_ptr<Message> response(api.response().New());
    if (const auto filled = call.fill(*request); !filled) return call.failed(filled.error());
    if (const auto asked = call.ask(api, *request, *response); !asked)
        return call.failed(asked.error());
    return call.answered(*response);
}

}  // namespace confab::app::cli
