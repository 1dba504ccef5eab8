// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/store/history/history_writer.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <utility>

#include "runtime/store/history/history_testing.h"

namespace confab::store {
namespace {

// Answers come on the writer's thread here, which is all that matters.
std::unique_ptr<HistoryWriter> writer(std::unique_ptr<HistoryFile> file,
                                      const HistoryLimits& limits = {}) {
    return std::make_unique<HistoryWriter>(std::move(file), limits,
                                           [](Callback<> answer) { answer(); });
}

std::vector<console::Event> events_of(HistoryWriter& history) {
    std::promise<std::vector<console::Event>> found;
    history.events(all_events(), [&](Result<std::vector<console::Event>, std::string> answer) {
        found.set_value(answer.value());
    });
    return found.get_future().get();
}

}  // namespace

TEST_CASE("HistoryWriter: who asks sees what was written before, and waits for no batch") {
    const HistoryFolder folder;
    const auto history = writer(folder.open());
    for (int i = 0; i < 100; ++i)
        history->write(event(i));
    CHECK(events_of(*history).size() == 100);
    history->write(event(100));
    CHECK(events_of(*history).front() == event(100));
    std::promise<std::size_t> minutes;
    history->write(minute(60));
    history->minutes(all_time(), [&](const auto& answer) { minutes.set_value(answer->size()); });
    CHECK(minutes.get_future().get() == 1);
    std::promise<std::size_t> sessions;
    history->write(session("PA_1", 1));
    history->sessions(all_sessions(),
                      [&](const auto& answer) { sessions.set_value(answer->total); });
    CHECK(sessions.get_future().get() == 1);
    CHECK(history->figures().works);
    CHECK(history->figures().dropped == 0);
}

TEST_CASE("HistoryWriter: what waits at its end is written") {
    const HistoryFolder folder;
    {
        const auto history = writer(folder.open());
        history->write(session("PA_1", 1));
        history->write(event(1));
        history->end();
        CHECK(history->ended_by(std::chrono::steady_clock::now() + std::chrono::seconds(20)));
    }
    CHECK(folder.open()->events(all_events())->size() == 1);
}

TEST_CASE("HistoryWriter: its end waits for no question, and each has an answer") {
    const HistoryFolder folder;
    auto history = writer(folder.open());
    std::promise<void> asked;
    std::promise<void> go_on;
    history->events(all_events(), [&, wait = go_on.get_future()](const auto&) mutable {
        asked.set_value();
        wait.get();
    });
    asked.get_future().get();  // the thread is busy from here on
    std::atomic<int> looked{0};
    std::atomic<int> refused{0};
    const auto ask = [&] {
        history->events(all_events(), [&](const auto& answer) { ++(answer ? looked : refused); });
    };
    history->write(event(1));
    for (std::size_t i = 0; i < HistoryWriter::kMaxQuestions; ++i)
        ask();
    history->end();
    ask();  // too late
    CHECK(refused == 1);
    go_on.set_value();
    CHECK(history->ended_by(std::chrono::steady_clock::now() + std::chrono::seconds(20)));
    CHECK(looked == 0);
    CHECK(refused == HistoryWriter::kMaxQuestions + 1);
    history.reset();  // lets go of the file
    CHECK(folder.open()->events(all_events())->size() == 1);
}

TEST_CASE("HistoryWriter: sessions that an earlier process left open are ended first") {
    const HistoryFolder folder;
    put(*folder.open(), {session("PA_1", 1)});
    const auto history = writer(folder.open());
    history->write(session("PA_2", 2));
    std::promise<console::SessionPage> found;
    history->sessions(all_sessions(), [&](const auto& answer) { found.set_value(*answer); });
    const console::SessionPage page = found.get_future().get();
    CHECK_FALSE(page.rows[0].end);
    REQUIRE(page.rows[1].end);
    CHECK(page.rows[1].end->reason == "SERVER_ENDED");
}

TEST_CASE("HistoryWriter: more than there is place for is dropped and counted") {
    const HistoryFolder folder;
    std::atomic<int> refused{0};  // the last are answered when the writer ends
    const auto history = writer(folder.open());
    std::promise<void> asked;
    std::promise<void> go_on;
    history->events(all_events(), [&, wait = go_on.get_future()](const auto&) mutable {
        asked.set_value();
        wait.get();
    });
    asked.get_future().get();  // the thread is busy from here on
    for (std::size_t i = 0; i < HistoryWriter::kMaxWaiting + 5; ++i)
        history->write(event(1));
    for (std::size_t i = 0; i < HistoryWriter::kMaxQuestions + 2; ++i)
        history->events(all_events(), [&](const auto& answer) { refused += answer ? 0 : 1; });
    CHECK(refused == 2);
    CHECK(history->figures().dropped == 5);
    go_on.set_value();
}

TEST_CASE("HistoryWriter: new limits hold at once") {
    const HistoryFolder folder;
    const auto history = writer(folder.open());
    history->write(event(0));
    REQUIRE(events_of(*history).size() == 1);
    HistoryLimits limits;
    limits.retention = Duration::zero();
    history->set_limits(limits);
    while (!events_of(*history).empty())
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

TEST_CASE("HistoryWriter: what is too much goes at once, not with the next minute") {
    const HistoryFolder folder;
    const auto history = writer(folder.open());
    HistoryLimits limits;
    limits.max_bytes = std::size_t{1} << 20U;
    history->set_limits(limits);
    for (int i = 0; i < 8; ++i) {
        for (int j = 0; j < 10; ++j)
            history->write(event(10 * i + j, "action", std::string(50'000, 'x')));
        CHECK(events_of(*history).front() == event(10 * i + 9, "action", std::string(50'000, 'x')));
    }
    CHECK(events_of(*history).size() < 40);
}

TEST_CASE("HistoryWriter: a file that is damaged meanwhile is begun anew, when that works") {
    const HistoryFolder folder;
    const std::string inner = folder.path + "/data";
    std::string notice;
    auto opened = HistoryFile::open(inner, notice);
    REQUIRE(opened);
    const auto history = writer(*std::move(opened));
    const std::string file = inner + "/" + HistoryFile::kFileName;
    // More than SQLite keeps in memory.
    for (int i = 0; i < 50; ++i)
        history->write(event(i, "action", std::string(200'000, 'x')));
    REQUIRE(events_of(*history).size() == 50);
    events_of(*history);  // the first may be answered before what it wrote is pruned
    for (const char* part : {"", "-wal"}) {
        const auto size = static_cast<std::size_t>(std::filesystem::file_size(file + part));
        std::fstream out(file + part, std::ios::in | std::ios::out | std::ios::binary);
        out << std::string(size, 'z');
    }
    std::filesystem::rename(inner, folder.path + "/away");
    std::ofstream(inner) << "no folder";
    // Writes, and asks until it is answered, or not.
    const auto try_it = [&](bool wanted) {
        for (int i = 0; i < 200; ++i) {
            history->write(event(100));
            std::promise<bool> found;
            history->events(all_events(),
                            [&](const auto& answer) { found.set_value(answer.has_value()); });
            if (found.get_future().get() == wanted) return true;
        }
        return false;
    };
    CHECK(try_it(false));
    CHECK_FALSE(history->figures().works);
    CHECK(history->figures().dropped > 0);
    std::filesystem::remove(inner);
    std::filesystem::rename(folder.path + "/away", inner);
    CHECK(try_it(true));
    CHECK(history->figures().works);
    CHECK(std::filesystem::exists(file + ".set-aside"));
    CHECK(events_of(*history).front() == event(100));
}

}  // namespace confab::store
