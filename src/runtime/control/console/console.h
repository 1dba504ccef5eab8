// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// /console/ and what is below it: the pages, which are part of the program, and their interface.
// Whoever is signed in may look; who acts is an operator. Other sites neither read nor do anything
// here: no CORS, cookies of this site alone, and a header that no form can send.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/control/console/console_calls.h"
#include "runtime/control/console/console_door.h"
#include "runtime/control/console/console_figures.h"
#include "runtime/control/console/console_history.h"
#include "runtime/net/http/static_files.h"

namespace confab::control {

struct ConsoleOptions {
    bool enabled = true;
    console::Passwords passwords;
};

// What the program knows and the control plane does not; functions may be empty.
struct ConsoleSources {
    std::string version;
    bool tls = false;  // the port speaks it
    ConsoleOptions options;
    console::SignedOut signed_out;  // by an earlier process
    // Gets the text of all whenever one more is signed out.
    std::function<void(const std::string& text)> keep_signed_out;
    std::optional<net::StaticFiles> pages;    // none: they were not built
    store::HistoryWriter* history = nullptr;  // null: there is none; it must outlive the console
    std::function<std::vector<console::OptionView>()> settings;
    std::function<std::vector<console::CertificateView>()> certificates;
    std::function<double()> cpu;  // 0 … 1
};

class Console final : public Endpoint {
  public:
    // Its pages may use nothing of other hosts, and no script or style in the page itself.
    static constexpr const char* kPolicy =
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "object-src 'none'";

    Console(const ConsoleFigures::Node& node, const api::TwirpRouter& router,
            api::WebhookPort& webhooks, ConsoleSources sources);
    ~Console() override;

    void serve(Call call) override;
    void reconfigure(const ConsoleOptions& options);
    // A request to join was refused before it came to a room.
    void join_refused(int status, std::string_view text, const Call& call);

  private:
    // For those who may look, or act.
    struct Page {
        std::string_view method;
        std::string_view path;  // below /console/api/
        void (Console::*show)(Call call, const console::Session& session);
    };
    static const std::vector<Page>& pages();
    void serve_pages(Call& call);
    void serve_api(Call call);
    void show_overview(Call call, const console::Session& session);
    void show_rooms(Call call, const console::Session& session);
    void show_room(Call call, const console::Session& session);
    void show_history(Call call, const console::Session& session);
    void show_sessions(Call call, const console::Session& session);
    void show_events(Call call, const console::Session& session);
    void show_webhooks(Call call, const console::Session& session);
    void replay_webhook(Call call, const console::Session& session);
    void show_config(Call call, const console::Session& session);

    ControlNode& control_;
    ConsoleSources sources_;
    UnixTime started_;
    ConsoleFigures figures_;
    ConsoleHistory history_;
    ConsoleDoor door_;
    ConsoleCalls calls_;
    std::shared_ptr<Console*> alive_;  // shards still post when this has gone
};

}  // namespace confab::control
