// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/store/sqlite_store.h"

#include <sqlite3.h>

#include <filesystem>
#include <utility>

namespace confab::store {
namespace {

constexpr int kApplicationId = 0x636f6e66;  // "conf": whose file this is, in its header
constexpr int kBusyMillis = 500;

constexpr const char* kSchema =
    "CREATE TABLE records (kind INTEGER NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,"
    " PRIMARY KEY (kind, id)) WITHOUT ROWID;"
    "PRAGMA application_id = 0x636f6e66; PRAGMA user_version = 1;";

}  // namespace

// The connection, and statements on it.
class SqliteStore::Database {
  public:
    explicit Database(sqlite3* handle) : handle_(handle) {}
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database() { sqlite3_close_v2(handle_); }

    class Statement {
      public:
        Statement(Database& database, const char* sql) {
            sqlite3_prepare_v2(database.handle_, sql, -1, &statement_, nullptr);
        }
        Statement(const Statement&) = delete;
        Statement& operator=(const Statement&) = delete;
        ~Statement() { sqlite3_finalize(statement_); }

        Statement& bind(int at, int value) {
            sqlite3_bind_int(statement_, at, value);
            return *this;
        }
        // Views must outlive the statement.
        Statement& bind_text(int at, std::string_view value) {
            sqlite3_bind_text64(statement_, at, value.data(), value.size(), SQLITE_STATIC,
                                SQLITE_UTF8);
            return *this;
        }
        Statement& bind_blob(int at, std::string_view value) {
            sqlite3_bind_blob64(statement_, at, value.data() ? value.data() : "", value.size(),
                                SQLITE_STATIC);
            return *this;
        }
        // SQLITE_ROW, SQLITE_DONE or an error.
        int step() { return statement_ == nullptr ? SQLITE_ERROR : sqlite3_step(statement_); }
        int integer(int column) { return sqlite3_column_int(statement_, column); }
        std::string bytes(int column) {
            const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
            const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
            return data == nullptr ? std::string() : std::string(data, size);
        }

      private:
        sqlite3_stmt* statement_ = nullptr;
    };

    bool run(const char* sql) {
        return sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
    }
    // The first column of the first row; nullopt on an error.
    std::optional<std::string> text(const char* sql) {
        Statement statement(*this, sql);
        if (statement.step() != SQLITE_ROW) return std::nullopt;
        return statement.bytes(0);
    }
    int changes() const { return sqlite3_changes(handle_); }
    int code() const { return sqlite3_errcode(handle_) & 0xFF; }
    std::string message() const { return sqlite3_errmsg(handle_); }
    api::StoreError failure() const {
        return {api::StoreError::Kind::kFailed, "the store does not work: " + message()};
    }

  private:
    sqlite3* handle_;
};

namespace {

using Text = std::string;

Text about(const Text& path, const Text& what, const Text& remedy) {
    return path + ": " + what + "; " + remedy;
}
Text damaged(const Text& path, const Text& what) {
    return about(path, "the store is damaged (" + what + ")",
                 "restore it from a backup, or move it away and start again: what was created by "
                 "API is then gone");
}

}  // namespace

// Only what is damaged may be told to be moved away.
std::string store_failure_text(const std::string& path, int code, const std::string& what) {
    switch (code) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return damaged(path, what);
        case SQLITE_BUSY:
            return about(path, "another process uses it",
                         "stop the other confab, or give each its own confab.data_dir");
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_CANTOPEN:
            return about(path, "cannot be written (" + what + ")",
                         "make file and folder belong to the user of confab, on a file system that "
                         "is not read-only, or change confab.data_dir");
        case SQLITE_FULL:
            return about(path, "the disk is full (" + what + ")",
                         "free space there, or change confab.data_dir");
        case SQLITE_IOERR:
            return about(
                path, "the disk cannot be read or written (" + what + ")",
                "look for its errors in the log of the kernel, check quotas and limits, or "
                "change confab.data_dir");
        default:
            return about(path, "the store cannot be used (" + what + ")",
                         "check rights and free space, or change confab.data_dir");
    }
}

