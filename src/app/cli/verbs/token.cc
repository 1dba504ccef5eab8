// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// token create, decode, verify (05 C.2; claims: 01 section 2).
#include "token/token.h"

#include <utility>

#include "app/cli/call/call.h"
#include "app/cli/call/templates.h"
#include "app/cli/output/json_text.h"
#include "app/cli/verbs/token_grants.h"
#include "app/cli/verbs/token_key.h"
#include "app/cli/verbs/verbs.h"
#include "base/text.h"
#include "config/yaml/value.h"

namespace confab::app::cli {
namespace {

constexpr Param kConfig{.names = "-c,--config",
                        .help = "Configuration of a server, for one of its keys",
                        .live = Live::kFile};
constexpr Param kConfigBody{.names = "--config-body", .help = "The same as text"};
constexpr Param kKeys{.names = "--keys", .help = "Keys as the configuration has them"};
constexpr Param kKeyFile{.names = "--key-file", .help = "A file with them", .live = Live::kFile};

constexpr Param kCreate[] = {
    {.names = "-r,--room",
     .help = "Room the token is for",
     .kind = Kind::kName,
     .live = Live::kRoom},
    {.names = "-i,--identity", .help = "Who the token is for", .kind = Kind::kName},
    {.names = "-n,--name", .help = "Name shown to others", .kind = Kind::kName},
    {.names = "--join", .help = "May join --room", .kind = Kind::kBool},
    {.names = "--create", .help = "May create and delete rooms", .kind = Kind::kBool},
    {.names = "--list", .help = "May list rooms", .kind = Kind::kBool},
    {.names = "--admin",
     .help = "May manage --room; with --list and no room, webhooks",
     .kind = Kind::kBool},
    {.names = "--egress,--record", .help = "May use egress", .kind = Kind::kBool},
    {.names = "--ingress,--ingress-admin", .help = "May use ingress", .kind = Kind::kBool},
    {.names = "--inference", .help = "May use inference", .kind = Kind::kBool},
    {.names = "--sip-admin", .help = "May manage trunks and rules", .kind = Kind::kBool},
    {.names = "--sip-call", .help = "May make phone calls", .kind = Kind::kBool},
    {.names = "--observability", .help = "May write observations", .kind = Kind::kBool},
    {.names = "--publish,!--no-publish", .help = "May publish tracks", .kind = Kind::kBool},
    {.names = "--subscribe,!--no-subscribe", .help = "May receive tracks", .kind = Kind::kBool},
    {.names = "--publish-data,!--no-publish-data", .help = "May send data", .kind = Kind::kBool},
    {.names = "--update-own-metadata,--allow-update-metadata,!--no-update-own-metadata",
     .help = "May change own name, metadata and attributes",
     .kind = Kind::kBool},
    {.names = "--subscribe-metrics,!--no-subscribe-metrics",
     .help = "May receive metrics",
     .kind = Kind::kBool},
    {.names = "--publish-source,--allow-source",
     .help = "Only camera, microphone, screen_share or screen_share_audio; repeatable",
     .kind = Kind::kList},
    {.names = "--hidden", .help = "Not shown to others", .kind = Kind::kBool},
    {.names = "--recorder", .help = "Is a recorder", .kind = Kind::kBool},
    {.names = "--as-agent", .help = "Is an agent", .kind = Kind::kBool},
    {.names = "--destination-room", .help = "May be moved to it", .live = Live::kRoom},
    {.names = "--grant", .help = "More of the video grant, as JSON: '{\"canPublish\": false}'"},
    {.names = "--metadata", .help = "Metadata of the participant"},
    {.names = "--attribute", .help = "Attribute key=value; repeatable", .kind = Kind::kTexts},
    {.names = "--attribute-file", .help = "Attributes as JSON, a file", .live = Live::kFile},
    {.names = "--kind", .help = "standard, ingress, egress, sip, agent …"},
    {.names = "--room-preset,--preset,--room-configuration",
     .help = "Preset of room_configurations"},
    {.names = "--room-config",
     .help = "A RoomConfiguration: JSON or a file with it",
     .live = Live::kFile},
    {.names = "--agent", .help = "Agent that is asked to the room"},
    {.names = "--deployment", .help = "Which of its versions"},
    {.names = "--job-metadata", .help = "What the agent is told"},
    {.names = "--valid-for", .help = "Life of the token, for example 10m; default 6h (as lk: 5m)"},
    {.names = "--token-only",
     .help = "Print the token alone; so it is, but as lk",
     .kind = Kind::kBool},
    kConfig,
    kConfigBody,
    kKeys,
    kKeyFile,
    {.names = "--open", .help = "", .hidden = true},
};

constexpr Param kRead[] = {
    {.names = "--token,token", .help = "The token, or - for stdin", .required = true},
};
constexpr Param kVerify[] = {
    {.names = "--token,token", .help = "The token, or - for stdin", .required = true},
    kConfig,
    kConfigBody,
    kKeys,
    kKeyFile,
};

struct Made {
    std::string token;
    token::Grants grants;
    std::string url;
};

std::string claims_json(const token::Grants& grants) {
    json::Writer writer;
    writer.begin_object();
    // As lk shows it; in the token it is `sub`.
    if (!grants.identity.empty()) writer.string("identity", grants.identity);
    token::write_grants(grants, writer);
    writer.end_object();
    return writer.take();
}

std::string made_json(const Made& made) {
    json::Writer writer;
    writer.begin_object();
    writer.string("access_token", made.token);
    if (!made.url.empty()) writer.string("project_url", made.url);
    writer.string("identity", made.grants.identity);
    writer.string("name", made.grants.name);
    writer.string("room", made.grants.video ? made.grants.video->room : "");
    writer.raw("grants", claims_json(made.grants));
    writer.end_object();
    return writer.take();
}

// As `lk` prints it; as confab the token is all.
std::string made_text(const Made& made) {
    std::string text = "Token grants:\n" + indented(claims_json(made.grants)) + "\n\n";
    if (!made.url.empty()) text += "Project URL: " + made.url + "\n";
    return text + "Access token: " + made.token + "\n";
}

// lk makes up who and where; here that has to be said.
void invent(Call& call) {
    Values& values = call.values();
    const bool quiet = values.flag("token-only") || call.settings().form.is_machine();
    const auto fill = [&](const char* key, const char* what, const char* pattern) {
        if (!values.text(key).empty()) return;
        values.set(key, {expanded(pattern, call.host())});
        if (!quiet)
            call.notice("Using generated " + std::string(what) + " [" + values.text(key) + "]");
    };
    fill("identity", "participant identity", "participant-%x");
    fill("room", "room name", "room-%t");
    if (values.text("name").empty()) values.set("name", {values.text("identity")});
}

Outcome create(Call& call) {
    const bool as_lk = call.host().is_named_lk();
    if (as_lk) invent(call);
    const auto grants = grants_of(call);
    if (!grants) return call.failed(grants.error());
    const std::string life = call.values().has("valid-for") ? call.values().text("valid-for")
                             : as_lk                        ? "5m"
                                                            : "6h";
    const auto lifetime = config::parse_duration(life);
    if (!lifetime || *lifetime <= Duration::zero())
        return call.failed("--valid-for needs a duration with its unit, for example 10m or 24h");
    const auto server = signing_key(call);
    if (!server) return call.failed(server.error());
    const Made made{token::mint_token(*grants, {server->api_key, server->api_secret},
                                      call.host().now(), *lifetime),
                    *grants, server->url};
    if (call.settings().form.is_machine())
        return call.done(printed({.json = made_json(made), .items = {}, .name = {}, .others = {}},
                                 {.shape = Shape::kObject}, call.settings().form, ""));
    if (!as_lk || call.values().flag("token-only")) return call.done(made.token + "\n");
    call.notice("valid for (mins): " + std::to_string(lifetime->us() / 60'000'000));
    return call.done(made_text(made));
}

// ---------------------------------------------------------------- reading

Result<std::string, std::string> given_token(const Call& call) {
    std::string text = call.values().text("token");
    if (text == "-") {
        CONFAB_TRY(text, call.host().read_input());
    }
    return std::string(trim(text));
}

Result<std::string, std::string> decoded(const std::string& token) {
    const auto parts = split(token, '.');
    if (parts.size() != 3) return fail(std::string("that is no token: it has not three parts"));
    std::string out = "{";
    for (const auto& [name, part] :
         {std::pair("header", parts[0]), std::pair("claims", parts[1])}) {
        const auto octets = base64_decode(part, Base64::kUrlNoPadding);
        if (!octets) return fail("the " + std::string(name) + " of the token is no base64url");
        const std::string json(as_text(*octets));
        if (!json::is_object(json))
            return fail("the " + std::string(name) + " of the token is no JSON object");
        out += std::string(out.size() > 1 ? "," : "") + "\"" + name + "\":" + json;
    }
    return out + "}";
}

Outcome shown(Call& call, const std::string& json) {
    return call.done(printed({.json = json, .items = {}, .name = {}, .others = {}},
                             {.shape = Shape::kObject}, call.settings().form, ""));
}

Outcome decode(Call& call) {
    const auto token = given_token(call);
    if (!token) return call.failed(token.error());
    const auto json = decoded(*token);
    return json ? shown(call, *json) : call.failed(json.error());
}

Outcome verify(Call& call) {
    const auto token = given_token(call);
    if (!token) return call.failed(token.error());
    const auto server = signing_key(call);
    if (!server) return call.failed(server.error());
    const token::KeyMap keys(token::KeyMap::Texts{{server->api_key, server->api_secret}});
    const auto grants = token::verify_token(*token, keys, call.host().now());
    if (!grants) return call.failed(grants.error().text);
    const auto json = decoded(*token);
    return json ? shown(call, *json) : call.failed(json.error());
}

constexpr Verb kVerbs[] = {
    {.group = "token",
     .name = "create",
     .help = "Make an access token; only the token is printed",
     .examples = "confab token create --dev --join --room demo --identity anna\n"
                 "confab token create --dev --list --create --valid-for 10m\n"
                 "confab token create --api-key K --api-secret S --join --room demo --identity tv"
                 " --no-publish",
     .params = kCreate,
     .run = create,
     .old_names = "create-token"},
    {.group = "token",
     .name = "decode",
     .help = "Print what a token says, whoever signed it",
     .examples = "confab token decode eyJhbGciOi…\nconfab token decode - --field claims.video.room",
     .params = kRead,
     .run = decode},
    {.group = "token",
     .name = "verify",
     .help = "Check signature and times of a token, and print it",
     .examples = "confab token verify --dev eyJhbGciOi…",
     .params = kVerify,
     .run = verify},
};

}  // namespace

std::span<const Verb> token_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli
