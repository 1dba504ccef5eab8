// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/store/sqlite_store.h"

#include <utility>

#include "runtime/store/sqlite_database.h"

namespace confab::store {
namespace {

constexpr int kApplicationId = 0x636f6e66;  // "conf": whose file this is, in its header

constexpr const char* kSchema =
    "CREATE TABLE records (kind INTEGER NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,"
    " PRIMARY KEY (kind, id)) WITHOUT ROWID;"
    "PRAGMA application_id = 0x636f6e66; PRAGMA user_version = 1;";

api::StoreError failure(const Database& database) {
    return {api::StoreError::Kind::kFailed, "the store does not work: " + database.message()};
}

}  // namespace

SqliteStore::SqliteStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>, std::string> SqliteStore::open(const std::string& data_dir) {
    auto database = Database::open(data_dir, kFileName, {kApplicationId, kSchemaVersion, kSchema});
    if (!database) return fail(std::move(database.error().text));
    return std::unique_ptr<SqliteStore>(new SqliteStore(*std::move(database)));
}

Result<void, api::StoreError> SqliteStore::write(api::RecordKind kind, const Record& record) {
    using Kind = api::StoreError::Kind;
    if (record.id.empty() || record.id.size() > kMaxIdBytes || record.body.size() > kMaxRecordBytes)
        return fail(api::StoreError{Kind::kTooLarge, "too large to be stored"});
    Database::Statement count(*database_,
                              "SELECT count(*) FROM records WHERE kind = ?1 AND id <> ?2");
    count.bind(1, static_cast<int>(kind)).bind_text(2, record.id);
    if (count.step() != SQLITE_ROW) return fail(failure(*database_));
    if (static_cast<std::size_t>(count.integer(0)) >= kMaxRecordsPerKind)
        return fail(api::StoreError{Kind::kFull, "too many of this kind are stored"});
    Database::Statement insert(
        *database_, "INSERT OR REPLACE INTO records (kind, id, body) VALUES (?1, ?2, ?3)");
    insert.bind(1, static_cast<int>(kind)).bind_text(2, record.id).bind_blob(3, record.body);
    if (insert.step() != SQLITE_DONE) return fail(failure(*database_));
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
    reply(fail(failure(*database_)));
}

void SqliteStore::remove(api::RecordKind kind, std::string_view id, api::StoreReply<bool> reply) {
    Database::Statement erase(*database_, "DELETE FROM records WHERE kind = ?1 AND id = ?2");
    erase.bind(1, static_cast<int>(kind)).bind_text(2, id);
    if (erase.step() != SQLITE_DONE) return reply(fail(failure(*database_)));
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
    if (step != SQLITE_DONE) return reply(fail(failure(*database_)));
    reply(std::move(records));
}

}  // namespace confab::store
