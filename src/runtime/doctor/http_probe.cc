// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/doctor/http_probe.h"

#include <ctime>

#include "base/text.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/http/http_client.h"

namespace confab::doctor {
namespace {

constexpr std::size_t kMaxBody = 64 * 1024;
constexpr std::size_t kMaxText = 300;  // of an answer that is shown
constexpr int kOk = 200;
constexpr int kUnauthorized = 401;

std::string shown(std::string_view text) {
    std::string line(trim(text.substr(0, kMaxText)));
    for (char& c : line)
        if (static_cast<unsigned char>(c) < ' ') c = ' ';
    return line;
}

// Sends them all and comes back with the last answer.
class Questions {
  public:
    explicit Questions(const Deadline& deadline) : deadline_(deadline), client_(loop_, options()) {}

    // A token goes into a header: addresses end up in the logs of proxies.
    void ask(const std::string& url, std::function<void(net::HttpClient::Result)> take,
             const std::string& token = {}) {
        ++waiting_;
        net::HttpClientRequest request;
        request.method = "GET";
        request.url = url;
        if (!token.empty()) request.headers.add("Authorization", "Bearer " + token);
        request.timeout = request.connect_timeout = deadline_.left();
        request.status_suffices = true;
        client_.send(std::move(request),
                     [this, take = std::move(take)](net::HttpClient::Result result) {
                         take(std::move(result));
                         if (--waiting_ == 0) loop_.stop();
                     });
    }
    void run() { loop_.run(); }

  private:
    static net::HttpClientOptions options() {
        net::HttpClientOptions made;
        made.max_response_body_bytes = kMaxBody;
        return made;
    }

    Deadline deadline_;
    net::EventLoop loop_;
    net::HttpClient client_;
    int waiting_ = 0;
};

}  // namespace

std::optional<UnixTime> parse_http_date(std::string_view text) {
    std::tm parts{};
    const std::string copy(text);
    const char* const end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (end == nullptr || *end != '\0') return std::nullopt;
    return UnixTime::seconds(::timegm(&parts));
}

HttpFacts probe_http(const HttpQuestion& question, const Deadline& deadline) {
    HttpFacts facts;
    facts.tried = true;
    Questions questions(deadline);
    const std::string validate = question.base + "/rtc/validate";
    const UnixTime asked = wall();
    questions.ask(question.base + "/", [&](const net::HttpClient::Result& result) {
        // Between question and answer: what a slow way takes is no difference of clocks.
        facts.asked_at = asked + (wall() - asked) / 2;
        if (!result) {
            facts.error = std::string(to_string(result.error()));
            return;
        }
        facts.status = result->status;
        facts.body = shown(result->body);
        facts.date = parse_http_date(result->headers.get("Date"));
    });
    if (!question.token.empty())
        questions.ask(
            validate,
            [&](const net::HttpClient::Result& result) {
                facts.token_status = result ? result->status : 0;
                if (result) facts.token_text = shown(result->body);
                if (facts.token_status != kUnauthorized || question.swapped_token.empty()) return;
                questions.ask(
                    validate,
                    [&](const net::HttpClient::Result& swapped) {
                        facts.swapped_is_taken = swapped && swapped->status == kOk;
                    },
                    question.swapped_token);
            },
            question.token);
    questions.run();
    return facts;
}

}  // namespace confab::doctor
