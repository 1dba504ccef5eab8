// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Internal to the stores: a connection to a file of ours, and statements on it.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace confab::store {

// What a file of ours is known by, and how it begins.
struct Layout {
    int application_id = 0;   // whose file this is, in its header
    int version = 0;          // of the tables; a newer file is refused
    const char* schema = "";  // sets both, too
};

struct OpenError {
    enum class Kind : std::uint8_t { kDamaged, kForeign, kOther };
    Kind kind = Kind::kOther;
    std::string text;  // which file, what is wrong, what to do
};

// What open() says about a result code of SQLite: the file, what is wrong, what to do.
std::string store_failure_text(const std::string& path, int code, const std::string& what);

class Database {
  public:
    // Makes folder (its parent must be there) and file if need be, for their owner alone. One
    // process has the file until it ends; a write is on the disk when it is committed (WAL,
    // synchronous=FULL).
    static Result<std::unique_ptr<Database>, OpenError> open(const std::string& folder,
                                                             const char* file,
                                                             const Layout& layout);
    // Of this process alone, and gone with the object; null when there is no memory for it.
    static std::unique_ptr<Database> in_memory(const Layout& layout);
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

        Statement& bind(int at, std::int64_t value) {
            sqlite3_bind_int64(statement_, at, value);
            return *this;
        }
        // Views must outlive the statement.
        Statement& bind_text(int at, std::string_view value) {
            sqlite3_bind_text64(statement_, at, value.data() != nullptr ? value.data() : "",
                                value.size(), SQLITE_STATIC, SQLITE_UTF8);
            return *this;
        }
        Statement& bind_blob(int at, std::string_view value) {
            sqlite3_bind_blob64(statement_, at, value.data() != nullptr ? value.data() : "",
                                value.size(), SQLITE_STATIC);
            return *this;
        }
        // Nothing is NULL.
        Statement& bind_real(int at, std::optional<double> value) {
            if (value)
                sqlite3_bind_double(statement_, at, *value);
            else
                sqlite3_bind_null(statement_, at);
            return *this;
        }
        // SQLITE_ROW, SQLITE_DONE or an error.
        int step() { return statement_ == nullptr ? SQLITE_ERROR : sqlite3_step(statement_); }
        int integer(int column) { return sqlite3_column_int(statement_, column); }
        std::int64_t integer64(int column) { return sqlite3_column_int64(statement_, column); }
        std::optional<double> real(int column) {
            if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
            return sqlite3_column_double(statement_, column);
        }
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

  private:
    // Whether the file is one of ours; an empty one becomes so.
    Result<void, OpenError> adopt(const std::string& path, const Layout& layout);

    sqlite3* handle_;
};

}  // namespace confab::store
