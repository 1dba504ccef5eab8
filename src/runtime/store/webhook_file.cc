// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/store/webhook_file.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "runtime/store/sqlite_database.h"

namespace confab::store {
namespace {

constexpr int kApplicationId = 0x636f6e77;  // "conw"

constexpr const char* kSchema =
    "CREATE TABLE events (number INTEGER PRIMARY KEY, state INTEGER NOT NULL,"
    " sequence INTEGER NOT NULL, created INTEGER NOT NULL, settled INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, status INTEGER NOT NULL, size INTEGER NOT NULL,"
    " id TEXT NOT NULL, event TEXT NOT NULL, url TEXT NOT NULL, key TEXT NOT NULL,"
    " api_key TEXT NOT NULL, body BLOB NOT NULL);"
    "CREATE INDEX by_state ON events (state, created);"
    "CREATE INDEX by_id ON events (id);"
    "CREATE TABLE urls (url TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE numbers (last INTEGER NOT NULL, id TEXT NOT NULL);"
    "INSERT INTO numbers VALUES (0, '');"
    "PRAGMA application_id = 0x636f6e77; PRAGMA user_version = 1;";

constexpr const char* kColumns =
    "SELECT number, state, sequence, created, settled, attempts, status, id, event, url, key,"
    " api_key, size";
constexpr const char* kWithBody = ", body FROM events ";
constexpr const char* kWithoutBody = " FROM events ";

WebhookRow row_of(Database::Statement& row, bool with_body) {
    WebhookRow result;
    api::OutboxEvent& event = result.event;
    event.number = static_cast<std::uint64_t>(row.integer64(0));
    event.sequence = static_cast<std::uint64_t>(row.integer64(2));
    event.created = UnixTime::micros(row.integer64(3));
    event.id = row.bytes(7);
    event.event = row.bytes(8);
    event.url = row.bytes(9);
    event.key = row.bytes(10);
    event.api_key = row.bytes(11);
    if (with_body) event.body = row.bytes(13);
    result.mark = {event.number, static_cast<api::OutboxState>(row.integer(1)), row.integer(5),
                   row.integer(6)};
    result.settled = UnixTime::micros(row.integer64(4));
    return result;
}

// "?10, ?11, ?12"
std::string parameters(int first, std::size_t count) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i)
        all.append(i == 0 ? "?" : ", ?").append(std::to_string(first + static_cast<int>(i)));
    return all;
}

// A file with its log and index; one that is not there does not matter, here and below.
void remove(const std::string& path) {
    std::error_code ignored;
    for (const char* part : {"", "-wal", "-shm"})
        std::filesystem::remove(path + part, ignored);
}
// Whether it was there.
bool set_aside(const std::string& path) {
    std::error_code error;
    std::error_code ignored;
    std::filesystem::rename(path, path + ".damaged", error);
    for (const char* part : {"-wal", "-shm"})
        std::filesystem::rename(path + part, path + ".damaged" + part, ignored);
    return !error;
}

}  // namespace

WebhookFile::WebhookFile(std::string folder, const WebhookFileLimits& limits)
    : folder_(std::move(folder)), limits_(limits) {}
WebhookFile::~WebhookFile() = default;

std::string WebhookFile::path() const {
    return (std::filesystem::path(folder_) / kFileName).string();
}

WebhookFileError WebhookFile::failure() const {
    const int code = database_->code();
    return {code == SQLITE_CORRUPT || code == SQLITE_NOTADB,
            store_failure_text(path(), code, database_->message())};
}

Result<std::unique_ptr<WebhookFile>, std::string> WebhookFile::open(const std::string& data_dir,
                                                                    const std::string& id,
                                                                    const WebhookFileLimits& limits,
                                                                    std::string& notice) {
    std::unique_ptr<WebhookFile> file(new WebhookFile(data_dir, limits));
    const Layout layout{kApplicationId, kSchemaVersion, kSchema};
    auto database = Database::open(data_dir, kFileName, layout);
    if (!database && database.error().kind == OpenError::Kind::kDamaged) {
        file->has_set_aside_ = set_aside(file->path());
        notice = file->path() + ": damaged, set aside as " + file->path() +
                 ".damaged; webhooks that waited in it are lost";
        database = Database::open(data_dir, kFileName, layout);
    }
    if (!database) return fail(std::move(database.error().text));
    file->database_ = *std::move(database);
    CONFAB_TRY_VOID(file->begin(id));
    return file;
}

Result<void, std::string> WebhookFile::begin(const std::string& id) {
    Database::Statement name(*database_, "UPDATE numbers SET id = ?1 WHERE id = ''");
    name.bind_text(1, id);
    if (name.step() != SQLITE_DONE) return fail(failure().text);
    const auto known = database_->text("SELECT id FROM numbers");
    if (!known || !count()) return fail(failure().text);
    id_ = *known;
    return {};
}

Result<void, std::string> WebhookFile::begin_anew() {
    const Layout layout{kApplicationId, kSchemaVersion, kSchema};
    database_.reset();
    if (next_id_.empty()) {
        if (has_set_aside_)
            remove(path());  // what it had is written again; the first has what nobody else has
        else
            has_set_aside_ = set_aside(path());
        next_id_ = id_ + "x";
    }
    auto database = Database::open(folder_, kFileName, layout);
    if (!database) {
        if (database.error().kind == OpenError::Kind::kDamaged) {
            // Either what was begun is no good, or the first one could not be set aside.
            if (std::filesystem::exists(path() + ".damaged"))
                remove(path());
            else
                has_set_aside_ = set_aside(path());
        }
        // Something to ask, which knows nothing and takes nothing.
        database_ = std::make_unique<Database>(nullptr);
        return fail(std::move(database.error().text));
    }
    database_ = *std::move(database);
    CONFAB_TRY_VOID(begin(next_id_));
    next_id_.clear();
    return {};
}

bool WebhookFile::count() {
    Database::Statement sum(*database_, "SELECT count(*), total(size) FROM events");
    if (sum.step() != SQLITE_ROW) return false;
    events_ = static_cast<std::size_t>(sum.integer64(0));
    bytes_ = static_cast<std::size_t>(sum.integer64(1));
    return true;
}

Result<api::OutboxContents, std::string> WebhookFile::load() {
    api::OutboxContents contents;
    contents.id = id_;
    Database::Statement last(*database_, "SELECT last FROM numbers");
    if (last.step() != SQLITE_ROW) return fail(failure().text);
    contents.last_number = static_cast<std::uint64_t>(last.integer64(0));
    Database::Statement urls(*database_, "SELECT url, sequence FROM urls LIMIT ?1");
    urls.bind(1, static_cast<std::int64_t>(api::kMaxOutboxUrls));
    int step = urls.step();
    for (; step == SQLITE_ROW; step = urls.step())
        contents.sequences[urls.bytes(0)] = static_cast<std::uint64_t>(urls.integer64(1));
    if (step != SQLITE_DONE) return fail(failure().text);
    const std::string sql = std::string(kColumns) + kWithBody + "WHERE state = 0 ORDER BY number";
    Database::Statement waiting(*database_, sql.c_str());
    for (step = waiting.step(); step == SQLITE_ROW; step = waiting.step())
        contents.waiting.push_back(row_of(waiting, true).event);
    if (step != SQLITE_DONE) return fail(failure().text);
    return contents;
}

// One statement at a time, here and below: when one has failed, the end of another that has not
// would hide why.
bool WebhookFile::insert(const api::OutboxEvent& event, UnixTime now) {
    return insert_row(event, now) && note_number(event) && note_sequence(event);
}

bool WebhookFile::insert_row(const api::OutboxEvent& event, UnixTime now) {
    Database::Statement row(*database_,
                            "INSERT OR IGNORE INTO events (number, state, sequence, created,"
                            " settled, attempts, status, size, id, event, url, key, api_key, body)"
                            " VALUES (?1, 0, ?2, ?3, 0, 0, 0, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    row.bind(1, static_cast<std::int64_t>(event.number))
        .bind(2, static_cast<std::int64_t>(event.sequence))
        .bind(3, (event.created == UnixTime() ? now : event.created).us())
        .bind(4, static_cast<std::int64_t>(event.body.size()))
        .bind_text(5, event.id)
        .bind_text(6, event.event)
        .bind_text(7, event.url)
        .bind_text(8, event.key)
        .bind_text(9, event.api_key)
        .bind_blob(10, event.body);
    return row.step() == SQLITE_DONE;
}

bool WebhookFile::note_number(const api::OutboxEvent& event) {
    Database::Statement last(*database_, "UPDATE numbers SET last = max(last, ?1)");
    last.bind(1, static_cast<std::int64_t>(event.number));
    return last.step() == SQLITE_DONE;
}

bool WebhookFile::note_sequence(const api::OutboxEvent& event) {
    if (event.sequence == 0) return true;
    Database::Statement url(*database_,
                            "INSERT INTO urls VALUES (?1, ?2) ON CONFLICT (url) DO UPDATE SET"
                            " sequence = max(sequence, excluded.sequence)");
    url.bind_text(1, event.url).bind(2, static_cast<std::int64_t>(event.sequence));
    return url.step() == SQLITE_DONE;
}

bool WebhookFile::mark(const api::OutboxMark& mark, UnixTime now) {
    Database::Statement row(*database_,
                            "UPDATE events SET state = ?2, attempts = ?3, status = ?4,"
                            " settled = ?5 WHERE number = ?1");
    const bool settled = mark.state != api::OutboxState::kPending;
    row.bind(1, static_cast<std::int64_t>(mark.number))
        .bind(2, static_cast<int>(mark.state))
        .bind(3, mark.attempts)
        .bind(4, mark.status)
        .bind(5, settled ? now.us() : 0);
    return row.step() == SQLITE_DONE;
}

bool WebhookFile::write_all(std::span<const api::OutboxWrite> batch, UnixTime now) {
    return std::all_of(batch.begin(), batch.end(), [this, now](const api::OutboxWrite& one) {
        if (const auto* event = std::get_if<api::OutboxEvent>(&one)) return insert(*event, now);
        return mark(std::get<api::OutboxMark>(one), now);
    });
}

Result<void, WebhookFileError> WebhookFile::write(std::span<const api::OutboxWrite> batch,
                                                  UnixTime now) {
    if (!database_->run("BEGIN IMMEDIATE")) return fail(failure());
    if (!write_all(batch, now) || !database_->run("COMMIT")) {
        auto error = failure();
        (void)database_->run("ROLLBACK");
        return fail(std::move(error));
    }
    for (const api::OutboxWrite& one : batch)
        if (const auto* event = std::get_if<api::OutboxEvent>(&one)) {
            ++events_;
            bytes_ += event->body.size();
        }
    if (events_ <= limits_.max_events && bytes_ <= limits_.max_bytes) return {};
    return prune(now);
}

Result<void, WebhookFileError> WebhookFile::prune(UnixTime now) {
    Database::Statement old(*database_, "DELETE FROM events WHERE state <> 0 AND created < ?1");
    old.bind(1, (now - limits_.retention).us());
    if (old.step() != SQLITE_DONE || !count()) return fail(failure());
    while (events_ > limits_.max_events || bytes_ > limits_.max_bytes) {
        // A tenth more than needed, so that it is not at the limit again with the next event.
        const std::size_t excess = events_ - std::min(events_, limits_.max_events);
        Database::Statement first(*database_,
                                  "DELETE FROM events WHERE number IN (SELECT number FROM events"
                                  " WHERE state <> 0 ORDER BY number LIMIT ?1)");
        first.bind(1, static_cast<std::int64_t>(excess + limits_.max_events / 10 + 1));
        if (first.step() != SQLITE_DONE) return fail(failure());
        if (database_->changes() == 0) break;  // all of it waits
        if (!count()) return fail(failure());
    }
    return {};
}

Result<WebhookPage, std::string> WebhookFile::find(const WebhookQuery& query, bool with_bodies) {
    constexpr int kFirstId = 11;
    if (query.ids.size() > WebhookQuery::kMaxIds) return fail(std::string("too many ids"));
    const std::string sql =
        kColumns + std::string(with_bodies ? kWithBody : kWithoutBody) +
        "WHERE number > ?1 AND (?2 = '' OR url = ?2) AND (?3 = '' OR key = ?3)"
        " AND (?4 = '' OR event = ?4) AND sequence >= ?5 AND created >= ?6"
        " AND (?7 = 0 OR ((1 << state) & ?7) <> 0) AND (?9 = '' OR url <> ?9)"
        " AND substr(key, 1, length(?10)) = ?10" +
        (query.ids.empty() ? "" : " AND id IN (" + parameters(kFirstId, query.ids.size()) + ")") +
        (query.newest_first ? " ORDER BY number DESC LIMIT ?8" : " ORDER BY number LIMIT ?8");
    const std::size_t limit = std::min(query.limit, WebhookQuery::kMaxLimit);
    Database::Statement rows(*database_, sql.c_str());
    rows.bind(1, static_cast<std::int64_t>(query.after))
        .bind_text(2, query.url)
        .bind_text(3, query.key)
        .bind_text(4, query.event)
        .bind(5, static_cast<std::int64_t>(query.since_sequence))
        .bind(6, query.since.us())
        .bind(7, static_cast<int>(query.states))
        .bind(8, static_cast<std::int64_t>(limit + 1))
        .bind_text(9, query.except_url)
        .bind_text(10, query.key_prefix);
    for (std::size_t i = 0; i < query.ids.size(); ++i)
        rows.bind_text(kFirstId + static_cast<int>(i), query.ids[i]);
    WebhookPage page;
    std::size_t bytes = 0;
    int step = rows.step();
    for (; step == SQLITE_ROW; step = rows.step()) {
        if (with_bodies) bytes += static_cast<std::size_t>(rows.integer64(12));
        const bool is_full = page.rows.size() == limit || bytes > WebhookQuery::kMaxBytes;
        if (is_full && !page.rows.empty()) {
            page.next = page.rows.back().event.number;
            return page;
        }
        page.rows.push_back(row_of(rows, with_bodies));
    }
    if (step != SQLITE_DONE) return fail(failure().text);
    return page;
}

Result<WebhookPage, std::string> WebhookFile::replay(const WebhookQuery& query) {
    if (query.with_pending) return find(query, true);
    WebhookQuery settled = query;
    const unsigned pending = 1U << static_cast<unsigned>(api::OutboxState::kPending);
    settled.states = (query.states == 0 ? ~0U : query.states) & ~pending & 0xFFU;
    if (settled.states == 0) return WebhookPage{};
    CONFAB_TRY(WebhookPage page, find(settled, true));
    std::vector<api::OutboxWrite> marks;
    marks.reserve(page.rows.size());
    for (const WebhookRow& row : page.rows)
        marks.emplace_back(api::OutboxMark{row.event.number, api::OutboxState::kPending, 0, 0});
    auto written = write(marks, {});
    if (!written) return fail(std::move(written.error().text));
    return page;
}

}  // namespace confab::store
