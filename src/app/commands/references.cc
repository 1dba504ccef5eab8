// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/commands/references.h"

#include <string_view>

#include "api/join/join_errors.h"
#include "api/limits/request_limits.h"
#include "api/twirp/service_error.h"
#include "room/scope/join_errors.h"
#include "room/signal/leave_reasons.h"
#include "token/error_text.h"
#include "token/id_kinds.h"
#include "token/token_errors.h"

namespace confab::app {
namespace {

constexpr std::string_view kErrorsHead = R"(<!-- SPDX-FileCopyrightText: confab contributors -->
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Made by `confab errors-reference > docs/reference/errors.md`; do not edit. -->

# Errors

What clients and callers of the API are told, and what to do about it. Errors of the configuration name
their line, the key and the remedy themselves (`confab config check`). What an operator sees on the
outside of these is in [troubleshoot](../guide/troubleshoot.md).
)";

constexpr std::string_view kIdsHead = R"(<!-- SPDX-FileCopyrightText: confab contributors -->
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Made by `confab ids-reference > docs/reference/ids.md`; do not edit. -->

# Ids

A prefix and twelve letters or digits without the look-alikes `0`, `1`, `I`, `O` and `l`. Ids are names,
not secrets: they may be in logs and tickets. What people choose are names (of rooms) and identities (of
participants); they have no prefix.

| Begins with | What it names | Where it is seen |
|---|---|---|
)";

void add_row(std::string& out, std::initializer_list<std::string_view> cells) {
    for (const std::string_view cell : cells)
        out.append("| ").append(cell.empty() ? "–" : cell).append(" ");
    out += "|\n";
}

// A text that goes on with a value ends in a blank.
std::string code_of(std::string_view text) {
    const bool goes_on = text.ends_with(' ');
    if (goes_on) text.remove_suffix(1);
    return "`" + std::string(text) + (goes_on ? " …`" : "`");
}

template <typename Errors>
void add_errors(std::string& out, std::string_view title, const Errors& errors) {
    out.append("\n## ").append(title);
    out += "\n\n| Status | Text | Why | Remedy |\n|---|---|---|---|\n";
    for (const ErrorText& error : errors)
        add_row(out, {std::to_string(error.status), code_of(error.text), error.why, error.remedy});
}

std::string statuses_of(const api::LimitInfo& limit) {
    if (limit.status == 0) return "closed";
    std::string usual = std::to_string(limit.status);
    if (limit.status == limit.status_of_call) return usual;
    return usual + "; " + std::to_string(limit.status_of_call) + " below `/rtc`";
}

void add_limits(std::string& out) {
    out +=
        "\n## Limits\n\nEach text goes on with when to come again (`, try again in 5 s`; "
        "`Retry-After` says it too). Of the server API the code is `resource_exhausted`. "
        "[Limits against floods](../guide/security.md#limits-against-floods) has the numbers.\n\n"
        "| Status | Text | Limit | Remedy |\n|---|---|---|---|\n";
    for (const api::LimitInfo& limit : api::limit_infos())
        add_row(out, {statuses_of(limit), code_of(limit.text),
                      "`" + std::string(limit.setting) + "`", limit.remedy});
}

}  // namespace

std::string errors_reference() {
    std::string out(kErrorsHead);
    add_errors(out, "Tokens", token::kTokenErrors);
    add_errors(out, "Joining: the request", api::join_errors::kAll);
    add_errors(out, "Joining: the room", room::join_errors::kAll);
    add_limits(out);
    out +=
        "\n## Server API\n\nThe code is `code` of the answer's JSON; `msg` has the details.\n\n"
        "| Code | Status | When |\n|---|---|---|\n";
    for (const api::ErrorCodeInfo& code : api::error_codes())
        add_row(out, {"`" + std::string(code.text) + "`", std::to_string(code.status), code.when});
    out +=
        "\n## Why a participant ended\n\n`leave.reason`, `disconnect_reason` in webhooks and of "
        "participants, `DisconnectReason` of the SDKs.\n\n| Reason | Value | When "
        "|\n|---|---|---|\n";
    for (const room::LeaveReason& row : room::kLeaveReasons)
        add_row(out, {"`" + livekit::DisconnectReason_Name(row.reason) + "`",
                      std::to_string(static_cast<int>(row.reason)), row.why});
    return out;
}

std::string ids_reference() {
    std::string out(kIdsHead);
    for (const token::IdKind& kind : token::kIdKinds)
        add_row(out, {"`" + std::string(kind.prefix) + "`", kind.what, kind.where});
    return out;
}

}  // namespace confab::app
