// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/sequence.h"

#include <doctest/doctest.h>

using namespace confab;
using namespace confab::cluster::relay;

namespace {

constexpr Timestamp kStart = Timestamp::micros(1'000'000'000);
Timestamp at(std::int64_t ms) {
    return kStart + Duration::millis(ms);
}

struct Sent {
    std::uint64_t seq;
    bool close;
    std::vector<std::string> messages;
    std::uint64_t end;
    bool operator==(const Sent&) const = default;
};

struct Side {
    Settings settings;
    BatchSender sender;
    explicit Side(GiveUp give_up, Settings of = {})
        : settings(of), sender(BatchKind::kRequests, give_up, settings) {}

    void push(std::initializer_list<const char*> messages) {
        for (const char* message : messages)
            sender.push(message);
    }
    std::optional<Sent> poll(Timestamp now) {
        sender.handle_timeout(now);
        const auto batch = sender.poll_transmit(now);
        if (!batch) return std::nullopt;
        const auto read = decode_batch(BatchKind::kRequests, batch->bytes);
        REQUIRE(read);
        return Sent{
            read->seq, read->close, {read->messages.begin(), read->messages.end()}, batch->end};
    }
};

Batch batch(std::uint64_t seq, std::vector<std::string_view> messages, bool close = false) {
    Batch result;
    result.seq = seq;
    result.close = close;
    result.messages = std::move(messages);
    return result;
}

std::string all(BatchReceiver& receiver) {
    std::string text;
    while (auto message = receiver.take())
        text += *message;
    return text;
}

}  // namespace

TEST_CASE("BatchSender: what waits goes together, numbered from 0, one batch at a time [NODE-21]") {
    Side side(GiveUp::kFail);
    CHECK(!side.poll(at(0)));
    CHECK(side.sender.next_deadline().is_never());
    side.push({"a", "b"});
    CHECK(side.sender.next_deadline() <= at(0));
    CHECK(side.poll(at(0)) == Sent{0, false, {"a", "b"}, 2});
    side.push({"c"});
    CHECK(!side.poll(at(10)));
    side.sender.acknowledge(at(20), 2);
    CHECK(side.poll(at(20)) == Sent{2, false, {"c"}, 3});
    side.sender.acknowledge(at(30), 3);
    CHECK(!side.poll(at(30)));
    CHECK(side.sender.next_deadline().is_never());
}

// node-death.jsonl: 1509, 2010, 3011, 5011 ms with 1, 1, 2 and 4 requests; closed at 9013.
TEST_CASE("BatchSender: the growing batch after 0.5, 1 and 2 s, given up after 7.5 s [NODE-21]") {
    Side side(GiveUp::kFail);
    side.push({"a"});
    CHECK(side.poll(at(0)) == Sent{0, false, {"a"}, 1});
    CHECK(side.sender.next_deadline() == at(500));
    CHECK(!side.poll(at(499)));
    CHECK(side.poll(at(500)) == Sent{0, false, {"a"}, 1});
    side.push({"b"});
    CHECK(!side.poll(at(1499)));
    CHECK(side.poll(at(1500)) == Sent{0, false, {"a", "b"}, 2});
    side.push({"c", "d"});
    CHECK(!side.poll(at(3499)));
    CHECK(side.poll(at(3500)) == Sent{0, false, {"a", "b", "c", "d"}, 4});
    CHECK(side.sender.next_deadline() == at(7500));
    CHECK(!side.poll(at(7499)));
    CHECK(!side.sender.has_failed());
    CHECK(!side.poll(at(7500)));
    CHECK(side.sender.has_failed());
    CHECK(side.sender.next_deadline().is_never());
}

TEST_CASE(
    "BatchSender: no wait is longer than max_retry_interval, nor than what is left [NODE-20]") {
    Settings settings;
    settings.retry_timeout = Duration::seconds(13);
    settings.max_retry_interval = Duration::seconds(3);
    Side side(GiveUp::kFail, settings);
    side.push({"a"});
    for (const int ms : {0, 500, 1500, 3500, 6500, 9500, 12500}) {
        CHECK(side.sender.next_deadline() <= at(ms));
        CHECK(side.poll(at(ms)));
    }
    CHECK(side.sender.next_deadline() == at(13'000));
    CHECK(!side.poll(at(13'000)));
    CHECK(side.sender.has_failed());
}

TEST_CASE("BatchSender: the room's side drops what waits, and goes on behind the gap [NODE-21]") {
    Side side(GiveUp::kDrop);
    side.push({"a", "b"});
    CHECK(side.poll(at(0)));
    side.push({"c"});
    CHECK(!side.poll(at(7500)));
    CHECK(!side.sender.has_failed());
    CHECK(side.sender.waiting() == 0);
    CHECK(side.sender.next_deadline().is_never());
    side.push({"d"});
    CHECK(side.poll(at(8000)) == Sent{3, false, {"d"}, 4});
    side.sender.acknowledge(at(8001), 2);  // of those that were dropped
    CHECK(!side.poll(at(8002)));
    CHECK(side.poll(at(8500)) == Sent{3, false, {"d"}, 4});
}

TEST_CASE("BatchSender: a late acknowledgement of a shorter sending is progress [NODE-21]") {
    Side side(GiveUp::kFail);
    side.push({"a"});
    CHECK(side.poll(at(0)));
    side.push({"b"});
    CHECK(side.poll(at(500)) == Sent{0, false, {"a", "b"}, 2});
    side.push({"c"});
    side.sender.acknowledge(at(600), 1);
    CHECK(side.sender.waiting() == 2);
    CHECK(!side.poll(at(600)));  // b is on its way
    side.sender.acknowledge(at(650), 1);
    CHECK(side.poll(at(1100)) == Sent{1, false, {"b", "c"}, 3});
    CHECK(!side.poll(at(8099)) == false);  // sent again
    CHECK(!side.poll(at(8100)));
    CHECK(side.sender.has_failed());  // 7.5 s after the progress
}

TEST_CASE("BatchSender: the last batch says that nothing follows [NODE-21]") {
    Side side(GiveUp::kFail);
    side.push({"a"});
    CHECK(side.poll(at(0)) == Sent{0, false, {"a"}, 1});
    side.sender.close();
    side.push({"late"});
    CHECK(!side.poll(at(1)));
    SUBCASE("sent again with it") {
        CHECK(side.poll(at(500)) == Sent{0, true, {"a"}, 2});
        side.sender.acknowledge(at(501), 1);
        CHECK(!side.sender.is_drained());
        side.sender.acknowledge(at(502), 2);
        CHECK(side.sender.is_drained());
        CHECK(side.sender.next_deadline().is_never());
        CHECK(!side.poll(at(503)));
    }
    SUBCASE("alone where nothing waits") {
        side.sender.acknowledge(at(2), 1);
        CHECK(!side.sender.is_drained());
        CHECK(side.poll(at(2)) == Sent{1, true, {}, 2});
        side.sender.acknowledge(at(3), 2);
        CHECK(side.sender.is_drained());
    }
    SUBCASE("or is given up") {
        CHECK(!side.poll(at(7500)));
        CHECK(side.sender.is_drained());
    }
}

TEST_CASE("BatchSender: a batch has its limits, more follow [NODE-21]") {
    Side side(GiveUp::kFail);
    for (std::size_t i = 0; i < kMaxBatchMessages + 1; ++i)
        side.sender.push("x");
    side.sender.close();
    auto first = side.poll(at(0));
    REQUIRE(first);
    CHECK(first->messages.size() == kMaxBatchMessages);
    CHECK(!first->close);
    side.sender.acknowledge(at(1), first->end);
    CHECK(side.poll(at(1)) == Sent{kMaxBatchMessages, true, {"x"}, kMaxBatchMessages + 2});

    Side large(GiveUp::kFail);
    large.sender.push(std::string(kMaxBatchBytes / 2, 'x'));
    large.sender.push(std::string(kMaxBatchBytes / 2, 'x'));
    large.sender.push("y");
    large.sender.push(std::string(kMaxBatchBytes + 1, 'x'));
    CHECK(large.poll(at(0))->messages.size() == 2);
    large.sender.acknowledge(at(1), 2);
    CHECK(large.poll(at(1))->messages.size() == 1);
    large.sender.acknowledge(at(2), 3);
    CHECK(large.poll(at(2))->messages.size() == 1);
}

TEST_CASE("BatchSender: more than stream_buffer_size, or too many bytes, is given up [NODE-20]") {
    Settings settings;
    settings.stream_buffer_size = 3;
    Side side(GiveUp::kFail, settings);
    side.push({"a", "b", "c"});
    CHECK(!side.sender.has_failed());
    side.push({"d"});
    CHECK(side.sender.has_failed());
    CHECK(!side.poll(at(0)));

    Side room(GiveUp::kDrop, settings);
    room.push({"a", "b", "c", "d", "e"});
    CHECK(room.poll(at(0)) == Sent{4, false, {"e"}, 5});

    Side bytes(GiveUp::kFail);
    bytes.sender.push(std::string(kMaxQueuedBytes - 1, 'x'));
    bytes.sender.push("y");
    CHECK(!bytes.sender.has_failed());
    bytes.sender.push("z");
    CHECK(bytes.sender.has_failed());
}

TEST_CASE("BatchReceiver: in order, what overlaps once, a gap is fatal [NODE-21]") {
    BatchReceiver receiver;
    CHECK(receiver.add(batch(0, {"a", "b"})));
    CHECK(receiver.add(batch(0, {"a", "b", "c"})));
    CHECK(receiver.add(batch(1, {"b"})));
    CHECK(receiver.add(batch(3, {})));
    CHECK(receiver.add(batch(2, {"c", "d"})));
    CHECK(all(receiver) == "abcd");
    const auto gap = receiver.add(batch(5, {"f"}));
    REQUIRE(!gap);
    CHECK(gap.error() == Fault::kGap);
    CHECK(to_text(gap.error()) == "signal message dropped");
    CHECK(receiver.add(batch(4, {"e"})));
    CHECK(all(receiver).empty());
}

TEST_CASE("BatchReceiver: 200 that nobody took, and no more [NODE-21]") {
    BatchReceiver receiver;
    for (std::uint64_t i = 0; i < kMaxReceived; ++i)
        CHECK(receiver.add(batch(i, {"x"})));
    SUBCASE("too many") {
        const auto over = receiver.add(batch(kMaxReceived, {"x"}));
        REQUIRE(!over);
        CHECK(over.error() == Fault::kOverflow);
        CHECK(receiver.waiting() == kMaxReceived);
    }
    SUBCASE("one was taken") {
        CHECK(receiver.take());
        CHECK(receiver.add(batch(kMaxReceived, {"x"})));
    }
}

TEST_CASE("BatchReceiver: bytes are limited as well [NODE-21]") {
    BatchReceiver receiver;
    const std::string large(kMaxQueuedBytes, 'x');
    CHECK(receiver.add(batch(0, {large})));
    CHECK(!receiver.add(batch(1, {"y"})));
    BatchReceiver other;
    CHECK(other.add(batch(0, {large})));
    CHECK(other.take());
    CHECK(other.add(batch(1, {large})));
}

TEST_CASE("BatchReceiver: nothing comes after the last batch [NODE-21]") {
    BatchReceiver receiver;
    CHECK(receiver.add(batch(0, {"a"})));
    CHECK(receiver.add(batch(0, {"a", "b"}, true)));
    CHECK(receiver.is_closed());
    CHECK(receiver.add(batch(2, {"c"})));
    CHECK(receiver.add(batch(9, {"d"})));
    CHECK(all(receiver) == "ab");
}

TEST_CASE("BatchReceiver: numbers at the end of their range do no harm [NODE-21]") {
    BatchReceiver receiver;
    CHECK(!receiver.add(batch(~std::uint64_t{0}, {"a", "b"}, true)));
    CHECK(!receiver.is_closed());
    BatchReceiver other;
    CHECK(other.add(batch(0, {"a"})));
    CHECK(other.add(batch(0, {}, true)));  // older than what is here
    CHECK(!other.is_closed());
}

TEST_CASE("BatchSender: no time counts while it is paused, and all is sent again after [NODE-14]") {
    for (const GiveUp give_up : {GiveUp::kFail, GiveUp::kDrop}) {
        Side side(give_up);
        side.push({"a"});
        REQUIRE(side.poll(at(0)));
        side.sender.pause();
        side.push({"b"});
        CHECK(side.sender.next_deadline() == Timestamp::never());
        CHECK(!side.poll(at(60'000)));
        CHECK(!side.sender.has_failed());
        side.sender.resume(at(60'000));
        CHECK(side.sender.next_deadline() == at(60'000));
        CHECK(side.poll(at(60'000)) == Sent{0, false, {"a", "b"}, 2});
        // As if it had been sent for the first time.
        CHECK(!side.poll(at(60'499)));
        CHECK(side.poll(at(60'500)));
        CHECK(!side.poll(at(61'499)));
        CHECK(side.poll(at(61'500)));
        side.sender.acknowledge(at(61'600), 2);
        CHECK(side.sender.next_deadline() == Timestamp::never());
    }
}

TEST_CASE("BatchSender: an acknowledgement that comes in a pause counts [NODE-14]") {
    Side side(GiveUp::kFail);
    side.push({"a"});
    REQUIRE(side.poll(at(0)));
    side.sender.pause();
    side.sender.acknowledge(at(10), 1);
    side.sender.resume(at(5'000));
    CHECK(!side.poll(at(5'000)));
    side.sender.resume(at(6'000));  // again: nothing
    side.push({"b"});
    CHECK(side.poll(at(6'000)) == Sent{1, false, {"b"}, 2});
}
