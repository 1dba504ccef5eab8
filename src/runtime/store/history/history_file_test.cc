// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/store/history/history_file.h"

#include <doctest/doctest.h>

#include "runtime/store/history/history_testing.h"
#include "runtime/store/sqlite_database.h"

namespace confab::store {
namespace {

std::vector<std::string> sids(HistoryFile& file, const console::SessionsQuery& query) {
    const auto page = file.sessions(query);
    REQUIRE(page);
    std::vector<std::string> all;
    for (const console::SessionRow& row : page->rows)
        all.push_back(row.start.sid);
    return all;
}
using Sids = std::vector<std::string>;

std::size_t count_events(HistoryFile& file) {
    console::EventsQuery query = all_events();
    query.limit = 100'000;
    return file.events(query).value().size();
}

}  // namespace

TEST_CASE("HistoryFile: what was written is there after a restart") {
    const HistoryFolder folder;
    put(*folder.open(), {minute(60, 7), session("PA_1", 10), end_of("PA_1", 50), event(20)});
    const auto file = folder.open();
    const auto minutes = file->minutes(all_time());
    REQUIRE(minutes);
    REQUIRE(minutes->size() == 1);
    CHECK(minutes->front() == minute(60, 7));
    const auto page = file->sessions(all_sessions());
    REQUIRE(page);
    CHECK(page->total == 1);
    REQUIRE(page->rows.size() == 1);
    CHECK(page->rows[0].start == session("PA_1", 10));
    REQUIRE(page->rows[0].end);
    CHECK(*page->rows[0].end == end_of("PA_1", 50));
    const auto events = file->events(all_events());
    REQUIRE(events);
    REQUIRE(events->size() == 1);
    CHECK(events->front() == event(20));
}

TEST_CASE("HistoryFile: what is not known stays so") {
    const HistoryFolder folder;
    const auto file = folder.open();
    console::Minute one = minute(60);
    one.quality.reset();
    console::SessionEnd end = end_of("PA_1", 50);
    end.quality.reset();
    put(*file, {one, session("PA_1", 10), end, session("PA_2", 11)});
    CHECK_FALSE(file->minutes(all_time())->front().quality);
    const auto page = file->sessions(all_sessions());
    CHECK_FALSE(page->rows[0].end);
    REQUIRE(page->rows[1].end);
    CHECK_FALSE(page->rows[1].end->quality);
}

TEST_CASE("HistoryFile: sessions by room, identity and time, the newest first, page by page") {
    const HistoryFolder folder;
    const auto file = folder.open();
    put(*file, {session("PA_1", 10), session("PA_2", 20, "s"), session("PA_3", 30, "r", "bob"),
                session("PA_4", 40)});
    CHECK(sids(*file, all_sessions()) == Sids{"PA_4", "PA_3", "PA_2", "PA_1"});
    console::SessionsQuery query = all_sessions();
    query.room = "r";
    CHECK(sids(*file, query) == Sids{"PA_4", "PA_3", "PA_1"});
    query.identity = "alice";
    CHECK(sids(*file, query) == Sids{"PA_4", "PA_1"});
    query = all_sessions();
    query.range = {at(20), at(30)};
    CHECK(sids(*file, query) == Sids{"PA_3", "PA_2"});
    query = all_sessions();
    query.offset = 1;
    query.limit = 2;
    CHECK(sids(*file, query) == Sids{"PA_3", "PA_2"});
    CHECK(file->sessions(query)->total == 4);
}

TEST_CASE("HistoryFile: a session ends in its room, once") {
    const HistoryFolder folder;
    const auto file = folder.open();
    put(*file, {session("PA_1", 10), session("PA_2", 20)});
    console::SessionEnd elsewhere = end_of("PA_1", 30, "s");
    console::SessionEnd again = end_of("PA_2", 99);
    put(*file, {elsewhere, end_of("PA_2", 40), again});
    const auto page = file->sessions(all_sessions());
    CHECK(page->rows[0].end->left == at(40));
    CHECK_FALSE(page->rows[1].end);
}

TEST_CASE("HistoryFile: sessions of a process that is gone ended when it was heard of last") {
    const HistoryFolder folder;
    put(*folder.open(), {session("PA_1", 10), session("PA_2", 500), minute(60), event(70)});
    const auto file = folder.open();
    CHECK(file->end_open_sessions());
    const auto page = file->sessions(all_sessions());
    REQUIRE(page->rows[0].end);
    CHECK(page->rows[0].end->left == at(500));  // not before it began
    CHECK(page->rows[1].end->left == at(70));
    CHECK(page->rows[1].end->reason == "SERVER_ENDED");
}

TEST_CASE("HistoryFile: events before a time, of a kind, the newest first") {
    const HistoryFolder folder;
    const auto file = folder.open();
    put(*file, {event(1, "action", "a"), event(2, "join_refused", "b"), event(3, "action", "c")});
    const auto texts = [&](const console::EventsQuery& query) {
        std::string all;
        const auto found = file->events(query);
        for (const console::Event& one : found.value())
            all += one.text;
        return all;
    };
    CHECK(texts(all_events()) == "cba");
    console::EventsQuery query = all_events();
    query.kind = "action";
    CHECK(texts(query) == "ca");
    query.limit = 1;
    CHECK(texts(query) == "c");
    query = all_events();
    query.before = at(3);
    CHECK(texts(query) == "ba");
}

TEST_CASE("HistoryFile: what is too old goes, and what goes on stays") {
    const HistoryFolder folder;
    const auto file = folder.open();
    put(*file, {minute(0), minute(100), session("PA_1", 0), end_of("PA_1", 5), session("PA_2", 0),
                session("PA_3", 100), event(0), event(100)});
    HistoryLimits limits;
    limits.retention = Duration::seconds(50);
    CHECK(file->prune(at(150), limits));
    CHECK(file->minutes(all_time())->size() == 1);
    CHECK(sids(*file, all_sessions()) == Sids{"PA_3", "PA_2"});
    CHECK(count_events(*file) == 1);
}

TEST_CASE("HistoryFile: what is too much goes, the oldest first") {
    const HistoryFolder folder;
    const auto file = folder.open();
    std::vector<console::HistoryWrite> batch;
    batch.reserve(3000);
    for (int i = 0; i < 3000; ++i)
        batch.emplace_back(event(i, "action", std::string(400, 'x')));
    put(*file, batch);
    HistoryLimits limits;
    CHECK(file->prune(at(3000), limits));
    CHECK(count_events(*file) == 3000);
    limits.max_bytes = 1'000'000;
    CHECK(file->prune(at(3000), limits));
    const std::size_t left = count_events(*file);
    CHECK(left > 500);
    CHECK(left < 2500);
    CHECK(file->events(all_events())->front() == event(2999, "action", std::string(400, 'x')));
    // Room that was freed is used again.
    batch.resize(left / 2);
    put(*file, batch);
    CHECK(file->prune(at(3000), limits));
    CHECK(std::filesystem::file_size(folder.file()) < 4'000'000);
}

TEST_CASE("HistoryFile: a damaged file is set aside and told, not the end of the program") {
    const HistoryFolder folder;
    put(*folder.open(), {event(1)});
    folder.overwrite(std::string(8192, 'x'));
    std::string notice;
    const auto file = folder.open(&notice);
    CHECK(notice.find("history.db.set-aside") != std::string::npos);
    CHECK(notice.find("damaged") != std::string::npos);
    CHECK(std::filesystem::exists(folder.file() + ".set-aside"));
    put(*file, {event(2)});
    CHECK(count_events(*file) == 1);
}

TEST_CASE("HistoryFile: so is one of a newer confab, and one that is somebody else's") {
    for (const char* change : {"PRAGMA user_version = 2", "PRAGMA application_id = 5"}) {
        INFO(change);
        const HistoryFolder folder;
        put(*folder.open(), {event(1)});
        {
            sqlite3* handle = nullptr;
            REQUIRE(sqlite3_open(folder.file().c_str(), &handle) == SQLITE_OK);
            Database database(handle);
            REQUIRE(database.run(change));
        }
        std::string notice;
        const auto file = folder.open(&notice);
        CHECK(notice.find("set-aside") != std::string::npos);
        CHECK(count_events(*file) == 0);
        CHECK(std::filesystem::exists(folder.file() + ".set-aside"));
    }
}

TEST_CASE("HistoryFile: one that another process has is left alone") {
    const HistoryFolder folder;
    const auto first = folder.open();
    std::string notice;
    const auto second = HistoryFile::open(folder.path, notice);
    REQUIRE_FALSE(second);
    CHECK(second.error().find("another process uses it") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(folder.file() + ".set-aside"));
}

TEST_CASE("HistoryFile: without a folder it is in memory") {
    const auto file = HistoryFile::in_memory();
    REQUIRE(file);
    put(*file, {event(1), minute(60)});
    CHECK(count_events(*file) == 1);
    CHECK(file->prune(at(100), {}));
    CHECK_FALSE(file->begin_anew());
    std::vector<console::HistoryWrite> batch(3000, event(2, "action", std::string(4000, 'x')));
    put(*file, batch);
    CHECK(file->prune(at(100), {}));
    CHECK(count_events(*file) < 2200);
    CHECK(count_events(*file) > 500);
}

}  // namespace confab::store
