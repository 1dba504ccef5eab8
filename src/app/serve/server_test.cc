// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A whole server in this process, asked from outside while one of its threads hangs.
#include "app/serve/server.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "runtime/net/net_testing.h"

namespace confab::app {
namespace {

std::atomic<bool> hangs{false};

// Keeps the thread that gets the signal inside it.
void hang(int) {
    while (hangs.load()) {
        timespec moment{0, 10'000'000};
        (void)::nanosleep(&moment, nullptr);
    }
}

// 0 while there is none: a thread gives itself its name when it first runs.
pid_t find_thread(const std::string& name) {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream file(task.path() / "comm");
        std::string comm;
        std::getline(file, comm);
        if (comm == name) return std::stoi(task.path().filename().string());
    }
    return 0;
}

pid_t thread_named(const std::string& name) {
    for (int i = 0; i < 500; ++i) {
        if (const pid_t thread = find_thread(name); thread != 0) return thread;
        (void)::poll(nullptr, 0, 10);
    }
    return 0;
}

class RunningServer {
  public:
    explicit RunningServer(std::uint32_t control_threads = 1) {
        config::Config config;
        config.port = 0;
        config.bind_addresses = {"127.0.0.1"};
        config.keys.emplace("key", config::SecretText("a-secret-of-thirty-two-characters"));
        config.logging.level = "error";
        config.rtc.node_ip = "127.0.0.1";
        config.rtc.tcp_port = 0;
        config.own.workers = 1;
        config.own.control_threads = control_threads;
        config.own.metrics_enabled = true;
        auto started = Server::start(config, {});
        REQUIRE_MESSAGE(started, started.error());
        server_ = std::move(*started);
        thread_ = std::thread([this] { server_->run(); });
    }
    ~RunningServer() {
        server_->stop();
        thread_.join();
    }
    std::string get(const std::string& path) const {
        net::RawClient client(server_->http_port());
        client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        return client.read_to_end();
    }
    std::string health() const { return get("/").substr(0, 12); }
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
        for (int i = 0; i < 300; ++i) {
            if (health() == "HTTP/1.1 " + status) return true;
            (void)::poll(nullptr, 0, 50);
        }
        return false;
    }

  private:
    std::unique_ptr<Server> server_;
    std::thread thread_;
};

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

}  // namespace confab::app
