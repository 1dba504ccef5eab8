// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Joins and their validate twins, with somebody else to start the sessions.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/control/routes/endpoints.h"
#include "runtime/net/net_testing.h"

namespace confab::control {
namespace {

using telemetry::Metric;

// Keeps what it is asked.
class Backend final : public SignalBackend {
  public:
    void start(api::JoinParams params, net::HttpExchange exchange,
               net::HttpHeaders headers) override {
        started.push_back(std::move(params));
        net::HttpResponse response = net::HttpResponse::text(418, "started");
        for (const net::HttpHeader& header : headers)
            response.headers.add(header.name, header.value);
        exchange.respond(std::move(response));
    }
    void validate(api::JoinParams params, Callback<std::optional<api::HttpError>> reply) override {
        validated.push_back(std::move(params));
        reply(refusal);
    }

    std::vector<api::JoinParams> started;
    std::vector<api::JoinParams> validated;
    std::optional<api::HttpError> refusal;
};

class Served {
  public:
    Served() {
        grants.identity = "ann";
        token::VideoGrant& video = grants.video.emplace();
        video.room_join = true;
        video.room = "r";
        thread_.call([&] {
            gate_ = std::make_unique<LimitGate>(thread_.loop(), metrics_, GateOptions{});
            endpoint_ = std::make_unique<SignalEndpoint>(backend, revocations, *gate_,
                                                         api::JoinOptions{}, metrics_);
            server_ = std::make_unique<net::HttpServer>(
                thread_.loop(), net::HttpServerOptions{},
                [this](net::HttpRequest request, net::HttpExchange exchange) {
                    Call call{std::move(request), std::move(exchange), {}, {}, {}};
                    call.query = api::QueryParams::parse(call.request.query);
                    call.grants = grants;
                    call.named_source = named_source;
                    call.cors = {{"X-Cors", "there"}};
                    endpoint_->serve(std::move(call));
                });
            port_ = server_->listen("127.0.0.1", 0).value().port;
        });
    }
    ~Served() {
        thread_.call([&] { server_.reset(); });
    }
    std::string ask(const std::string& line, const std::string& headers = "") const {
        net::RawClient client(port_);
        client.send(line + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + headers + "\r\n");
        return client.read_to_end();
    }
    // The response, which stays open, up to `mark`.
    std::string upgrade(const std::string& path, const std::string& headers = "",
                        std::string_view mark = "started") const {
        net::RawClient client(port_);
        client.send("GET " + path +
                    " HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                    headers + "\r\n");
        return client.read_until(mark);
    }
    template <typename F>
    auto call(F f) {
        return thread_.call(std::move(f));
    }
    double refused() {
        return call([&] {
            return metrics_.value(Metric::kParticipantJoinTotal, {"signal_validation_failed"});
        });
    }

    // Of the loop, while requests come.
    Backend backend;
    token::Grants grants;
    token::Revocations revocations;
    std::string named_source;

  private:
    net::LoopThread thread_;
    telemetry::Metrics metrics_{"n"};
    std::unique_ptr<LimitGate> gate_;
    std::unique_ptr<SignalEndpoint> endpoint_;
    std::unique_ptr<net::HttpServer> server_;
    std::uint16_t port_ = 0;
};

std::string body_of(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
}

}  // namespace

TEST_CASE("SignalEndpoint: what is no upgrade is not there, with an empty body [CON-30]") {
    Served served;
    for (const char* line : {"GET /rtc", "POST /rtc", "GET /rtc/v1", "HEAD /rtc"}) {
        CAPTURE(line);
        const std::string answer = served.ask(line);
        CHECK(answer.starts_with("HTTP/1.1 404 "));
        CHECK(body_of(answer).empty());
    }
    CHECK(served.refused() == 0);
    CHECK(served.call([&] { return served.backend.started.empty(); }));
}

TEST_CASE("SignalEndpoint: an upgrade goes to the backend with all that was said [CON-31]") {
    Served served;
    const std::string answer =
        served.upgrade("/rtc?protocol=16&sdk=js&auto_subscribe=0&reconnect=1&sid=PA_x",
                       "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 "
                       "Firefox/120.0\r\nX-Real-IP: 3.3.3.3\r\n");
    CHECK(answer.starts_with("HTTP/1.1 418 "));
    CHECK(answer.find("X-Cors: there\r\n") != std::string::npos);
    const auto started = served.call([&] { return std::move(served.backend.started); });
    REQUIRE(started.size() == 1);
    CHECK(started[0].room_name == "r");
    CHECK(started[0].grants.identity == "ann");
    CHECK_FALSE(started[0].auto_subscribe);
    CHECK(started[0].reconnect);
    CHECK(started[0].participant_sid == "PA_x");
    CHECK_FALSE(started[0].single_peer_connection);
    CHECK(started[0].client.protocol() == 16);
    CHECK(started[0].client.browser() == "Firefox");  // of the User-Agent (CON-36)
    CHECK(started[0].client.address() == "3.3.3.3");  // behind a proxy (CON-08)
}

TEST_CASE("SignalEndpoint: where proxies are named, the client is who they say [SEC-07] [CON-08]") {
    Served served;
    served.call([&] { served.named_source = "203.0.113.7"; });
    (void)served.upgrade("/rtc?protocol=16", "X-Forwarded-For: 3.3.3.3\r\n");
    const auto started = served.call([&] { return std::move(served.backend.started); });
    REQUIRE(started.size() == 1);
    CHECK(started[0].client.address() == "203.0.113.7");
}

TEST_CASE("SignalEndpoint: the twins say what a join would, and start nothing [CON-22] [CON-30]") {
    Served served;
    for (const char* line : {"GET /rtc/validate", "POST /rtc/validate"}) {
        const std::string well = served.ask(line);
        CHECK(well.starts_with("HTTP/1.1 200 "));
        CHECK(body_of(well) == "success");
        CHECK(well.find("X-Cors: there\r\n") != std::string::npos);
    }
    served.call([&] { served.backend.refusal = api::HttpError{404, "no such room"}; });
    const std::string refused = served.ask("GET /rtc/validate");
    CHECK(refused.starts_with("HTTP/1.1 404 "));
    CHECK(body_of(refused) == "no such room");
    CHECK(refused.find("X-Cors: there\r\n") != std::string::npos);
    CHECK(served.call([&] { return served.backend.started.empty(); }));
    CHECK(served.call([&] { return served.backend.validated.size(); }) == 3);
}

TEST_CASE("SignalEndpoint: what cannot be right is refused here, and counted for joins [CON-32]") {
    Served served;
    const auto both = [&](const std::string& status, const std::string& text) {
        const double before = served.refused();
        for (const bool join : {true, false}) {
            CAPTURE(join);
            const std::string answer = join ? served.ask("GET /rtc",
                                                         "Connection: Upgrade\r\n"
                                                         "Upgrade: websocket\r\n")
                                            : served.ask("GET /rtc/validate");
            CHECK(answer.starts_with("HTTP/1.1 " + status + " "));
            CHECK(body_of(answer) == text);
            CHECK(answer.find("X-Cors: there\r\n") != std::string::npos);
        }
        CHECK(served.refused() == before + 1);
    };
    const auto with = [&](auto change) { served.call([&] { change(served.grants); }); };
    with([](token::Grants& g) { g.video->room_join = false; });
    both("401", "permissions denied");
    with([](token::Grants& g) { g.video.reset(); });
    both("401", "no permissions to access the room");
    with([](token::Grants& g) {
        g.video.emplace().room_join = true;
        g.video->room = "r";
        g.identity.clear();
    });
    both("400", "identity cannot be empty");
    with([](token::Grants& g) {
        g.identity = "ann";
        g.video->room.clear();
    });
    both("400", "no room name");
    with([](token::Grants& g) {
        g.video->room = "r";
        g.identity = std::string(257, 'i');
    });
    both("400", "participant identity length exceeds limits: max length 256");
    CHECK(served.call(
        [&] { return served.backend.started.empty() && served.backend.validated.empty(); }));
}

TEST_CASE("SignalEndpoint: a revoked token joins, resumes and validates no more [TOK-14]") {
    Served served;
    const UnixTime now = UnixTime::seconds(1'700'000'000);
    served.call([&] {
        served.grants.issued_at = now;
        served.grants.video->can_publish = true;
        served.revocations.revoke("r", "ann", now + Duration::seconds(1), now);
    });
    for (const char* query : {"", "?reconnect=1&sid=PA_x", "?publish=2"}) {
        CAPTURE(query);
        const std::string answer = served.upgrade("/rtc" + std::string(query), "", "revoked");
        CHECK(answer.starts_with("HTTP/1.1 401 "));
        CHECK(body_of(answer) == "invalid authorization token: token was revoked");
        const std::string twin = served.ask("GET /rtc/validate" + std::string(query));
        CHECK(twin.starts_with("HTTP/1.1 401 "));
        CHECK(body_of(twin) == body_of(answer));
    }
    CHECK(served.call([&] { return served.backend.started.empty(); }));
    CHECK(served.refused() == 3);
    served.call([&] { served.grants.issued_at = now + Duration::seconds(1); });
    CHECK(served.upgrade("/rtc").starts_with("HTTP/1.1 418 "));
}

}  // namespace confab::control
