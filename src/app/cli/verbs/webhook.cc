// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// webhook listen (05 C.6); webhook list, replay: those of the outbox (docs/guide/webhooks.md).
#include "app/cli/call/call.h"
#include "app/cli/call/templates.h"
#include "app/cli/output/json_text.h"
#include "app/cli/output/table_text.h"
#include "app/cli/verbs/verbs.h"
#include "base/text.h"
#include "confab_webhooks.pb.h"
#include "crypto/digest.h"
#include "json/json.h"
#include "token/token.h"

namespace confab::app::cli {
namespace {

constexpr std::uint64_t kDefaultPort = 7888;

constexpr Param kListen[] = {
    {.names = "--port", .help = "Where to listen; default 7888", .kind = Kind::kNumber},
    {.names = "--bind", .help = "At which address; default 127.0.0.1"},
    {.names = "--forward", .help = "Send each on to this address, as it came"},
    {.names = "--count", .help = "End after so many", .kind = Kind::kNumber},
    {.names = "--no-verify", .help = "Take those of other keys, too", .kind = Kind::kBool},
};
constexpr Param kList[] = {
    {.names = "--url", .help = "", .hidden = true},
    {.names = "--event", .help = "Such as room_started", .field = "selection.event"},
    {.names = "--key", .help = "Room, identity, sid, egress or ingress", .field = "selection.key"},
    {.names = "--to", .help = "Only of this address", .field = "selection.url"},
    {.names = "--limit",
     .help = "Not more than these many",
     .field = "limit",
     .kind = Kind::kNumber},
    {.names = "--after",
     .help = "What came behind this number",
     .field = "after",
     .kind = Kind::kNumber},
};
constexpr Param kReplay[] = {
    {.names = "--id,ids",
     .help = "Which; repeatable",
     .field = "selection.ids",
     .kind = Kind::kList},
    {.names = "--since",
     .help = "Those written since then, in seconds since 1970",
     .field = "selection.since",
     .kind = Kind::kNumber},
    {.names = "--to-url", .help = "To this address instead of their own", .field = "to_url"},
    {.names = "--limit",
     .help = "Not more than these many",
     .field = "limit",
     .kind = Kind::kNumber},
};

constexpr Column kColumns[] = {{"Number", "number"},
                               {"ID", "id"},
                               {"Event", "event"},
                               {"Key", "key"},
                               {"URL", "url"},
                               {"State", "state"},
                               {"Attempts", "attempts", "0"},
                               {"Status", "status", "0"}};

// Nothing: it is one of the server's. The signature is over the digest of the body (HOOK-05).
std::string wrong_with(const WebhookListen::Arrived& arrived, const token::KeyMap& keys,
                       UnixTime now) {
    std::string_view token = arrived.authorization;
    if (token.starts_with("Bearer ")) token.remove_prefix(7);
    if (token.empty()) return "it is not signed";
    const auto grants = token::verify_token(token, keys, now);
    if (!grants) return grants.error().text;
    if (grants->sha256 != base64_encode(crypto::sha256(as_bytes(arrived.body))))
        return "the signature is of another body";
    return {};
}

// "12:00:01 room_started demo" of the event's JSON.
std::string line_of(const std::string& body, UnixTime now) {
    std::string line = rfc3339(now) + " ";
    const auto json = json::parse(body);
    if (!json) return line + "(no JSON)";
    line += text_at(*json, "event");
    for (const char* path : {"room.name", "participant.identity", "track.sid",
                             "egressInfo.egressId", "ingressInfo.ingressId"})
        if (const std::string text = text_at(*json, path); !text.empty()) line += " " + text;
    return printable(line);
}

class Listener {
  public:
    Listener(Call& call, const Credentials& credentials)
        : call_(call),
          keys_(token::KeyMap::Texts{{credentials.api_key, credentials.api_secret}}),
          verifies_(!call.values().flag("no-verify")),
          left_(call.values().number("count", UINT64_MAX)) {}

    int arrived(const WebhookListen::Arrived& arrived) {
        const UnixTime now = call_.host().now();
        const std::string wrong = verifies_ ? wrong_with(arrived, keys_, now) : "";
        if (!wrong.empty()) {
            say("refused: " + printable(wrong) + "; is it signed with the key given here?");
            return 401;
        }
        tell(arrived.body, now);
        if (left_ > 0) --left_;
        return 200;
    }
    void forwarded(int status, std::string_view error) {
        if (status == 0)
            say("not forwarded: " + std::string(error));
        else
            say("forwarded: " + std::to_string(status));
    }
    bool is_over() const { return left_ == 0 || closed_ || call_.host().interrupted(); }

  private:
    void tell(const std::string& body, UnixTime now) {
        const Form& form = call_.settings().form;
        const auto json = json::parse(body);
        std::string text = line_of(body, now) + "\n";
        if (json && form.is_machine())
            text = printed({.json = body, .items = {}, .name = {}, .others = {}},
                           {.shape = Shape::kObject}, form, "");
        closed_ |= !call_.host().print(text);
    }
    void say(const std::string& text) {
        if (!call_.settings().quiet) call_.host().warn("  " + text + "\n");
    }

    Call& call_;
    token::KeyMap keys_;
    bool verifies_;
    std::uint64_t left_;
    bool closed_ = false;  // nobody reads what is printed
};

Outcome listen(Call& call) {
    const auto credentials = call.credentials();
    if (!credentials) return call.failed(credentials.error());
    const std::uint64_t port = call.values().number("port", kDefaultPort);
    if (port > 65'535) return call.failed("--port is at most 65535");
    Listener listener(call, *credentials);
    WebhookListen settings;
    settings.address = call.values().has("bind") ? call.values().text("bind") : "127.0.0.1";
    settings.port = static_cast<std::uint16_t>(port);
    settings.forward_url = call.values().text("forward");
    settings.arrived = [&](const auto& one) { return listener.arrived(one); };
    settings.forwarded = [&](int status, auto error) { listener.forwarded(status, error); };
    settings.is_over = [&] { return listener.is_over(); };
    settings.ready = [&](std::uint16_t at) {
        if (!call.settings().quiet)
            call.host().warn("listening at http://" + settings.address + ":" + std::to_string(at) +
                             "/, put it into webhook.urls of the server\n");
    };
    const auto ended = call.host().listen_webhooks(settings);
    return ended ? call.done({}) : call.failed(ended.error());
}

constexpr Verb kVerbs[] = {
    {.group = "webhook",
     .name = "listen",
     .help = "Receive webhooks, check their signatures, and print or forward them",
     .examples = "confab webhook listen --dev\n"
                 "confab webhook listen --dev --forward http://localhost:3000/livekit -o jsonl",
     .params = kListen,
     .run = listen},
    {.group = "webhook",
     .name = "list",
     .help = "List what the server keeps of its webhooks",
     .examples = "confab webhook list --event room_finished",
     .params = kList,
     .api = {"confab.Webhooks/ListEvents", prototype<confab::ListWebhookEventsRequest>,
             prototype<confab::ListWebhookEventsResponse>, grant::kList | grant::kAdmin},
     .print = {.shape = Shape::kList, .items = "events", .columns = kColumns}},
    {.group = "webhook",
     .name = "replay",
     .help = "Send them again",
     .examples = "confab webhook replay --since 1790000000",
     .params = kReplay,
     .api = {"confab.Webhooks/ReplayEvents", prototype<confab::ReplayWebhookEventsRequest>,
             prototype<confab::ReplayWebhookEventsResponse>, grant::kList | grant::kAdmin},
     .print = {.shape = Shape::kObject}},
};

}  // namespace

std::span<const Verb> webhook_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli
