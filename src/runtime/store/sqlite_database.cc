// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/store/sqlite_database.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace confab::store {
namespace {

constexpr int kBusyMillis = 500;

using Text = std::string;

Text about(const Text& path, const Text& what, const Text& remedy) {
    return path + ": " + what + "; " + remedy;
}
Text damaged(const Text& path, const Text& what) {
    return about(path, "the store is damaged (" + what + ")",
                 "restore it from a backup, or move it away and start again: what was created by "
                 "API is then gone");
}

// For its owner alone, where it is made here.
std::error_code make_folder(const Text& folder) {
    std::error_code error;
    if (mkdir(folder.c_str(), S_IRWXU) == 0) return {};
    const std::error_code failure(errno, std::generic_category());
    return std::filesystem::is_directory(folder, error) ? std::error_code() : failure;
}

// What is in it is nobody's business but the owner's: rooms, people and their metadata. SQLite
// gives its log and index the mode of the file. A file that is there is not opened for that: to
// close it would end the locks that this process has on it. What cannot be changed is said by
// SQLite, if it matters.
void make_private(const Text& path) {
    constexpr mode_t kOwner = S_IRUSR | S_IWUSR;
    const int made = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwner);
    if (made >= 0) {
        ::close(made);
        return;
    }
    for (const char* part : {"", "-wal", "-shm"})
        (void)chmod((path + part).c_str(), kOwner);
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

Result<void, OpenError> Database::adopt(const std::string& path, const Layout& layout) {
    using Kind = OpenError::Kind;
    Statement version(*this, "PRAGMA user_version");
    Statement owner(*this, "PRAGMA application_id");
    if (version.step() != SQLITE_ROW || owner.step() != SQLITE_ROW)
        return fail(OpenError{Kind::kOther, store_failure_text(path, code(), message())});
    const auto tables = text("SELECT CAST(count(*) AS TEXT) FROM sqlite_schema");
    if (version.integer(0) == 0 && owner.integer(0) == 0 && tables == "0") {
        if (!run((Text("BEGIN;") + layout.schema + "COMMIT;").c_str()))
            return fail(OpenError{Kind::kOther, store_failure_text(path, code(), message())});
    } else if (owner.integer(0) != layout.application_id) {
        return fail(OpenError{Kind::kForeign, about(path, "is not a store of confab",
                                                    "move it away, or change confab.data_dir")});
    } else if (version.integer(0) > layout.version) {
        return fail(OpenError{Kind::kForeign, about(path, "was written by a newer confab",
                                                    "run that one, or restore a backup")});
    }
    return {};
}

Result<std::unique_ptr<Database>, OpenError> Database::open(const std::string& folder,
                                                            const char* file,
                                                            const Layout& layout) {
    using Kind = OpenError::Kind;
    if (const std::error_code error = make_folder(folder))
        return fail(
            OpenError{Kind::kOther,
                      about(folder, "cannot make the folder: " + error.message(),
                            "make it, owned by the user of confab, or change confab.data_dir")});
    const Text path = (std::filesystem::path(folder) / file).string();
    make_private(path);
    sqlite3* handle = nullptr;
    const int opened = sqlite3_open_v2(
        path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
        nullptr);
    auto database = std::make_unique<Database>(handle);
    const auto failure = [&] {
        const int code = database->code();
        return fail(OpenError{
            code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? Kind::kDamaged : Kind::kOther,
            store_failure_text(path, code, database->message())});
    };
    if (opened != SQLITE_OK) return failure();
    // SQLite opens what it may not write all the same.
    if (sqlite3_db_readonly(handle, "main") == 1)
        return fail(
            OpenError{Kind::kOther, store_failure_text(path, SQLITE_READONLY, "it is read-only")});
    sqlite3_busy_timeout(handle, kBusyMillis);
    // One process has the file until it ends.
    if (!database->run("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                       "PRAGMA synchronous = FULL; BEGIN EXCLUSIVE; COMMIT;"))
        return failure();
    const auto check = database->text("PRAGMA quick_check(1)");
    if (!check) return failure();
    if (check != "ok") return fail(OpenError{Kind::kDamaged, damaged(path, *check)});
    CONFAB_TRY_VOID(database->adopt(path, layout));
    return database;
}

std::unique_ptr<Database> Database::in_memory(const Layout& layout) {
    sqlite3* handle = nullptr;
    const int opened = sqlite3_open_v2(
        ":memory:", &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
        nullptr);
    auto database = std::make_unique<Database>(handle);
    if (opened != SQLITE_OK || !database->run(layout.schema)) return nullptr;
    return database;
}

}  // namespace confab::store