SqliteStore::SqliteStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>, std::string> SqliteStore::open(const std::string& data_dir) {
    std::error_code error;
    std::filesystem::create_directory(data_dir, error);
    if (error)
        return fail(about(data_dir, "cannot make the folder: " + error.message(),
                          "make it, owned by the user of confab, or change confab.data_dir"));
    const Text path = (std::filesystem::path(data_dir) / kFileName).string();
    sqlite3* handle = nullptr;
    const int opened = sqlite3_open_v2(
        path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
        nullptr);
    auto database = std::make_unique<Database>(handle);
    const auto failure = [&] {
        return fail(store_failure_text(path, database->code(), database->message()));
    };
    if (opened != SQLITE_OK) return failure();
    // SQLite opens what it may not write all the same.
    if (sqlite3_db_readonly(handle, "main") == 1)
        return fail(store_failure_text(path, SQLITE_READONLY, "it is read-only"));
    sqlite3_busy_timeout(handle, kBusyMillis);
    // One process has the file until it ends.
    if (!database->run("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                       "PRAGMA synchronous = FULL; BEGIN EXCLUSIVE; COMMIT;"))
        return failure();
    const auto check = database->text("PRAGMA quick_check(1)");
    if (!check) return failure();
    if (check != "ok") return fail(damaged(path, *check));
    Database::Statement version(*database, "PRAGMA user_version");
    Database::Statement owner(*database, "PRAGMA application_id");
    if (version.step() != SQLITE_ROW || owner.step() != SQLITE_ROW) return failure();
    const auto tables = database->text("SELECT CAST(count(*) AS TEXT) FROM sqlite_schema");
    if (version.integer(0) == 0 && owner.integer(0) == 0 && tables == "0") {
        if (!database->run((Text("BEGIN;") + kSchema + "COMMIT;").c_str())) return failure();
    } else if (owner.integer(0) != kApplicationId) {
        return fail(
            about(path, "is not a store of confab", "move it away, or change confab.data_dir"));
    } else if (version.integer(0) > kSchemaVersion) {
        return fail(
            about(path, "was written by a newer confab", "run that one, or restore a backup"));
    }
    return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(database)));
}

Result<void, api::StoreError> SqliteStore::write(api::RecordKind kind, const Record& record) {
    using Kind = api::StoreError::Kind;
    if (record.id.empty() || record.id.size() > kMaxIdBytes || record.body.size() > kMaxRecordBytes)
        return fail(api::StoreError{Kind::kTooLarge, "too large to be stored"});
    Database::Statement count(*database_,
                              "SELECT count(*) FROM records WHERE kind = ?1 AND id <> ?2");
    count.bind(1, static_cast<int>(kind)).bind_text(2, record.id);
    if (count.step() != SQLITE_ROW) return fail(database_->failure());
    if (static_cast<std::size_t>(count.integer(0)) >= kMaxRecordsPerKind)
        return fail(api::StoreError{Kind::kFull, "too many of this kind are stored"});
    Database::Statement insert(
        *database_, "INSERT OR REPLACE INTO records (kind, id, body) VALUES (?1, ?2, ?3)");
    insert.bind(1, static_cast<int>(kind)).bind_text(2, record.id).bind_blob(3, record.body);
    if (insert.step() != SQLITE_DONE) return fail(database_->failure());
    return {};
}

void SqliteStore::put(api::RecordKind kind, Record record, api::StoreReply<void> reply) {
    reply(write(kind, record));
}

void SqliteStore::get(api::RecordKind kind, std::string_view id,
                      api::StoreReply<std::optional<std::string>> reply) {
    Database::Statement select(*database_, "SELECT body FROM records WHERE kind = ?1 AND id = ?2");
    select.bind(1, static_cast<int>(kind)).bind_text(2, id);
    const int step = select.step();
    if (step == SQLITE_ROW) return reply(std::optional(select.bytes(0)));
    if (step == SQLITE_DONE) return reply(std::optional<std::string>());
    reply(fail(database_->failure()));
}

void SqliteStore::remove(api::RecordKind kind, std::string_view id, api::StoreReply<bool> reply) {
    Database::Statement erase(*database_, "DELETE FROM records WHERE kind = ?1 AND id = ?2");
    erase.bind(1, static_cast<int>(kind)).bind_text(2, id);
    if (erase.step() != SQLITE_DONE) return reply(fail(database_->failure()));
    reply(database_->changes() > 0);
}

void SqliteStore::list(api::RecordKind kind, api::StoreReply<std::vector<Record>> reply) {
    Database::Statement select(*database_,
                               "SELECT id, body FROM records WHERE kind = ?1 ORDER BY id");
    select.bind(1, static_cast<int>(kind));
    std::vector<Record> records;
    int step = select.step();
    for (; step == SQLITE_ROW; step = select.step())
        records.push_back({select.bytes(0), select.bytes(1)});
    if (step != SQLITE_DONE) return reply(fail(database_->failure()));
    reply(std::move(records));
}

}  // namespace confab::store
