// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Numbers, answers of the store and its patience; then the queue with an outbox.
#include "api/webhook/outbox.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "api/golden_testing.h"
#include "api/webhook/webhook_queue.h"

namespace confab::api {
namespace {

const token::KeyMap kKeys = testing::golden_keys();

Timestamp at(double seconds) {
    return Timestamp::micros(static_cast<std::int64_t>(seconds * 1e6));
}
UnixTime wall(double seconds) {
    return testing::kGoldenNow + (at(seconds) - at(0));
}

OutboxContents contents(std::uint64_t last_number = 0) {
    OutboxContents out;
    out.id = "OB_test";
    out.last_number = last_number;
    return out;
}

OutboxEvent kept(std::uint64_t number, const std::string& key, const std::string& url = "http://a",
                 double created = 0) {
    OutboxEvent out;
    out.number = out.sequence = number;
    out.url = url;
    out.key = key;
    out.id = std::to_string(number);
    out.event = "room_started";
    out.body = "{\"id\":\"" + out.id + "\"}";
    out.created = wall(created);
    return out;
}

livekit::WebhookEvent event(const std::string& room, const std::string& id) {
    livekit::WebhookEvent out;
    out.set_event("room_started");
    out.set_id(id);
    out.mutable_room()->set_name(room);
    return out;
}

struct Bench {
    explicit Bench(OutboxContents start = contents(), double now = 0,
                   std::vector<std::string> urls = {"http://a"},
                   Duration retention = Duration::seconds(3600),
                   std::vector<std::string> only = {}) {
        WebhookOptions options;
        options.urls = std::move(urls);
        options.api_key = "devkey";
        options.max_age = Duration::seconds(1);
        options.max_depth = 2;
        options.retention = retention;
        options.filter.include_events = std::move(only);
        queue.emplace(std::move(options), kKeys);
        queue->restore(at(now), wall(now), std::move(start));
    }
    void add(double now, const std::string& room, const std::string& id) {
        (void)queue->enqueue(at(now), event(room, id));
    }
    // What is to be written; the store answers that it is.
    std::vector<OutboxMark> store(bool is_kept = true) {
        std::vector<OutboxMark> marks;
        while (const auto write = queue->poll_write())
            if (const auto* added = std::get_if<OutboxEvent>(&*write))
                written = added->number;
            else
                marks.push_back(std::get<OutboxMark>(*write));
        queue->handle_stored(written, is_kept);
        return marks;
    }
    std::string poll(double now = 0) {
        auto request = queue->poll_request(at(now), wall(now));
        if (!request) return "";
        last = *std::move(request);
        const std::size_t start = last.body.find("\"id\":\"") + 6;
        return last.body.substr(start, last.body.find('"', start) - start);
    }
    std::string sequence() const {
        const HttpResponse as_response{0, last.headers, {}};
        return std::string(find_header(as_response, "X-Confab-Sequence"));
    }
    std::optional<WebhookQueue> queue;
    WebhookRequest last;
    std::uint64_t written = 0;
};

using State = OutboxState;

}  // namespace

TEST_CASE("Outbox: numbers go on where they were, sequences by address and in bounds [HOOK-11]") {
    OutboxContents start = contents(41);
    start.sequences = {{"http://a", 7}};
    Outbox outbox(std::move(start));
    CHECK(outbox.take_sequence("http://a") == 8);
    CHECK(outbox.take_sequence("http://b") == 1);
    OutboxEvent one = kept(0, "r");
    outbox.add(at(0), one);
    CHECK(one.number == 42);
    CHECK(outbox.is_answered(41));
    CHECK_FALSE(outbox.is_answered(42));
    for (std::size_t i = 2; i < kMaxOutboxUrls; ++i)
        CHECK(outbox.take_sequence("http://" + std::to_string(i)) == 1);
    CHECK(outbox.take_sequence("http://more") == 0);
    CHECK(outbox.take_sequence("http://b") == 2);
}

TEST_CASE("Outbox: knows what is kept, also where gaps are too many to tell apart [HOOK-11]") {
    Outbox outbox(contents());
    std::vector<OutboxEvent> events(2 * kMaxOutboxGaps + 3);
    for (OutboxEvent& one : events)
        outbox.add(at(0), one);
    outbox.handle_stored(1, true);
    outbox.handle_stored(3, false);
    outbox.handle_stored(4, false);    // joins
    outbox.handle_stored(2, true);     // of the past
    outbox.handle_stored(1000, true);  // never given
    CHECK(outbox.is_kept(1));
    for (const std::uint64_t number : {0U, 2U, 3U, 4U, 5U})
        CHECK_FALSE(outbox.is_kept(number));
    for (std::uint64_t n = 5; n <= events.size(); ++n)
        outbox.handle_stored(n, n % 2 == 1);
    CHECK(outbox.is_kept(2 * kMaxOutboxGaps + 1));
    CHECK_FALSE(outbox.is_kept(2 * kMaxOutboxGaps + 2));
    // 63 gaps are known exactly; the last one covers what is beyond.
    CHECK(outbox.is_kept(2 * kMaxOutboxGaps + 3));
    CHECK(outbox.is_kept(5));
}

TEST_CASE(
    "Outbox: a store that does not answer is waited for two seconds and not longer [HOOK-10]") {
    Outbox outbox(contents());
    CHECK(outbox.next_deadline().is_never());
    std::vector<OutboxEvent> events(2);
    outbox.add(at(0), events[0]);
    outbox.add(at(1), events[1]);
    CHECK(outbox.next_deadline() == at(2));
    outbox.handle_timeout(at(1.999));
    CHECK_FALSE(outbox.is_answered(1));
    outbox.handle_timeout(at(2));
    CHECK(outbox.is_answered(1));
    CHECK_FALSE(outbox.is_answered(2));
    CHECK_FALSE(outbox.is_kept(1));
    outbox.handle_stored(2, true);
    CHECK(outbox.next_deadline().is_never());
    CHECK_FALSE(outbox.is_kept(1));
    CHECK(outbox.is_kept(2));
}

TEST_CASE(
    "WebhookQueue: with an outbox an event is written before it is tried [HOOK-10] [HOOK-11]") {
    Bench bench;
    bench.add(0, "r", "1");
    CHECK(bench.poll() == "");
    CHECK(bench.queue->next_deadline() == at(0) + kOutboxPatience);
    CHECK(bench.store().empty());
    CHECK(bench.poll() == "1");
    CHECK(bench.sequence() == "1");
    const HttpResponse as_response{0, bench.last.headers, {}};
    CHECK(find_header(as_response, "X-Confab-Outbox") == "OB_test");
    bench.add(0, "r", "2");
    bench.queue->handle_response(at(1), bench.last.id, 200);
    CHECK(bench.poll(1) == "");  // its turn, but not written
    CHECK(bench.store() == std::vector<OutboxMark>{{1, State::kDelivered, 1, 200}});
    CHECK(bench.poll(1) == "2");
    CHECK(bench.sequence() == "2");
}

TEST_CASE(
    "WebhookQueue: what the store does not take is sent all the same, without a number [HOOK-11]") {
    Bench bench;
    bench.add(0, "r", "1");
    (void)bench.store(false);
    CHECK(bench.poll() == "1");
    CHECK(bench.sequence().empty());
    bench.add(0, "s", "2");
    bench.queue->handle_timeout(at(1.9));
    CHECK(bench.poll(1.9) == "");
    bench.queue->handle_timeout(at(2));  // the disk hangs
    CHECK(bench.poll(2) == "2");
    CHECK(bench.sequence().empty());
    bench.queue->handle_response(at(2), bench.last.id, 200);
    bench.add(3, "s", "3");
    (void)bench.store();
    CHECK(bench.poll(3) == "3");
    CHECK(bench.sequence() == "3");
}

TEST_CASE(
    "WebhookQueue: what waited at the last start goes first, in its order [HOOK-07] [HOOK-10]") {
    OutboxContents start = contents(9);
    start.waiting = {kept(3, "r"), kept(5, "s"), kept(6, "r", "http://a", 100)};
    start.sequences = {{"http://a", 9}};
    Bench bench(std::move(start), 200);
    bench.add(200, "r", "new");
    CHECK(bench.queue->waiting() == 4);
    CHECK(bench.queue->oldest(at(200)) == Duration::seconds(200));
    CHECK(bench.poll(200) == "3");
    CHECK(bench.sequence() == "3");
    const std::uint64_t first = bench.last.id;
    CHECK(bench.poll(200) == "5");
    CHECK(bench.poll(200) == "");
    bench.queue->handle_response(at(200), first, 200);
    CHECK(bench.poll(200) == "6");
    bench.queue->handle_response(at(200), bench.last.id, 200);
    CHECK(bench.store().size() == 2);
    CHECK(bench.poll(200) == "new");
    CHECK(bench.sequence() == "10");
}

TEST_CASE(
    "WebhookQueue: retention counts from the first start, a clock set back does not [HOOK-10]") {
    OutboxContents start = contents(3);
    start.waiting = {kept(1, "r"), kept(2, "s", "http://a", 10), kept(3, "t", "http://a", 99'999)};
    Bench bench(std::move(start), 3605);
    CHECK(bench.poll(3605) == "2");
    CHECK(bench.poll(3605) == "3");
    CHECK(bench.queue->stats().dropped_old == 1);
    CHECK(bench.store() == std::vector<OutboxMark>{{1, State::kGivenUp, 0, 0}});
}

TEST_CASE("WebhookQueue: with an outbox it is tried until retention is over [HOOK-10]") {
    Bench bench;
    bench.add(0, "r", "1");
    bench.add(0, "r", "2");
    bench.add(0, "r", "3");  // beyond max_depth, and older than max_age when its turn comes
    (void)bench.store();
    double now = 0;
    int attempts = 0;
    const auto next_attempt = [&] {
        do {
            const Timestamp next = bench.queue->next_deadline();
            REQUIRE(next > at(now));
            now = (next - at(0)).to_seconds();
            bench.queue->handle_timeout(at(now));
        } while (bench.poll(now).empty());
    };
    CHECK(bench.poll() == "1");
    while (now <= 3600) {
        ++attempts;
        bench.queue->handle_failure(at(now), bench.last.id);
        const double before = now;
        next_attempt();
        CHECK(bench.last.body.find("\"id\":\"1\"") != std::string::npos);
        CHECK(at(now) <= at(before) + kWebhookLongestWait);
    }
    CHECK(attempts > 100);
    CHECK(bench.queue->stats().failed == 0);
    bench.queue->handle_failure(at(now), bench.last.id);
    CHECK(bench.queue->stats().failed == 1);
    CHECK(bench.queue->stats().dropped_old == 2);
    CHECK(bench.queue->idle());
    CHECK(bench.queue->waiting() == 0);
    const std::vector<OutboxMark> marks = bench.store();
    CHECK(marks.back() == OutboxMark{3, State::kGivenUp, 0, 0});
    // How often it was tried is written now and then, not each time.
    CHECK(marks.front() == OutboxMark{1, State::kPending, 4, 0});
    CHECK(marks.size() < 3 + static_cast<std::size_t>(attempts));
}

namespace {

// One event fails so often in that way (-1: no answer, but it was sent), while its receiver takes
// others: how many times, until it is given up; 0: it was not, within so many.
int failures_until_given_up(int status, double age, double interval = 60) {
    OutboxContents start = contents(2);
    start.waiting = {kept(1, "bad"), kept(2, "bad")};
    start.sequences = {{"http://a", 2}};
    Bench bench(std::move(start), age, {"http://a"}, Duration::seconds(48 * 3600));
    double now = age;
    for (int failures = 1; failures <= 50; ++failures) {
        REQUIRE(bench.poll(now) == "1");
        if (status <= 0)
            bench.queue->handle_failure(at(now), bench.last.id, status < 0);
        else
            bench.queue->handle_response(at(now), bench.last.id, status);
        if (bench.queue->stats().failed > 0) {
            CHECK(bench.poll(now) == "2");
            CHECK(bench.store().back() ==
                  OutboxMark{1, State::kGivenUp, failures, std::max(0, status)});
            return failures;
        }
        bench.add(now, "good", "x");
        (void)bench.store();
        REQUIRE(bench.poll(now + 0.5) == "x");
        bench.queue->handle_response(at(now + 0.5), bench.last.id, 200);
        now += interval;
        bench.queue->handle_timeout(at(now));
    }
    return 0;
}

}  // namespace

TEST_CASE(
    "WebhookQueue: an event that its receiver cannot take does not keep the later ones [HOOK-10]") {
    // The first failure does not count: nothing was taken since. So often, and for so long.
    const int in_time = static_cast<int>(kOutboxRefusalTime.to_seconds()) / 60;
    for (const int status : {500, 503, -1})
        for (const double age : {0.0, 3600.0}) {
            CAPTURE(status);
            CHECK(failures_until_given_up(status, age) == 2 + in_time);
            CHECK(failures_until_given_up(status, age, 600.0 / 8) == 1 + kMaxOutboxRefusals);
            CHECK(failures_until_given_up(status, age, 600.0 / 9) == 1 + kMaxOutboxRefusals);
            CHECK(failures_until_given_up(status, age, 600.0 / 10) == 2 + kMaxOutboxRefusals);
            CHECK(failures_until_given_up(status, age, 30.0) == 2 + 2 * in_time);
        }
}

TEST_CASE("WebhookQueue: nobody there and a 429 are no refusals [HOOK-10]") {
    CHECK(failures_until_given_up(0, 3600) == 0);
    CHECK(failures_until_given_up(429, 3600) == 0);
}

namespace {

// How many requests a receiver gets within a minute that gives each that answer; of so many rooms.
int requests_in_a_minute(int rooms, int status, std::optional<Duration> retry_after) {
    Bench bench;
    for (int i = 0; i < rooms; ++i)
        bench.add(0, "room" + std::to_string(i), "x");
    (void)bench.store();
    int requests = 0;
    for (double now = 0; now < 60; now += 0.01) {
        bench.queue->handle_timeout(at(now));
        std::vector<std::uint64_t> ids;
        while (!bench.poll(now).empty())
            ids.push_back(bench.last.id);
        requests += static_cast<int>(ids.size());
        for (const std::uint64_t id : ids)
            if (status == 0)
                bench.queue->handle_failure(at(now), id, true);
            else
                bench.queue->handle_response(at(now), id, status, retry_after);
        (void)bench.store();
    }
    CHECK(bench.queue->waiting() == static_cast<std::size_t>(rooms));
    return requests;
}

}  // namespace

TEST_CASE("WebhookQueue: a receiver that takes nothing is not asked without end [HOOK-10]") {
    const Duration none = Duration::zero();
    // 0, 0, 2, 6, 14, 30 s
    CHECK(requests_in_a_minute(1, 429, none) == 6);
    CHECK(requests_in_a_minute(1, 429, Duration::seconds(20)) == 3);
    CHECK(requests_in_a_minute(1, 500, std::nullopt) == 6);
    // Those that are sent at once, and then one at a time.
    const int at_once = static_cast<int>(kMaxWebhookRequestsPerUrl);
    CHECK(requests_in_a_minute(1000, 429, none) <= at_once + 8);
    CHECK(requests_in_a_minute(1000, 429, Duration::seconds(20)) == at_once + 2);
    // Two had failed before it was held: they wait on their own.
    for (const int status : {0, 429, 500, 503})
        CHECK(requests_in_a_minute(1000, status, std::nullopt) <= at_once + 8);
}

TEST_CASE("WebhookQueue: a receiver that is away costs the others nothing [HOOK-10] [IMM-15]") {
    for (const bool large : {false, true}) {
        CAPTURE(large);
        Bench bench(contents(), 0, {"http://healthy"}, Duration::seconds(3600), {"room_started"});
        livekit::WebhookEvent to_dead = event("r", "x");
        livekit::WebhookConfig& dead =
            *to_dead.mutable_egress_info()->mutable_web()->add_webhooks();
        dead.set_url("http://dead");
        dead.set_signing_key("devkey");
        to_dead.set_event("egress_ended");
        const std::size_t fit = large ? 8 : kMaxOutboxWaiting;
        if (large) to_dead.mutable_room()->set_metadata(std::string(kMaxWebhookBytes / 9, 'm'));
        const auto add_dead = [&](const std::string& room) {
            to_dead.mutable_room()->set_name(room);
            (void)bench.queue->enqueue(at(0), to_dead);
        };
        for (std::size_t i = 0; i < fit; ++i)
            add_dead(i < 4 ? "long" : "room" + std::to_string(i));
        (void)bench.store();
        while (bench.poll() != "")
            CHECK(bench.last.url == "http://dead");
        CHECK(bench.queue->waiting() == fit);
        CHECK(bench.queue->stats().dropped_full == 0);
        livekit::WebhookEvent new_one = to_dead;
        new_one.set_event("room_started");
        new_one.clear_egress_info();
        for (std::uint64_t i = 1; i <= 3; ++i) {
            new_one.set_id("new" + std::to_string(i));
            (void)bench.queue->enqueue(at(1), new_one);
            CHECK(bench.queue->stats().dropped_full == i);
            CHECK(bench.queue->waiting() == fit);
            // Of the longest queue, the first that is not being sent.
            CHECK(bench.store() == std::vector<OutboxMark>{{i + 1, State::kGivenUp, 0, 0}});
            REQUIRE(bench.poll(1) == new_one.id());
            CHECK(bench.last.url == "http://healthy");
            bench.queue->handle_response(at(1), bench.last.id, 200);
            (void)bench.store();
            if (i < 3) add_dead("again" + std::to_string(i));
            (void)bench.store();
            while (!bench.poll(1).empty())
                ;
        }
    }
}

TEST_CASE("WebhookQueue: what gives way is taken out wherever its queue is [IMM-15]") {
    // Four bodies fit.
    livekit::WebhookEvent large = event("r", "large");
    large.mutable_room()->set_metadata(std::string(kMaxWebhookBytes / 5, 'm'));
    const auto add = [&large](Bench& bench, double now, const std::string& room) {
        large.mutable_room()->set_name(room);
        large.set_id(room);
        (void)bench.queue->enqueue(at(now), large);
    };
    SUBCASE("unanswered, ready, and waiting for a retry") {
        Bench bench;
        add(bench, 0, "retry");
        (void)bench.store();
        CHECK(bench.poll(0) == "retry");
        bench.queue->handle_response(at(0), bench.last.id, 500);
        add(bench, 0.1, "ready");
        (void)bench.store();
        add(bench, 0.2, "asked");
        add(bench, 0.3, "next");
        add(bench, 0.4, "fifth");    // "retry" gives way
        add(bench, 0.5, "sixth");    // "ready"
        add(bench, 0.6, "seventh");  // "asked"
        CHECK(bench.queue->stats().dropped_full == 3);
        CHECK(bench.queue->waiting() == 4);
        (void)bench.store();
        bench.queue->handle_timeout(at(2));
        std::vector<std::string> sent;
        for (std::string id = bench.poll(2); !id.empty(); id = bench.poll(2)) {
            sent.push_back(id);
            bench.queue->handle_response(at(2), bench.last.id, 200);
        }
        CHECK(sent == std::vector<std::string>{"next", "fifth", "sixth", "seventh"});
        CHECK(bench.queue->idle());
    }
    SUBCASE("a queue of which the first one goes") {
        Bench bench;
        add(bench, 0, "r");
        large.set_id("second");
        (void)bench.queue->enqueue(at(0), large);
        add(bench, 0, "s");
        add(bench, 0, "t");
        add(bench, 0, "u");  // "r" is the longest
        (void)bench.store();
        CHECK(bench.poll(0) == "second");
        CHECK(bench.queue->stats().dropped_full == 1);
    }
    SUBCASE("nothing, while all of it is being sent") {
        Bench bench;
        for (const char* room : {"r", "s", "t", "u"})
            add(bench, 0, room);
        (void)bench.store();
        while (!bench.poll().empty())
            ;
        add(bench, 0, "v");
        CHECK(bench.queue->waiting() == 4);
        CHECK(bench.queue->stats().dropped_full == 1);
        large.mutable_room()->set_metadata(std::string(kMaxWebhookBytes, 'm'));
        add(bench, 0, "w");  // has never any place
        CHECK(bench.queue->stats().dropped_full == 2);
    }
}

TEST_CASE("WebhookQueue: a receiver that is away is asked by one queue at a time [HOOK-10]") {
    Bench bench;
    for (int i = 0; i < 100; ++i)
        bench.add(0, "room" + std::to_string(i), std::to_string(i));
    (void)bench.store();
    std::vector<std::uint64_t> out;
    while (!bench.poll().empty())
        out.push_back(bench.last.id);
    CHECK(out.size() == kMaxWebhookRequestsPerUrl);
    for (const std::uint64_t id : out)
        bench.queue->handle_failure(at(0), id);
    // Two had failed before it was known to be away: they wait on their own.
    double now = 0;
    std::set<std::string> asked;
    int requests = 0;
    while (now < 300) {
        const Timestamp next = bench.queue->next_deadline();
        REQUIRE(next > at(now));
        now = (next - at(0)).to_seconds();
        bench.queue->handle_timeout(at(now));
        if (const std::string id = bench.poll(now); !id.empty()) {
            asked.insert(id);
            ++requests;
            CHECK(bench.poll(now) == "");
            bench.queue->handle_failure(at(now), bench.last.id);
        }
        (void)bench.store();
    }
    CHECK(requests >= 12);  // 1, 2, 4, 8, 16, 30 … s
    CHECK(requests <= 15);
    CHECK(asked.size() == static_cast<std::size_t>(requests));  // each time another one
    // It is back: all at once, a new one too.
    bench.add(now, "new", "new");
    (void)bench.store();
    now += 30;
    bench.queue->handle_timeout(at(now));
    CHECK_FALSE(bench.poll(now).empty());
    CHECK(bench.poll(now) == "");
    bench.queue->handle_response(at(now), bench.last.id, 500);  // an answer, if no good one
    std::size_t sent = 0;
    while (!bench.poll(now).empty()) {
        bench.queue->handle_response(at(now), bench.last.id, 200);
        ++sent;
    }
    CHECK(sent == 100);
    CHECK(bench.queue->waiting() == 1);
}

TEST_CASE("WebhookQueue: what is too old goes while its receiver is away [HOOK-10] [IMM-15]") {
    Bench bench;
    for (int i = 0; i < 3; ++i) {
        bench.add(0, "room" + std::to_string(i), "x");
        (void)bench.store();
        CHECK(bench.poll() == "x");
        bench.queue->handle_failure(at(0), bench.last.id);
    }
    for (int i = 3; i < 100; ++i)
        bench.add(0, "room" + std::to_string(i), "x");
    (void)bench.store();
    double now = 0;
    while (!bench.queue->next_deadline().is_never()) {
        now = (bench.queue->next_deadline() - at(0)).to_seconds();
        REQUIRE(now < 7200);
        bench.queue->handle_timeout(at(now));
        while (!bench.poll(now).empty())
            bench.queue->handle_failure(at(now), bench.last.id);
        (void)bench.store();
    }
    CHECK(bench.queue->stats().dropped_old + bench.queue->stats().failed == 100);
    CHECK(bench.queue->idle());
    CHECK(bench.queue->next_deadline().is_never());
}

TEST_CASE("Outbox: attempts that failed are written together, after ten seconds [HOOK-10]") {
    Outbox outbox(contents());
    const auto next = [&] {
        const auto write = outbox.poll_write();
        return write ? std::optional(std::get<OutboxMark>(*write)) : std::nullopt;
    };
    outbox.mark(at(1), {1, State::kPending, 1, 0});
    outbox.mark(at(2), {2, State::kPending, 1, 500});
    outbox.mark(at(3), {1, State::kPending, 2, 503});
    outbox.mark(at(3), {3, State::kPending, 1, 0});
    CHECK_FALSE(next());
    outbox.mark(at(4), {3, State::kDelivered, 2, 200});  // what was pending does not come behind
    CHECK(next() == OutboxMark{3, State::kDelivered, 2, 200});
    CHECK(outbox.next_deadline() == at(1) + kOutboxMarkDelay);
    outbox.handle_timeout(at(10.999));
    CHECK_FALSE(next());
    outbox.handle_timeout(at(11));
    CHECK(next() == OutboxMark{1, State::kPending, 2, 503});
    CHECK(next() == OutboxMark{2, State::kPending, 1, 500});
    CHECK_FALSE(next());
    CHECK(outbox.next_deadline().is_never());
    outbox.mark(at(20), {1, State::kPending, 3, 0});
    outbox.flush_marks();
    CHECK(next() == OutboxMark{1, State::kPending, 3, 0});
}

TEST_CASE("Outbox: so many are held, then the first is given up [IMM-15]") {
    Outbox outbox(contents());
    std::uint64_t number = 1;
    for (; number < kMaxOutboxHeld; ++number)
        REQUIRE(outbox.hold(at(0), number, at(0)));
    CHECK(outbox.hold(at(0), number++, at(0)));
    CHECK_FALSE(outbox.poll_write());
    CHECK_FALSE(outbox.hold(at(0), number, at(0)));
    CHECK(outbox.held() == kMaxOutboxHeld);
    CHECK(std::get<OutboxMark>(*outbox.poll_write()) == OutboxMark{1, State::kGivenUp, 0, 0});
    CHECK_FALSE(outbox.release(1));
    CHECK(outbox.release(2));
}

TEST_CASE(
    "WebhookQueue: what is dropped leaves a gap, what is too much is dropped [HOOK-11] [IMM-15]") {
    for (const std::size_t count :
         {kMaxOutboxWaiting - 1, kMaxOutboxWaiting, kMaxOutboxWaiting + 1}) {
        Bench bench;
        for (std::size_t i = 0; i < count; ++i)
            bench.add(0, "r", "x");
        CHECK(bench.queue->waiting() == std::min(count, kMaxOutboxWaiting));
        CHECK(bench.queue->stats().dropped_full == count - bench.queue->waiting());
        if (count <= kMaxOutboxWaiting) continue;
        (void)bench.store();
        (void)bench.poll();
        bench.queue->handle_response(at(0), bench.last.id, 200);
        bench.add(0, "later", "y");
        (void)bench.store();
        while (bench.poll() != "y")
            ;
        CHECK(bench.sequence() == std::to_string(count + 1));
    }
}

TEST_CASE(
    "WebhookQueue: what is for an address not configured any more is held [SEC-10] [HOOK-10]") {
    OutboxContents start = contents(4);
    start.waiting = {kept(1, "r", "http://gone"), kept(2, "r", "http://extra"), kept(3, "r"),
                     kept(4, "r", "http://gone", 100)};
    start.waiting[1].api_key = "devkey";  // of an egress: not one of the configured
    Bench bench(std::move(start), 100);
    CHECK(bench.poll(100) == "3");
    bench.queue->handle_response(at(100), bench.last.id, 200);
    CHECK(bench.poll(100) == "2");
    bench.queue->handle_response(at(100), bench.last.id, 200);
    CHECK(bench.poll(100) == "");
    CHECK(bench.queue->held() == 2);
    CHECK(bench.queue->idle());
    CHECK(bench.queue->take_lost().empty());
    CHECK(bench.store().size() == 2);  // those that are delivered
    // Until retention is over.
    double now = 100;
    while (bench.queue->held() > 0) {
        const Timestamp next = bench.queue->next_deadline();
        REQUIRE(next > at(now));
        now = (next - at(0)).to_seconds();
        REQUIRE(now <= 4000);
        bench.queue->handle_timeout(at(now));
        if (now <= 3600) CHECK(bench.queue->held() == 2);
    }
    CHECK(now > 3700);
    CHECK(bench.queue->stats().dropped_old == 2);
    const WebhookQueue::Lost lost = bench.queue->take_lost();
    REQUIRE(lost.size() == 1);
    CHECK(lost.begin()->second == 2);
    CHECK(bench.store() ==
          std::vector<OutboxMark>{{1, State::kGivenUp, 0, 0}, {4, State::kGivenUp, 0, 0}});
    CHECK(bench.queue->next_deadline().is_never());
}

TEST_CASE("WebhookQueue: a replay elsewhere is a new event of that address [HOOK-12]") {
    OutboxContents start = contents(9);
    start.waiting = {kept(7, "r", "http://gone"), kept(8, "r")};
    start.sequences = {{"http://a", 8}, {"http://gone", 7}};
    Bench bench(std::move(start));
    const std::vector<OutboxReplay> events = {
        {kept(4, "r", "http://gone"), {4, State::kGivenUp, 3, 500}},
        {kept(7, "r", "http://gone"), {7, State::kPending, 2, 503}},  // held
        {kept(8, "r"), {8, State::kPending, 0, 0}},                   // on its way
    };
    CHECK(bench.queue->replay_to(at(0), "http://a", events) == 2);
    CHECK(bench.queue->held() == 0);
    CHECK(bench.queue->waiting() == 3);
    CHECK(bench.store() == std::vector<OutboxMark>{{7, State::kGivenUp, 2, 503}});
    CHECK(bench.written == 11);
    for (const char* id : {"8", "4", "7"}) {
        CHECK(bench.poll() == id);
        CHECK(bench.last.url == "http://a");
        bench.queue->handle_response(at(0), bench.last.id, 200);
    }
    CHECK(bench.sequence() == "10");
    CHECK(bench.queue->idle());
    // Not what has that address anyway.
    CHECK(bench.queue->replay_to(at(0), "http://gone", {events[0]}) == 0);
    // What is held no more is replayed as what it is.
    CHECK(bench.queue->replay_to(at(0), "http://a", {events[1]}) == 0);
}

TEST_CASE("WebhookQueue: a store that begins anew gets all that waits [HOOK-10] [HOOK-11]") {
    OutboxContents start = contents(9);
    start.waiting = {kept(3, "r"), kept(5, "s"), kept(6, "r", "http://gone")};
    Bench bench(std::move(start), 50);
    bench.add(60, "r", "10");
    (void)bench.store();
    CHECK(bench.poll(60) == "3");
    bench.queue->handle_begun_anew(at(70), wall(70));
    std::map<std::uint64_t, OutboxEvent> events;
    while (const auto write = bench.queue->poll_write()) {
        const auto& one = std::get<OutboxEvent>(*write);
        events[one.number] = one;
    }
    REQUIRE(events.size() == 3);
    CHECK(events[3].created == wall(0));
    CHECK(events[3].sequence == 3);
    CHECK(events[3].body == kept(3, "r").body);
    CHECK(events[5].key == "s");
    CHECK(events[10].created == wall(60));
    CHECK(bench.queue->held() == 0);
    CHECK(bench.queue->stats().dropped_full == 1);
    CHECK(bench.queue->take_lost().size() == 1);
    bench.queue->handle_response(at(70), bench.last.id, 200);
    CHECK(bench.poll(70) == "5");
    CHECK(bench.poll(70) == "10");
}

TEST_CASE("WebhookQueue: a replay is sent like a new event, numbered as it was [HOOK-12]") {
    Bench bench(contents(9));
    const OutboxMark was{0, State::kDelivered, 1, 200};
    CHECK(bench.queue->replay(at(5000), {{kept(4, "r"), was}, {kept(7, "r"), was}}) == 2);
    CHECK(bench.poll(5000) == "4");
    CHECK(bench.sequence() == "4");
    bench.queue->handle_response(at(5000), bench.last.id, 404);
    CHECK(bench.store() == std::vector<OutboxMark>{{4, State::kDelivered, 1, 404}});
    CHECK(bench.poll(5000) == "7");
    // What cannot be sent is what it was.
    const OutboxMark gone{5, State::kDelivered, 2, 204};
    CHECK(bench.queue->replay(at(0), {{kept(5, "r", "http://gone"), gone}}) == 0);
    CHECK(bench.store() == std::vector<OutboxMark>{gone});
    Bench without;
    without.queue.emplace(WebhookOptions{}, kKeys);
    CHECK_FALSE(without.queue->poll_write());
    without.queue->handle_stored(1, true);
    CHECK(without.queue->idle());
}

TEST_CASE("WebhookQueue: what waits does not give way to a replay [HOOK-12] [IMM-15]") {
    for (const std::size_t waiting : {kMaxOutboxWaiting - 1, kMaxOutboxWaiting}) {
        Bench bench;
        for (std::size_t i = 0; i < waiting; ++i)
            bench.add(0, "r", "x");
        (void)bench.store();
        const OutboxMark was{70'000, State::kDelivered, 1, 200};
        const std::vector<OutboxReplay> one = {{kept(70'000, "s"), was}};
        const std::size_t fits = kMaxOutboxWaiting - waiting;
        CHECK(bench.queue->replay(at(0), one) == fits);
        CHECK(bench.queue->replay_to(at(0), "http://a", one) == 0);
        CHECK(bench.queue->stats().dropped_full == 0);
        CHECK(bench.queue->waiting() == kMaxOutboxWaiting);
    }
}

TEST_CASE("WebhookQueue: at the end only what is not kept is lost [HOOK-10] [CON-11]") {
    Bench bench;
    bench.add(0, "r", "1");
    (void)bench.store();
    bench.add(0, "r", "2");
    (void)bench.store(false);
    bench.add(0, "s", "3");
    SUBCASE("a store that works has what it was given last, too") {
        CHECK(bench.queue->give_up() == 2);
        CHECK(bench.queue->stats().dropped_at_end == 1);
    }
    SUBCASE("one that does not, has not") {
        CHECK(bench.queue->give_up(false) == 1);
        CHECK(bench.queue->stats().dropped_at_end == 2);
    }
    CHECK(bench.queue->idle());
    CHECK(bench.queue->waiting() == 0);
}

TEST_CASE("WebhookQueue: an event without its key is given up, extra ones have a key [HOOK-08]") {
    OutboxContents start = contents(1);
    start.waiting = {kept(1, "r", "http://extra")};
    start.waiting[0].api_key = "unknown";
    Bench bench(std::move(start));
    CHECK(bench.poll() == "");
    CHECK(bench.queue->stats().dropped_unsigned == 1);
    CHECK(bench.store() == std::vector<OutboxMark>{{1, State::kGivenUp, 0, 0}});
    livekit::WebhookEvent told = event("r", "1");
    told.mutable_egress_info()->mutable_web()->add_webhooks()->set_url("http://extra");
    CHECK(bench.queue->enqueue(at(0), told).size() == 2);
    CHECK(bench.queue->stats().dropped_unsigned == 1);
    // Kept with the key that is meant: without one it would be held after a restart, as is what was
    // for an address that is not configured any more.
    (void)bench.queue->poll_write();
    const auto write = bench.queue->poll_write();
    REQUIRE(write);
    REQUIRE(std::holds_alternative<OutboxEvent>(*write));
    CHECK(std::get<OutboxEvent>(*write).url == "http://extra");
    CHECK(std::get<OutboxEvent>(*write).api_key == "devkey");
}

}  // namespace confab::api
