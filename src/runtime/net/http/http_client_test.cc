// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/http_client.h"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <optional>

#include "runtime/net/http/http_server.h"
#include "runtime/net/net_testing.h"

namespace confab::net {

namespace {

std::string url_of(std::uint16_t port, std::string_view path, std::string_view scheme = "http") {
    return std::string(scheme) + "://127.0.0.1:" + std::to_string(port) + std::string(path);
}

class Fixture {
  public:
    explicit Fixture(HttpClientOptions options = {}) {
        thread_.call([&] {
            server_ = std::make_unique<HttpServer>(
                thread_.loop(), HttpServerOptions{},
                [this](HttpRequest request, HttpExchange exchange) {
                    if (request.path == "/hold") return held_.push_back(std::move(exchange));
                    if (request.path == "/large")
                        return exchange.respond(HttpResponse::text(200, std::string(5000, 'x')));
                    HttpResponse response = HttpResponse::text(
                        request.path == "/redirect" ? 302 : 201, request.method + request.body);
                    response.headers.add("Location", "http://127.0.0.1:1/");
                    response.headers.add("Retry-After", "7");
                    last_ = std::move(request);
                    exchange.respond(std::move(response));
                });
            port_ = server_->listen("127.0.0.1", 0).value().port;
            client_ = std::make_unique<HttpClient>(thread_.loop(), std::move(options));
        });
    }
    ~Fixture() {
        thread_.call([&] {
            client_.reset();
            held_.clear();
            server_.reset();
        });
    }
    HttpClient::Result ask(HttpClientRequest request) {
        std::promise<HttpClient::Result> promise;
        thread_.call([&] {
            client_->send(std::move(request), [&promise](HttpClient::Result result) {
                promise.set_value(std::move(result));
            });
        });
        return promise.get_future().get();
    }
    HttpClient::Result get(std::string url) {
        HttpClientRequest request;
        request.method = "GET";
        request.url = std::move(url);
        return ask(std::move(request));
    }
    std::uint16_t port() const { return port_; }
    HttpServer& server() { return *server_; }
    LoopThread& thread() { return thread_; }
    std::unique_ptr<HttpClient>& client() { return client_; }
    const HttpRequest& last() const { return last_; }

  private:
    LoopThread thread_;
    std::unique_ptr<HttpServer> server_;
    std::uint16_t port_ = 0;
    std::unique_ptr<HttpClient> client_;
    std::vector<HttpExchange> held_;
    HttpRequest last_;
};

// Accepts `connections` one after the other. On each it sends `reply` after what it gets first, and
// closes: at once, or when something more comes.
class CannedServer {
  public:
    explicit CannedServer(std::string reply, int connections = 1, bool stays_open = false)
        : reply_(std::move(reply)), stays_open_(stays_open) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_storage storage{};
        auto& address = *static_cast<sockaddr_in*>(static_cast<void*>(&storage));
        auto* const generic = static_cast<sockaddr*>(static_cast<void*>(&storage));
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(listener_, generic, sizeof(sockaddr_in)) == 0);
        REQUIRE(::listen(listener_, 4) == 0);
        socklen_t size = sizeof(storage);
        ::getsockname(listener_, generic, &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this, connections] {
            for (int i = 0; i < connections; ++i)
                serve();
        });
    }
    ~CannedServer() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    std::uint16_t port() const { return port_; }

  private:
    void serve() const {
        const int fd = ::accept(listener_, nullptr, nullptr);
        if (fd < 0) return;
        const timeval limit{5, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        char chunk[4096];
        std::string request;
        while (request.find("\r\n\r\n") == std::string::npos) {
            const ssize_t n = ::recv(fd, chunk, sizeof(chunk), 0);
            if (n <= 0) break;
            request.append(chunk, static_cast<std::size_t>(n));
            if (request.front() == '\x16') break;  // a TLS client
        }
        (void)::send(fd, reply_.data(), reply_.size(), MSG_NOSIGNAL);
        if (!stays_open_) ::shutdown(fd, SHUT_WR);
        while (::recv(fd, chunk, sizeof(chunk), 0) > 0 && !stays_open_) {
        }
        ::close(fd);
    }

    std::string reply_;
    bool stays_open_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

// A self-signed certificate for 127.0.0.1 and its key.
struct Identity {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();

    explicit Identity(const char* names) {
        X509_set_version(certificate, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
        X509_set_pubkey(certificate, key);
        X509_EXTENSION* const extension =
            X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names);
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
        X509_sign(certificate, key, EVP_sha256());
    }
    ~Identity() {
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    std::string pem() const {
        BIO* const out = BIO_new(BIO_s_mem());
        PEM_write_bio_X509(out, certificate);
        std::string text(4096, '\0');
        const int size = BIO_read(out, text.data(), static_cast<int>(text.size()));
        BIO_free(out);
        text.resize(static_cast<std::size_t>(std::max(size, 0)));
        return text;
    }
};

// Accepts `connections` one after the other, and gives each request a fixed answer: so many
// `requests` on each of them, then it closes.
class TlsServer {
  public:
    explicit TlsServer(const char* names, int connections = 1, int requests = 1)
        : requests_(requests), identity_(names) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_storage storage{};
        auto& address = *static_cast<sockaddr_in*>(static_cast<void*>(&storage));
        auto* const generic = static_cast<sockaddr*>(static_cast<void*>(&storage));
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(listener_, generic, sizeof(sockaddr_in)) == 0);
        REQUIRE(::listen(listener_, 4) == 0);
        socklen_t size = sizeof(storage);
        ::getsockname(listener_, generic, &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this, connections] {
            for (int i = 0; i < connections; ++i)
                serve();
        });
    }
    ~TlsServer() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    std::uint16_t port() const { return port_; }
    std::string pem() const { return identity_.pem(); }

  private:
    void serve() const {
        const int fd = ::accept(listener_, nullptr, nullptr);
        if (fd < 0) return;
        const timeval limit{5, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
        SSL_CTX_use_certificate(context, identity_.certificate);
        SSL_CTX_use_PrivateKey(context, identity_.key);
        SSL* const session = SSL_new(context);
        SSL_set_fd(session, fd);
        char chunk[4096];
        const bool accepted = SSL_accept(session) == 1;
        for (int i = 0; accepted && i < requests_; ++i) {
            if (SSL_read(session, chunk, sizeof(chunk)) <= 0) break;
            constexpr std::string_view kReply = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntls";
            SSL_write(session, kReply.data(), static_cast<int>(kReply.size()));
        }
        if (accepted) SSL_shutdown(session);
        SSL_free(session);
        SSL_CTX_free(context);
        ::close(fd);
    }

    int requests_;
    Identity identity_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

}  // namespace

