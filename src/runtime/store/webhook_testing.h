// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A folder for the outbox, events for it, and a disk that is full.
#pragma once

#include <doctest/doctest.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "runtime/store/webhook_file.h"

namespace confab::store {

struct DataFolder {
    DataFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "outboxXXXXXX").string();
        path = mkdtemp(pattern.data());
    }
    ~DataFolder() { std::filesystem::remove_all(path); }
    DataFolder(const DataFolder&) = delete;
    DataFolder& operator=(const DataFolder&) = delete;

    std::unique_ptr<WebhookFile> open(const std::string& id = "OB_test",
                                      const WebhookFileLimits& limits = {}) const {
        std::string notice;
        auto opened = WebhookFile::open(path, id, limits, notice);
        INFO((opened ? notice : opened.error()));
        REQUIRE(opened);
        CHECK(notice.empty());
        return *std::move(opened);
    }
    // By another program, as it were.
    void run(const char* sql) const {
        sqlite3* handle = nullptr;
        REQUIRE(sqlite3_open(file().c_str(), &handle) == SQLITE_OK);
        CHECK(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
        sqlite3_close(handle);
    }
    std::string file() const { return path + "/" + WebhookFile::kFileName; }
    std::string path;
};

inline api::OutboxEvent event(std::uint64_t number, const std::string& key,
                              const std::string& url = "http://a") {
    api::OutboxEvent out;
    out.number = out.sequence = number;
    out.url = url;
    out.key = key;
    out.api_key = "key";
    out.id = "EV_" + std::to_string(number);
    out.event = "room_started";
    out.body = "{\"zero\":\"\\u0000\",\"é\":1}";
    return out;
}

// While it lives no file grows beyond what it is: to the writer, a full disk.
class FullDisk {
  public:
    explicit FullDisk(const DataFolder& folder) {
        REQUIRE(getrlimit(RLIMIT_FSIZE, &before_) == 0);
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        const rlimit now{std::filesystem::file_size(folder.file() + "-wal"), before_.rlim_max};
        REQUIRE(setrlimit(RLIMIT_FSIZE, &now) == 0);
    }
    ~FullDisk() {
        (void)setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

  private:
    rlimit before_{};
    void (*handler_)(int) = SIG_DFL;
};

}  // namespace confab::store
