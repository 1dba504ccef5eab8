// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// project (LKC-03).
#include <algorithm>

#include "app/cli/call/call.h"
#include "app/cli/call/projects.h"
#include "app/cli/output/json_text.h"
#include "app/cli/verbs/verbs.h"
#include "json/json.h"

namespace confab::app::cli {
namespace {

constexpr Param kAdd[] = {
    {.names = "--name,name", .help = "How it is called here", .required = true},
    {.names = "--url", .help = "Address of the server", .required = true},
    {.names = "--api-key", .help = "API key that signs", .required = true},
    {.names = "--api-secret", .help = "Its secret", .required = true},
    {.names = "--default", .help = "Take it where no other is named", .kind = Kind::kBool},
};
constexpr Param kOne[] = {
    {.names = "--name,name", .help = "Which", .required = true, .live = Live::kProject},
};

constexpr Column kColumns[] = {
    {"Name", "label"}, {"Project ID", "ProjectId"}, {"URL", "URL"}, {"API Key", "APIKey"}};
constexpr Print kPrint{.shape = Shape::kList, .items = "projects", .columns = kColumns};

bool is_name(const std::string& text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
}

bool is_url(const std::string& text) {
    return text.starts_with("ws://") || text.starts_with("wss://") || text.starts_with("http://") ||
           text.starts_with("https://");
}

// Without the secret, which a list of projects is no place for.
std::string item_of(const Project& project, bool is_default, bool with_label) {
    json::Writer writer;
    writer.begin_object();
    if (with_label) writer.string("label", (is_default ? "* " : "  ") + project.name);
    writer.string("Name", project.name);
    writer.string("ProjectId", project.id);
    writer.string("URL", project.url);
    writer.string("APIKey", project.api_key);
    writer.boolean("Default", is_default);
    writer.end_object();
    return writer.take();
}

// As lk has them: a list, without an object around it.
std::string array_of(const std::vector<std::string>& items) {
    std::string out = "[";
    for (const std::string& item : items)
        out += (out.size() > 1 ? "," : "") + item;
    return indented(out + "]") + "\n";
}

Outcome show(Call& call, const Projects& projects) {
    if (projects.all.empty() && !call.settings().form.is_machine())
        return call.done("There are no projects; add one with `project add NAME --url URL`.\n");
    const bool machine = call.settings().form.is_machine();
    Answer answer;
    answer.name = "projects";
    for (const Project& project : projects.all)
        answer.items.push_back(item_of(project, project.name == projects.default_name, !machine));
    const Form& form = call.settings().form;
    if (call.host().is_named_lk() && form.format == Format::kJson && form.field.empty())
        return call.done(array_of(answer.items));
    return call.done(printed(answer, kPrint, form, ""));
}

Outcome list(Call& call) {
    const auto projects = load_projects(call.host());
    if (!projects) return call.failed(projects.error());
    if (!projects->warning.empty()) call.warn(projects->warning);
    return show(call, *projects);
}

// What `change` makes of the projects is kept.
template <typename Change>
Outcome changed(Call& call, const Change& change) {
    auto projects = load_projects(call.host());
    if (!projects) return call.failed(projects.error());
    const Result<std::string, std::string> said = change(*projects);
    if (!said) return call.failed(said.error());
    const auto path = save_projects(*projects, call.host());
    if (!path) return call.failed(path.error());
    call.notice("Saved to [" + *path + "]");
    if (said->empty()) return show(call, *projects);
    return call.done(*said + "\n");
}

Result<std::string, std::string> add_to(Projects& projects, const Values& values) {
    const Project project{values.text("name"),
                          {},
                          values.text("url"),
                          values.text("api-key"),
                          values.text("api-secret")};
    if (!is_name(project.name))
        return fail(std::string("a name has letters, digits, dashes and underscores only"));
    if (projects.find(project.name) != nullptr)
        return fail("there is a project " + project.name + "; remove it first");
    if (!is_url(project.url))
        return fail("--url " + project.url +
                    " is no address of a server; it looks like wss://media.example.com");
    if (project.api_key.size() < 3 || project.api_secret.size() < 3)
        return fail(std::string("keys and secrets have at least 3 characters"));
    projects.all.push_back(project);
    // The first one is meant from now on.
    if (values.flag("default") || projects.find(projects.default_name) == nullptr)
        projects.default_name = project.name;
    return std::string();
}

Outcome add(Call& call) {
    return changed(call, [&](Projects& projects) { return add_to(projects, call.values()); });
}

Outcome remove(Call& call) {
    const std::string name = call.values().text("name");
    return changed(call, [&](Projects& projects) -> Result<std::string, std::string> {
        if (projects.find(name) == nullptr) return fail(projects.not_found(name));
        std::erase_if(projects.all, [&](const Project& one) { return one.name == name; });
        if (projects.default_name == name) projects.default_name.clear();
        return "Removed project " + name;
    });
}

Outcome set_default(Call& call) {
    const std::string name = call.values().text("name");
    return changed(call, [&](Projects& projects) -> Result<std::string, std::string> {
        if (projects.find(name) == nullptr) return fail(projects.not_found(name));
        projects.default_name = name;
        return "Default project set to [" + name + "]";
    });
}

constexpr Verb kVerbs[] = {
    {.group = "project",
     .name = "add",
     .help = "Give a server and its key a name",
     .examples = "confab project add home --url wss://media.example.com --api-key K"
                 " --api-secret S --default",
     .params = kAdd,
     .run = add},
    {.group = "project",
     .name = "list",
     .help = "List them; the default has a star",
     .examples = "confab project list",
     .params = {},
     .run = list},
    {.group = "project",
     .name = "remove",
     .help = "Forget one",
     .examples = "confab project remove home",
     .params = kOne,
     .run = remove},
    {.group = "project",
     .name = "set-default",
     .help = "Take it where no other is named",
     .examples = "confab project set-default home",
     .params = kOne,
     .run = set_default},
};

}  // namespace

std::span<const Verb> project_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli
