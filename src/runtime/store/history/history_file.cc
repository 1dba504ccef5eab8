// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/store/history/history_file.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "runtime/store/sqlite_database.h"

namespace confab::store {
namespace {

constexpr int kApplicationId = 0x636f6e68;  // "conh"

constexpr const char* kSchema =
    "CREATE TABLE minutes (at INTEGER PRIMARY KEY, participants INTEGER NOT NULL,"
    " rooms INTEGER NOT NULL, joins INTEGER NOT NULL, refused INTEGER NOT NULL,"
    " bytes_in REAL NOT NULL, bytes_out REAL NOT NULL, cpu REAL NOT NULL, quality REAL);"
    "CREATE TABLE sessions (id INTEGER PRIMARY KEY, room TEXT NOT NULL, room_sid TEXT NOT NULL,"
    " identity TEXT NOT NULL, sid TEXT NOT NULL, joined INTEGER NOT NULL, sdk TEXT NOT NULL,"
    " sdk_version TEXT NOT NULL, os TEXT NOT NULL, browser TEXT NOT NULL, ended INTEGER,"
    " reason TEXT NOT NULL DEFAULT '', path TEXT NOT NULL DEFAULT '', quality REAL);"
    "CREATE INDEX by_joined ON sessions (joined);"
    "CREATE INDEX by_room ON sessions (room, joined);"
    "CREATE INDEX by_identity ON sessions (identity, joined);"
    "CREATE INDEX by_sid ON sessions (sid);"
    "CREATE TABLE events (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL,"
    " text TEXT NOT NULL, room TEXT NOT NULL, identity TEXT NOT NULL, who TEXT NOT NULL);"
    "CREATE INDEX by_at ON events (at);"
    "CREATE INDEX by_kind ON events (kind, at);"
    "PRAGMA application_id = 0x636f6e68; PRAGMA user_version = 1;";

constexpr Layout kLayout{kApplicationId, HistoryFile::kSchemaVersion, kSchema};

// Only what is asked for: SQLite chooses its index by the text.
std::string sessions_where(const console::SessionsQuery& query) {
    std::string text = " FROM sessions WHERE joined BETWEEN ?1 AND ?2";
    if (!query.room.empty()) text += " AND room = ?3";
    if (!query.identity.empty()) text += " AND identity = ?4";
    return text;
}

// With its log and index, which need not be there; whether it was there itself.
bool set_aside(const std::string& path) {
    std::error_code error;
    std::error_code ignored;
    std::filesystem::rename(path, path + ".set-aside", error);
    for (const char* part : {"-wal", "-shm"})
        std::filesystem::rename(path + part, path + ".set-aside" + part, ignored);
    return !error;
}

Result<std::unique_ptr<Database>, OpenError> open_database(const std::string& folder) {
    auto database = Database::open(folder, HistoryFile::kFileName, kLayout);
    // What a moment of no power takes away is worth no waiting for the disk.
    if (database) (void)(*database)->run("PRAGMA synchronous = NORMAL");
    return database;
}

console::SessionRow row_of(Database::Statement& row) {
    console::SessionRow result;
    console::SessionStart& start = result.start;
    start.room = row.bytes(0);
    start.room_sid = row.bytes(1);
    start.identity = row.bytes(2);
    start.sid = row.bytes(3);
    start.joined = UnixTime::micros(row.integer64(4));
    start.sdk = row.bytes(5);
    start.sdk_version = row.bytes(6);
    start.os = row.bytes(7);
    start.browser = row.bytes(8);
    if (!row.real(9)) return result;
    result.end =
        console::SessionEnd{start.sid,     start.room_sid, UnixTime::micros(row.integer64(9)),
                            row.bytes(10), row.bytes(11),  row.real(12)};
    return result;
}

void bind_where(Database::Statement& statement, const console::SessionsQuery& query) {
    statement.bind(1, query.range.from.us()).bind(2, query.range.to.us());
    if (!query.room.empty()) statement.bind_text(3, query.room);
    if (!query.identity.empty()) statement.bind_text(4, query.identity);
}

}  // namespace

HistoryFile::HistoryFile(std::string folder, std::unique_ptr<Database> database)
    : folder_(std::move(folder)), database_(std::move(database)) {}
HistoryFile::~HistoryFile() = default;

std::string HistoryFile::path() const {
    return folder_.empty() ? "the history in memory"
                           : (std::filesystem::path(folder_) / kFileName).string();
}

HistoryError HistoryFile::failure() const {
    const int code = database_->code();
    return {is_lost_ || code == SQLITE_CORRUPT || code == SQLITE_NOTADB,
            store_failure_text(path(), code, database_->message())};
}

Result<std::unique_ptr<HistoryFile>, std::string> HistoryFile::open(const std::string& data_dir,
                                                                    std::string& notice) {
    auto database = open_database(data_dir);
    if (!database && database.error().kind != OpenError::Kind::kOther) {
        const std::string path = (std::filesystem::path(data_dir) / kFileName).string();
        if (set_aside(path))
            notice = "the history of the console is begun anew, the file before it is " + path +
                     ".set-aside: " + database.error().text;
        database = open_database(data_dir);
    }
    if (!database) return fail(std::move(database.error().text));
    return std::unique_ptr<HistoryFile>(new HistoryFile(data_dir, *std::move(database)));
}

std::unique_ptr<HistoryFile> HistoryFile::in_memory() {
    auto database = Database::in_memory(kLayout);
    if (!database) return nullptr;
    return std::unique_ptr<HistoryFile>(new HistoryFile({}, std::move(database)));
}

Result<void, std::string> HistoryFile::begin_anew() {
    if (folder_.empty()) return fail(failure().text);
    database_.reset();
    (void)set_aside(path());
    auto database = open_database(folder_);
    is_lost_ = !database;
    if (!database) {
        database_ = std::make_unique<Database>(nullptr);  // takes nothing, knows nothing
        return fail(std::move(database.error().text));
    }
    database_ = *std::move(database);
    return {};
}

Result<void, HistoryError> HistoryFile::end_open_sessions() {
    Database::Statement update(
        *database_,
        "UPDATE sessions SET ended = max(joined, coalesce((SELECT max(at) FROM minutes), 0),"
        " coalesce((SELECT max(at) FROM events), 0)), reason = 'SERVER_ENDED' WHERE ended IS NULL");
    if (update.step() != SQLITE_DONE) return fail(failure());
    return {};
}

bool HistoryFile::insert(const console::Minute& minute) {
    Database::Statement row(*database_,
                            "INSERT OR REPLACE INTO minutes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"
                            " ?8, ?9)");
    row.bind(1, minute.at.us())
        .bind(2, minute.participants)
        .bind(3, minute.rooms)
        .bind(4, minute.joins)
        .bind(5, minute.refused)
        .bind_real(6, minute.bytes_in)
        .bind_real(7, minute.bytes_out)
        .bind_real(8, minute.cpu)
        .bind_real(9, minute.quality);
    return row.step() == SQLITE_DONE;
}

bool HistoryFile::insert(const console::SessionStart& start) {
    Database::Statement row(*database_,
                            "INSERT INTO sessions (room, room_sid, identity, sid, joined, sdk,"
                            " sdk_version, os, browser) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
                            " ?9)");
    row.bind_text(1, start.room)
        .bind_text(2, start.room_sid)
        .bind_text(3, start.identity)
        .bind_text(4, start.sid)
        .bind(5, start.joined.us())
        .bind_text(6, start.sdk)
        .bind_text(7, start.sdk_version)
        .bind_text(8, start.os)
        .bind_text(9, start.browser);
    return row.step() == SQLITE_DONE;
}

bool HistoryFile::insert(const console::SessionEnd& end) {
    Database::Statement row(*database_,
                            "UPDATE sessions SET ended = ?1, reason = ?2, path = ?3, quality = ?4"
                            " WHERE sid = ?5 AND room_sid = ?6 AND ended IS NULL");
    row.bind(1, end.left.us())
        .bind_text(2, end.reason)
        .bind_text(3, end.path)
        .bind_real(4, end.quality)
        .bind_text(5, end.sid)
        .bind_text(6, end.room_sid);
    return row.step() == SQLITE_DONE;
}

bool HistoryFile::insert(const console::Event& event) {
    Database::Statement row(*database_,
                            "INSERT INTO events (at, kind, text, room, identity, who)"
                            " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    row.bind(1, event.at.us())
        .bind_text(2, event.kind)
        .bind_text(3, event.text)
        .bind_text(4, event.room)
        .bind_text(5, event.identity)
        .bind_text(6, event.who);
    return row.step() == SQLITE_DONE;
}

Result<void, HistoryError> HistoryFile::write(std::span<const console::HistoryWrite> batch) {
    if (!database_->run("BEGIN IMMEDIATE")) return fail(failure());
    const bool written =
        std::all_of(batch.begin(), batch.end(), [this](const console::HistoryWrite& one) {
            return std::visit([this](const auto& value) { return insert(value); }, one);
        });
    if (written && database_->run("COMMIT")) return {};
    HistoryError error = failure();
    (void)database_->run("ROLLBACK");
    return fail(std::move(error));
}

std::size_t HistoryFile::bytes() {
    Database::Statement size(*database_,
                             "SELECT (page_count - freelist_count) * page_size FROM"
                             " pragma_page_count, pragma_freelist_count, pragma_page_size");
    return size.step() == SQLITE_ROW ? static_cast<std::size_t>(size.integer64(0)) : 0;
}

bool HistoryFile::is_over(const HistoryLimits& limits) {
    return bytes() >
           (folder_.empty() ? std::min(limits.max_bytes, kMaxInMemory) : limits.max_bytes);
}

Result<void, HistoryError> HistoryFile::prune(UnixTime now, const HistoryLimits& limits) {
    for (const char* sql : {"DELETE FROM minutes WHERE at < ?1",
                            "DELETE FROM sessions WHERE joined < ?1 AND ended IS NOT NULL",
                            "DELETE FROM events WHERE at < ?1"}) {
        Database::Statement old(*database_, sql);
        old.bind(1, (now - limits.retention).us());
        if (old.step() != SQLITE_DONE) return fail(failure());
    }
    constexpr int kMostRounds = 40;
    for (int round = 0; is_over(limits) && round < kMostRounds; ++round) {
        int gone = 0;
        for (const char* sql :
             {"DELETE FROM minutes WHERE at IN (SELECT at FROM minutes ORDER BY at LIMIT"
              " (SELECT count(*) / 10 + 1 FROM minutes))",
              "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions ORDER BY id LIMIT"
              " (SELECT count(*) / 10 + 1 FROM sessions))",
              "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT"
              " (SELECT count(*) / 10 + 1 FROM events))"}) {
            if (!database_->run(sql)) return fail(failure());
            gone += database_->changes();
        }
        if (gone == 0) break;
    }
    return {};
}

Result<std::vector<console::Minute>, HistoryError> HistoryFile::minutes(
    const console::Range& range) {
    Database::Statement rows(*database_,
                             "SELECT at, participants, rooms, joins, refused, bytes_in, bytes_out,"
                             " cpu, quality FROM minutes WHERE at BETWEEN ?1 AND ?2 ORDER BY at");
    rows.bind(1, range.from.us()).bind(2, range.to.us());
    std::vector<console::Minute> all;
    int step = rows.step();
    for (; step == SQLITE_ROW; step = rows.step())
        all.push_back({UnixTime::micros(rows.integer64(0)), rows.integer64(1), rows.integer64(2),
                       rows.integer64(3), rows.integer64(4), rows.real(5).value_or(0),
                       rows.real(6).value_or(0), rows.real(7).value_or(0), rows.real(8)});
    if (step != SQLITE_DONE) return fail(failure());
    return all;
}

Result<console::SessionPage, HistoryError> HistoryFile::sessions(
    const console::SessionsQuery& query) {
    console::SessionPage page;
    const std::string where = sessions_where(query);
    const std::string counting = "SELECT count(*)" + where;
    {
        Database::Statement count(*database_, counting.c_str());
        bind_where(count, query);
        if (count.step() != SQLITE_ROW) return fail(failure());
        page.total = static_cast<std::size_t>(count.integer64(0));
    }
    const std::string listing =
        std::string(
            "SELECT room, room_sid, identity, sid, joined, sdk, sdk_version, os, browser,"
            " ended, reason, path, quality") +
        where + " ORDER BY joined DESC, id DESC LIMIT ?5 OFFSET ?6";
    Database::Statement rows(*database_, listing.c_str());
    bind_where(rows, query);
    rows.bind(5, static_cast<std::int64_t>(query.limit))
        .bind(6, static_cast<std::int64_t>(query.offset));
    int step = rows.step();
    for (; step == SQLITE_ROW; step = rows.step())
        page.rows.push_back(row_of(rows));
    if (step != SQLITE_DONE) return fail(failure());
    return page;
}

Result<std::vector<console::Event>, HistoryError> HistoryFile::events(
    const console::EventsQuery& query) {
    std::string listing = "SELECT at, kind, text, room, identity, who FROM events WHERE at < ?1";
    if (!query.kind.empty()) listing += " AND kind = ?2";
    listing += " ORDER BY at DESC, id DESC LIMIT ?3";
    Database::Statement rows(*database_, listing.c_str());
    rows.bind(1, query.before.us()).bind(3, static_cast<std::int64_t>(query.limit));
    if (!query.kind.empty()) rows.bind_text(2, query.kind);
    std::vector<console::Event> all;
    int step = rows.step();
    for (; step == SQLITE_ROW; step = rows.step())
        all.push_back({UnixTime::micros(rows.integer64(0)), rows.bytes(1), rows.bytes(2),
                       rows.bytes(3), rows.bytes(4), rows.bytes(5)});
    if (step != SQLITE_DONE) return fail(failure());
    return all;
}

}  // namespace confab::store
