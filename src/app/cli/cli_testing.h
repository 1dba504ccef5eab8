// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A machine of maps, and a server that answers calls as a test says.
#pragma once

#include <doctest/doctest.h>
#include <google/protobuf/message.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/commands/command_line.h"
#include "app/commands/host.h"
#include "token/token.h"

namespace confab::app::cli::testing {

inline constexpr UnixTime kNow = UnixTime::seconds(1'800'000'000);  // 2027-01-15T08:00:00Z
inline constexpr const char* kSecret = "0123456789012345678901234567890123456789";

inline bool has(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

class Machine {
  public:
    struct Asked {
        std::string url;
        std::string service;  // "livekit.RoomService/ListRooms"
        std::string body;
        token::Grants grants;
        Duration timeout;
    };
    std::map<std::string, std::string> variables{{"HOME", "/home/me"}};
    std::map<std::string, FileText> files;
    std::map<std::string, std::string> media;
    std::string input;
    std::string program = "confab";
    std::string printed;  // at once, by verbs that go on
    std::string warned;
    std::vector<Asked> asked;
    // Beside what answer() has: the whole exchange.
    std::function<net::HttpClient::Result(const net::HttpClientRequest&)> http;
    std::function<Result<void, std::string>(const WebhookListen&)> listens;
    std::function<Result<void, std::string>(const load::JoinSettings&)> joins;
    std::function<void()> on_pause;
    bool terminal = false;
    bool stop = false;
    UnixTime now = kNow;

    // What calls of that service get, until another is set.
    void answer(const std::string& service, const google::protobuf::Message& message) {
        answers_[service] = reply(200, "application/protobuf", message.SerializeAsString());
    }
    void refuse(const std::string& service, int status, const std::string& json) {
        answers_[service] = reply(status, "application/json", json);
    }
    static net::HttpResponse reply(int status, const std::string& type, std::string body) {
        net::HttpResponse response;
        response.status = status;
        response.headers.add("Content-Type", type);
        response.headers.add("Date", "Fri, 15 Jan 2027 08:00:00 GMT");
        response.body = std::move(body);
        return response;
    }

    Host host() {
        Host h;
        h.program = program;
        h.env = [this](std::string_view name) -> std::optional<std::string> {
            const auto found = variables.find(std::string(name));
            return found == variables.end() ? std::nullopt : std::optional(found->second);
        };
        h.read_file = [this](const std::string& path) -> Result<FileText, std::string> {
            const auto found = files.find(path);
            if (found == files.end()) return fail(std::string("no such file or directory"));
            return found->second;
        };
        h.write_file = [this](const std::string& path, const std::string& text,
                              unsigned mode) -> Result<void, std::string> {
            files[path] = {text, mode};
            return {};
        };
        h.read_input = [this]() -> Result<std::string, std::string> { return input; };
        h.fill_random = [this](BytesSpan out) {
            for (std::uint8_t& octet : out)
                octet = random_++;
        };
        h.now = [this] { return now; };
        h.self = [] { return Host::Self{"me", "here", 42}; };
        h.http = [this](const net::HttpClientRequest& request) { return take(request); };
        h.read_media = [this](const std::string& path) -> Result<std::string, std::string> {
            const auto found = media.find(path);
            if (found == media.end()) return fail(std::string("no such file or directory"));
            return found->second;
        };
        h.join = [this](const load::JoinSettings& s) { return joins(s); };
        h.listen_webhooks = [this](const WebhookListen& s) { return listens(s); };
        h.print = [this](const std::string& text) {
            printed += text;
            return true;
        };
        h.warn = [this](const std::string& text) { warned += text; };
        h.progress = [](const std::string&) {};
        h.prints_to_terminal = [this] { return terminal; };
        h.pause = [this](Duration duration) {
            now = now + duration;
            if (on_pause) on_pause();
        };
        h.interrupted = [this] { return stop; };
        return h;
    }
    // With the server of --dev.
    Outcome run(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "--dev");
        return run_bare(arguments);
    }
    Outcome run_bare(const std::vector<std::string>& arguments) {
        return run_command(arguments, host());
    }
    // The request of the last call.
    template <typename Message>
    Message last() const {
        REQUIRE(!asked.empty());
        Message message;
        REQUIRE(message.ParseFromString(asked.back().body));
        return message;
    }

  private:
    net::HttpClient::Result take(const net::HttpClientRequest& request) {
        if (http) return http(request);
        Asked one;
        one.url = request.url;
        one.body = request.body;
        one.timeout = request.timeout;
        const std::size_t at = request.url.find("/twirp/");
        if (at == std::string::npos) return reply(404, "text/plain", "404 page not found");
        one.service = request.url.substr(at + 7);
        const token::KeyMap keys({{"devkey", "secret"}, {"key", kSecret}});
        const auto grants =
            token::verify_token(request.headers.get("Authorization").substr(7), keys, now);
        if (grants) one.grants = *grants;
        asked.push_back(one);
        const auto found = answers_.find(one.service);
        if (found == answers_.end())
            return reply(404, "application/json", R"({"code":"bad_route","msg":"no handler"})");
        return found->second;
    }

    std::map<std::string, net::HttpResponse> answers_;
    std::uint8_t random_ = 1;
};

}  // namespace confab::app::cli::testing
