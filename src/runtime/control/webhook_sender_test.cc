// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A real receiver on the loopback, and what the operator reads in the log about it.
#include "runtime/control/webhook_sender.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/control/webhook_service.h"
#include "runtime/net/http/http_server.h"
#include "runtime/net/net_testing.h"
#include "runtime/store/webhook_testing.h"
#include "runtime/telemetry/log.h"

namespace confab::control {
namespace {

// The warnings of the process while it lives.
class Warnings {
  public:
    Warnings() {
        telemetry::LogOptions options;
        options.level = telemetry::LogLevel::kWarn;
        options.sink = [this](std::string_view line) {
            const std::lock_guard lock(mutex_);
            lines_.emplace_back(line);
        };
        telemetry::init_log(options);
    }
    ~Warnings() { telemetry::init_log({}); }
    Warnings(const Warnings&) = delete;
    Warnings& operator=(const Warnings&) = delete;

    std::vector<std::string> with(const std::string& text) {
        const std::lock_guard lock(mutex_);
        std::vector<std::string> out;
        std::copy_if(
            lines_.begin(), lines_.end(), std::back_inserter(out),
            [&text](const std::string& line) { return line.find(text) != std::string::npos; });
        return out;
    }

  private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

livekit::WebhookEvent event(const std::string& room) {
    livekit::WebhookEvent out;
    out.set_event("room_started");
    out.mutable_room()->set_name(room);
    return out;
}

// That all is delivered in time is no claim but where a test says how long.
constexpr Duration kSlowMachine = Duration::seconds(25);

// A receiver that answers /STATUS, and a sender to the URLs /STATUS of it.
struct Bench {
    explicit Bench(const std::vector<std::string>& paths, Duration flush_timeout = kSlowMachine,
                   std::unique_ptr<store::WebhookFile> file = nullptr) {
        thread.call([&] {
            receiver = std::make_unique<net::HttpServer>(
                thread.loop(), net::HttpServerOptions{},
                [this](const net::HttpRequest& request, net::HttpExchange exchange) {
                    if (request.path == "/never") return unanswered.push_back(std::move(exchange));
                    exchange.respond(
                        net::HttpResponse::text(std::stoi(request.path.substr(1)), ""));
                });
            port = receiver->listen("127.0.0.1", 0).value().port;
            api::WebhookOptions options;
            options.api_key = "key";
            options.flush_timeout = flush_timeout;
            for (const std::string& path : paths)
                options.urls.push_back("http://127.0.0.1:" + std::to_string(port) + path);
            sender = std::make_unique<WebhookSender>(thread.loop(), options, keys, metrics,
                                                     std::move(file));
        });
    }
    ~Bench() {
        // The thread of the outbox has posted all it will before the sender goes.
        thread.call(
            [&] { (void)sender->end_outbox(std::chrono::steady_clock::time_point::max()); });
        thread.call([&] {
            sender.reset();
            unanswered.clear();
            receiver.reset();
        });
    }
    // Whether everything was delivered or given up within thirty seconds.
    bool flushes() {
        std::promise<void> flushed;
        std::future<void> done = flushed.get_future();
        thread.call([&] { sender->flush([&] { flushed.set_value(); }); });
        return done.wait_for(std::chrono::seconds(30)) == std::future_status::ready;
    }
    void send(std::uint64_t delivered) {
        thread.call([&] { sender->send(event(std::to_string(delivered))); });
        CHECK(thread.eventually([&] { return sender->stats().delivered >= delivered; }));
    }

