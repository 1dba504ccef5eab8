// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/store/webhook_writer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "runtime/store/webhook_testing.h"
#include "runtime/telemetry/log.h"

namespace confab::store {
namespace {

using api::OutboxMark;
using api::OutboxState;

// The thread of the owner: what is posted to it runs when it looks.
class Owner {
  public:
    WebhookWriter::Hooks hooks() {
        WebhookWriter::Hooks result;
        result.post = [this](Callback<> fn) {
            const std::lock_guard lock(mutex_);
            posted_.push_back(std::move(fn));
            arrived_.notify_one();
        };
        result.stored = [this](std::uint64_t through, bool kept) {
            told.emplace_back(through, kept);
        };
        result.begun_anew = [this] { ++begun_anew; };
        return result;
    }
    // Runs what is posted until `condition` holds; false after ten seconds.
    bool until(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!condition()) {
            Callback<> fn;
            {
                std::unique_lock lock(mutex_);
                if (!arrived_.wait_until(lock, deadline, [this] { return !posted_.empty(); }))
                    return condition();
                fn = std::move(posted_.front());
                posted_.pop_front();
            }
            fn();
        }
        return true;
    }
    bool answered(std::uint64_t number) {
        return until([&] { return !told.empty() && told.back().first >= number; });
    }
    // While it is held, the thread of the file waits at its next answer.
    std::unique_lock<std::mutex> hold() { return std::unique_lock(mutex_); }
    std::vector<std::pair<std::uint64_t, bool>> told;
    int begun_anew = 0;

  private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<Callback<>> posted_;
};

struct Quiet {
    Quiet() {
        telemetry::LogOptions options;
        options.level = telemetry::LogLevel::kOff;
        telemetry::init_log(options);
    }
    ~Quiet() { telemetry::init_log({}); }
};

}  // namespace

TEST_CASE("WebhookWriter: writes in order, answers by numbers, ends with all on disk [HOOK-10]") {
    const DataFolder folder;
    Owner owner;
    {
        WebhookWriter writer(folder.open(), owner.hooks());
        for (std::uint64_t n = 1; n <= 100; ++n)
            writer.write(event(n, "r"));
        REQUIRE(owner.answered(100));
        for (const auto& [through, kept] : owner.told)
            CHECK(kept);
        CHECK(writer.figures().events == 100);
        CHECK(writer.figures().works);
        for (std::uint64_t n = 1; n <= 99; ++n)
            writer.write(OutboxMark{n, OutboxState::kDelivered, 1, 200});
    }
    const auto loaded = folder.open()->load();
    REQUIRE(loaded->waiting.size() == 1);
    CHECK(loaded->waiting[0].number == 100);
    CHECK(loaded->last_number == 100);
}

TEST_CASE("WebhookWriter: a query sees what was written before it, a replay marks it [HOOK-12]") {
    const DataFolder folder;
    Owner owner;
    WebhookWriter writer(folder.open(), owner.hooks());
    writer.write(event(1, "r"));
    writer.write(OutboxMark{1, OutboxState::kDelivered, 1, 200});
    std::vector<std::size_t> pages;
    const auto reply = [&pages](Result<WebhookPage, std::string> page) {
        REQUIRE(page);
        pages.push_back(page->rows.size());
    };
    writer.list({}, reply);
    writer.replay({}, reply);
    writer.replay({}, reply);
    REQUIRE(owner.until([&] { return pages.size() == 3; }));
    CHECK(pages == std::vector<std::size_t>{1, 1, 0});
}

TEST_CASE(
    "WebhookWriter: a full disk is told at once, and what failed is written later [HOOK-10]") {
    const Quiet quiet;
    const DataFolder folder;
    Owner owner;
    WebhookWriter writer(folder.open(), owner.hooks());
    writer.write(event(1, "r"));
    REQUIRE(owner.answered(1));
    {
        const FullDisk full(folder);
        writer.write(event(2, "r"));
        REQUIRE(owner.answered(2));
        writer.write(event(3, "r"));
        writer.write(OutboxMark{2, OutboxState::kDelivered, 1, 200});
        REQUIRE(owner.answered(3));
        CHECK_FALSE(writer.figures().works);
        CHECK(writer.figures().failed >= 1);
    }
    CHECK_FALSE(owner.told.back().second);
    std::size_t rows = 0;
    const auto look = [&] {
        writer.list({}, [&rows](Result<WebhookPage, std::string> page) {
            rows = page ? page->rows.size() : 0;
        });
    };
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (rows < 3 && std::chrono::steady_clock::now() < deadline) {
        rows = 0;
        look();
        REQUIRE(owner.until([&] { return rows > 0; }));
    }
    CHECK(rows == 3);
    CHECK(writer.figures().works);
    CHECK(writer.figures().events == 3);
}

TEST_CASE("WebhookWriter: what waits for a disk is bounded, and said to be not kept [IMM-15]") {
    const Quiet quiet;
    const DataFolder folder;
    Owner owner;
    WebhookWriter writer(folder.open(), owner.hooks());
    writer.write(event(1, "r"));
    REQUIRE(owner.answered(1));
    const FullDisk full(folder);
    std::uint64_t number = 1;
    constexpr std::size_t kParts = 4;
    for (std::size_t i = 0; i < kParts + 1; ++i) {
        api::OutboxEvent large = event(++number, "r");
        large.body.assign(WebhookWriter::kMaxWaitingBytes / kParts, 'x');
        writer.write(std::move(large));
        REQUIRE(owner.answered(std::min<std::uint64_t>(number, kParts + 1)));
    }
    CHECK(writer.figures().dropped == 1);
    for (std::size_t i = 0; i < WebhookWriter::kMaxWaiting; ++i)
        writer.write(OutboxMark{1, OutboxState::kDelivered, 1, 200});
    CHECK(writer.figures().dropped == 1 + kParts);
    CHECK_FALSE(owner.told.back().second);
}

TEST_CASE("WebhookWriter: too many questions at once are refused") {
    const DataFolder folder;
    Owner owner;
    WebhookWriter writer(folder.open(), owner.hooks());
    std::size_t answers = 0;
    std::size_t refused = 0;
    const auto ask = [&] {
        writer.list({}, [&](Result<WebhookPage, std::string> page) {
            ++answers;
            if (!page) ++refused;
        });
    };
    {
        // At most kMaxQueries are at hand, and as many wait.
        const auto held = owner.hold();
        for (std::size_t i = 0; i < 2 * WebhookWriter::kMaxQueries + 1; ++i)
            ask();
        CHECK(refused >= 1);
        CHECK(refused <= WebhookWriter::kMaxQueries + 1);
    }
    const std::size_t before = refused;
    REQUIRE(owner.until([&] { return answers == 2 * WebhookWriter::kMaxQueries + 1; }));
    ask();
    REQUIRE(owner.until([&] { return answers == 2 * WebhookWriter::kMaxQueries + 2; }));
    CHECK(refused == before);
}

TEST_CASE("WebhookWriter: an event that had no place is told so, those about it not [HOOK-11]") {
    const DataFolder folder;
    Owner owner;
    WebhookWriter writer(folder.open(), owner.hooks());
    writer.write(event(1, "r"));
    REQUIRE(owner.answered(1));
    {
        const auto held = owner.hold();
        writer.write(event(2, "r"));
        api::OutboxEvent large = event(3, "r");
        large.body.assign(WebhookWriter::kMaxWaitingBytes - 1000, 'x');
        writer.write(large);
        for (const std::uint64_t number : {4U, 5U}) {
            large.number = number;
            writer.write(large);
        }
        writer.write(event(6, "r"));
    }
    REQUIRE(owner.answered(6));
    CHECK(owner.told.back() == std::pair<std::uint64_t, bool>(6, true));
    const auto gap =
        std::find(owner.told.begin(), owner.told.end(), std::pair<std::uint64_t, bool>(5, false));
    REQUIRE(gap != owner.told.end());
    CHECK(*std::prev(gap) == std::pair<std::uint64_t, bool>(3, true));
    CHECK(writer.figures().dropped == 2);
    CHECK(writer.figures().events == 4);
}

TEST_CASE("WebhookWriter: numbers of attempts are the first to be dropped [HOOK-10] [IMM-15]") {
    const Quiet quiet;
    const DataFolder folder;
    Owner owner;
    {
        WebhookWriter writer(folder.open(), owner.hooks());
        writer.write(event(1, "r"));
        REQUIRE(owner.answered(1));
        {
            const FullDisk full(folder);
            writer.write(event(2, "r"));
            REQUIRE(owner.answered(2));  // and waits from now on
            for (std::size_t i = 1; i < WebhookWriter::kMaxWaitingForMark; ++i)
                writer.write(OutboxMark{2, OutboxState::kPending, 1, 500});
            writer.write(OutboxMark{2, OutboxState::kPending, 2, 501});  // has no place
            writer.write(OutboxMark{1, OutboxState::kDelivered, 1, 200});
            CHECK(writer.figures().dropped == 0);
        }
    }
    const auto page = folder.open()->list({});
    REQUIRE(page);
    REQUIRE(page->rows.size() == 2);
    CHECK(page->rows[0].mark == OutboxMark{1, OutboxState::kDelivered, 1, 200});
    CHECK(page->rows[1].mark == OutboxMark{2, OutboxState::kPending, 1, 500});
}

TEST_CASE(
    "WebhookWriter: questions wait for events, one is answered between two writes [HOOK-10]") {
    const DataFolder folder;
    Owner owner;
    std::string order;
    WebhookWriter::Hooks hooks = owner.hooks();
    hooks.stored = [&](std::uint64_t through, bool) { order += std::to_string(through); };
    WebhookWriter writer(folder.open(), std::move(hooks));
    const auto ask = [&](const char* name) {
        writer.list({}, [&order, name](auto) { order += name; });
    };
    {
        const auto held = owner.hold();
        for (const char* name : {"a", "b", "c"})
            ask(name);
        writer.write(event(1, "r"));
        ask("d");
        writer.write(event(2, "r"));
    }
    REQUIRE(owner.until([&] { return order.size() == 5; }));
    // The first may have been asked before the rest was there.
    CHECK((order == "2abcd" || order == "a2bcd" || order == "1a2bcd" || order == "1ab2cd"));
}

namespace {

// So much that the pages of the first events are not in memory any more.
void fill(WebhookWriter& writer, Owner& owner, std::uint64_t events) {
    for (std::uint64_t n = 1; n <= events; ++n) {
        api::OutboxEvent large = event(n, "r");
        large.body.assign(200'000, 'x');
        writer.write(std::move(large));
    }
    REQUIRE(owner.answered(events));
}

// Another program writes over it.
void damage(const std::string& file) {
    for (const char* part : {"", "-wal"}) {
        const std::size_t size = std::filesystem::file_size(file + part);
        std::fstream out(file + part, std::ios::in | std::ios::out | std::ios::binary);
        out << std::string(size, 'z');
    }
}

}  // namespace

TEST_CASE("WebhookWriter: a file that is damaged is begun anew, and its owner told [HOOK-10]") {
    const Quiet quiet;
    const DataFolder folder;
    Owner owner;
    WebhookWriter writer(folder.open(), owner.hooks());
    fill(writer, owner, 50);
    damage(folder.file());
    writer.write(OutboxMark{1, OutboxState::kDelivered, 1, 200});
    REQUIRE(owner.until([&] { return owner.begun_anew > 0; }));
    writer.write(event(51, "r"));
    REQUIRE(owner.answered(51));
    CHECK(owner.told.back().second);
    CHECK(owner.begun_anew == 1);
    CHECK(writer.figures().works);
    CHECK(writer.figures().events == 1);
    CHECK(std::filesystem::exists(folder.file() + ".damaged"));
}

TEST_CASE("WebhookWriter: to begin anew is tried until it works [HOOK-10]") {
    const Quiet quiet;
    const DataFolder folder;
    const std::string inner = folder.path + "/data";
    std::string notice;
    Owner owner;
    WebhookWriter writer(*WebhookFile::open(inner, "OB_test", {}, notice), owner.hooks());
    fill(writer, owner, 50);
    // First the folder: the damage may be met before it is written to again.
    const std::string away = folder.path + "/away";
    std::filesystem::rename(inner, away);
    std::ofstream(inner) << "no folder";
    damage(away + "/" + WebhookFile::kFileName);
    writer.write(OutboxMark{1, OutboxState::kDelivered, 1, 200});  // meets the damage
    writer.write(event(51, "r"));
    REQUIRE(owner.answered(51));
    CHECK_FALSE(owner.told.back().second);
    CHECK_FALSE(writer.figures().works);
    CHECK(owner.begun_anew == 0);
    bool listed = true;
    bool answered = false;
    writer.list({}, [&](Result<WebhookPage, std::string> page) {
        listed = page.has_value();
        answered = true;
    });
    REQUIRE(owner.until([&] { return answered; }));
    CHECK_FALSE(listed);
    std::filesystem::remove(inner);
    REQUIRE(owner.until([&] { return owner.begun_anew > 0; }));
    writer.write(event(52, "r"));
    REQUIRE(owner.answered(52));
    CHECK(owner.told.back().second);
    CHECK(owner.begun_anew == 1);
    CHECK(writer.figures().events == 2);  // what could not be written, too
}

}  // namespace confab::store
