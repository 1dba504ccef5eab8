// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/setup/questions.h"

#include <algorithm>
#include <array>

#include "app/doctor/judge.h"
#include "base/text.h"
#include "config/options.h"
#include "config/yaml/suggest.h"
#include "config/yaml/yaml_tree.h"
#include "runtime/doctor/waiting.h"
#include "runtime/net/http/http_client.h"

namespace confab::setup {
namespace {

using Suggestion = std::optional<std::string>;

// ---------------------------------------------------------------- objections

std::string any(const std::string&) {
    return {};
}

std::string yes_or_no(const std::string& answer) {
    return answer == "yes" || answer == "no" ? "" : "write yes or no";
}

// The last label begins with a letter: an address is no domain (05 GEN-02).
std::string domain(const std::string& answer) {
    if (answer.empty()) return {};
    bool good = answer.size() <= 253 && answer.find('.') != answer.npos;
    for (const std::string_view label : split(answer, '.')) {
        good = good && !label.empty() && label.size() <= 63 && label.front() != '-' &&
               label.back() != '-';
        for (const char c : label)
            good = good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '-');
    }
    const char last = answer.substr(answer.rfind('.') + 1).front();
    good = good && ((last >= 'a' && last <= 'z') || (last >= 'A' && last <= 'Z'));
    return good ? "" : "write a name such as live.example.org, without https:// and port";
}

std::string port(const std::string& answer) {
    const auto number = parse_decimal<std::uint16_t>(answer);
    return number && *number != 0 ? "" : "write a number from 1 to 65535";
}

std::string address(const std::string& answer) {
    if (answer == "auto" || answer == "local" || IpAddress::parse(answer)) return {};
    return "write auto, local, or the public address";
}

std::string email(const std::string& answer) {
    const std::size_t at = answer.find('@');
    const bool good = at != 0 && at != answer.npos && at + 1 < answer.size() &&
                      answer.find_first_of(" \t\"<>") == answer.npos;
    return answer.empty() || good ? "" : "write an address such as admin@example.org";
}

std::string tls(const std::string& answer) {
    for (const char* way : {"acme", "files", "proxy", "none"})
        if (answer == way) return {};
    return "write acme, files, proxy or none";
}

std::string host_and_port(const std::string& answer) {
    std::string host;
    std::uint16_t number = 0;
    if (answer.empty() || doctor::split_host_port(answer, host, number)) return {};
    return "write HOST:PORT";
}

std::string web_address(const std::string& answer) {
    if (answer.empty() || net::parse_http_url(answer)) return {};
    return "write https://HOST/PATH";
}

// ---------------------------------------------------------------- suggestions

Suggestion nothing(const Answers&, const Found&) {
    return "";
}
Suggestion no(const Answers&, const Found&) {
    return "no";
}

bool has_own_tls(const Answers& answers) {
    const std::string& way = answer_of(answers, "tls");
    return way == "acme" || way == "files";
}

Suggestion suggest_tls(const Answers& answers, const Found&) {
    if (answer_of(answers, "domain").empty()) return std::nullopt;
    return "acme";
}
Suggestion suggest_email(const Answers& answers, const Found&) {
    if (answer_of(answers, "tls") != "acme") return std::nullopt;
    return "";
}
Suggestion suggest_authority(const Answers& answers, const Found&) {
    if (answer_of(answers, "tls") != "acme") return std::nullopt;
    return "";
}
Suggestion suggest_authority_ca(const Answers& answers, const Found&) {
    if (answer_of(answers, "authority").empty()) return std::nullopt;
    return "";
}
Suggestion suggest_file(const Answers& answers, const Found&) {
    if (answer_of(answers, "tls") != "files") return std::nullopt;
    return "";
}

// The public address that an interface has; else what others see; else the machine as it is.
Suggestion suggest_address(const Answers&, const Found& found) {
    for (const doctor::InterfaceFacts& one : found.interfaces)
        if (one.ip.is_v4() && !doctor::is_private(one.ip)) return one.ip.to_string();
    return found.external ? "auto" : "local";
}

// With TLS of its own the server has the port of https, and everything else goes there, too.
Suggestion suggest_port(const Answers& answers, const Found& found) {
    if (has_own_tls(answers)) return "443";
    for (std::uint16_t number = 7880; number < 7980; number += 10)
        if (found.is_free(number, false)) return std::to_string(number);
    return "7880";
}
Suggestion beside_port(const Answers& answers, std::uint16_t further, const char* otherwise) {
    if (has_own_tls(answers)) return answer_of(answers, "port");
    const auto web = parse_decimal<std::uint16_t>(answer_of(answers, "port")).value_or(0);
    return web >= 7880 && web < 7980 ? std::to_string(web + further) : otherwise;
}
Suggestion suggest_udp(const Answers& answers, const Found&) {
    return beside_port(answers, 2, "7882");
}
Suggestion suggest_tcp(const Answers& answers, const Found&) {
    return beside_port(answers, 1, "7881");
}
// TLS of its own brings TURN along.
Suggestion suggest_turn(const Answers& answers, const Found&) {
    if (has_own_tls(answers)) return std::nullopt;
    return answer_of(answers, "domain").empty() ? "no" : "yes";
}
Suggestion suggest_systemd(const Answers&, const Found& found) {
    return found.has_systemd ? "yes" : "no";
}

constexpr auto kQuestions = std::to_array<Question>({
    {"domain", "Name under which clients reach the server",
     "live.example.org; empty: none, for a trial", nothing, domain},
    {"tls", "Who speaks TLS",
     "acme: the server, with certificates that it gets by itself; files: the server, with yours; "
     "proxy: one before it (nginx, Caddy); none",
     suggest_tls, tls},
    {"email", "E-mail address for the authority of certificates", "it warns of what goes wrong",
     suggest_email, email},
    {"authority", "Authority of certificates",
     "https://HOST/PATH of its ACME directory, where it is one of your own; empty: Let's Encrypt",
     suggest_authority, web_address},
    {"authority_ca", "File of the certificate by which that authority itself is known",
     "PEM; empty: this system knows it", suggest_authority_ca, any},
    {"cert_file", "File of the certificate, with its chain", "PEM", suggest_file, any},
    {"key_file", "File of its key", "PEM", suggest_file, any},
    {"address", "Address that clients send media to",
     "an address; auto: asked of a STUN server at each start; local: those of this machine",
     suggest_address, address},
    {"port", "TCP port for HTTP and WebSocket", "1 to 65535", suggest_port, port},
    {"udp_port", "UDP port for media", "1 to 65535", suggest_udp, port},
    {"tcp_port", "TCP port for media of clients without UDP", "1 to 65535", suggest_tcp, port},
    {"turn", "TURN for clients behind strict firewalls", "yes or no", suggest_turn, yes_or_no},
    {"redis", "Redis, for several nodes", "HOST:PORT; empty: one node", nothing, host_and_port},
    {"webhook", "Where events are told", "https://HOST/PATH; empty: nowhere", nothing, web_address},
    {"demo", "Serve the demo page, which gives tokens to everybody who reaches it", "yes or no", no,
     yes_or_no},
    {"systemd", "Make it a service of systemd", "yes or no", suggest_systemd, yes_or_no},
});

std::string text_of_answer(const std::string& text) {
    if (text == "true") return "yes";
    return text == "false" ? "no" : text;
}

}  // namespace