    net::LoopThread thread;
    std::uint16_t port = 0;
    token::KeyMap keys{std::map<std::string, std::string, std::less<>>{{"key", "secret"}}};
    telemetry::Metrics metrics{"ND_a"};
    std::vector<net::HttpExchange> unanswered;
    std::unique_ptr<net::HttpServer> receiver;
    std::unique_ptr<WebhookSender> sender;
};

}  // namespace

TEST_CASE(
    "WebhookSender: an answer outside 2xx is a warning, now and then for each URL [HOOK-06]") {
    Warnings warnings;
    const std::vector<std::string> paths = {"/204", "/302", "/401", "/404"};
    Bench bench(paths);
    for (std::uint64_t round = 1; round <= 3; ++round)
        bench.send(round * paths.size());
    const std::map<std::string, std::string> remedies = {
        {"302", "redirects are not followed"}, {"401", "webhook.api_key"}, {"404", "webhook.urls"}};
    CHECK(warnings.with("webhook refused").size() == remedies.size());
    for (const auto& [status, remedy] : remedies) {
        const auto lines = warnings.with("\"status\":" + status);
        REQUIRE(lines.size() == 1);
        CHECK(lines[0].find("\"event\":\"room_started\"") != std::string::npos);
        CHECK(lines[0].find("/" + status + "\"") != std::string::npos);
        CHECK(lines[0].find(remedy) != std::string::npos);
    }
}

TEST_CASE(
    "WebhookSender: of a receiver that is not there the log has one line a minute [HOOK-06]") {
    Warnings warnings;
    Bench bench({"/200"}, Duration::millis(50));
    bench.thread.call([&] {
        bench.receiver.reset();
        for (int i = 0; i < 20; ++i)
            bench.sender->send(event(std::to_string(i)));
    });
    REQUIRE(bench.thread.eventually([&] { return bench.sender->stats().retries >= 20; }));
    const auto lines = warnings.with("webhook not delivered");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find("\"count\":1") != std::string::npos);
}

TEST_CASE("WebhookSender: what is lost is told now and then, not with each event [HOOK-07]") {
    Warnings warnings;
    Bench bench({"/501"});
    for (std::uint64_t lost = 1; lost <= 5; ++lost) {
        bench.thread.call([&] { bench.sender->send(event(std::to_string(lost))); });
        REQUIRE(bench.thread.eventually([&] { return bench.sender->stats().failed >= lost; }));
    }
    CHECK(warnings.with("webhooks lost").size() == 1);
}

TEST_CASE("WebhookSender: the end waits for what is on its way [HOOK-07]") {
    Warnings warnings;
    Bench bench({"/200"});
    bench.thread.call([&] {
        for (int i = 0; i < 500; ++i)
            bench.sender->send(event(std::to_string(i)));
    });
    REQUIRE(bench.flushes());
    CHECK(bench.thread.call([&] { return bench.sender->stats().delivered; }) == 500);
    CHECK(warnings.with("given up").empty());
    CHECK(bench.flushes());  // at once where nothing waits
}

TEST_CASE(
    "WebhookSender: a receiver that never answers is given up at the end, by name [HOOK-07]") {
    Warnings warnings;
    Bench bench({"/never", "/200"}, Duration::millis(50));
    bench.thread.call([&] {
        bench.sender->send(event("a"));
        bench.sender->send(event("a"));
    });
    CHECK(bench.thread.eventually([&] { return bench.sender->stats().delivered == 2; }));
    REQUIRE(bench.flushes());
    const auto lines = warnings.with("webhooks given up at the end");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find("room_started") != std::string::npos);
    CHECK(lines[0].find("raise confab.webhook_flush_timeout") != std::string::npos);
}

TEST_CASE("WebhookSender: a receiver that is not there is told with address and event [HOOK-06]") {
    Warnings warnings;
    Bench bench({"/200"}, Duration::millis(50));
    bench.thread.call([&] {
        bench.receiver.reset();  // its port refuses from now on
        bench.sender->send(event("a"));
    });
    REQUIRE(bench.thread.eventually([&] { return !warnings.with("not delivered").empty(); }));
    const std::string line = warnings.with("webhook not delivered").front();
    CHECK(line.find("http://127.0.0.1:") != std::string::npos);
    CHECK(line.find("\"event\":\"room_started\"") != std::string::npos);
    CHECK(bench.thread.call([&] { return bench.sender->stats().delivered; }) == 0);
    REQUIRE(bench.flushes());
    CHECK(warnings.with("given up at the end").size() == 1);
}

