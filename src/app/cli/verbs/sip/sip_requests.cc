// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/verbs/sip/sip_requests.h"

#include <google/protobuf/descriptor.h>

#include <memory>

#include "app/cli/call/request_fields.h"

namespace confab::app::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The answer of one call behind those before.
Result<void, std::string> add_call(Call& call, const Api& api, const Print& print,
                                   const Message& request, std::string& out) {
    const std::unique_ptr<Message> response(api.response().New());
    CONFAB_TRY_VOID(call.ask(api, request, *response));
    out += printed(answer_of(*response, print), print, call.settings().form,
                   filled(print.sentence, call.values()));
    return {};
}

Outcome ended(Call& call, const std::string& out, const Result<void, std::string>& result) {
    Outcome outcome = result ? call.done({}) : call.failed(result.error());
    outcome.out.insert(0, out);  // what was done before stays done
    return outcome;
}

// Of the message at `field`: the text `name`, which is taken out of it.
std::string take_text(Message& message, const FieldDescriptor& field, std::string_view name) {
    Message& inner = *message.GetReflection()->MutableMessage(&message, &field);
    const auto* const id = inner.GetDescriptor()->FindFieldByName(std::string(name));
    std::string text = inner.GetReflection()->GetString(inner, id);
    inner.GetReflection()->ClearField(&inner, id);
    return text;
}

Result<void, std::string> fill_update(Call& call, Message& request, std::string_view field) {
    std::string id = call.values().text("id");
    if (call.values().has("request")) {
        const FieldDescriptor& replace = *request.GetDescriptor()->FindFieldByName("replace");
        Message& inner = *request.GetReflection()->MutableMessage(&request, &replace);
        CONFAB_TRY_VOID(call.read_json(call.values().text("request"), inner));
        const std::string named = take_text(request, replace, field);
        if (id.empty()) id = named;
    } else {
        CONFAB_TRY_VOID(call.fill(request));
        // An update that changes nothing is one all the same.
        const FieldDescriptor& update = *request.GetDescriptor()->FindFieldByName("update");
        (void)request.GetReflection()->MutableMessage(&request, &update);
    }
    if (id.empty()) return fail("no id; give --id, or `" + std::string(field) + "` in the JSON");
    return set_field(request, field, {id});
}

}  // namespace

Outcome for_each_request(Call& call, const Api& api, const Print& print,
                         const std::function<Result<void, std::string>(Message&)>& fill) {
    std::vector<std::string> given = call.values().list("request");
    if (given.empty()) given.emplace_back();
    std::string out;
    for (const std::string& text : given) {
        const std::unique_ptr<Message> request(api.request().New());
        Result<void, std::string> result;
        if (!text.empty()) result = call.read_json(text, *request);
        if (result) result = fill(*request);
        if (result) result = add_call(call, api, print, *request, out);
        if (!result) return ended(call, out, result);
    }
    return call.done(std::move(out));
}

Outcome for_each_id(Call& call, const Api& api, const Print& print, std::string_view field) {
    std::string out;
    for (const std::string& id : call.values().list("id")) {
        const std::unique_ptr<Message> request(api.request().New());
        Result<void, std::string> result = set_field(*request, field, {id});
        if (result) result = add_call(call, api, print, *request, out);
        if (!result) return ended(call, out, fail(id + ": " + result.error()));
    }
    return call.done(std::move(out));
}

Outcome update_by_json_or_flags(Call& call, const Api& api, const Print& print,
                                std::string_view field) {
    const std::unique_ptr<Message> request(api.request().New());
    const std::unique_ptr<Message> response(api.response().New());
    if (const auto filled = fill_update(call, *request, field); !filled)
        return call.failed(filled.error());
    if (const auto asked = call.ask(api, *request, *response); !asked)
        return call.failed(asked.error());
    return call.answered(*response, print);
}

}  // namespace confab::app::cli
