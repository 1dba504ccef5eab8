// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A node with a console, asked over HTTP as a page does.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "json/json.h"
#include "runtime/control/shards/node_testing.h"

namespace confab::control {

struct ConsoleAnswer {
    int status = 0;
    std::string head;
    std::string body;
    json::Value json() const {
        INFO(body);
        auto value = json::parse(body);
        REQUIRE(value);
        return *value;
    }
    std::string header(std::string_view name) const {
        const std::string start = "\r\n" + std::string(name) + ": ";
        const std::size_t at = head.find(start);
        if (at == std::string::npos) return {};
        const std::size_t begin = at + start.size();
        return head.substr(begin, head.find("\r\n", begin) - begin);
    }
    std::string cookie() const {
        const std::string set = header("Set-Cookie");
        return set.substr(0, set.find(';'));
    }
};

// A page at the console of a port. `request` is the method and the whole path.
inline ConsoleAnswer ask_page(std::uint16_t port, const std::string& request,
                              const std::string& cookie, const std::string& body,
                              const std::string& headers) {
    net::RawClient client(port);
    client.send(request + " HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\n" + headers +
                (cookie.empty() ? "" : "Cookie: x=y; " + cookie + "\r\n") +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    const std::string text = client.read_to_end();
    ConsoleAnswer answer;
    const std::size_t end = text.find("\r\n\r\n");
    REQUIRE(end != std::string::npos);
    answer.head = text.substr(0, end + 2);
    answer.body = text.substr(end + 4);
    answer.status = std::stoi(text.substr(9, 3));
    return answer;
}

inline double number(const json::Value& object, const char* name) {
    const json::Value* const found = object.find(name);
    REQUIRE(found != nullptr);
    return found->number;
}
inline std::string text(const json::Value& object, const char* name) {
    const json::Value* const found = object.find(name);
    REQUIRE(found != nullptr);
    return found->string;
}

// Answers of the history come to the loop of the node.
inline std::unique_ptr<store::HistoryWriter> history_in_memory(net::LoopThread*& loop) {
    return std::make_unique<store::HistoryWriter>(
        store::HistoryFile::in_memory(), store::HistoryLimits{},
        [&loop](Callback<> answer) { loop->loop().post(std::move(answer)); });
}

class ConsoleNode {
  public:
    explicit ConsoleNode(std::size_t shards = 1,
                         const std::function<void(TestNode::Settings&)>& adjust = {})
        : node_(shards, [&](TestNode::Settings& settings) {
              settings.control.notes = true;
              ConsoleSources& sources = settings.console.emplace();
              sources.version = "9.9";
              sources.options.passwords = {"open-sesame", "only-look"};
              sources.history = history_.get();
              if (adjust) adjust(settings);
          }) {
        loop_ = &node_.thread();
    }

    TestNode& node() { return node_; }
    // `request` is the method and the path below /console/api/, then header lines.
    ConsoleAnswer ask(const std::string& request, const std::string& cookie = "",
                      const std::string& body = "", const std::string& headers = kHeader) {
        const std::size_t blank = request.find(' ');
        return raw(request.substr(0, blank) + " /console/api/" + request.substr(blank + 1), cookie,
                   body, headers);
    }
    ConsoleAnswer raw(const std::string& request, const std::string& cookie,
                      const std::string& body, const std::string& headers) {
        return ask_page(node_.port(), request, cookie, body, headers);
    }
    std::string sign_in(const std::string& body) {
        const ConsoleAnswer answer = ask("POST session", "", body);
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        return answer.cookie();
    }
    std::string as_operator() { return sign_in(R"({"password":"open-sesame"})"); }
    std::string as_viewer() { return sign_in(R"({"password":"only-look"})"); }

    static constexpr const char* kHeader = "X-Confab-Console: 1\r\n";

  private:
    net::LoopThread* loop_ = nullptr;
    std::unique_ptr<store::HistoryWriter> history_ = history_in_memory(loop_);
    TestNode node_;
};

}  // namespace confab::control
