// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A whole server in this process, asked from outside while one of its threads hangs.
#include "app/serve/server.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/control/shards/control_shard.h"
#include "runtime/control/signal_testing.h"
#include "runtime/net/net_testing.h"
#include "token/token.h"

namespace confab::app {
namespace {

constexpr const char* kSecret = "a-secret-of-thirty-two-characters";

std::atomic<bool> hangs{false};

// Keeps the thread that gets the signal inside it.
void hang(int) {
    while (hangs.load()) {
        timespec moment{0, 10'000'000};
        (void)::nanosleep(&moment, nullptr);
    }
}

// 0 while there is none: a thread gives itself its name when it first runs.
pid_t find_thread(const std::string& name, pid_t process) {
    const std::string tasks = "/proc/" + std::to_string(process) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
        std::ifstream file(task.path() / "comm");
        std::string comm;
        std::getline(file, comm);
        if (comm == name) return std::stoi(task.path().filename().string());
    }
    return 0;
}

pid_t thread_named(const std::string& name, pid_t process = ::getpid()) {
    for (int i = 0; i < 500; ++i) {
        if (const pid_t thread = find_thread(name, process); thread != 0) return thread;
        (void)::poll(nullptr, 0, 10);
    }
    return 0;
}

config::Config config_of(std::uint32_t control_threads) {
    config::Config config;
    config.port = 0;
    config.bind_addresses = {"127.0.0.1"};
    config.keys.emplace("key", config::SecretText(kSecret));
    config.logging.level = "error";
    config.rtc.node_ip = "127.0.0.1";
    config.rtc.tcp_port = 0;
    config.own.workers = 1;
    config.own.control_threads = control_threads;
    config.own.metrics_enabled = true;
    return config;
}

// Whether it comes to be so within as many looks, 50 ms apart.
bool within(int looks, const std::function<bool()>& is_so) {
    for (int i = 0; i < looks; ++i) {
        if (is_so()) return true;
        (void)::poll(nullptr, 0, 50);
    }
    return false;
}

std::string get_from(std::uint16_t port, const std::string& path) {
    net::RawClient client(port);
    client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return client.read_to_end();
}

class RunningServer {
  public:
    explicit RunningServer(std::uint32_t control_threads = 1) {
        auto started = Server::start(config_of(control_threads), {});
        REQUIRE_MESSAGE(started, started.error());
        server_ = std::move(*started);
        thread_ = std::thread([this] { (void)server_->run(); });
    }
    ~RunningServer() {
        server_->stop();
        thread_.join();
    }
    std::string get(const std::string& path) const { return get_from(port(), path); }
    std::string health() const { return get("/").substr(0, 12); }
    std::uint16_t port() const { return server_->http_port(); }
    // Of the only series of that metric with `label`; -1 if there is none.
    double sum(const std::string& metric, const std::string& label) const {
        const std::string text = get("/metrics");
        std::size_t line = text.find("\n" + metric + "{");
        while (line != text.npos) {
            const std::size_t end = text.find('\n', line + 1);
            const std::string one = text.substr(line + 1, end - line - 1);
            if (one.find(label) != one.npos) return std::stod(one.substr(one.rfind(' ')));
            line = text.find("\n" + metric + "{", line + 1);
        }
        return -1;
    }
    // Of a series with the label shard; -1 if there is none.
    double value(const std::string& metric, const std::string& shard) const {
        const std::string text = get("/metrics");
        const std::string mark = "shard=\"" + shard + "\"} ";
        const std::size_t line = text.find("\n" + metric + "{");
        const std::size_t at = line == text.npos ? line : text.find(mark, line);
        return at == text.npos ? -1 : std::stod(text.substr(at + mark.size()));
    }
    // Whether the health becomes `status` within a time that a slow machine needs.
    bool becomes(const std::string& status) const {
        return within(300, [&] { return health() == "HTTP/1.1 " + status; });
    }

  private:
    std::unique_ptr<Server> server_;
    std::thread thread_;
};

std::unique_ptr<control::SignalClient> join(const RunningServer& server, const std::string& room,
                                            const std::string& preset = {}) {
    const token::KeyMap keys{{{"key", kSecret}}};
    token::Grants grants;
    grants.identity = "ann";
    grants.room_preset = preset;
    grants.video.emplace().room_join = true;
    grants.video->room = room;
    const std::string token = token::mint_token(grants, *keys.signing_key(), net::EventLoop::wall(),
                                                Duration::seconds(60));
    return std::make_unique<control::SignalClient>(server.port(),
                                                   "/rtc?protocol=16&access_token=" + token);
}

}  // namespace

