// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What an operator does by the console: the calls of the server APIs, with the rights that a token
// for the room in question would give. And webhooks, which are looked at and sent again.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "api/twirp/twirp.h"
#include "api/webhook/webhook_port.h"
#include "console/history.h"
#include "console/sign_in.h"
#include "runtime/control/routes/endpoint.h"
#include "runtime/control/webhook_sender.h"

namespace confab::control {

class ConsoleCalls {
  public:
    static constexpr std::string_view kPrefix = "/console/api/call/";
    // Told of everything that may have changed something.
    using Told = std::function<void(console::Event event)>;

    // All references must outlive this and every answer.
    ConsoleCalls(const api::TwirpRouter& router, WebhookSender& sender, api::WebhookPort& webhooks,
                 Told told)
        : router_(router), sender_(sender), webhooks_(webhooks), told_(std::move(told)) {}

    // kPrefix{Service}/{Method}[?tenant=…], with the body of that method in JSON.
    void call(Call call, const console::Session& session);
    void list_webhooks(Call call);
    void replay_webhook(Call call, const console::Session& session);

  private:
    void answer(Call& call, console::Event done, const api::HttpResponse& response);

    const api::TwirpRouter& router_;
    WebhookSender& sender_;
    api::WebhookPort& webhooks_;
    Told told_;
};

}  // namespace confab::control
