// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The history of the console in one SQLite file under confab.data_dir, or in memory: the minutes of
// the node, sessions, events. Bounded in age and size. One process has the file.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "console/history.h"
#include "console/requests.h"

namespace confab::store {

class Database;

struct HistoryLimits {
    Duration retention = Duration::seconds(std::int64_t{30} * 24 * 3600);
    // Beyond, the oldest of each kind go first, a tenth at a time.
    std::size_t max_bytes = std::size_t{256} << 20U;
    bool operator==(const HistoryLimits&) const = default;
};

struct HistoryError {
    bool damaged = false;
    std::string text;  // which file, what is wrong, what to do
};

class HistoryFile {
  public:
    static constexpr const char* kFileName = "history.db";
    static constexpr int kSchemaVersion = 1;
    // Of a history in memory, whatever may be on a disk.
    static constexpr std::size_t kMaxInMemory = std::size_t{8} << 20U;

    // A file that is damaged, of a newer confab, or not ours is set aside and told in `notice`, and
    // another begun. The error is a text for the operator.
    static Result<std::unique_ptr<HistoryFile>, std::string> open(const std::string& data_dir,
                                                                  std::string& notice);
    // Null when there is no memory for it.
    static std::unique_ptr<HistoryFile> in_memory();
    ~HistoryFile();
    HistoryFile(const HistoryFile&) = delete;
    HistoryFile& operator=(const HistoryFile&) = delete;

    // The same once more, after an error that says so.
    Result<void, std::string> begin_anew();
    // Sessions of an earlier process ended when that was heard of last.
    Result<void, HistoryError> end_open_sessions();
    // All of it or, on an error, nothing.
    Result<void, HistoryError> write(std::span<const console::HistoryWrite> batch);
    Result<void, HistoryError> prune(UnixTime now, const HistoryLimits& limits);
    // Whether there is more than may be.
    bool is_over(const HistoryLimits& limits);

    // In their order.
    Result<std::vector<console::Minute>, HistoryError> minutes(const console::Range& range);
    // The newest first, here and below.
    Result<console::SessionPage, HistoryError> sessions(const console::SessionsQuery& query);
    Result<std::vector<console::Event>, HistoryError> events(const console::EventsQuery& query);

  private:
    HistoryFile(std::string folder, std::unique_ptr<Database> database);
    std::string path() const;
    HistoryError failure() const;
    bool insert(const console::Minute& minute);
    bool insert(const console::SessionStart& start);
    bool insert(const console::SessionEnd& end);
    bool insert(const console::Event& event);
    std::size_t bytes();

    std::string folder_;  // empty: in memory
    std::unique_ptr<Database> database_;
    bool is_lost_ = false;  // to be begun anew, which did not work yet
};

}  // namespace confab::store
