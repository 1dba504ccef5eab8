// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/http_call.h"

#include <utility>

namespace confab::net {

HttpClient::Result call_http(HttpClientRequest request, HttpClientOptions options) {
    EventLoop loop;
    HttpClient client(loop, std::move(options));
    HttpClient::Result answer = fail(HttpClientError::kClosed);
    client.send(std::move(request), [&](HttpClient::Result result) {
        answer = std::move(result);
        loop.stop();
    });
    loop.run();
    return answer;
}

}  // namespace confab::net
