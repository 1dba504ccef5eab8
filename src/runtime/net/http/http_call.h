// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One HTTP request from a thread that has nothing else to do (commands of an operator).
#pragma once

#include "runtime/net/http/http_client.h"

namespace confab::net {

// Returns with the answer or after the request's timeout. Each call has a connection of its own.
HttpClient::Result call_http(HttpClientRequest request, HttpClientOptions options = {});

}  // namespace confab::net
