// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/verb_table.h"

#include <algorithm>

#include "app/cli/verbs/verbs.h"
#include "base/text.h"

namespace confab::app::cli {
namespace {

bool is_listed(std::string_view names, std::string_view name) {
    const auto all = split(names, ',');
    return !names.empty() && std::ranges::find(all, name) != all.end();
}

constexpr Param kCommon[] = {
    {.names = "--url",
     .help = "Address of the server [LIVEKIT_URL]; default http://localhost:7880"},
    {.names = "--api-key", .help = "API key that signs [LIVEKIT_API_KEY]"},
    {.names = "--api-secret", .help = "Its secret [LIVEKIT_API_SECRET]"},
    {.names = "--dev",
     .help = "Key and secret of a server that runs with --dev",
     .kind = Kind::kBool},
    {.names = "--project",
     .help = "Server and key by the name of `project add`",
     .live = Live::kProject},
    {.names = "--subdomain", .help = "The same, by the first label of its host"},
    {.names = "--config",
     .help = "File with `[project] subdomain`; default livekit.toml",
     .live = Live::kFile},
    {.names = "-o,--output", .help = "In which form", .choices = "table,json,jsonl,yaml"},
    {.names = "-j,--json", .help = "As --output json", .kind = Kind::kBool},
    {.names = "--field", .help = "Print this member alone, such as state.status"},
    {.names = "--curl", .help = "Also print the calls for curl, on stderr", .kind = Kind::kBool},
    {.names = "--verbose", .help = "Also print the requests, on stderr", .kind = Kind::kBool},
    {.names = "-q,--quiet,--silent", .help = "No notices on stderr", .kind = Kind::kBool},
    {.names = "-y,--yes", .help = "Never ask", .kind = Kind::kBool},
    {.names = "--server-url", .help = "", .hidden = true},
    {.names = "--dashboard-url", .help = "", .hidden = true},
};

}  // namespace

std::span<const Param> common_params() {
    return kCommon;
}

const Param* find_flag(const Verb* verb, std::string_view flag) {
    if (!flag.starts_with('-')) return nullptr;
    const auto is_it = [flag](const Param& param) {
        const auto names = split(param.names, ',');
        return std::ranges::find(names, flag) != names.end();
    };
    if (verb != nullptr)
        for (const Param& param : verb->params)
            if (is_it(param)) return &param;
    for (const Param& param : common_params())
        if (is_it(param)) return &param;
    return nullptr;
}

const std::vector<Group>& all_groups() {
    static const std::vector<Group> kGroups{
        {"room", "Rooms: create, list, change, end, join", {}},
        {"room participants", "Who is in a room, and what they may", {}},
        {"rooms", "Rooms as they come and go", {}},
        {"token", "Access tokens: make, read, check", {}},
        {"dispatch", "Agents that are to join a room", {}},
        {"egress", "Recordings and streams out of rooms", {}},
        {"ingress", "Streams into rooms", {}},
        {"sip", "Phone calls: trunks, rules, participants", {}},
        {"sip inbound", "Trunks that calls come by", "in,inbound-trunk"},
        {"sip outbound", "Trunks that calls go by", "out,outbound-trunk"},
        {"sip dispatch", "Which room a call is for", "dispatch-rule"},
        {"sip participant", "Calls to and of participants", {}},
        {"project", "Servers and keys by name", "context"},
        {"perf", "Load tests", {}},
        {"webhook", "Webhooks: receive, list, send again", {}},
        {"agent", "Agents that a server runs (later)", "a", true},
        {"app", "Applications (later)", {}, true},
        {"cloud", "Accounts (later)", {}, true},
    };
    return kGroups;
}

const std::vector<const Verb*>& all_verbs() {
    static const std::vector<const Verb*> kVerbs = [] {
        std::vector<const Verb*> verbs;
        for (const auto group :
             {room_verbs(), participant_verbs(), track_verbs(), join_verbs(), watch_verbs(),
              token_verbs(), dispatch_verbs(), egress_verbs(), ingress_verbs(), sip_trunk_verbs(),
              sip_rule_verbs(), sip_call_verbs(), project_verbs(), perf_verbs(), webhook_verbs(),
              completion_verbs(), later_verbs()})
            for (const Verb& verb : group)
                verbs.push_back(&verb);
        return verbs;
    }();
    return kVerbs;
}

std::string path_of(const Verb& verb) {
    return (verb.group.empty() ? "" : std::string(verb.group) + " ") + std::string(verb.name);
}

bool begins_verb(std::string_view word) {
    return !group_in("", word).empty() || find_verb("", word) != nullptr;
}

const Group* find_group(std::string_view path) {
    for (const Group& group : all_groups())
        if (group.path == path) return &group;
    return nullptr;
}

std::string group_in(std::string_view parent, std::string_view name) {
    const std::string prefix = parent.empty() ? "" : std::string(parent) + " ";
    for (const Group& group : all_groups()) {
        if (!group.path.starts_with(prefix)) continue;
        const std::string_view own = group.path.substr(prefix.size());
        if (own.find(' ') != own.npos) continue;
        if (own == name || is_listed(group.other_names, name)) return std::string(group.path);
    }
    return {};
}

const Verb* find_verb(std::string_view group, std::string_view name) {
    for (const Verb* const verb : all_verbs()) {
        if (verb->group == group && verb->name == name) return verb;
        if (group.empty() && is_listed(verb->old_names, name)) return verb;
    }
    return nullptr;
}

std::vector<std::string_view> names_in(std::string_view parent) {
    std::vector<std::string_view> names;
    const std::string prefix = parent.empty() ? "" : std::string(parent) + " ";
    for (const Group& group : all_groups())
        if (!group.hidden && group.path.starts_with(prefix) &&
            group.path.find(' ', prefix.size()) == std::string_view::npos)
            names.push_back(group.path.substr(prefix.size()));
    for (const Verb* const verb : all_verbs())
        if (verb->group == parent && !verb->hidden) names.push_back(verb->name);
    return names;
}

}  // namespace confab::app::cli