std::span<const Question> questions() {
    return kQuestions;
}

const std::string& answer_of(const Answers& answers, std::string_view name) {
    static const std::string kNone;
    const auto found = answers.find(name);
    return found == answers.end() ? kNone : found->second;
}

bool is_yes(const Answers& answers, std::string_view name) {
    return answer_of(answers, name) == "yes";
}

Result<Answers, std::string> ask_all(const Ask& ask, const Found& found) {
    Answers answers;
    for (const Question& question : questions()) {
        const auto suggestion = question.suggestion(answers, found);
        if (!suggestion) continue;
        CONFAB_TRY(std::string answer, ask(question, *suggestion));
        if (answer.empty()) answer = *suggestion;
        if (const std::string why = question.objection(answer); !why.empty())
            return fail(std::string(question.name)
                            .append(": \"")
                            .append(answer)
                            .append("\" will not do; ")
                            .append(why));
        answers.emplace(question.name, std::move(answer));
    }
    return answers;
}

Result<Answers, std::string> parse_answers(std::string_view yaml) {
    const auto tree = config::load_yaml(yaml);
    if (!tree) return fail(config::to_text(tree.error()));
    Answers answers;
    if (tree->kind == config::YamlNode::Kind::kNull) return answers;
    if (tree->kind != config::YamlNode::Kind::kMap)
        return fail(std::string("answers have the form \"name: value\", a line each"));
    std::vector<std::string_view> known;
    for (const Question& question : questions())
        known.push_back(question.name);
    for (std::size_t i = 0; i < tree->names.size(); ++i) {
        const std::string& name = tree->names[i];
        const std::string line = "line " + std::to_string(tree->name_lines[i]) + ": ";
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            std::string why = line;
            why.append("no question is called ").append(name);
            if (const auto near = config::nearest(name, known))
                why.append("; did you mean ").append(*near).append("?");
            return fail(std::move(why));
        }
        const config::YamlNode& value = tree->children[i];
        if (value.kind == config::YamlNode::Kind::kList ||
            value.kind == config::YamlNode::Kind::kMap)
            return fail(line + name + " has one value");
        answers[name] = text_of_answer(value.text);
    }
    return answers;
}

}  // namespace confab::setup