TEST_CASE("HttpClient: posts a body and gives status, headers and body [HOOK-03]") {
    Fixture fixture;
    HttpClientRequest request;
    request.url = url_of(fixture.port(), "/hook?a=b");
    request.headers = {{"Content-Type", "application/webhook+json"},
                       {"User-Agent", "LiveKit"},
                       {"Host", "ignored"},
                       {"X-Split", "a\r\nX-Evil: 1"}};
    request.body = "{}";
    const auto result = fixture.ask(request);
    REQUIRE(result);
    CHECK(result->status == 201);
    CHECK(result->body == "POST{}");
    CHECK(result->headers.get("retry-after") == "7");
    const HttpRequest& seen = fixture.last();
    CHECK(seen.target == "/hook?a=b");
    CHECK(seen.headers.get("Content-Type") == "application/webhook+json");
    CHECK(seen.headers.get("User-Agent") == "LiveKit");
    CHECK(seen.headers.get("Host") == "127.0.0.1:" + std::to_string(fixture.port()));
    CHECK_FALSE(seen.headers.find("X-Evil"));
}

TEST_CASE("HttpClient: redirects are answers like others [IMM-14]") {
    Fixture fixture;
    const auto result = fixture.get(url_of(fixture.port(), "/redirect"));
    REQUIRE(result);
    CHECK(result->status == 302);
}

TEST_CASE("HttpClient: failures by their kind [HOOK-06]") {
    HttpClientOptions options;
    options.max_response_body_bytes = 1000;
    Fixture fixture(options);
    CHECK(fixture.get("ftp://x/").error() == HttpClientError::kBadUrl);
    CHECK(fixture.get(url_of(fixture.port(), "/large")).error() == HttpClientError::kTooLarge);
    CHECK(fixture.get(url_of(1, "/")).error() == HttpClientError::kConnect);
    HttpClientRequest slow;
    slow.url = url_of(fixture.port(), "/hold");
    slow.timeout = Duration::millis(50);
    CHECK(fixture.ask(slow).error() == HttpClientError::kTimeout);
    CHECK(fixture.thread().call([&] { return fixture.client()->under_way(); }) == 0);
}

