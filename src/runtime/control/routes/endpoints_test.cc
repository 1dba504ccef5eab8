// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Endpoints by themselves behind a real listener, without rooms.
#include "runtime/control/routes/endpoints.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "json/json.h"
#include "runtime/control/routes/routes.h"
#include "runtime/net/net_testing.h"

namespace confab::control {
namespace {

// One endpoint that gets every request, as Routes would give it.
class Served {
  public:
    explicit Served(std::unique_ptr<Endpoint> endpoint) : endpoint_(std::move(endpoint)) {
        thread_.call([&] {
            server_ = std::make_unique<net::HttpServer>(
                thread_.loop(), net::HttpServerOptions{},
                [this](net::HttpRequest request, net::HttpExchange exchange) {
                    Call call{std::move(request), std::move(exchange), {}, {}, {}};
                    call.cors = {{"X-Cors", "there"}};
                    address_ = call.client_address();
                    endpoint_->serve(std::move(call));
                });
            port_ = server_->listen("127.0.0.1", 0).value().port;
        });
    }
    ~Served() {
        thread_.call([&] { server_.reset(); });
    }
    std::string ask(const std::string& line, const std::string& headers = "",
                    const std::string& body = "") const {
        net::RawClient client(port_);
        client.send(line + " HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\n" + headers +
                    "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
        return client.read_to_end();
    }
    // As the last request was seen.
    std::string client_address() {
        return thread_.call([&] { return address_; });
    }
    net::LoopThread& thread() { return thread_; }

  private:
    net::LoopThread thread_;
    std::unique_ptr<Endpoint> endpoint_;
    std::unique_ptr<net::HttpServer> server_;
    std::uint16_t port_ = 0;
    std::string address_;
};

bool has(const std::string& answer, std::string_view part) {
    return answer.find(part) != std::string::npos;
}
std::string body_of(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
}

}  // namespace

TEST_CASE(
    "HealthEndpoint: well while all tell of themselves, 406 with the time after 4 s [CON-06]") {
    const Timestamp now = net::EventLoop::now();
    Timestamp told = now;
    Served served(std::make_unique<HealthEndpoint>([&told] { return told; }));
    for (const char* line : {"GET /", "POST /", "DELETE /"}) {
        CAPTURE(line);
        const std::string well = served.ask(line);
        CHECK(well.starts_with("HTTP/1.1 200 "));
        CHECK(body_of(well) == "OK");
        CHECK(has(well, "X-Cors: there\r\n"));
    }
    served.thread().call([&] { told = now - Duration::seconds(86'400 * 365); });
    const std::string ill = served.ask("GET /");
    CHECK(ill.starts_with("HTTP/1.1 406 "));
    CHECK(body_of(ill).starts_with("Not Ready\nNode Updated At "));
    // When it was, not when it is asked.
    const UnixTime then = net::EventLoop::wall() - Duration::seconds(86'400 * 365);
    const std::string year = net::http_date(then).substr(12, 4);
    CHECK(has(body_of(ill), " " + year + " "));
    CHECK_FALSE(has(ill.substr(0, ill.find("\r\n\r\n")), " " + year + " "));
}

TEST_CASE("HealthEndpoint: with nobody to tell it is well [CON-06]") {
    const Served served(std::make_unique<HealthEndpoint>(std::function<Timestamp()>()));
    CHECK(body_of(served.ask("GET /")) == "OK");
}

TEST_CASE("MetricsEndpoint: its type, its realm, and both halves of the password [CON-10]") {
    const auto text = [](Callback<std::string> reply) { reply("figures\n"); };
    const Served served(std::make_unique<MetricsEndpoint>("me", "pass", text));
    const std::string refused = served.ask("GET /metrics");
    CHECK(refused.starts_with("HTTP/1.1 401 "));
    CHECK(has(refused, "WWW-Authenticate: Basic realm=\"Protected Area\"\r\n"));
    CHECK(body_of(refused).empty());
    for (const char* wrong :
         {"Basic", "Basic ", "Basic !!!", "Basic bWU6", "Basic OnBhc3M=", "Basic bWU6cGFzc3g=",
          "Basic TUU6cGFzcw==", "Bearer bWU6cGFzcw==", "bWU6cGFzcw==", "Basic bWVwYXNz"}) {
        CAPTURE(wrong);
        CHECK(served.ask("GET /", std::string("Authorization: ") + wrong + "\r\n")
                  .starts_with("HTTP/1.1 401 "));
    }
    const std::string right = served.ask("GET /", "Authorization: Basic bWU6cGFzcw==\r\n");
    CHECK(right.starts_with("HTTP/1.1 200 "));
    CHECK(has(right, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    CHECK(body_of(right) == "figures\n");
    // A user without a password is asked for, too, and the other way round.
    const Served user(std::make_unique<MetricsEndpoint>("me", "", text));
    CHECK(user.ask("GET /").starts_with("HTTP/1.1 401 "));
    CHECK(user.ask("GET /", "Authorization: Basic bWU6\r\n").starts_with("HTTP/1.1 200 "));
    const Served password(std::make_unique<MetricsEndpoint>("", "pass", text));
    CHECK(password.ask("GET /").starts_with("HTTP/1.1 401 "));
}

TEST_CASE("MetricsEndpoint: the threads may take their time to tell [CON-10]") {
    Callback<std::string> tell;
    Served served(std::make_unique<MetricsEndpoint>(
        "", "", [&tell](Callback<std::string> reply) { tell = std::move(reply); }));
    auto answer = std::async(std::launch::async, [&] { return served.ask("GET /"); });
    REQUIRE(served.thread().eventually([&] { return static_cast<bool>(tell); }));
    served.thread().call([&] {
        tell("late\n");
        tell = {};
    });
    CHECK(body_of(answer.get()) == "late\n");
}

TEST_CASE("TokenEndpoint: clients go where the page is, by TLS of this port too [TOK-15]") {
    const token::KeyMap keys{{{"key", "a-secret-of-thirty-two-characters"}}};
    const Served served(std::make_unique<TokenEndpoint>(keys, true));
    const std::string answer =
        served.ask("POST /api/token", "", R"({"room_name":"r","participant_name":"Ann"})");
    REQUIRE(answer.starts_with("HTTP/1.1 200 "));
    const std::string text = body_of(answer);
    CHECK(json::parse(text)->find("server_url")->string == "wss://h:1");
}

TEST_CASE("TokenEndpoint: tokens of six hours for one room, and what they may [TOK-15]") {
    const token::KeyMap keys{{{"key", "a-secret-of-thirty-two-characters"}}};
    const Served served(std::make_unique<TokenEndpoint>(keys, false));
    const UnixTime now = net::EventLoop::wall();
    const std::string answer = served.ask(
        "POST /api/token", "",
        R"({"room_name":"r","participant_name":"Ann","participant_identity":"a","more":[1]})");
    REQUIRE(answer.starts_with("HTTP/1.1 200 "));
    CHECK(has(answer, "Content-Type: application/json\r\n"));
    const auto body = json::parse(body_of(answer));
    REQUIRE(body);
    CHECK(body->find("server_url")->string == "ws://h:1");
    const auto grants = token::verify_token(body->find("participant_token")->string, keys, now);
    REQUIRE(grants);
    CHECK(grants->api_key == "key");
    CHECK(grants->identity == "a");
    CHECK(grants->name == "Ann");
    CHECK(grants->metadata.empty());
    token::VideoGrant expected;
    expected.room_join = true;
    expected.room = "r";
    expected.can_update_own_metadata = true;
    CHECK(grants->video == expected);
    const Duration lifetime = *grants->expires_at - now;
    CHECK(lifetime >= Duration::seconds(6 * 3600 - 1));
    CHECK(lifetime <= Duration::seconds(6 * 3600 + 10));
}

TEST_CASE("TokenEndpoint: a host's keys are good for a month, and for nobody else [DEMO-03]") {
    const token::KeyMap keys{{{"key", "a-secret-of-thirty-two-characters"}}};
    const Served served(std::make_unique<TokenEndpoint>(keys, false));
    const UnixTime now = net::EventLoop::wall();
    // A proxy has its own use of this header.
    const auto post = [&](const std::string& body) {
        return served.ask("POST /api/token", "Authorization: Basic bWU6cGFzcw==\r\n", body);
    };
    const auto read = [](const std::string& answer) {
        REQUIRE(answer.starts_with("HTTP/1.1 200 "));
        return json::parse(body_of(answer)).value();
    };
    const auto grants = [&](const json::Value& body, const char* name) {
        return token::verify_token(body.find(name)->string, keys, now).value();
    };
    const std::string open = R"({"room_name":"r","participant_name":"a","lobby":true})";
    const json::Value host = read(post(open));
    const std::string room = host.find("room_name")->string;
    CHECK(room.starts_with("r~"));
    CHECK(read(post(open)).find("room_name")->string != room);
    CHECK_FALSE(host.find("waiting")->boolean);
    CHECK(grants(host, "participant_token").video->room_admin);
    CHECK(grants(host, "lobby_key").video->room == room + "~lobby");
    const Duration lifetime = *grants(host, "host_key").expires_at - now;
    CHECK(lifetime > Duration::seconds(29 * 86'400));
    CHECK(lifetime < Duration::seconds(31 * 86'400));

    const auto knock = [&](const std::string& key) {
        const std::string more = key.empty() ? "" : R"(","host_key":")" + key;
        return post(R"({"participant_name":"b","room_name":")" + room + more + R"("})");
    };
    const json::Value guest = read(knock(""));
    CHECK(guest.find("waiting")->boolean);
    CHECK(guest.find("host_key") == nullptr);
    CHECK(guest.find("lobby_key") == nullptr);
    const std::string identity = grants(guest, "participant_token").identity;
    CHECK(identity.starts_with("b-"));
    CHECK(grants(read(knock("")), "participant_token").identity != identity);

    CHECK(
        grants(read(knock(host.find("host_key")->string)), "participant_token").video->room_admin);
    CHECK(knock("nonsense").starts_with("HTTP/1.1 401 "));
    CHECK(knock(guest.find("participant_token")->string).starts_with("HTTP/1.1 403 "));
}

TEST_CASE("TokenEndpoint: without a key it says so [TOK-02] [TOK-15]") {
    const token::KeyMap none;
    const Served served(std::make_unique<TokenEndpoint>(none, false));
    const std::string answer =
        served.ask("POST /api/token", "", R"({"room_name":"r","participant_name":"a"})");
    CHECK(answer.starts_with("HTTP/1.1 500 "));
    CHECK(body_of(answer) == "no API key is configured");
}

TEST_CASE("DemoEndpoint: the built page and nothing beside its folder [DEMO-02]") {
    const auto folder =
        std::filesystem::temp_directory_path() / ("confab-demo-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "index.html") << "<p>page</p>";
    auto page = net::StaticFiles::load(folder.string());
    std::filesystem::remove_all(folder);
    REQUIRE(page);
    std::optional<net::StaticFiles> files;
    Served served(std::make_unique<DemoEndpoint>(files));
    CHECK(has(served.ask("GET /demo/"), "has not been built"));
    CHECK(served.ask("GET /demo/").starts_with("HTTP/1.1 404 "));
    served.thread().call([&] { files = *std::move(page); });
    CHECK(body_of(served.ask("GET /demo/")) == "<p>page</p>");
    CHECK(served.ask("GET /secret").starts_with("HTTP/1.1 404 "));
    CHECK(served.ask("POST /demo/").starts_with("HTTP/1.1 405 "));
}

TEST_CASE("Call: the address of the client, behind whichever proxy [CON-08]") {
    Served served(std::make_unique<HealthEndpoint>(std::function<Timestamp()>()));
    const auto address = [&](const std::string& headers) {
        (void)served.ask("GET /", headers);
        return served.client_address();
    };
    const std::string cloudflare = "CF-Connecting-IP: 1.1.1.1\r\n";
    const std::string forwarded = "X-Forwarded-For: 2.2.2.2, 10.0.0.1\r\n";
    const std::string real = "X-Real-IP: 3.3.3.3\r\n";
    CHECK(address(real + forwarded + cloudflare) == "1.1.1.1");
    CHECK(address(real + forwarded) == "2.2.2.2, 10.0.0.1");
    CHECK(address(real) == "3.3.3.3");
    CHECK(address("") == "127.0.0.1");
}

TEST_CASE("LoadLimits: reached at the limit itself; 0 and less are none [CON-32]") {
    LoadLimits limits;
    CHECK_FALSE(limits.reached_by({1'000'000, 1e12}));
    limits.tracks = -1;
    limits.bytes_per_second = -1;
    CHECK_FALSE(limits.reached_by({1'000'000, 1e12}));
    limits.tracks = 10;
    CHECK_FALSE(limits.reached_by({9, 1e12}));
    CHECK(limits.reached_by({10, 0}));
    CHECK(limits.reached_by({11, 0}));
    limits.tracks = 0;
    limits.bytes_per_second = 1000;
    CHECK_FALSE(limits.reached_by({1'000'000, 999.5}));
    CHECK(limits.reached_by({0, 1000}));
}

}  // namespace confab::control
