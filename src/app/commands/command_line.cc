// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/commands/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <sstream>

#include "app/cli/complete/candidates.h"
#include "app/cli/run_cli.h"
#include "app/cli/verb_table.h"
#include "app/commands/commands.h"
#include "app/commands/parse_errors.h"
#include "config/yaml/suggest.h"

namespace confab::app {
namespace {

struct Row {
    std::string_view group;  // "token" in `confab token create`
    std::string_view name;
    std::string_view help;
    std::string_view examples;
    Action (*add)(CLI::App&);
    bool hidden = false;
};

constexpr Row kCommands[] = {
    {"", "serve", "Run the server",
     "  confab serve --dev\n"
     "  confab serve --config confab.yaml --node-ip 203.0.113.5\n"
     "  LIVEKIT_KEYS=\"APIkey: secret\" confab serve --rtc.tcp_port 7881\n"
     "Every key of the configuration with one value is a flag, too: confab help-verbose",
     add_serve},
    {"", "generate-keys", "Make an API key with its secret", "  confab generate-keys",
     add_generate_keys},
    {"", "create-join-token", "Make a token to join a room, valid for 30 days",
     "  confab create-join-token --dev --room demo --identity anna", add_create_join_token, true},
    {"", "load-test", "Fill rooms of a server with participants and measure what they get",
     "  confab load-test --dev --video-publishers 2 --subscribers 20\n"
     "  confab load-test --url wss://media.example.com --api-key K --api-secret S --rooms 5 "
     "--audio-publishers 10 --subscribers 100 --join-rate 20 --duration 1m\n"
     "  confab load-test --dev --publishers 1 --subscribers 300 --layout 3x3 --json "
     "--max-loss 0.1% --max-latency-p95 80ms\n"
     "Any server of this protocol will do. Counts are per room. Exit code 3: a limit was not kept",
     add_load_test},
    {"", "ports", "List the ports that a configuration uses",
     "  confab ports --config confab.yaml\n  confab ports --dev", add_ports},
    {"", "setup", "Make a configuration and a service, by questions or a file of answers",
     "  confab setup\n"
     "  confab setup --answers answers.yaml --offline\n"
     "  confab setup --import /opt/livekit --dry-run\n"
     "Nothing that is there is replaced without --force. At its end the doctor looks at it; exit "
     "code 2: he found problems",
     add_setup},
    {"", "doctor", "Say what is wrong with a server, and what mends it",
     "  confab doctor --config confab.yaml\n"
     "  confab doctor https://live.example.org --api-key K --api-secret S\n"
     "  confab doctor https://live.example.org --config confab.yaml --json --strict\n"
     "On the server's own machine, from a client, or both at once; takes at most 15 seconds. What "
     "each finding means: docs/guide/troubleshoot.md\n"
     "Exit codes: 0 healthy, 1 warnings (with --strict), 2 problems, 3 it could not run",
     add_doctor},
    {"", "netsim", "Relay UDP and TCP over a network as bad as wanted, to try out what it does",
     "  confab netsim --listen 127.0.0.2:7882 --to 127.0.0.1:7882/udp --profile N4\n"
     "  confab netsim --listen 127.0.0.2:7882 --to 127.0.0.1:7882/udp"
     " --up loss=2% --down rate=600kbit,delay=50ms --seed 7\n"
     "  confab netsim --listen 127.0.0.2:7882 --to 127.0.0.1:7882/udp"
     " --listen 127.0.0.2:7881 --to 127.0.0.1:7881/tcp --at 10s:udp=drop --duration 60s --json\n"
     "How clients come to use it: docs/guide/bad-network.md",
     add_netsim},
    {"config", "check", "Test a configuration", "  confab config check -c confab.yaml",
     add_config_check},
    {"config", "show", "Print the values in force, without secrets",
     "  confab config show -c confab.yaml\n  confab config show --dev", add_config_show},
    {"config", "sample", "Print a configuration to start from",
     "  confab config sample > confab.yaml", add_config_sample},
    {"config", "reference", "Print the description of all keys, Markdown",
     "  confab config reference > docs/reference/config.md", add_config_reference},
    {"", "metrics-reference", "Print the description of all metrics, Markdown",
     "  confab metrics-reference > docs/reference/metrics.md", add_metrics_reference, true},
    {"", "errors-reference", "Print the description of all errors, Markdown",
     "  confab errors-reference > docs/reference/errors.md", add_errors_reference, true},
    {"", "ids-reference", "Print the description of all ids, Markdown",
     "  confab ids-reference > docs/reference/ids.md", add_ids_reference, true},
    {"", "cli-reference", "Print the description of all verbs, Markdown",
     "  confab cli-reference > docs/reference/cli.md", add_cli_reference, true},
    {"", "help-verbose", "Print all flags of serve, one for each key of the configuration",
     "  confab help-verbose | less", add_help_verbose},
    {"", "version", "Print the version", "  confab version", add_version},
};

constexpr std::string_view kGroups[][2] = {{"config", "Test and print configurations"}};

std::vector<std::string_view> names_in(std::string_view group) {
    std::vector<std::string_view> names;
    for (const Row& row : kCommands)
        if (row.group == group) names.push_back(row.name);
    if (!group.empty()) return names;
    for (const auto& entry : kGroups)
        names.push_back(entry[0]);
    for (const std::string_view name : cli::names_in(""))
        names.push_back(name);
    return names;
}

Outcome usage_error(const std::string& message) {
    return {.code = kExitUsage, .out = {}, .err = "error: " + message + "\n"};
}

Outcome unknown_command(const std::string& group, const std::string& name) {
    const auto names = names_in(group);
    const std::string prefix = group.empty() ? "" : group + " ";
    std::string text = "unknown command `" + prefix + name + "`; ";
    if (const auto close = config::nearest(name, names))
        return usage_error(text + "did you mean `confab " + prefix + std::string(*close) + "`?");
    text += group.empty() ? "see `confab --help`" : "see `confab " + group + " --help`";
    return usage_error(text);
}

class Program {
  public:
    explicit Program(const std::vector<std::string>& arguments)
        : app_("A media server for LiveKit clients, in one program.", "confab") {
        app_.set_version_flag("--version", version_text());
        app_.require_subcommand(1);
        app_.footer(
            "Examples:\n  confab serve --dev\n"
            "  confab token create --dev --join --room demo --identity anna\n"
            "  confab serve --help");
        for (const auto& [name, help] : kGroups) {
            CLI::App* group = app_.add_subcommand(std::string(name), std::string(help));
            group->require_subcommand(1);
            group->footer("Examples:\n  confab " + std::string(name) + " " +
                          std::string(names_in(name).front()) + " --help");
        }
        for (const auto& [name, help] : cli::help_rows(""))
            app_.add_subcommand(name, help)->group("Verbs that speak to a server");
        // Hundreds of flags for each of many commands take longer than the start of a server.
        for (const Row& row : kCommands) {
            const auto named = std::find(arguments.begin(), arguments.end(), row.name);
            add(row, named != arguments.end());
        }
    }

