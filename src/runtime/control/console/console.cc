// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/console/console.h"

#include <algorithm>
#include <utility>

#include "console/requests.h"
#include "console/room_view.h"
#include "runtime/control/console/console_answers.h"
#include "runtime/net/event_loop.h"

namespace confab::control {
namespace {

constexpr std::string_view kApi = "/console/api/";
constexpr std::string_view kHeader = "X-Confab-Console";

bool is_reading(std::string_view method) {
    return method == "GET" || method == "HEAD";
}

console::Event event_at_door(std::string_view kind, const std::string& who,
                             const std::string& address) {
    return {net::EventLoop::wall(), std::string(kind), "from " + address, {}, {}, who};
}

}  // namespace

Console::Console(const ConsoleFigures::Node& node, const api::TwirpRouter& router,
                 api::WebhookPort& webhooks, ConsoleSources sources)
    : control_(node.control),
      sources_(std::move(sources)),
      started_(net::EventLoop::wall()),
      figures_(node),
      history_(control_.loop(), sources_.history, figures_, control_, sources_.cpu),
      door_(node.keys, {sources_.tls, sources_.signed_out, sources_.keep_signed_out},
            [this](std::string_view kind, const std::string& who, const std::string& address) {
                history_.note(event_at_door(kind, who, address));
            }),
      calls_(router, control_.webhooks(), webhooks,
             [this](console::Event event) { history_.note(std::move(event)); }),
      alive_(std::make_shared<Console*>(this)) {
    reconfigure(sources_.options);
    control_.set_notes([alive = std::weak_ptr(alive_)](const room::RoomNote& note) {
        if (const auto console = alive.lock()) (*console)->history_.note(note);
    });
}

Console::~Console() = default;

void Console::reconfigure(const ConsoleOptions& options) {
    sources_.options = options;
    door_.set_passwords(options.passwords);
}

void Console::join_refused(int status, std::string_view text, const Call& call) {
    std::string room;
    std::string identity;
    if (call.grants && call.grants->video) {
        room = token::room_key(*call.grants);
        identity = call.grants->identity;
    }
    history_.refused(status, text, room, identity);
}

void Console::serve(Call call) {
    call.cors.clear();
    if (!sources_.options.enabled)
        return call.respond_text(404, "The console is off: set confab.console_enabled.\n");
    if (call.request.path.starts_with(kApi)) return serve_api(std::move(call));
    serve_pages(call);
}

void Console::serve_pages(Call& call) {
    if (sources_.pages)
        if (auto response = sources_.pages->serve(call.request))
            return call.respond(std::move(*response));
    call.respond_text(404,
                      "The pages of the console are not part of this program. Run ./dev web, then "
                      "build again (./dev build).\n");
}

const std::vector<Console::Page>& Console::pages() {
    static const std::vector<Page> kPages{
        {"GET", "overview", &Console::show_overview},
        {"GET", "rooms", &Console::show_rooms},
        {"GET", "room", &Console::show_room},
        {"GET", "history", &Console::show_history},
        {"GET", "sessions", &Console::show_sessions},
        {"GET", "events", &Console::show_events},
        {"GET", "webhooks", &Console::show_webhooks},
        {"POST", "webhooks/replay", &Console::replay_webhook},
        {"GET", "config", &Console::show_config},
    };
    return kPages;
}

void Console::serve_api(Call call) {
    const std::string_view method = call.request.method;
    const std::string path = call.request.path.substr(kApi.size());
    if (!is_reading(method) && call.request.headers.get(kHeader) != "1")
        return answer_error(call, 403, "send the header X-Confab-Console: 1 with what is no GET");
    if (path == "session") return door_.serve(std::move(call));
    const auto session = door_.session_of(call);
    if (!session)
        return answer_error(call, 401, "sign in first: the session is over, or there was none");
    const bool acts = !is_reading(method);
    if (acts && session->role != console::Role::kOperator)
        return answer_error(call, 403,
                            "viewers only look: sign in with an API key, or with "
                            "confab.console_password");
    const bool calls = call.request.path.starts_with(ConsoleCalls::kPrefix);
    const auto found = std::find_if(pages().begin(), pages().end(),
                                    [&](const Page& page) { return page.path == path; });
    if (!calls && found == pages().end())
        return answer_error(call, 404, "the console has no such page");
    if (method != (calls ? std::string_view("POST") : found->method))
        return answer_error(call, 405, "this is asked for with another method");
    if (calls) return calls_.call(std::move(call), *session);
    (this->*found->show)(std::move(call), *session);
}

void Console::show_overview(Call call, const console::Session&) {
    console::Overview view = figures_.overview(history_.home_joins());
    view.version = sources_.version;
    view.now = net::EventLoop::wall();
    view.node_id = control_.node_id();
    view.started = started_;
    for (console::NodeView& node : view.nodes)
        if (node.self) {
            node.id = view.node_id;
            node.started = started_;
        }
    if (sources_.certificates) view.certificates = sources_.certificates();
    view.history = history_.trouble();
    answer_json(call, console::to_json(view));
}

void Console::show_rooms(Call call, const console::Session&) {
    const console::RoomsQuery query = console::rooms_query(call.query);
    figures_.rooms([pending = std::make_shared<Call>(std::move(call)),
                    query](Result<std::vector<console::RoomRow>, std::string> rooms) {
        if (!rooms) return answer_error(*pending, 503, rooms.error());
        answer_json(*pending, console::to_json(console::page_of(*std::move(rooms), query)));
    });
}

void Console::show_room(Call call, const console::Session&) {
    if (call.query.get("name").empty())
        return answer_error(call, 400, "name the room: room?name=…");
    const std::string key = console::room_key_of(call.query, call.query.get("name"));
    figures_.room(key, [pending = std::make_shared<Call>(std::move(call)),
                        key](const Result<room::RoomFigures, std::string>& room) {
        if (!room)
            return answer_error(*pending, room.error() == ConsoleFigures::kNoRoom ? 404 : 503,
                                room.error());
        answer_json(*pending, console::to_json(*room, token::tenant_in(key)));
    });
}

void Console::show_history(Call call, const console::Session&) {
    history_.series(std::move(call));
}
void Console::show_sessions(Call call, const console::Session&) {
    history_.sessions(std::move(call));
}
void Console::show_events(Call call, const console::Session&) {
    history_.events(std::move(call));
}
void Console::show_webhooks(Call call, const console::Session&) {
    calls_.list_webhooks(std::move(call));
}
void Console::replay_webhook(Call call, const console::Session& session) {
    calls_.replay_webhook(std::move(call), session);
}

void Console::show_config(Call call, const console::Session&) {
    answer_json(call, console::to_json(sources_.settings ? sources_.settings()
                                                         : std::vector<console::OptionView>()));
}

}  // namespace confab::control
