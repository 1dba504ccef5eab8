// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// api::RecordStore in one SQLite file under confab.data_dir. Answers at once; a write is on the
// disk when it is answered (WAL, synchronous=FULL: an operator's calls are few). One process at a
// time has the file; a second one is refused with its remedy.
#pragma once

#include <memory>
#include <string>

#include "api/record_store.h"
#include "base/result.h"

namespace confab::store {

class Database;

class SqliteStore final : public api::RecordStore {
  public:
    static constexpr const char* kFileName = "confab.db";
    // Of the tables; an older file is brought up to it, a newer one is refused.
    static constexpr int kSchemaVersion = 1;

    // Makes folder (its parent must be there) and file if need be. The error says which file, what
    // is wrong and what to do.
    static Result<std::unique_ptr<SqliteStore>, std::string> open(const std::string& data_dir);
    ~SqliteStore() override;

    void put(api::RecordKind kind, Record record, api::StoreReply<void> reply) override;
    void get(api::RecordKind kind, std::string_view id,
             api::StoreReply<std::optional<std::string>> reply) override;
    void remove(api::RecordKind kind, std::string_view id, api::StoreReply<bool> reply) override;
    void list(api::RecordKind kind, api::StoreReply<std::vector<Record>> reply) override;

  private:
    explicit SqliteStore(std::unique_ptr<Database> database);
    Result<void, api::StoreError> write(api::RecordKind kind, const Record& record);

    std::unique_ptr<Database> database_;
};

}  // namespace confab::store