TEST_CASE("Server: GET / tells that a thread hangs, and that it lives again [CON-06]") {
    RunningServer server(2);
    CHECK(server.becomes("200"));
    pid_t worker = 0;
    SUBCASE("of media") {
        worker = thread_named("media-0");
    }
    SUBCASE("of rooms") {
        worker = thread_named("control-1");
    }
    REQUIRE(worker != 0);
    (void)std::signal(SIGUSR2, hang);
    hangs = true;
    REQUIRE(::syscall(SYS_tgkill, ::getpid(), worker, SIGUSR2) == 0);
    CHECK(server.becomes("406"));
    hangs = false;
    CHECK(server.becomes("200"));
    (void)std::signal(SIGUSR2, SIG_DFL);
}

// In a process of its own, which it is to end.
TEST_CASE("Server: a thread that hangs does not keep the process from ending [CON-11]") {
    const char* thread = nullptr;
    SUBCASE("a control thread") {
        thread = "control-1";
    }
    SUBCASE("a media worker") {
        thread = "media-0";
    }
    config::Config config = config_of(2);
    config.port = [] { return RunningServer().port(); }();  // one that is free
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        (void)std::signal(SIGUSR2, hang);
        hangs = true;
        std::_Exit(run_server(config, {}));
    }
    const std::uint16_t port = config.port;
    const bool serves =
        within(600, [&] { return get_from(port, "/").starts_with("HTTP/1.1 200 "); });
    CHECK(serves);
    if (serves) {
        CHECK(::syscall(SYS_tgkill, child, thread_named(thread, child), SIGUSR2) == 0);
        CHECK(::kill(child, SIGTERM) == 0);
    }
    int status = 0;
    const bool ended = within(600, [&] { return ::waitpid(child, &status, WNOHANG) == child; });
    CHECK(ended);
    if (!ended) {
        (void)::kill(child, SIGKILL);
        (void)::waitpid(child, &status, 0);
    }
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 1);
}

TEST_CASE("Server: a scrape tells of each control thread, of one that hangs too [OBS-01]") {
    RunningServer server(2);
    CHECK(server.becomes("200"));
    for (const char* shard : {"0", "1"}) {
        CHECK(server.value("confab_control_rooms", shard) == 0);
        CHECK(server.value("confab_control_silent_seconds", shard) < 4);
    }
    CHECK(server.value("confab_control_rooms", "2") == -1);
    (void)std::signal(SIGUSR2, hang);
    hangs = true;
    REQUIRE(::syscall(SYS_tgkill, ::getpid(), thread_named("control-1"), SIGUSR2) == 0);
    CHECK(server.becomes("406"));
    CHECK(server.value("confab_control_silent_seconds", "1") > 4);
    CHECK(server.value("confab_control_silent_seconds", "0") < 4);
    CHECK(server.value("confab_control_rooms", "1") == 0);
    hangs = false;
    CHECK(server.becomes("200"));
    (void)std::signal(SIGUSR2, SIG_DFL);
}

TEST_CASE("Server: a scrape adds up what the control threads count [OBS-01]") {
    const RunningServer server(2);
    std::vector<std::unique_ptr<control::SignalClient>> clients;
    std::array<int, 2> rooms{};
    for (int i = 0; i < 20 && (rooms[0] < 1 || rooms[1] < 2); ++i) {
        const std::string room = "room" + std::to_string(i);
        const std::size_t shard = control::shard_of(room, 2);
        if (rooms[shard] > static_cast<int>(shard)) continue;
        ++rooms[shard];
        clients.push_back(join(server, room));
        REQUIRE(clients.back()->head().starts_with("HTTP/1.1 101 "));
        REQUIRE(clients.back()->wait(livekit::SignalResponse::kJoin).has_join());
    }
    REQUIRE(rooms == std::array<int, 2>{1, 2});
    CHECK(server.sum("livekit_room_total", "") == 3);
    CHECK(server.sum("livekit_participant_total", "") == 3);
    CHECK(server.sum("livekit_participant_join_total", "state=\"signal_connected\"") == 3);
    CHECK(server.value("confab_control_rooms", "0") == 1);
    CHECK(server.value("confab_control_rooms", "1") == 2);
    // Nothing is counted twice by a second look.
    CHECK(server.sum("livekit_participant_join_total", "state=\"signal_connected\"") == 3);
}

TEST_CASE("Server: a scrape tells what was refused [OBS-01] [ROOM-03]") {
    const RunningServer server;
    CHECK(server.sum("confab_control_refused_total", "input=\"session\"") == 0);
    const auto client = join(server, "room", "a-preset-that-is-not-there");
    CHECK(client->head().starts_with("HTTP/1.1 500 "));
    CHECK(within(
        300, [&] { return server.sum("confab_control_refused_total", "input=\"session\"") == 1; }));
    CHECK(server.sum("confab_control_refused_total", "input=\"request\"") == 0);
}

}  // namespace confab::app
