// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/setup/plan.h"

#include "app/setup/service_files.h"
#include "config/load.h"
#include "json/json.h"

namespace confab::setup {
namespace {

constexpr unsigned kSecretMode = 0600;

// JSON texts are YAML, whatever is in them.
std::string quoted(const std::string& text) {
    std::string out;
    json::append_string(out, text);
    return out;
}

std::string header(const std::string& how) {
    return "# Made by `confab setup`" + how +
           ". Every key: confab config reference. After a change: confab doctor\n";
}

class ConfigWriter {
  public:
    ConfigWriter(const Answers& answers, const Keys& keys) : answers_(answers), keys_(keys) {}

    std::string write() {
        text_ = header("");
        line("port: " + of("port"));
        // Who comes through the proxy comes from this machine; nobody goes around it.
        if (of("tls") == "proxy") line("bind_addresses: [\"127.0.0.1\"]");
        line("keys:\n  " + keys_.key + ": " + keys_.secret);
        rtc();
        tls();
        turn();
        if (!of("redis").empty()) line("redis:\n  address: " + quoted(of("redis")));
        if (!of("webhook").empty())
            line("webhook:\n  api_key: " + keys_.key + "\n  urls: [" + quoted(of("webhook")) + "]");
        if (is_yes(answers_, "demo")) line("confab:\n  demo_enabled: true");
        return std::move(text_);
    }

  private:
    const std::string& of(std::string_view name) const { return answer_of(answers_, name); }
    void line(const std::string& text) { text_ += text + "\n"; }

    void rtc() {
        line("rtc:\n  udp_port: " + of("udp_port") + "\n  tcp_port: " + of("tcp_port"));
        if (of("address") == "auto")
            line("  use_external_ip: true");
        else if (of("address") != "local")
            line("  node_ip: " + quoted(of("address")));
    }
    void tls() {
        if (of("tls") != "acme" && of("tls") != "files") return;
        line("tls:\n  domain: " + quoted(of("domain")));
        if (!of("email").empty()) line("  email: " + quoted(of("email")));
        if (!of("authority").empty()) line("  acme_directory: " + quoted(of("authority")));
        if (!of("authority_ca").empty()) line("  acme_ca_file: " + quoted(of("authority_ca")));
        if (of("tls") == "files")
            line("  cert_file: " + quoted(of("cert_file")) +
                 "\n  key_file: " + quoted(of("key_file")));
    }
    void turn() {
        if (!is_yes(answers_, "turn")) return;
        line("turn:\n  enabled: true\n  udp_port: 3478");
    }

    const Answers& answers_;
    const Keys& keys_;
    std::string text_;
};

std::string at(const PlanOptions& options, const std::string& path) {
    return options.root + path;
}

void add_service(const Answers& answers, const PlanOptions& options, Plan& plan) {
    if (!is_yes(answers, "systemd")) {
        plan.notes.push_back("start: confab serve --config " + plan.files.front().path);
        return;
    }
    if (!options.has_package_unit) {
        plan.files.push_back(
            {at(options, "/etc/systemd/system/confab.service"), std::string(kServiceUnit)});
        plan.files.push_back(
            {at(options, "/etc/sysusers.d/confab.conf"), std::string(kServiceUser)});
        plan.files.push_back(
            {at(options, "/etc/sysctl.d/60-confab.conf"), std::string(kServiceSysctl)});
        plan.notes.push_back(
            "as root: systemd-sysusers && sysctl --system && systemctl daemon-reload");
        plan.notes.push_back("as root: chown confab: " + plan.files.front().path);
    }
    plan.notes.push_back("start: systemctl enable --now confab");
}

void add_addresses(const Answers& answers, Plan& plan) {
    const std::string& domain = answer_of(answers, "domain");
    const std::string& way = answer_of(answers, "tls");
    const std::string& port = answer_of(answers, "port");
    if (domain.empty())
        plan.url = "http://localhost:" + port;
    else if (way == "none")
        plan.url = "http://" + domain + ":" + port;
    else
        plan.url = "https://" + domain + (way == "proxy" || port == "443" ? "" : ":" + port);
    if (way == "proxy")
        plan.notes.push_back("lead https://" + domain + " to 127.0.0.1:" + port +
                             ": docs/guide/proxy.md");
    if (is_yes(answers, "demo")) plan.page = plan.url + "/demo/?room=my-first-room";
    const std::string web = way == "proxy" ? "443" : port;
    std::string open = "open in the firewall: UDP " + answer_of(answers, "udp_port") + ", TCP " +
                       answer_of(answers, "tcp_port");
    if (web != answer_of(answers, "tcp_port")) open.append(", TCP ").append(web);
    if (is_yes(answers, "turn")) open += ", UDP 3478";
    plan.notes.push_back(std::move(open));
}

// What a server would say to it.
Result<config::Loaded, std::string> checked(std::string_view text, config::YamlOptions options) {
    auto loaded = config::parse_yaml(text, options);
    if (!loaded) return fail(config::to_text(loaded.error()));
    if (const auto finished = config::finish(*loaded); !finished)
        return fail(config::to_text(finished.error()));
    return *std::move(loaded);
}

}  // namespace

Result<Plan, std::string> make_plan(const Answers& answers, const Keys& keys,
                                    const PlanOptions& options) {
    Plan plan;
    const std::string text = ConfigWriter(answers, keys).write();
    if (const auto loaded = checked(text, {}); !loaded) return fail(loaded.error());
    plan.files.push_back({at(options, "/etc/confab/confab.yaml"), text, kSecretMode, true});
    add_addresses(answers, plan);
    add_service(answers, options, plan);
    return plan;
}

Result<Plan, std::string> make_import(const std::string& file, std::string_view text,
                                      const Answers& answers, const PlanOptions& options) {
    // Keys of a server that is newer than we are must not stand in the way.
    const auto loaded = checked(text, {.strict = false});
    if (!loaded) return fail(file + ": " + loaded.error());
    Plan plan;
    plan.files.push_back({at(options, "/etc/confab/confab.yaml"),
                          header(" from " + file) + std::string(text), kSecretMode, true});
    for (const config::Diagnostic& warning : loaded->warnings)
        plan.notes.push_back(config::to_text(warning, file));
    plan.url = "http://localhost:" + std::to_string(loaded->config.port);
    add_service(answers, options, plan);
    return plan;
}

}  // namespace confab::setup
