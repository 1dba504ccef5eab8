// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/listen_webhooks.h"

#include <memory>

#include "runtime/net/event_loop.h"
#include "runtime/net/http/http_client.h"
#include "runtime/net/http/http_server.h"

namespace confab::app {
namespace {

constexpr Duration kLook = Duration::millis(100);

class Receiver {
  public:
    explicit Receiver(const WebhookListen& settings)
        : settings_(settings),
          look_(loop_),
          client_(loop_),
          server_(std::make_unique<net::HttpServer>(
              loop_, net::HttpServerOptions{},
              [this](net::HttpRequest request, net::HttpExchange exchange) {
                  take(std::move(request), std::move(exchange));
              })) {}

    Result<void, std::string> run() {
        CONFAB_TRY(const SocketAddress at, server_->listen(settings_.address, settings_.port));
        settings_.ready(at.port);
        look();
        loop_.run();
        server_.reset();
        return {};
    }

  private:
    void look() {
        // What is being forwarded is waited for.
        if (settings_.is_over() && client_.under_way() == 0) return loop_.stop();
        look_.set(net::EventLoop::now() + kLook, [this] { look(); });
    }
    void take(net::HttpRequest request, net::HttpExchange exchange) {
        if (settings_.is_over()) return exchange.respond(net::HttpResponse::text(503, "over"));
        if (request.method != "POST")
            return exchange.respond(net::HttpResponse::text(405, "webhooks come by POST"));
        const WebhookListen::Arrived arrived{request.path,
                                             std::string(request.headers.get("Authorization")),
                                             std::move(request.body)};
        const int status = settings_.arrived(arrived);
        exchange.respond(net::HttpResponse::text(status, status == 200 ? "ok" : "refused"));
        if (status == 200 && !settings_.forward_url.empty()) forward(arrived, request.headers);
        if (settings_.is_over() && client_.under_way() == 0) loop_.stop();
    }
    // Body and signature as they came.
    void forward(const WebhookListen::Arrived& arrived, const net::HttpHeaders& headers) {
        net::HttpClientRequest request;
        request.url = settings_.forward_url;
        request.headers.add("Content-Type", std::string(headers.get("Content-Type")));
        request.headers.add("Authorization", arrived.authorization);
        request.body = arrived.body;
        request.status_suffices = true;
        client_.send(std::move(request), [this](const net::HttpClient::Result& result) {
            if (result)
                settings_.forwarded(result->status, {});
            else
                settings_.forwarded(0, net::to_string(result.error()));
        });
    }

    const WebhookListen& settings_;
    net::EventLoop loop_;
    net::EventLoop::Timer look_;
    net::HttpClient client_;
    std::unique_ptr<net::HttpServer> server_;
};

}  // namespace

Result<void, std::string> listen_webhooks(const WebhookListen& settings) {
    return Receiver(settings).run();
}

}  // namespace confab::app
