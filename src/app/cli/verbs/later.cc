// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Verbs of upstream's command line whose services come later, and those that never will.
#include <string>

#include "app/cli/call/call.h"
#include "app/cli/verbs/verbs.h"

namespace confab::app::cli {
namespace {

Outcome later(Call& call, const std::string& why) {
    const Verb& verb = call.verb();
    const std::string path =
        (verb.group.empty() ? "" : std::string(verb.group) + " ") + std::string(verb.name);
    return call.failed("`" + path + "` " + why);
}
Outcome agents_later(Call& call) {
    return later(call,
                 "is of a service that is not there yet: agents run as workers of their own, see "
                 "docs/guide/agents.md");
}
Outcome service_later(Call& call) {
    return later(call, "is of a service that is not there yet");
}
Outcome load_later(Call& call) {
    return later(call, "is not there yet; `perf load-test` is");
}
Outcome template_later(Call& call) {
    return later(call,
                 "needs a page of recordings, which is not there yet; `perf load-test --room R` "
                 "publishes into a room");
}
Outcome account_never(Call& call) {
    return later(call,
                 "is of the vendor's cloud; a server of your own is added with `project add NAME "
                 "--url URL --api-key K --api-secret S`");
}
Outcome app_later(Call& call) {
    return later(call, "is not there yet; docs/guide/first-app.md shows a first application");
}
Outcome docs_later(Call& call) {
    return later(call, "searches the vendor's site; ours is in docs/");
}

constexpr Verb later_verb(std::string_view group, std::string_view name, Run run) {
    return {.group = group,
            .name = name,
            .help = "Later",
            .examples = "",
            .params = {},
            .run = run,
            .hidden = true,
            .takes_anything = true};
}

constexpr Verb kVerbs[] = {
    later_verb("agent", "init", agents_later),
    later_verb("agent", "create", agents_later),
    later_verb("agent", "dockerfile", agents_later),
    later_verb("agent", "config", agents_later),
    later_verb("agent", "deploy", agents_later),
    later_verb("agent", "promote", agents_later),
    later_verb("agent", "status", agents_later),
    later_verb("agent", "update", agents_later),
    later_verb("agent", "restart", agents_later),
    later_verb("agent", "rollback", agents_later),
    later_verb("agent", "logs", agents_later),
    later_verb("agent", "tail", agents_later),
    later_verb("agent", "delete", agents_later),
    later_verb("agent", "destroy", agents_later),
    later_verb("agent", "versions", agents_later),
    later_verb("agent", "list", agents_later),
    later_verb("agent", "secrets", agents_later),
    later_verb("agent", "update-secrets", agents_later),
    later_verb("agent", "private-link", agents_later),
    later_verb("agent", "start", agents_later),
    later_verb("agent", "dev", agents_later),
    later_verb("agent", "console", agents_later),
    later_verb("agent", "daemon", agents_later),
    later_verb("agent", "simulate", agents_later),
    later_verb("app", "create", app_later),
    later_verb("app", "list-templates", app_later),
    later_verb("app", "install", app_later),
    later_verb("app", "run", app_later),
    later_verb("app", "env", app_later),
    later_verb("cloud", "auth", account_never),
    later_verb("egress", "test-template", template_later),
    later_verb("perf", "agent-load-test", load_later),
    later_verb("", "replay", service_later),
    later_verb("", "analytics", service_later),
    later_verb("", "number", service_later),
    later_verb("", "simulate", service_later),
    later_verb("", "session", service_later),
    later_verb("", "backup", service_later),
    later_verb("", "restore", service_later),
    later_verb("", "docs", docs_later),
};

}  // namespace

std::span<const Verb> later_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli
