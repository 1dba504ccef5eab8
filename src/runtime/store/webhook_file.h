// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The outbox of the webhooks as an SQLite file under confab.data_dir: every event with what became
// of it, until its retention is over. Answers at once, which may take as long as the disk does: it
// belongs to a thread of its own (webhook_writer.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/webhook/outbox.h"
#include "base/result.h"
#include "base/time.h"

namespace confab::store {

class Database;

struct WebhookFileLimits {
    Duration retention = Duration::seconds(24 * 3600);
    // Beyond, the oldest that are delivered or given up go first. What waits has the bounds of
    // api::WebhookQueue, which are narrower.
    std::size_t max_events = 100'000;
    std::size_t max_bytes = 256 * 1024 * 1024;  // of all bodies
};

// Which events are meant; what is empty or 0 does not matter.
struct WebhookQuery {
    static constexpr std::size_t kMaxIds = 1000;  // beyond: an error
    static constexpr std::size_t kMaxLimit = 1000;
    static constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;  // of the bodies of a replay's page

    std::vector<std::string> ids;
    std::string url;
    std::string key;
    std::string key_prefix;
    std::string event;
    std::uint64_t after = 0;           // with a higher number
    std::string except_url;            // not of that address
    std::uint64_t since_sequence = 0;  // that one, or a higher one
    UnixTime since;
    unsigned states = 0;  // bits 1 << OutboxState; 0: any
    std::size_t limit = 100;
    bool newest_first = false;  // of a list; WebhookPage::next means nothing then
    bool with_pending = false;  // of a replay: those, too, and nothing is marked
};

struct WebhookRow {
    api::OutboxEvent event;
    api::OutboxMark mark;
    UnixTime settled;  // delivered or given up
};
struct WebhookPage {
    std::vector<WebhookRow> rows;
    std::uint64_t next = 0;  // `after` of the page that follows; 0: there is none
};

struct WebhookFileError {
    bool damaged = false;
    std::string text;  // which file, what is wrong, what to do
};

class WebhookFile {
  public:
    static constexpr const char* kFileName = "webhooks.db";
    static constexpr int kSchemaVersion = 1;

    // A damaged file becomes FILE.damaged (an earlier one of that name goes), and a new one is
    // begun with `id`; `notice` then says so.
    static Result<std::unique_ptr<WebhookFile>, std::string> open(const std::string& data_dir,
                                                                  const std::string& id,
                                                                  const WebhookFileLimits& limits,
                                                                  std::string& notice);
    ~WebhookFile();
    WebhookFile(const WebhookFile&) = delete;
    WebhookFile& operator=(const WebhookFile&) = delete;

    Result<api::OutboxContents, std::string> load();
    // All of it or nothing.
    Result<void, WebhookFileError> write(std::span<const api::OutboxWrite> batch, UnixTime now);
    // Without bodies.
    Result<WebhookPage, std::string> list(const WebhookQuery& query) { return find(query, false); }
    // With bodies, each row as it was. Those that are not pending already become so.
    Result<WebhookPage, std::string> replay(const WebhookQuery& query);
    // Drops what retention and limits leave no place for.
    Result<void, WebhookFileError> prune(UnixTime now);
    // After damage that a write met: sets the file aside, as open() does, the first time in a run,
    // and goes on with a new one. Its id is another one, for the next start: what numbers the old
    // one had is not known then. After a failure nothing can be written or read until it works.
    Result<void, std::string> begin_anew();

    std::size_t events() const { return events_; }
    std::size_t bytes() const { return bytes_; }

  private:
    WebhookFile(std::string folder, const WebhookFileLimits& limits);
    Result<void, std::string> begin(const std::string& id);
    Result<WebhookPage, std::string> find(const WebhookQuery& query, bool with_bodies);
    bool write_all(std::span<const api::OutboxWrite> batch, UnixTime now);
    bool insert(const api::OutboxEvent& event, UnixTime now);
    bool insert_row(const api::OutboxEvent& event, UnixTime now);
    bool note_number(const api::OutboxEvent& event);
    bool note_sequence(const api::OutboxEvent& event);
    bool mark(const api::OutboxMark& mark, UnixTime now);
    bool count();
    WebhookFileError failure() const;
    std::string path() const;

    std::string folder_;
    WebhookFileLimits limits_;
    std::string id_;
    bool has_set_aside_ = false;
    std::string next_id_;  // of the file that is to be begun; empty: none is
    std::unique_ptr<Database> database_;
    std::size_t events_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace confab::store
