// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/commands/config_source.h"

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "config/options.h"
#include "config/yaml/value.h"

namespace confab::app {
namespace {

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string_view take_variable(std::string_view& rest) {
    if (rest.starts_with('{')) {
        rest.remove_prefix(1);
        return next_token(rest, '}');
    }
    std::size_t length = 0;
    while (length < rest.size() && is_name_char(rest[length]))
        ++length;
    const std::string_view name = rest.substr(0, length);
    rest.remove_prefix(length);
    return name;
}

CLI::Option* add_value(CLI::App& command, const std::string& name, const std::string& help,
                       config::Kind kind) {
    // The library would take a variable as second argument for the place of the result.
    if (kind == config::Kind::kBool) return command.add_flag("--" + name)->description(help);
    return command.add_option("--" + name)
        ->description(help)
        ->type_name("VALUE")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

// CFG-02: secrets must not be readable by everybody.
Result<void, std::string> check_mode(const FileText& file, const std::string& path,
                                     std::string_view what) {
    if ((file.mode & 07U) == 0) return {};
    return tl::make_unexpected(std::string(what) +
                               " file others permissions must be set to 0; run: chmod o= " + path);
}

Result<void, std::string> read_key_file(config::Config& config, const Host& host) {
    if (config.key_file.empty()) return {};
    const std::string path = expand_path(config.key_file, host);
    const auto file = host.read_file(path);
    if (!file)
        return tl::make_unexpected("stat " + path + ": " + file.error() +
                                   "; correct key_file or --key-file");
    CONFAB_TRY_VOID(check_mode(*file, path, "key"));
    auto keys = config::parse_keys(file->text);
    if (!keys) return tl::make_unexpected(keys.error() + " (" + path + ")");
    config.keys = *std::move(keys);
    return {};
}

Result<void, std::string> read_turn_secret(config::TurnServer& server, const Host& host) {
    if (server.secret_file.empty()) return {};
    const std::string path = expand_path(server.secret_file, host);
    const auto file = host.read_file(path);
    if (!file)
        return tl::make_unexpected("open " + path + ": " + file.error() +
                                   "; correct secret_file in rtc.turn_servers");
    CONFAB_TRY_VOID(check_mode(*file, path, "TURN secret"));
    const std::string_view secret = trim(file->text);
    if (secret.empty())
        return tl::make_unexpected("TURN secret file " + path +
                                   " is blank; write the secret to it");
    server.secret = config::SecretText(secret);
    return {};
}

// A mistake of a file that is no line of the configuration.
Result<void, config::Diagnostics> of_key(const char* path, Result<void, std::string> result) {
    if (result) return {};
    return fail(config::Diagnostics{{config::Severity::kError, 0, path, result.error()}});
}

}  // namespace

std::string expand_path(std::string_view path, const Host& host) {
    std::string out;
    if (path == "~" || path.starts_with("~/")) {
        out = host.env("HOME").value_or("~");
        path.remove_prefix(1);
    }
    while (!path.empty()) {
        const char c = path.front();
        path.remove_prefix(1);
        if (c != '$')
            out += c;
        else
            out += host.env(take_variable(path)).value_or("");
    }
    return out;
}

void ConfigSource::add_flags(CLI::App& command) {
    using Policy = CLI::MultiOptionPolicy;
    config_ = command.add_option("-c,--config", "File with the configuration, YAML")
                  ->type_name("FILE")
                  ->multi_option_policy(Policy::TakeLast);
    config_body_ = command
                       .add_option("--config-body",
                                   "The configuration as text; beats --config [LIVEKIT_CONFIG]")
                       ->type_name("YAML")
                       ->multi_option_policy(Policy::TakeLast);
    relaxed_ = command.add_flag("--disable-strict-config")->group("");
    // Profiles of upstream's runtime; the flags are kept so that start scripts go on working.
    for (const char* name : {"--cpuprofile", "--memprofile"})
        ignored_.push_back(command.add_option(name)->group(""));
    add_key_flags(command);
}

void ConfigSource::add_key_flags(CLI::App& command) {
    std::vector<Flag> named;
    for (const config::Option& option : config::options()) {
        const config::Kind kind = config::kind_of(option);
        if (config::is_scalar(kind) && option.path != option.flag) {
            flags_.push_back(
                {add_value(command, std::string(option.path), "", kind)->group(""), option.path});
        }
        if (option.flag.empty()) continue;
        std::string help(option.help);
        if (const std::string name = config::env_name(option); !option.env.empty())
            help += " [" + std::string(option.env) + "]";
        else if (config::is_scalar(kind))
            help += " [" + name + "]";
        if (option.status == config::Status::kLater) help += " (no effect yet)";
        CLI::Option* flag = add_value(command, std::string(option.flag), help, kind);
        if (option.path == "bind_addresses")
            flag->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        named.push_back({flag, option.path});
    }
    // Behind the generated ones: the short flag wins if both are given.
    flags_.insert(flags_.end(), named.begin(), named.end());
}

std::vector<config::FlagValue> ConfigSource::given() const {
    std::vector<config::FlagValue> values;
    for (const Flag& flag : flags_)
        if (flag.option->count() > 0)
            values.push_back({std::string(flag.path), flag.option->results()});
    return values;
}

std::string ConfigSource::file_in_use(const Host& host) const {
    if (config_body_ != nullptr && config_body_->count() > 0) return {};
    if (const auto body = host.env("LIVEKIT_CONFIG"); body && !body->empty()) return {};
    if (config_ != nullptr && config_->count() > 0) return config_->results().back();
    return file_;
}

std::vector<std::string> ConfigSource::files(const Host& host, const config::Config& config) const {
    std::vector<std::string> list;
    const auto add = [&](const std::string& file) {
        if (!file.empty()) list.push_back(file);
    };
    add(file_in_use(host));
    add(expand_path(config.key_file, host));
    for (const config::TurnServer& server : config.rtc.turn_servers)
        add(expand_path(server.secret_file, host));
    return list;
}

Result<std::string, std::string> ConfigSource::yaml(const Host& host) const {
    if (config_body_ != nullptr && config_body_->count() > 0) return config_body_->results().back();
    if (const auto body = host.env("LIVEKIT_CONFIG"); body && !body->empty()) return *body;
    const std::string path = file_in_use(host);
    if (path.empty()) return std::string();
    auto file = host.read_file(path);
    if (!file)
        return tl::make_unexpected(
            "open " + path + ": " + file.error() +
            "; correct --config, or make a file with `confab config sample`");
    return std::move(file->text);
}

Result<config::Loaded, config::Diagnostics> ConfigSource::examine(
    const Host& host, config::FinishOptions options) const {
    const auto text = yaml(host);
    if (!text) return fail(config::Diagnostics{{config::Severity::kError, 0, "", text.error()}});
    CONFAB_TRY(
        config::Loaded loaded,
        config::parse_yaml(*text, {.strict = relaxed_ == nullptr || relaxed_->count() == 0}));
    CONFAB_TRY_VOID(config::apply_environment(loaded, host.env));
    CONFAB_TRY_VOID(config::apply_flags(loaded, given()));
    CONFAB_TRY_VOID(of_key("key_file", read_key_file(loaded.config, host)));
    for (config::TurnServer& server : loaded.config.rtc.turn_servers)
        CONFAB_TRY_VOID(of_key("rtc.turn_servers", read_turn_secret(server, host)));
    CONFAB_TRY_VOID(config::finish(loaded, options));
    for (const CLI::Option* option : ignored_)
        if (option->count() > 0)
            loaded.warnings.push_back(
                {config::Severity::kWarning, 0, "",
                 // get_name() is empty for what the help does not show.
                 "--" + option->get_lnames().front() + " has no effect; remove it"});
    return loaded;
}

Result<config::Loaded, std::string> ConfigSource::load(const Host& host,
                                                       config::FinishOptions options) const {
    auto loaded = examine(host, options);
    if (!loaded) return fail(config::to_text(loaded.error(), file_in_use(host)));
    return *std::move(loaded);
}

bool ConfigSource::is_given(const Host& host) const {
    const auto body = host.env("LIVEKIT_CONFIG");
    return !file_in_use(host).empty() || (config_body_ != nullptr && config_body_->count() > 0) ||
           (body && !body->empty()) || !given().empty();
}

}  // namespace confab::app