    Outcome run(std::vector<std::string> arguments, const Host& host) {
        std::reverse(arguments.begin(), arguments.end());  // the library takes them from the back
        try {
            app_.parse(std::move(arguments));
        } catch (const CLI::ParseError& error) {
            return explain(error);
        }
        for (const auto& [command, action] : actions_)
            if (command->parsed()) return action(host);
        return usage_error("no command given; see `confab --help`");
    }

  private:
    void add(const Row& row, bool with_flags) {
        CLI::App* parent = &app_;
        if (!row.group.empty()) parent = app_.get_subcommand(std::string(row.group));
        CLI::App* command = parent->add_subcommand(std::string(row.name), std::string(row.help));
        command->footer("Examples:\n" + std::string(row.examples));
        if (row.hidden) command->group("");
        if (with_flags) actions_.emplace_back(command, row.add(*command));
    }

    // The innermost command that was named.
    const CLI::App* chosen() const {
        const CLI::App* current = &app_;
        while (!current->get_subcommands().empty())
            current = current->get_subcommands().front();
        return current;
    }
    std::string path() const {
        std::string text = "confab";
        for (const CLI::App* app = &app_; !app->get_subcommands().empty();) {
            app = app->get_subcommands().front();
            text += " " + app->get_name();
        }
        return text;
    }

    Outcome explain(const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) {  // --help, --version
            std::ostringstream out;
            std::ostringstream err;
            app_.exit(error, out, err);
            return {.code = 0, .out = out.str(), .err = err.str()};
        }
        const std::string text = parse_error_text(*chosen(), error);
        return usage_error(text + "; see `" + path() + " --help`");
    }