TEST_CASE("HttpClient: responses of other servers, good and bad") {
    Fixture fixture;
    const auto ask = [&](std::string reply) {
        const CannedServer server(std::move(reply));
        return fixture.get(url_of(server.port(), "/"));
    };
    CHECK(ask("HTTP/1.1 200 OK\r\n\r\nuntil the end").value().body == "until the end");
    CHECK(ask("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n").value().status ==
          204);
    CHECK(ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")
              .value()
              .body == "ab");
    CHECK(ask("").error() == HttpClientError::kClosed);
    CHECK(ask("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort").error() ==
          HttpClientError::kClosed);
    CHECK(ask("SSH-2.0-server\r\n\r\n").error() == HttpClientError::kBadResponse);
    CHECK(ask("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'a') + "\r\n\r\n").error() ==
          HttpClientError::kTooLarge);
}

TEST_CASE("HttpClient: where the status suffices nothing behind it matters [HOOK-06]") {
    HttpClientOptions options;
    options.max_response_body_bytes = 1000;
    options.body_patience = Duration::millis(50);
    Fixture fixture(options);
    const auto ask = [&](std::uint16_t port, bool suffices, const char* path = "/") {
        HttpClientRequest request;
        request.url = url_of(port, path);
        request.status_suffices = suffices;
        request.timeout = Duration::seconds(suffices ? 60 : 1);
        return fixture.ask(std::move(request));
    };
    const auto both = [&](const std::string& reply, HttpClientError without, bool stays) {
        const CannedServer server(reply, 2, stays);
        const auto result = ask(server.port(), true);
        REQUIRE(result);
        CHECK(result->status == 429);
        CHECK(result->headers.get("Retry-After") == "9");
        CHECK(result->body.size() <= 1000);
        CHECK(ask(server.port(), false).error() == without);
    };
    const std::string header = "HTTP/1.1 429 No\r\nRetry-After: 9\r\n";
    both(header + "Content-Length: 9\r\n\r\nshort", HttpClientError::kClosed, false);
    both(header + "Content-Length: 9\r\n\r\nsilent", HttpClientError::kTimeout, true);
    both(header + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", HttpClientError::kBadResponse, false);
    both(header + "\r\n" + std::string(1001, 'x'), HttpClientError::kTooLarge, false);
    // One that is whole is whole, and its connection is used again.
    for (int i = 0; i < 2; ++i)
        CHECK(ask(fixture.port(), true)->body == "POST");
    CHECK(fixture.thread().call([&] { return fixture.client()->stats().connections; }) == 9);
    // Without a status there is no answer.
    const CannedServer header_only("HTTP/1.1 200 OK\r\nX: y\r\n");
    CHECK(ask(header_only.port(), true).error() == HttpClientError::kClosed);
    const CannedServer interim("HTTP/1.1 100 Continue\r\n\r\n");
    CHECK(ask(interim.port(), true).error() == HttpClientError::kClosed);
    const CannedServer none("SSH-2.0-server\r\n\r\n");
    CHECK(ask(none.port(), true).error() == HttpClientError::kBadResponse);
}

TEST_CASE("HttpClient: who does not let one in is not there, whatever the timeout [HOOK-06]") {
    // The handshake is waited for.
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_storage storage{};
    auto* const generic = static_cast<sockaddr*>(static_cast<void*>(&storage));
    auto& address = *static_cast<sockaddr_in*>(static_cast<void*>(&storage));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener, generic, sizeof(sockaddr_in)) == 0);
    REQUIRE(::listen(listener, 4) == 0);
    socklen_t size = sizeof(storage);
    ::getsockname(listener, generic, &size);
    Fixture fixture;
    HttpClientRequest request;
    request.url = url_of(ntohs(address.sin_port), "/", "https");
    request.timeout = Duration::seconds(60);
    request.connect_timeout = Duration::millis(50);
    CHECK(fixture.ask(request).error() == HttpClientError::kConnect);
    request.timeout = Duration::millis(50);
    request.connect_timeout = Duration::seconds(60);
    CHECK(fixture.ask(request).error() == HttpClientError::kTimeout);
    // Once it is sent, the other one counts.
    request.url = url_of(fixture.port(), "/hold");
    request.timeout = Duration::millis(200);
    request.connect_timeout = Duration::millis(100);
    CHECK(fixture.ask(request).error() == HttpClientError::kTimeout);
    ::close(listener);
}

TEST_CASE("HttpClient: https verifies certificate and name") {
    SUBCASE("trusted") {
        const TlsServer server("IP:127.0.0.1");
        HttpClientOptions options;
        options.extra_ca_pem = server.pem();
        Fixture fixture(options);
        const auto result = fixture.get(url_of(server.port(), "/", "https"));
        REQUIRE(result);
        CHECK(result->body == "tls");
    }
    SUBCASE("unknown issuer") {
        const TlsServer server("IP:127.0.0.1");
        Fixture fixture;
        CHECK(fixture.get(url_of(server.port(), "/", "https")).error() == HttpClientError::kTls);
    }
    SUBCASE("other name") {
        const TlsServer server("IP:127.0.0.2");
        HttpClientOptions options;
        options.extra_ca_pem = server.pem();
        Fixture fixture(options);
        CHECK(fixture.get(url_of(server.port(), "/", "https")).error() == HttpClientError::kTls);
    }
    SUBCASE("no TLS at all") {
        const CannedServer server("HTTP/1.1 400 Bad Request\r\n\r\n");
        Fixture fixture;
        CHECK(fixture.get(url_of(server.port(), "/", "https")).error() == HttpClientError::kTls);
    }
}

