// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// setup (05 GEN-05): questions or a file of answers in; a configuration, a service and a link out.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "app/commands/commands.h"
#include "app/doctor/report.h"
#include "app/setup/machine.h"
#include "config/load.h"

namespace confab::app {
namespace {

struct SetupFlags {
    std::string answers, import, root;
    bool offline = false;
    bool dry_run = false;
    bool force = false;
};

using Asked = Result<std::string, std::string>;

// Asks the terminal until the answer will do.
Asked ask_terminal(const setup::Question& question, const std::string& suggestion,
                   const Host& host) {
    std::string prompt = std::string(question.text) + "\n  (" + std::string(question.help) + ") [" +
                         suggestion + "]: ";
    while (true) {
        const auto line = host.read_line(prompt);
        if (!line)
            return fail(
                std::string("nobody answers, and nothing was written; --answers FILE asks nobody"));
        std::string answer = line->empty() ? suggestion : *line;
        const std::string why = question.objection(answer);
        if (why.empty()) return answer;
        prompt = why + ": ";
    }
}

Result<setup::Answers, std::string> find_answers(const SetupFlags& f, const setup::Found& found,
                                                 const Host& host) {
    if (f.answers.empty())
        return setup::ask_all(
            [&host](const setup::Question& question, const std::string& suggestion) {
                return ask_terminal(question, suggestion, host);
            },
            found);
    const auto file = host.read_file(f.answers);
    if (!file) return fail("open " + f.answers + ": " + file.error());
    const auto given = setup::parse_answers(file->text);
    if (!given) return fail(f.answers + ": " + given.error());
    return setup::ask_all(
        [&given](const setup::Question& question, const std::string&) -> Asked {
            return setup::answer_of(*given, question.name);
        },
        found);
}

// The file of a LiveKit server: itself, or in its folder as its installers name it.
Result<setup::Plan, std::string> plan_import(const SetupFlags& f, const setup::Found& found,
                                             const setup::PlanOptions& options, const Host& host) {
    const std::string folder = f.import + (f.import.ends_with('/') ? "" : "/");
    for (const std::string& path : {f.import, folder + "livekit.yaml", folder + "config.yaml"}) {
        const auto file = host.read_file(path);
        if (!file) continue;
        const setup::Answers answers{{"systemd", found.has_systemd ? "yes" : "no"}};
        return setup::make_import(path, file->text, answers, options);
    }
    return fail("--import " + f.import + ": no livekit.yaml and no config.yaml there");
}

// What is known beside the answers, before anything is written.
void note_name(const setup::Answers& answers, const setup::Found& found, setup::Plan& plan) {
    const std::string& domain = setup::answer_of(answers, "domain");
    if (domain.empty()) return;
    const auto addresses = found.resolve(domain);
    if (addresses.empty())
        plan.notes.push_back(domain + " has no address yet: add an A record for it");
    else
        plan.notes.push_back(domain + " is " + addresses.front().to_string());
}

Result<setup::Plan, std::string> find_plan(const SetupFlags& f, const Host& host) {
    const setup::Found found = host.look_around(f.offline, f.root);
    const setup::PlanOptions options{f.root, host.has_package_unit(f.root)};
    if (!f.import.empty()) return plan_import(f, found, options, host);
    CONFAB_TRY(const setup::Answers answers, find_answers(f, found, host));
    const auto [key, secret] = make_key_pair(host);
    CONFAB_TRY(setup::Plan plan, setup::make_plan(answers, {key, secret}, options));
    note_name(answers, found, plan);
    return plan;
}

// Without secrets.
std::string plan_text(const setup::Plan& plan) {
    std::string text;
    for (const setup::PlannedFile& file : plan.files) {
        text += "would write " + file.path + "\n";
        if (file.is_secret) {
            const auto loaded = config::parse_yaml(file.text, {.strict = false});
            std::string shown = file.text;
            for (const auto& [key, hidden] : loaded->config.keys) {
                const std::string secret(hidden.reveal());
                const std::size_t at = secret.empty() ? shown.npos : shown.find(secret);
                if (at != shown.npos) shown.replace(at, secret.size(), "<secret>");
            }
            text += shown;
        }
    }
    return text;
}

std::string next_steps(const setup::Plan& plan) {
    std::string text;
    for (const std::string& note : plan.notes)
        text += "next: " + note + "\n";
    if (plan.page.empty())
        text += "a token for a first room: confab token create --config " +
                plan.files.front().path + " --join --room my-first-room --identity test-user\n";
    text += "address: " + plan.url + "\n";
    if (!plan.page.empty()) text += "open a meeting: " + plan.page + "\n";
    return text;
}

// The doctor looks at what was written.
doctor::Diagnosis look_at(const setup::Plan& plan, const Host& host) {
    doctor::Request request;
    request.has_config_facts = true;
    request.config_facts.file = plan.files.front().path;
    auto loaded = config::parse_yaml(plan.files.front().text, {.strict = false});
    if (loaded && config::finish(*loaded)) {
        request.config_facts.warnings = loaded->warnings;
        request.config = std::make_shared<config::Config>(std::move(loaded->config));
    }
    return host.examine(request);
}

Outcome set_up(const SetupFlags& f, const Host& host) {
    const auto plan = find_plan(f, host);
    if (!plan) return failure(plan.error());
    if (f.dry_run) return {.code = 0, .out = plan_text(*plan) + next_steps(*plan), .err = {}};
    if (const auto written = host.write_files(plan->files, f.force); !written)
        return failure(written.error());
    std::string text;
    for (const setup::PlannedFile& file : plan->files)
        text += "wrote " + file.path + "\n";
    const doctor::Diagnosis diagnosis = look_at(*plan, host);
    text += doctor::report_text(diagnosis) + next_steps(*plan);
    return {.code = static_cast<int>(doctor::exit_of(diagnosis, false)), .out = text, .err = {}};
}

}  // namespace

Action add_setup(CLI::App& command) {
    auto flags = std::make_shared<SetupFlags>();
    command.add_option("--answers", flags->answers,
                       "File with the answers, \"name: value\" a line; what is left out is as "
                       "suggested. The names: docs/guide/install.md");
    command.add_option("--import", flags->import,
                       "Take over the configuration of a LiveKit server: its file or folder");
    command.add_option("--root", flags->root, "Write below this folder instead of /");
    command.add_flag("--offline", flags->offline, "Ask nobody over the network");
    command.add_flag("--dry-run", flags->dry_run, "Say what would be written, and write nothing");
    command.add_flag("--force", flags->force, "Replace files that are there");
    return [flags](const Host& host) { return set_up(*flags, host); };
}

}  // namespace confab::app