    CLI::App app_;
    std::vector<std::pair<CLI::App*, Action>> actions_;
};

bool is_group(const std::string& name) {
    return std::any_of(std::begin(kGroups), std::end(kGroups),
                       [&name](const auto& entry) { return entry[0] == name; });
}

bool is_known(std::string_view group, const std::string& name) {
    const auto names = names_in(group);
    return std::find(names.begin(), names.end(), name) != names.end();
}

// `__complete -- words`: one candidate a line, for the scripts of `completion`.
Outcome completed(const std::vector<std::string>& arguments, const Host& host) {
    std::vector<std::string> words(arguments.begin() + 1, arguments.end());
    if (!words.empty() && words[0] == "--") words.erase(words.begin());
    std::vector<std::string> commands;
    for (const Row& row : kCommands)
        if (row.group.empty() && !row.hidden) commands.emplace_back(row.name);
    commands.emplace_back("config");
    Outcome outcome;
    for (const std::string& one : cli::candidates(words, commands, host))
        outcome.out += one + "\n";
    return outcome;
}

// `perf load-test`, as upstream has it, or `load-test`, with flags of all verbs before any of its
// words: the command, those flags, the rest. Others stay as they are.
std::vector<std::string> load_test_first(const std::vector<std::string>& arguments) {
    std::vector<std::string> command{"load-test"};
    std::size_t i = 0;
    const auto take_flags = [&] {
        while (i < arguments.size()) {
            std::size_t count = cli::common_flag(arguments[i]);
            if (count == 0) return;
            for (; count > 0 && i < arguments.size(); --count)
                command.push_back(arguments[i++]);
        }
    };
    take_flags();
    if (i < arguments.size() && arguments[i] == "perf") {
        ++i;
        take_flags();
    }
    if (i == arguments.size() || arguments[i] != "load-test") return arguments;
    command.insert(command.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                   arguments.end());
    return command;
}

// As lk, where one dash does as well, also for what the test alone has: `-room` is `--room`.
std::vector<std::string> load_test_dashes(std::vector<std::string> arguments) {
    CLI::App command;
    (void)add_load_test(command);
    for (std::size_t i = 1; i < arguments.size() && arguments[i] != "--"; ++i) {
        std::string& argument = arguments[i];
        if (!argument.starts_with('-')) continue;
        const bool one_dash = argument.size() > 2 && argument[1] != '-' && argument[2] != '=';
        const bool has_value = argument.find('=') != argument.npos;
        const std::string flag = argument.substr(0, argument.find('='));
        const CLI::Option* const option = command.get_option_no_throw(one_dash ? "-" + flag : flag);
        if (option == nullptr) continue;
        if (one_dash) argument.insert(0, "-");
        // What follows is its value, whatever it looks like.
        if (option->get_items_expected_max() > 0 && !has_value) ++i;
    }
    return arguments;
}

}  // namespace

Outcome run_command(const std::vector<std::string>& arguments, const Host& host) {
    std::vector<std::string> args = arguments;
    if (args.empty() && host.is_named_server()) args.emplace_back("serve");
    if (args.empty() && host.is_named_lk())
        return {.code = 0, .out = cli::overview(host), .err = {}};
    if (args.empty()) return usage_error("no command given; try `confab serve --dev` or --help");
    if (args[0] == "__complete") return completed(args, host);
    args = load_test_first(cli::with_two_dashes(std::move(args), host));
    const std::string first = args[0];
    if (first == "load-test" && host.is_named_lk()) args = load_test_dashes(std::move(args));
    const bool version = first == "--version" || (first == "-v" && host.is_named_lk());
    if (version) return {.code = 0, .out = version_text() + "\n", .err = {}};
    const bool asks = first == "--help" || first == "-h";
    if (asks && host.is_named_lk()) return {.code = 0, .out = cli::overview(host), .err = {}};
    if (cli::takes(args)) return cli::run(args, host);
    // Flags alone start the server, as start scripts made for upstream expect.
    if (first.starts_with("-") && !asks) args.insert(args.begin(), "serve");
    if (!first.starts_with("-") && !is_known("", first)) return unknown_command("", first);
    if (is_group(first) && args.size() > 1 && !args[1].starts_with("-") &&
        !is_known(first, args[1]))
        return unknown_command(first, args[1]);
    return Program(args).run(std::move(args), host);
}

Outcome failure(const std::string& message) {
    return {.code = kExitFailure, .out = {}, .err = "error: " + message + "\n"};
}

std::string warning_lines(const config::Diagnostics& warnings, std::string_view file) {
    std::string text;
    for (const config::Diagnostic& warning : warnings)
        text += "warning: " + config::to_text(warning, file) + "\n";
    return text;
}

}  // namespace confab::app