TEST_CASE("HttpClient: the address filter sees resolved addresses [IMM-14]") {
    HttpClientOptions options;
    options.allow_address = [](const IpAddress& ip) { return !ip.is_loopback(); };
    Fixture fixture(options);
    CHECK(fixture.get("http://localhost:" + std::to_string(fixture.port()) + "/").error() ==
          HttpClientError::kForbidden);
    CHECK(fixture.get(url_of(fixture.port(), "/")).error() == HttpClientError::kForbidden);
}

TEST_CASE("HttpClient: a connection carries the next request, many carry many [HOOK-06]") {
    Fixture fixture;
    for (int i = 0; i < 3; ++i)
        CHECK(fixture.get(url_of(fixture.port(), "/" + std::to_string(i)))->status == 201);
    const auto connections = [&] {
        return fixture.thread().call([&] { return fixture.client()->stats().connections; });
    };
    CHECK(connections() == 1);
    HttpClientRequest slow;
    slow.url = url_of(fixture.port(), "/hold");
    slow.timeout = Duration::millis(50);
    CHECK(fixture.ask(slow).error() == HttpClientError::kTimeout);  // that one is not used again
    CHECK(fixture.get(url_of(fixture.port(), "/again"))->status == 201);
    CHECK(connections() == 2);
}

TEST_CASE("HttpClient: one TLS connection carries many requests, as long as it lives [HOOK-06]") {
    const TlsServer server("IP:127.0.0.1", 2, 3);
    HttpClientOptions options;
    options.extra_ca_pem = server.pem();
    Fixture fixture(options);
    const auto connections_after_one_more = [&] {
        const auto result = fixture.get(url_of(server.port(), "/", "https"));
        CHECK((result && result->body == "tls"));
        return fixture.thread().call([&] { return fixture.client()->stats().connections; });
    };
    for (int i = 0; i < 3; ++i)
        CHECK(connections_after_one_more() == 1);
    CHECK(connections_after_one_more() == 2);                  // the server has closed the first
    fixture.thread().call([&] { fixture.client().reset(); });  // or the server waits for more
}

TEST_CASE("HttpClient: a connection the server has closed meanwhile is not used [HOOK-06]") {
    Fixture fixture;
    CHECK(fixture.get(url_of(fixture.port(), "/"))->status == 201);
    fixture.thread().call([&] { fixture.server().shutdown(); });  // closes idle ones, takes no more
    CHECK(fixture.get(url_of(fixture.port(), "/")).error() == HttpClientError::kConnect);
}

TEST_CASE(
    "HttpClient: closed under the request, it is sent once more on a new connection [HOOK-06]") {
    const CannedServer server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 2, true);
    Fixture fixture;
    CHECK(fixture.get(url_of(server.port(), "/"))->body == "ok");
    CHECK(fixture.get(url_of(server.port(), "/"))->body == "ok");
    CHECK(fixture.thread().call([&] { return fixture.client()->stats().connections; }) == 2);
    fixture.thread().call([&] { fixture.client().reset(); });  // or the server waits for more
}

TEST_CASE("HttpClient: bounded, and silent after its destruction") {
    HttpClientOptions options;
    options.max_requests = 2;
    Fixture fixture(options);
    int called = 0;
    fixture.thread().call([&] {
        for (int i = 0; i < 2; ++i) {
            HttpClientRequest request;
            request.url = url_of(fixture.port(), "/hold");
            fixture.client()->send(request, [&](HttpClient::Result) { ++called; });
        }
    });
    CHECK(fixture.get(url_of(fixture.port(), "/")).error() == HttpClientError::kBusy);
    fixture.thread().call([&] { fixture.client().reset(); });
    fixture.thread().call([] {});
    CHECK(called == 0);
}

TEST_CASE("parse_http_url: hosts, ports and what is refused") {
    const auto url = parse_http_url("https://Example.org:8443/a?b#c");
    REQUIRE(url);
    CHECK(url->tls);
    CHECK(url->host == "Example.org");
    CHECK(url->port == 8443);
    CHECK(url->target == "/a?b");
    CHECK(url->host_header == "Example.org:8443");
    CHECK(parse_http_url("http://[::1]:80").value().host == "::1");
    CHECK(parse_http_url("http://[::1]/").value().host_header == "[::1]");
    CHECK(parse_http_url("https://h?x").value().target == "/?x");
    CHECK(parse_http_url("https://h").value().port == 443);
    for (const std::string_view bad :
         {"", "h", "http://", "http:///x", "http://u:p@h/", "http://h:0/", "http://h:99999/",
          "http://h:x/", "http://a b/", "http://h/\r\nX: 1", "http://::1/", "file:///etc/passwd"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_http_url(bad));
    }
}

}  // namespace confab::net
