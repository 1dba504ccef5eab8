// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Numbers, answers of the store and its patience; then the queue with an outbox.
#include "api/webhook/outbox.h"

#include <doctest/doctest.h>

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
                   std::vector<std::string> urls = {"http://a"}) {
        WebhookOptions options;
        options.urls = std::move(urls);
        options.api_key = "devkey";
        options.max_age = Duration::seconds(1);
        options.max_depth = 2;
        options.retention = Duration::seconds(3600);
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
    while (now <= 3600) {
        CHECK(bench.poll(now) == "1");
        ++attempts;
        bench.queue->handle_failure(at(now), bench.last.id);
        if (now == 0) CHECK(bench.store() == std::vector<OutboxMark>{{1, State::kPending, 1, 0}});
        CHECK(bench.queue->next_deadline() <= at(now) + kWebhookLongestWait);
        now = (bench.queue->next_deadline() - at(0)).to_seconds();
        bench.queue->handle_timeout(at(now));
    }
    CHECK(attempts > 100);
    CHECK(bench.queue->stats().failed == 0);
    CHECK(bench.poll(now) == "1");
    bench.queue->handle_failure(at(now), bench.last.id);
    CHECK(bench.queue->stats().failed == 1);
    CHECK(bench.queue->stats().dropped_old == 2);
    CHECK(bench.queue->idle());
    CHECK(bench.queue->waiting() == 0);
    CHECK(bench.store().back() == OutboxMark{3, State::kGivenUp, 0, 0});
}

TEST_CASE(
    "WebhookQueue: an event that its receiver cannot take does not keep the later ones [HOOK-10]") {
    Bench bench;
    bench.add(0, "bad", "1");
    bench.add(0, "bad", "2");
    (void)bench.store();
    double now = 0;
    for (int failures = 1;; ++failures) {
        REQUIRE(bench.poll(now) == "1");
        bench.queue->handle_response(at(now), bench.last.id, 500);
        if (bench.queue->stats().failed > 0) {
            CHECK(failures == 1 + kMaxOutboxRefusals);
            break;
        }
        bench.add(now, "good", "x");
        (void)bench.store();
        REQUIRE(bench.poll(now + 0.5) == "x");
        bench.queue->handle_response(at(now + 0.5), bench.last.id, 200);
        now += 40;
        bench.queue->handle_timeout(at(now));
    }
    CHECK(bench.poll(now) == "2");
    CHECK(bench.store().back() == OutboxMark{1, State::kGivenUp, 1 + kMaxOutboxRefusals, 500});
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

TEST_CASE("WebhookQueue: an address that is not configured any more gets nothing [SEC-10]") {
    OutboxContents start = contents(3);
    start.waiting = {kept(1, "r", "http://gone"), kept(2, "r", "http://extra"), kept(3, "r")};
    start.waiting[1].api_key = "devkey";  // of an egress: not one of the configured
    Bench bench(std::move(start));
    CHECK(bench.poll() == "3");
    CHECK(bench.poll() == "2");
    CHECK(bench.poll() == "");
    CHECK(bench.queue->stats().dropped_unwanted == 1);
    CHECK(bench.queue->take_lost() == WebhookQueue::Lost{{"room_started", 1}});
    CHECK(bench.store() == std::vector<OutboxMark>{{1, State::kGivenUp, 0, 0}});
    CHECK(bench.queue->replay(at(0), {kept(1, "r", "http://gone")}) == 0);
}

TEST_CASE("WebhookQueue: a replay is sent like a new event, numbered as it was [HOOK-12]") {
    Bench bench(contents(9));
    CHECK(bench.queue->replay(at(5000), {kept(4, "r"), kept(7, "r")}) == 2);
    CHECK(bench.poll(5000) == "4");
    CHECK(bench.sequence() == "4");
    bench.queue->handle_response(at(5000), bench.last.id, 404);
    CHECK(bench.store() == std::vector<OutboxMark>{{4, State::kDelivered, 1, 404}});
    CHECK(bench.poll(5000) == "7");
    Bench without;
    without.queue.emplace(WebhookOptions{}, kKeys);
    CHECK_FALSE(without.queue->poll_write());
    without.queue->handle_stored(1, true);
    CHECK(without.queue->idle());
}

TEST_CASE("WebhookQueue: at the end only what is not kept is lost [HOOK-10] [CON-11]") {
    Bench bench;
    bench.add(0, "r", "1");
    (void)bench.store();
    bench.add(0, "r", "2");
    (void)bench.store(false);
    bench.add(0, "s", "3");
    CHECK(bench.queue->give_up() == 1);
    CHECK(bench.queue->stats().dropped_at_end == 2);
    CHECK(bench.queue->idle());
    CHECK(bench.queue->waiting() == 0);
}

TEST_CASE("WebhookQueue: an event without its key is given up, extra ones need a key [HOOK-08]") {
    OutboxContents start = contents(1);
    start.waiting = {kept(1, "r", "http://extra")};
    start.waiting[0].api_key = "unknown";
    Bench bench(std::move(start));
    CHECK(bench.poll() == "");
    CHECK(bench.queue->stats().dropped_unsigned == 1);
    CHECK(bench.store() == std::vector<OutboxMark>{{1, State::kGivenUp, 0, 0}});
    livekit::WebhookConfig extra;
    extra.set_url("http://extra");
    CHECK(bench.queue->enqueue(at(0), event("r", "1"), &extra).size() == 1);
    CHECK(bench.queue->stats().dropped_unsigned == 2);
}

}  // namespace confab::api