TEST_CASE("WebhookSender: what a receiver did not take is sent by the next one [HOOK-10]") {
    Warnings warnings;
    const store::DataFolder folder;
    const std::string url = "/200";
    std::uint16_t port = 0;
    {
        Bench bench({url}, Duration::millis(50), folder.open());
        port = bench.port;
        bench.thread.call([&] {
            bench.receiver.reset();
            bench.sender->send(event("a"));
            bench.sender->send(event("a"));
        });
        REQUIRE(bench.thread.eventually([&] { return !warnings.with("not delivered").empty(); }));
        const auto figures = bench.thread.call([&] { return bench.sender->outbox_figures(); });
        REQUIRE(figures);
        CHECK(figures->waiting == 2);
        CHECK(figures->oldest > Duration::zero());
        CHECK(figures->file.works);
        REQUIRE(bench.flushes());
        CHECK(warnings.with("given up at the end").empty());
    }
    // As configured now, the address is another one: that of the first is not asked any more, and
    // what waits for it is kept.
    {
        Bench other({url}, kSlowMachine, folder.open());
        REQUIRE(other.flushes());
        CHECK(other.thread.call([&] { return other.sender->stats().delivered; }) == 0);
        const auto lines = warnings.with("not configured any more");
        REQUIRE(lines.size() == 1);
        CHECK(lines[0].find("\"events\":2") != std::string::npos);
        CHECK(lines[0].find("to_url") != std::string::npos);
        CHECK(warnings.with("webhooks lost").empty());
    }
    CHECK(folder.open()->load()->waiting.size() == 2);
    CHECK(port != 0);
    // Until an operator has it sent to that of now.
    Bench last({url}, kSlowMachine, folder.open());
    WebhookService service(*last.sender);
    confab::ReplayWebhookEventsRequest request;
    request.mutable_selection()->set_since_sequence(1);
    using Answer = Result<confab::ReplayWebhookEventsResponse, api::ServiceError>;
    const auto replay = [&](const std::string& to_url) {
        std::promise<Answer> answer;
        request.set_to_url(to_url);
        last.thread.call([&] {
            service.replay_events(request,
                                  [&](auto result) { answer.set_value(std::move(result)); });
        });
        return answer.get_future().get();
    };
    const Answer elsewhere = replay("http://127.0.0.1:1/200");
    REQUIRE_FALSE(elsewhere);
    CHECK(elsewhere.error().code == api::ErrorCode::kInvalidArgument);
    const Answer sent = replay("http://127.0.0.1:" + std::to_string(last.port) + url);
    REQUIRE(sent);
    CHECK(sent->replayed() == 2);
    CHECK(sent->refused() == 0);
    CHECK(last.thread.eventually([&] { return last.sender->stats().delivered == 2; }));
    // A second time: those that were given up for it, and those that were sent.
    CHECK(replay("")->replayed() == 2);
}

TEST_CASE("WebhookSender: what the disk is about to have is not given up at the end [HOOK-10]") {
    Warnings warnings;
    const store::DataFolder folder;
    {
        Bench bench({"/never"}, Duration::zero(), folder.open());
        bench.thread.call([&] { bench.sender->send(event("a")); });
        REQUIRE(bench.flushes());
        CHECK(warnings.with("given up at the end").empty());
        CHECK(bench.thread.call([&] { return bench.sender->stats().dropped_at_end; }) == 0);
    }
    CHECK(folder.open()->load()->waiting.size() == 1);
}

