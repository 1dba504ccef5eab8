// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/store/sqlite_store.h"

#include <doctest/doctest.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "livekit_ingress.pb.h"
#include "runtime/store/sqlite_database.h"

namespace confab::store {
namespace {

using api::RecordKind;
using api::StoreError;
using Record = SqliteStore::Record;

struct Folder {
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "storeXXXXXX").string();
        path = mkdtemp(pattern.data());
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string file() const { return path + "/" + SqliteStore::kFileName; }
    // By another program, as it were.
    void run(const char* sql) const {
        sqlite3* handle = nullptr;
        REQUIRE(sqlite3_open(file().c_str(), &handle) == SQLITE_OK);
        CHECK(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
        sqlite3_close(handle);
    }
    std::string path;
};

std::unique_ptr<SqliteStore> opened(const Folder& folder) {
    auto store = SqliteStore::open(folder.path);
    INFO((store ? std::string() : store.error()));
    REQUIRE(store);
    return *std::move(store);
}
std::string refusal(const Folder& folder) {
    const auto store = SqliteStore::open(folder.path);
    return store ? "opened" : store.error();
}

std::string put(SqliteStore& store, Record record, RecordKind kind = RecordKind::kIngress) {
    std::string outcome = "unanswered";
    store.put(kind, std::move(record), [&outcome](Result<void, StoreError> result) {
        outcome = result ? "kept" : result.error().text;
    });
    return outcome;
}
std::vector<Record> all(SqliteStore& store, RecordKind kind = RecordKind::kIngress) {
    std::vector<Record> records;
    store.list(kind, [&records](Result<std::vector<Record>, StoreError> result) {
        REQUIRE(result);
        records = *std::move(result);
    });
    return records;
}
std::string get(SqliteStore& store, std::string_view id, RecordKind kind = RecordKind::kIngress) {
    std::string body = "unanswered";
    store.get(kind, id, [&body](Result<std::optional<std::string>, StoreError> result) {
        REQUIRE(result);
        body = result->value_or("absent");
    });
    return body;
}
bool removed(SqliteStore& store, std::string_view id) {
    bool was_there = false;
    store.remove(RecordKind::kIngress, id, [&was_there](Result<bool, StoreError> result) {
        REQUIRE(result);
        was_there = *result;
    });
    return was_there;
}

}  // namespace

TEST_CASE("SqliteStore: what was kept is there after a restart, by kind and in order") {
    const Folder folder;
    {
        const auto store = opened(folder);
        CHECK(put(*store, {"IN_b", std::string("\0\xff", 2)}) == "kept");
        CHECK(put(*store, {"IN_a", "first"}) == "kept");
        CHECK(put(*store, {"IN_a", "second"}) == "kept");
        CHECK(put(*store, {"IN_a", ""}, RecordKind::kSipDispatchRule) == "kept");
        CHECK(put(*store, {"IN_c", "x"}) == "kept");
        CHECK(removed(*store, "IN_c"));
        CHECK_FALSE(removed(*store, "IN_c"));
    }
    const auto store = opened(folder);
    CHECK(all(*store) ==
          std::vector<Record>{{"IN_a", "second"}, {"IN_b", std::string("\0\xff", 2)}});
    CHECK(get(*store, "IN_a") == "second");
    CHECK(get(*store, "IN_a", RecordKind::kSipDispatchRule).empty());
    CHECK(get(*store, "IN_c") == "absent");
    CHECK(get(*store, "IN_a", RecordKind::kSipInboundTrunk) == "absent");
}

TEST_CASE("SqliteStore: what one process is writing when it dies is whole or not there") {
    const Folder folder;
    const auto copy = folder.path + "-copy";
    {
        const auto store = opened(folder);
        CHECK(put(*store, {"a", "1"}) == "kept");
        // The files as a power cut would leave them: database and log, and nothing tidied up.
        std::filesystem::copy(folder.path, copy);
    }
    auto again = SqliteStore::open(copy);
    REQUIRE(again);
    CHECK(get(**again, "a") == "1");
    again->reset();
    std::filesystem::remove_all(copy);
}

TEST_CASE("SqliteStore: sizes and numbers have bounds [IMM-15]") {
    const Folder folder;
    const auto store = opened(folder);
    constexpr std::size_t kId = SqliteStore::kMaxIdBytes;
    constexpr std::size_t kBody = SqliteStore::kMaxRecordBytes;
    CHECK(put(*store, {std::string(kId, 'i'), std::string(kBody, 'b')}) == "kept");
    CHECK(put(*store, {std::string(kId + 1, 'i'), "b"}) == "too large to be stored");
    CHECK(put(*store, {"i", std::string(kBody + 1, 'b')}) == "too large to be stored");
    CHECK(put(*store, {"", "b"}) == "too large to be stored");
    CHECK(all(*store).size() == 1);
}

TEST_CASE("SqliteStore: one record more than kMaxRecordsPerKind is refused, replacing is not") {
    const Folder folder;
    opened(folder).reset();
    const std::string last = std::to_string(SqliteStore::kMaxRecordsPerKind - 1);
    folder.run(("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " + last +
                ") INSERT INTO records SELECT 4, 'n' || i, 'x' FROM n")
                   .c_str());
    const auto store = opened(folder);
    CHECK(put(*store, {"last", "x"}) == "kept");
    CHECK(put(*store, {"more", "x"}) == "too many of this kind are stored");
    CHECK(put(*store, {"last", "y"}) == "kept");
    CHECK(put(*store, {"more", "x"}, RecordKind::kAgentDispatch) == "kept");
    CHECK(all(*store).size() == SqliteStore::kMaxRecordsPerKind);
}

TEST_CASE("SqliteStore: a damaged file is refused, and the text says which and what to do") {
    const Folder folder;
    {
        const auto store = opened(folder);
        for (int i = 0; i < 200; ++i)
            put(*store, {"id" + std::to_string(i), std::string(1000, 'x')});
    }
    SUBCASE("no database at all") {
        std::ofstream(folder.file(), std::ios::trunc) << std::string(5000, 'z');
    }
    SUBCASE("a page overwritten") {
        std::fstream file(folder.file(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096);
        file << std::string(4096, '\x5a');
    }
    SUBCASE("cut off") {
        std::filesystem::resize_file(folder.file(), 8192);
    }
    const std::string text = refusal(folder);
    CHECK(text.starts_with(folder.file() + ": the store is damaged ("));
    CHECK(text.find("restore it from a backup, or move it away") != std::string::npos);
}

TEST_CASE("SqliteStore: what cannot be written is not called damaged") {
    const Folder folder;
    put(*opened(folder), {"id", "x"});
    std::string text;
    SUBCASE("a read-only file") {
        namespace fs = std::filesystem;
        fs::permissions(folder.path, fs::perms(0755));
        fs::permissions(folder.file(), fs::perms(0444));
        const bool is_root = geteuid() == 0;  // who may write everything
        if (is_root) REQUIRE(seteuid(65534) == 0);
        text = refusal(folder);
        if (is_root) REQUIRE(seteuid(0) == 0);
        CHECK(text.find("cannot be written (it is read-only); make file and folder belong") !=
              std::string::npos);
    }
    SUBCASE("a disk that takes nothing") {
        std::filesystem::remove(folder.file());
        rlimit before{};
        REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
        const rlimit none{0, before.rlim_max};
        auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
        REQUIRE(setrlimit(RLIMIT_FSIZE, &none) == 0);
        text = refusal(folder);
        REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
        std::signal(SIGXFSZ, handler);
        CHECK(text.find("the disk cannot be read or written") != std::string::npos);
    }
    CHECK(text.starts_with(folder.file()));
    CHECK(text.find("damaged") == std::string::npos);
    CHECK(text.find("move it away") == std::string::npos);
}

TEST_CASE("store_failure_text: every cause has its remedy, only damage says damaged") {
    struct Case {
        int code;
        const char* remedy;
        bool is_damage;
    };
    for (const auto& [code, remedy, is_damage] :
         std::initializer_list<Case>{{SQLITE_CORRUPT, "restore it from a backup", true},
                                     {SQLITE_NOTADB, "restore it from a backup", true},
                                     {SQLITE_BUSY, "stop the other confab", false},
                                     {SQLITE_READONLY, "belong to the user", false},
                                     {SQLITE_PERM, "belong to the user", false},
                                     {SQLITE_CANTOPEN, "belong to the user", false},
                                     {SQLITE_FULL, "free space", false},
                                     {SQLITE_IOERR, "log of the kernel", false},
                                     {SQLITE_NOMEM, "check rights and free space", false}}) {
        const std::string text = store_failure_text("/d/f", code, "why");
        CHECK(text.starts_with("/d/f: "));
        CHECK(text.find(remedy) != std::string::npos);
        CHECK((text.find("damaged") != std::string::npos) == is_damage);
    }
}

TEST_CASE("SqliteStore: foreign and newer files are left alone") {
    const Folder folder;
    SUBCASE("of another program") {
        folder.run("CREATE TABLE notes (text)");
        CHECK(refusal(folder).find("is not a store of confab; move it away") != std::string::npos);
    }
    SUBCASE("of a later version") {
        opened(folder).reset();
        folder.run("PRAGMA user_version = 2");
        CHECK(refusal(folder).find("was written by a newer confab; run that one") !=
              std::string::npos);
    }
}

TEST_CASE("SqliteStore: a second process and an impossible folder are told the remedy") {
    const Folder folder;
    const auto store = opened(folder);
    CHECK(refusal(folder).find("another process uses it; stop the other confab") !=
          std::string::npos);
    const auto nowhere = SqliteStore::open(folder.path + "/a/b");
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().find("or change confab.data_dir") != std::string::npos);
}

TEST_CASE("RecordTable: messages in and out; one that cannot be read is an error") {
    const Folder folder;
    const auto store = opened(folder);
    api::RecordTable<livekit::IngressInfo> table(*store, RecordKind::kIngress);
    livekit::IngressInfo info;
    info.set_name("camera");
    int answers = 0;
    table.put("IN_1", info, [&](Result<void, StoreError> result) { answers += result ? 1 : 0; });
    table.get("IN_1", [&](Result<std::optional<livekit::IngressInfo>, StoreError> result) {
        answers += result && *result && (*result)->name() == "camera" ? 1 : 0;
    });
    table.get("IN_2", [&](Result<std::optional<livekit::IngressInfo>, StoreError> result) {
        answers += result && !*result ? 1 : 0;
    });
    table.list([&](Result<std::vector<livekit::IngressInfo>, StoreError> result) {
        answers += result && result->size() == 1 && result->front().name() == "camera" ? 1 : 0;
    });
    CHECK(put(*store, {"IN_3", "\xff"}) == "kept");
    table.list([&](Result<std::vector<livekit::IngressInfo>, StoreError> result) {
        answers += !result && result.error().kind == StoreError::Kind::kUnreadable ? 1 : 0;
    });
    table.remove("IN_3", [&](Result<bool, StoreError> result) { answers += *result ? 1 : 0; });
    CHECK(answers == 6);
}

}  // namespace confab::store
