// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/store/webhook_file.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "runtime/store/webhook_testing.h"

namespace confab::store {
namespace {

using api::OutboxMark;
using api::OutboxState;
using api::OutboxWrite;

std::vector<std::uint64_t> numbers(const Result<WebhookPage, std::string>& page) {
    REQUIRE(page);
    std::vector<std::uint64_t> out;
    for (const WebhookRow& row : page->rows)
        out.push_back(row.event.number);
    return out;
}
using Numbers = std::vector<std::uint64_t>;

bool put(WebhookFile& file, const std::vector<OutboxWrite>& batch, std::int64_t seconds = 1000) {
    const auto written = file.write(batch, UnixTime::seconds(seconds));
    INFO((written ? std::string() : written.error().text));
    CHECK(written);
    return written.has_value();
}

}  // namespace

TEST_CASE("WebhookFile: what waits is there after a restart, whole and in order [HOOK-10]") {
    const DataFolder folder;
    {
        const auto file = folder.open();
        put(*file, {event(1, "r"), event(2, "s"), event(3, "r")}, 1000);
        put(*file, {OutboxMark{2, OutboxState::kDelivered, 2, 204}, event(4, "r", "http://b")},
            1001);
        put(*file, {OutboxMark{3, OutboxState::kPending, 1, 503}});
    }
    const auto file = folder.open("OB_other");
    const auto loaded = file->load();
    REQUIRE(loaded);
    CHECK(loaded->id == "OB_test");
    CHECK(loaded->last_number == 4);
    CHECK(loaded->sequences ==
          std::map<std::string, std::uint64_t>{{"http://a", 3}, {"http://b", 4}});
    REQUIRE(loaded->waiting.size() == 3);
    const api::OutboxEvent& first = loaded->waiting[0];
    const api::OutboxEvent expected = event(1, "r");
    CHECK(first.number == 1);
    CHECK(first.sequence == 1);
    CHECK(first.url == expected.url);
    CHECK(first.key == "r");
    CHECK(first.api_key == expected.api_key);
    CHECK(first.id == expected.id);
    CHECK(first.event == expected.event);
    CHECK(first.body == expected.body);
    CHECK(first.created == UnixTime::seconds(1000));
    CHECK(loaded->waiting[1].number == 3);
    CHECK(loaded->waiting[2].number == 4);
    CHECK(file->events() == 4);
    CHECK(file->bytes() == 4 * expected.body.size());
}

TEST_CASE("WebhookFile: as a crash would leave it, an event is whole or not there [HOOK-10]") {
    const DataFolder folder;
    const DataFolder copy;
    const auto file = folder.open();
    put(*file, {event(1, "r"), event(2, "r")});
    put(*file, {OutboxMark{1, OutboxState::kDelivered, 1, 200}});
    std::filesystem::copy(folder.path, copy.path, std::filesystem::copy_options::recursive);
    const auto loaded = copy.open()->load();
    REQUIRE(loaded);
    REQUIRE(loaded->waiting.size() == 1);
    CHECK(loaded->waiting[0].number == 2);
}

TEST_CASE("WebhookFile: lists by id, address, key, kind, state, number and time [HOOK-12]") {
    const DataFolder folder;
    const auto file = folder.open();
    put(*file, {event(1, "r"), event(2, "s")}, 1000);
    put(*file, {event(3, "r", "http://b"), OutboxMark{1, OutboxState::kGivenUp, 5, 500}}, 2000);
    const auto list = [&](auto change) {
        WebhookQuery query;
        change(query);
        return numbers(file->list(query));
    };
    CHECK(list([](auto&) {}) == Numbers{1, 2, 3});
    CHECK(list([](auto& q) { q.ids = {"EV_3", "EV_1", "EV_"}; }) == Numbers{1, 3});
    CHECK(list([](auto& q) { q.ids = {"EV_1,EV_2", "'", "", "EV_2"}; }) == Numbers{2});
    CHECK(list([](auto& q) { q.url = "http://b"; }) == Numbers{3});
    CHECK(list([](auto& q) { q.key = "r"; }) == Numbers{1, 3});
    CHECK(list([](auto& q) { q.event = "room_finished"; }) == Numbers{});
    CHECK(list([](auto& q) { q.after = 2; }) == Numbers{3});
    CHECK(list([](auto& q) { q.since_sequence = 2; }) == Numbers{2, 3});
    CHECK(list([](auto& q) { q.since = UnixTime::seconds(2000); }) == Numbers{3});
    CHECK(list([](auto& q) { q.states = 1U << 2U; }) == Numbers{1});
    CHECK(list([](auto& q) { q.states = 1U; }) == Numbers{2, 3});
    CHECK(list([](auto& q) {
              q.newest_first = true;
              q.limit = 2;
          }) == Numbers{3, 2});
    const auto page = file->list({});
    CHECK(page->rows[0].mark == OutboxMark{1, OutboxState::kGivenUp, 5, 500});
    CHECK(page->rows[0].settled == UnixTime::seconds(2000));
    CHECK(page->rows[1].settled == UnixTime{});
}

TEST_CASE("WebhookFile: lists the events whose keys begin so [TEN-10] [HOOK-12]") {
    const DataFolder folder;
    const auto file = folder.open();
    put(*file, {event(1, "r"),
                event(2,
                      "\x1f"
                      "acme\x1f"
                      "r"),
                event(3,
                      "\x1f"
                      "acme\x1fs"),
                event(4,
                      "\x1f"
                      "acme2\x1f"
                      "r")});
    const auto list = [&](const std::string& prefix, const std::string& key = "") {
        WebhookQuery query;
        query.key_prefix = prefix;
        query.key = key;
        return numbers(file->list(query));
    };
    CHECK(list("") == Numbers{1, 2, 3, 4});
    CHECK(list("\x1f"
               "acme\x1f") == Numbers{2, 3});
    CHECK(list("\x1f"
               "acme\x1f",
               "\x1f"
               "acme\x1fs") == Numbers{3});
    CHECK(list("\x1f"
               "acme\x1f",
               "r") == Numbers{});
    CHECK(list("\x1f"
               "ACME\x1f") == Numbers{});
    CHECK(list("\x1f%\x1f") == Numbers{});
    WebhookQuery query;  // a replay, too
    query.key_prefix =
        "\x1f"
        "acme2\x1f";
    query.with_pending = true;
    CHECK(numbers(file->replay(query)) == Numbers{4});
}

TEST_CASE("WebhookFile: pages end at their limit, and at so many bytes [HOOK-12]") {
    const DataFolder folder;
    const auto file = folder.open();
    put(*file, {event(1, "r"), event(2, "r"), event(3, "r")});
    for (const std::size_t limit : {2U, 3U, 4U}) {
        WebhookQuery query;
        query.limit = limit;
        const auto page = file->list(query);
        CHECK(page->rows.size() == std::min<std::size_t>(limit, 3));
        CHECK(page->next == (limit == 2 ? 2 : 0));
    }
    api::OutboxEvent large = event(4, "r");
    large.body.assign(WebhookQuery::kMaxBytes, 'x');
    put(*file, {large});
    CHECK(numbers(file->list({})) == Numbers{1, 2, 3, 4});  // without bodies
    CHECK(file->list({})->rows[3].event.body.empty());
    WebhookQuery all;
    all.with_pending = true;
    CHECK(numbers(file->replay(all)) == Numbers{1, 2, 3});
    WebhookQuery rest = all;
    rest.after = file->replay(all)->next;
    CHECK(rest.after == 3);
    CHECK(numbers(file->replay(rest)) == Numbers{4});
    CHECK(file->replay(rest)->rows[0].event.body.size() == WebhookQuery::kMaxBytes);
}

TEST_CASE("WebhookFile: so many ids may be asked for [HOOK-12] [IMM-15]") {
    const DataFolder folder;
    const auto file = folder.open();
    put(*file, {event(1, "r"), event(2, "r")});
    WebhookQuery query;
    query.ids.assign(WebhookQuery::kMaxIds - 1, "EV_unknown");
    query.ids.push_back("EV_2");
    CHECK(numbers(file->list(query)) == Numbers{2});
    query.ids.push_back("EV_1");
    CHECK_FALSE(file->list(query));
}

TEST_CASE("WebhookFile: what is sent elsewhere is read as it is, pending or not [HOOK-12]") {
    const DataFolder folder;
    const auto file = folder.open();
    put(*file, {event(1, "r"), event(2, "r")});
    put(*file, {OutboxMark{1, OutboxState::kGivenUp, 5, 500}}, 2000);
    WebhookQuery query;
    query.with_pending = true;
    const auto page = file->replay(query);
    REQUIRE(numbers(page) == Numbers{1, 2});
    CHECK(page->rows[0].mark == OutboxMark{1, OutboxState::kGivenUp, 5, 500});
    CHECK(page->rows[1].event.body == event(2, "r").body);
    query.states = 1U << 2U;
    CHECK(numbers(file->replay(query)) == Numbers{1});
    CHECK(file->load()->waiting.size() == 1);  // nothing is marked
}

TEST_CASE("WebhookFile: an event that is written again keeps its time [HOOK-10]") {
    const DataFolder folder;
    const auto file = folder.open();
    api::OutboxEvent old = event(1, "r");
    old.created = UnixTime::seconds(500);
    put(*file, {old, event(2, "r")}, 1000);
    CHECK(file->list({})->rows[0].event.created == UnixTime::seconds(500));
    CHECK(file->list({})->rows[1].event.created == UnixTime::seconds(1000));
}

TEST_CASE("WebhookFile: file and folder are for their owner alone [SEC-10]") {
    using std::filesystem::perms;
    const DataFolder folder;
    const std::string inner = folder.path + "/data";
    const std::string path = inner + "/" + WebhookFile::kFileName;
    const auto mode = [](const std::string& of) {
        return std::filesystem::status(of).permissions() & perms::mask;
    };
    const auto open = [&] {
        std::string notice;
        auto file = WebhookFile::open(inner, "OB_test", {}, notice);
        REQUIRE(file);
        put(**file, {event(1, "r")});
        for (const char* part : {"", "-wal"})
            CHECK(mode(path + part) == (perms::owner_read | perms::owner_write));
    };
    open();
    CHECK(mode(inner) == perms::owner_all);
    // What an earlier version made; a folder that is there stays as it is.
    const perms others = perms::owner_all | perms::group_read | perms::others_read;
    std::filesystem::permissions(path, others);
    std::filesystem::permissions(inner, others);
    open();
    CHECK(mode(inner) == others);
}

TEST_CASE("WebhookFile: a replay takes what is settled, once [HOOK-12]") {
    const DataFolder folder;
    const auto file = folder.open();
    put(*file, {event(1, "r"), event(2, "r"), event(3, "r")});
    put(*file, {OutboxMark{1, OutboxState::kDelivered, 1, 200},
                OutboxMark{2, OutboxState::kGivenUp, 5, 500}});
    WebhookQuery given_up;
    given_up.states = 1U << 2U;
    CHECK(numbers(file->replay(given_up)) == Numbers{2});
    CHECK(numbers(file->replay({})) == Numbers{1});
    CHECK(numbers(file->replay({})) == Numbers{});
    WebhookQuery pending;
    pending.states = 1U;
    CHECK(numbers(file->replay(pending)) == Numbers{});
    CHECK(file->load()->waiting.size() == 3);
}

TEST_CASE("WebhookFile: retention, number and bytes are bounds; what waits stays [IMM-15]") {
    const DataFolder folder;
    WebhookFileLimits limits;
    limits.retention = Duration::seconds(100);
    limits.max_events = 10;
    limits.max_bytes = 1000 * event(1, "r").body.size();
    const auto file = folder.open("OB_test", limits);
    for (std::uint64_t n = 1; n <= 10; ++n)
        put(*file, {event(n, "r"), OutboxMark{n, OutboxState::kDelivered, 1, 200}});
    CHECK(file->events() == 10);
    put(*file, {event(11, "r")});
    CHECK(file->events() == 8);  // the excess, and a tenth and one
    CHECK(file->list({})->rows.front().event.number == 4);
    REQUIRE(file->prune(UnixTime::seconds(1100)));
    CHECK(file->events() == 8);
    REQUIRE(file->prune(UnixTime::seconds(1101)));
    CHECK(numbers(file->list({})) == Numbers{11});
    for (std::uint64_t n = 12; n <= 30; ++n)
        put(*file, {event(n, "r")});
    CHECK(file->events() == 20);
    CHECK(file->load()->last_number == 30);

    limits.max_bytes = 3 * event(1, "r").body.size();
    const DataFolder second;
    const auto small = second.open("OB_test", limits);
    for (std::uint64_t n = 1; n <= 4; ++n)
        put(*small, {event(n, "r"), OutboxMark{n, OutboxState::kDelivered, 1, 200}});
    CHECK(small->bytes() <= limits.max_bytes);
    CHECK(small->events() > 0);
}

TEST_CASE("WebhookFile: a damaged file is set aside, also one of a start before [HOOK-10]") {
    const DataFolder folder;
    for (int round = 0; round < 2; ++round) {
        std::ofstream(folder.file(), std::ios::trunc) << std::string(5000, 'z');
        std::string notice;
        auto file = WebhookFile::open(folder.path, "OB_new", {}, notice);
        REQUIRE(file);
        CHECK(notice.find("damaged, set aside as " + folder.file() + ".damaged") !=
              std::string::npos);
        CHECK((*file)->load()->id == "OB_new");
        put(**file, {event(1, "r")});
    }
    CHECK(std::filesystem::file_size(folder.file() + ".damaged") == 5000);
}

TEST_CASE("WebhookFile: goes on with a new file and another id after damage [HOOK-11]") {
    const DataFolder folder;
    const auto file = folder.open();
    put(*file, {event(5, "r")});
    REQUIRE(file->begin_anew());
    CHECK(file->events() == 0);
    CHECK(file->load()->id == "OB_testx");
    put(*file, {event(6, "r")});
    CHECK(numbers(file->list({})) == Numbers{6});
    CHECK(std::filesystem::exists(folder.file() + ".damaged"));
}

TEST_CASE("WebhookFile: what was damaged stays aside while no new one can be begun [HOOK-11]") {
    const DataFolder folder;
    const std::string inner = folder.path + "/data";
    std::string notice;
    auto file = WebhookFile::open(inner, "OB_test", {}, notice);
    REQUIRE(file);
    put(**file, {event(5, "r")});
    std::filesystem::rename(inner, folder.path + "/away");
    std::ofstream(inner) << "no folder";
    for (int i = 0; i < 2; ++i) {
        CHECK_FALSE((*file)->begin_anew());
        CHECK_FALSE((*file)->list({}));
        CHECK_FALSE((*file)->write(std::vector<OutboxWrite>{event(6, "r")}, {}));
    }
    std::filesystem::remove(inner);
    std::filesystem::rename(folder.path + "/away", inner);
    // Not set aside a second time: what is there now is what a first attempt began.
    REQUIRE((*file)->begin_anew());
    CHECK_FALSE(std::filesystem::exists(inner + "/webhooks.db.damaged"));
    put(**file, {event(6, "r")});
    REQUIRE((*file)->begin_anew());
    CHECK(std::filesystem::exists(inner + "/webhooks.db.damaged"));
}

TEST_CASE("WebhookFile: the first damaged file of a run is the one that is kept [HOOK-10]") {
    const DataFolder folder;
    const std::string aside = folder.file() + ".damaged";
    const auto size = [&aside] { return std::filesystem::file_size(aside); };
    std::ofstream(aside) << "of a run before";
    {
        const auto file = folder.open();
        put(*file, {event(5, "r")});
        REQUIRE(file->begin_anew());
        const auto first = size();
        CHECK(first > 100);
        api::OutboxEvent large = event(6, "r");
        large.body.assign(1'000'000, 'x');
        put(*file, {large});
        REQUIRE(file->begin_anew());
        CHECK(size() == first);
        CHECK(numbers(file->list({})) == Numbers{});
        CHECK(file->load()->id == "OB_testxx");
    }
    std::ofstream(folder.file(), std::ios::trunc) << std::string(5000, 'z');
    std::string notice;
    const auto file = WebhookFile::open(folder.path, "OB_test", {}, notice);
    REQUIRE(file);
    CHECK(size() == 5000);
    REQUIRE((*file)->begin_anew());
    CHECK(size() == 5000);
}

TEST_CASE("WebhookFile: which statement failed, and why, is told [HOOK-10]") {
    for (const char* trigger :
         {"CREATE TRIGGER t BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no events'); END",
          "CREATE TRIGGER t BEFORE UPDATE ON numbers BEGIN SELECT RAISE(ABORT, 'no numbers'); END",
          "CREATE TRIGGER t BEFORE INSERT ON urls BEGIN SELECT RAISE(ABORT, 'no urls'); END"}) {
        const DataFolder folder;
        put(*folder.open(), {});
        folder.run(trigger);
        const std::string what = trigger;
        const std::size_t begin = what.find('\'') + 1;
        const auto file = folder.open();
        const auto written =
            file->write(std::vector<OutboxWrite>{event(1, "r")}, UnixTime::seconds(1));
        REQUIRE_FALSE(written);
        CHECK(written.error().text.find(what.substr(begin, what.rfind('\'') - begin)) !=
              std::string::npos);
        CHECK_FALSE(written.error().damaged);
        CHECK(file->events() == 0);
    }
}

TEST_CASE("WebhookFile: what is for an address may be left out [HOOK-12]") {
    const DataFolder folder;
    const auto file = folder.open();
    put(*file, {event(1, "r"), event(2, "r", "http://b"), event(3, "r")});
    WebhookQuery query;
    query.with_pending = true;
    query.except_url = "http://a";
    CHECK(numbers(file->replay(query)) == Numbers{2});
    query.limit = 1;
    CHECK(file->replay(query)->next == 0);
    query.except_url = "http://b";
    query.limit = 2;
    CHECK(numbers(file->replay(query)) == Numbers{1, 3});
}

TEST_CASE("WebhookFile: a second process, a foreign file and no folder are told the remedy") {
    const DataFolder folder;
    std::string notice;
    const auto error = [&](const std::string& path) {
        const auto file = WebhookFile::open(path, "OB_x", {}, notice);
        return file ? std::string("opened") : file.error();
    };
    {
        const auto file = folder.open();
        CHECK(error(folder.path).find("another process uses it") != std::string::npos);
    }
    CHECK(error(folder.path + "/a/b").find("cannot make the folder") != std::string::npos);
    const DataFolder foreign;
    foreign.run("CREATE TABLE notes (text)");
    CHECK(error(foreign.path).find("is not a store of confab") != std::string::npos);
    CHECK(notice.empty());
}

TEST_CASE("WebhookFile: a disk that takes nothing fails the batch whole, and works again later") {
    const DataFolder folder;
    const auto file = folder.open();
    put(*file, {event(1, "r")});
    {
        const FullDisk full(folder);
        const auto written = file->write(std::vector<OutboxWrite>{event(2, "r"), event(3, "r")},
                                         UnixTime::seconds(1));
        REQUIRE_FALSE(written);
        CHECK_FALSE(written.error().damaged);
        CHECK(written.error().text.starts_with(folder.file()));
    }
    CHECK(numbers(file->list({})) == Numbers{1});
    CHECK(file->events() == 1);
    put(*file, {event(2, "r"), event(3, "r")});
    CHECK(numbers(file->list({})) == Numbers{1, 2, 3});
}

}  // namespace confab::store