TEST_CASE("WebhookSender: a replay elsewhere ends, page by page, each event once [HOOK-12]") {
    Warnings warnings;
    const store::DataFolder folder;
    Bench bench({"/200", "/204"}, kSlowMachine, folder.open());
    bench.thread.call([&] {
        for (const char* room : {"a", "b", "c"})
            bench.sender->send(event(room));
    });
    CHECK(bench.thread.eventually([&] { return bench.sender->stats().delivered == 6; }));
    WebhookService service(*bench.sender);
    confab::ReplayWebhookEventsRequest request;
    request.mutable_selection()->set_since_sequence(1);
    request.set_limit(1);
    request.set_to_url("http://127.0.0.1:" + std::to_string(bench.port) + "/204");
    std::uint64_t delivered = 6;
    for (int pages = 1; pages <= 4; ++pages) {
        std::promise<confab::ReplayWebhookEventsResponse> page;
        bench.thread.call(
            [&] { service.replay_events(request, [&](auto result) { page.set_value(*result); }); });
        const auto response = page.get_future().get();
        delivered += response.replayed();
        CHECK(response.replayed() == 1);
        // The copy is delivered before the next page is asked for.
        CHECK(
            bench.thread.eventually([&] { return bench.sender->stats().delivered == delivered; }));
        request.set_after(response.next());
        if (response.next() != 0) continue;
        CHECK(pages == 3);
        break;
    }
    CHECK(delivered == 9);
}

TEST_CASE("WebhookSender: with an outbox all is delivered, and marked, before it ends [HOOK-10]") {
    Warnings warnings;
    const store::DataFolder folder;
    {
        Bench bench({"/200"}, kSlowMachine, folder.open());
        bench.thread.call([&] {
            for (int i = 0; i < 300; ++i)
                bench.sender->send(event(std::to_string(i % 7)));
        });
        REQUIRE(bench.flushes());
        CHECK(bench.thread.call([&] { return bench.sender->stats().delivered; }) == 300);
    }
    const auto file = folder.open();
    CHECK(file->load()->waiting.empty());
    CHECK(file->load()->last_number == 300);
    CHECK(file->events() == 300);
    CHECK(warnings.with("").empty());
}

TEST_CASE(
    "WebhookService: lists and replays what the outbox has, or says how to get one [HOOK-12]") {
    Warnings warnings;
    const store::DataFolder folder;
    Bench bench({"/204"}, kSlowMachine, folder.open());
    bench.send(1);
    WebhookService service(*bench.sender);
    confab::ListWebhookEventsResponse listed;
    std::string error;
    const auto list = [&](const confab::ListWebhookEventsRequest& request) {
        std::promise<void> answered;
        bench.thread.call([&] {
            service.list_events(request, [&](auto result) {
                if (result) listed = *result;
                answered.set_value();
            });
        });
        answered.get_future().get();
        return listed.events_size();
    };
    confab::ListWebhookEventsRequest all;
    CHECK(list(all) == 1);
    CHECK(listed.events(0).status() == 204);
    CHECK(listed.events(0).attempts() == 1);
    CHECK(listed.events(0).state() == confab::WEBHOOK_DELIVERED);
    CHECK(listed.events(0).key() == "1");
    CHECK(listed.next() == 0);
    // Numbers beyond those of the file find nothing, and are no error.
    confab::ListWebhookEventsRequest beyond;
    beyond.set_after(~std::uint64_t{0});
    CHECK(list(beyond) == 0);
    beyond.set_after(0);
    beyond.mutable_selection()->set_since(std::numeric_limits<std::int64_t>::max());
    CHECK(list(beyond) == 0);

    std::promise<confab::ReplayWebhookEventsResponse> replayed;
    confab::ReplayWebhookEventsRequest again;
    again.mutable_selection()->set_since_sequence(1);
    bench.thread.call(
        [&] { service.replay_events(again, [&](auto result) { replayed.set_value(*result); }); });
    const auto response = replayed.get_future().get();
    CHECK(response.replayed() == 1);
    CHECK(response.refused() == 0);
    CHECK(bench.thread.eventually([&] { return bench.sender->stats().delivered == 2; }));

    Bench without({"/200"});
    WebhookService none(*without.sender);
    int refused = 0;
    const auto refuse = [&](const auto& result) {
        REQUIRE_FALSE(result);
        CHECK(result.error().code == api::ErrorCode::kFailedPrecondition);
        CHECK(result.error().message.find("confab.data_dir") != std::string::npos);
        ++refused;
    };
    without.thread.call([&] {
        none.list_events(all, refuse);
        none.replay_events(again, refuse);
        CHECK_FALSE(without.sender->outbox_figures());
    });
    CHECK(refused == 2);
}

}  // namespace confab::control
