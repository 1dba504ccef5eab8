// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/metrics/metrics_packer.h"

#include <doctest/doctest.h>

#include "sfu/metrics/metrics_packet.h"
#include "sfu/metrics/metrics_testing.h"

namespace confab::sfu {
namespace {

using test::body_metrics;
using test::kText;
using test::metrics_of;
using test::ReadMessage;
using test::WireMessage;
using Lines = std::vector<std::string>;

WireMessage sample(std::uint64_t ms) {
    return WireMessage().varint(1, ms).fixed32(3);
}
WireMessage series(std::uint64_t label, std::uint64_t who, std::size_t samples) {
    WireMessage made = WireMessage().varint(1, label).varint(2, who);
    for (std::size_t i = 0; i < samples; ++i)
        made.message(4, sample(1'000 + i));
    return made;
}

struct Bench {
    MetricsPacker packer;
    std::vector<Bytes> full;

    explicit Bench(std::size_t max_body = MetricsPacker::kMaxBody) : packer(max_body) {}
    void add(const WireMessage& batch, std::string_view sender = {}) {
        REQUIRE(packer.add(batch.encoded(), sender, full));
    }
    Lines lines() { return body_metrics(packer.take()); }
};

}  // namespace

TEST_CASE("MetricsPacker: names of several batches are numbered anew, each text once [SIG-124]") {
    Bench bench;
    bench.add(WireMessage()
                  .text(3, "alice")
                  .text(3, "TR_1")
                  .text(3, "q")
                  .message(4, series(17, kText, 2).varint(3, kText + 1).varint(5, kText + 2)));
    // The list may stand behind what names its texts.
    bench.add(WireMessage()
                  .message(4, series(kText, kText + 1, 1))
                  .message(5, WireMessage().varint(1, 2).varint(2, kText + 2).varint(9, kText + 3))
                  .text(3, "speech")
                  .text(3, "bob")
                  .text(3, "alice")
                  .text(3, "h"));
    const Bytes body = bench.packer.take();
    CHECK(body_metrics(body) == Lines{"17 alice TR_1 q x2", "speech bob - - x1", "2 alice - h!"});
    CHECK(ReadMessage(body).all(3) == Lines{"alice", "TR_1", "q", "speech", "bob", "h"});
    CHECK(bench.packer.empty());
    CHECK(bench.full.empty());
}

TEST_CASE("MetricsPacker: samples and what an event says are as they came [SIG-124]") {
    Bench bench;
    const WireMessage said =
        WireMessage().varint(4, 5).varint(5, 6).text(6, "a").text(7, "b").text(8, "more");
    bench.add(WireMessage().message(4, series(3, 0, 1)).message(5, said).text(77, "unknown"));
    const ReadMessage body(bench.packer.take());
    CHECK(ReadMessage(as_bytes(body.text(4))).text(4) ==
          std::string(as_text(sample(1'000).encoded())));
    CHECK(body.text(5) == std::string(as_text(said.encoded())));
    CHECK_FALSE(body.has(77));
}

TEST_CASE("MetricsPacker: metrics without a participant are their sender's [SIG-124]") {
    Bench bench;
    bench.add(WireMessage()
                  .text(3, "bob")
                  .message(4, series(3, 0, 0))
                  .message(4, series(4, kText, 0))
                  .message(4, series(5, kText + 1, 0)),
              "alice");
    CHECK(bench.lines() == Lines{"3 alice - - x0", "4 bob - - x0", "5 alice - - x0"});
    bench.add(WireMessage().message(4, series(3, 0, 0)));
    CHECK(bench.lines() == Lines{"3 - - - x0"});
}

TEST_CASE("MetricsPacker: what is no text is no name, and nobody else's batch breaks [SIG-124]") {
    Bench bench;
    bench.add(WireMessage()
                  .text(3, "\xFF\xFE")
                  .text(3, "bob")
                  .message(4, series(kText, kText + 1, 1))
                  .message(5, WireMessage().varint(2, kText).text(8, "\xC0")));
    const Bytes body = bench.packer.take();
    CHECK(body_metrics(body) == Lines{"- bob - - x1", "- - - -!"});
    CHECK_FALSE(ReadMessage(as_bytes(ReadMessage(body).text(5))).has(8));
    for (const Bytes& cut : {Bytes{0x0A, 0x05}, WireMessage().bytes(4, Bytes{0x0A, 0x05}).encoded(),
                             WireMessage().bytes(5, Bytes{0x08}).encoded()})
        CHECK_FALSE(bench.packer.add(cut, {}, bench.full));
}

TEST_CASE("MetricsPacker: what does not fit begins another batch, none is larger [SIG-124]") {
    constexpr std::size_t kMax = 300;
    Bench bench(kMax);
    for (int i = 0; i < 40; ++i)
        bench.add(WireMessage().text(3, "alice").message(4, series(3, kText, 2)));
    std::size_t count = bench.lines().size();
    CHECK(bench.full.size() > 2);
    for (const Bytes& body : bench.full) {
        CHECK(body.size() <= kMax);
        const Lines lines = body_metrics(body);
        CHECK(std::all_of(lines.begin(), lines.end(),
                          [](const std::string& line) { return line == "3 alice - - x2"; }));
        count += lines.size();
    }
    CHECK(count == 40);
}

TEST_CASE("MetricsPacker: a series that is larger than a batch is cut between samples [SIG-124]") {
    constexpr std::size_t kMax = 300;
    Bench bench(kMax);
    bench.add(WireMessage().text(3, "alice").message(4, series(3, kText, 100)));
    bench.full.push_back(bench.packer.take());
    std::size_t samples = 0;
    for (const Bytes& body : bench.full) {
        CHECK(body.size() <= kMax);
        const ReadMessage one = ReadMessage(body).message(4);
        CHECK(body_metrics(body).size() == 1);
        CHECK(body_metrics(body)[0].starts_with("3 alice - - x"));
        samples += one.all(4).size();
    }
    CHECK(samples == 100);
    CHECK(bench.packer.dropped() == 0);
}

TEST_CASE("MetricsPacker: an event that fits into no batch is dropped, alone [SIG-124]") {
    const auto added = [](std::size_t size) {
        Bench bench(300);
        bench.add(WireMessage().message(5, WireMessage().text(8, std::string(size, 'm'))));
        bench.add(WireMessage().message(4, series(3, 0, 1)));
        CHECK(bench.packer.dropped() + bench.full.size() <= 1);
        CHECK(bench.lines().front() == "3 - - - x1");
        return bench.packer.dropped() == 0;
    };
    std::size_t most = 0;
    for (std::size_t size = 0; size < 400; ++size)
        if (added(size)) most = size;
    CHECK(most > 200);
    CHECK(most < 300);
    CHECK(added(most));
    CHECK_FALSE(added(most + 1));
}

// ---------------------------------------------------------------- packets

TEST_CASE("Metrics packets: one that grows with our times becomes several [SIG-124]") {
    WireMessage batch = WireMessage().varint(1, 1'700'000'000'000).text(3, "alice");
    for (std::size_t i = 0; i < 200; ++i)
        batch.message(4, series(3, kText, 30));
    const Bytes packet =
        WireMessage().text(4, "bob").text(17, "PA_1").message(8, batch).varint(16, 9).encoded();
    REQUIRE(packet.size() <= kMaxDataPacketBytes);
    const auto normalized = normalize_metrics(packet, Duration::zero());
    REQUIRE(normalized);
    REQUIRE(normalized->size() > kMaxDataPacketBytes);
    const auto split = split_metrics(*normalized);
    REQUIRE(split);
    const std::vector<Bytes>& parts = *split;
    REQUIRE(parts.size() > 1);
    std::size_t lines = 0;
    for (const Bytes& part : parts) {
        CHECK(part.size() <= kMaxDataPacketBytes);
        const ReadMessage read(part);
        CHECK(read.text(4) == "bob");
        CHECK(read.text(17) == "PA_1");
        CHECK(read.message(8).value(1) == 1'700'000'000'000);
        CHECK(read.message(8).message(2).value(1) == 1'700'000'000);
        CHECK(read.value(16) == (&part == &parts[0] ? 9U : 0U));
        for (const std::string& line : metrics_of(part))
            CHECK(line.starts_with("3 alice - - x"));
        std::size_t samples = 0;
        for (const std::string& one : read.message(8).all(4))
            samples += ReadMessage(as_bytes(one)).all(4).size();
        lines += samples;
    }
    CHECK(lines == 200 * 30);
}

TEST_CASE("Metrics packets: one of the largest size stays as it is [SIG-124]") {
    const auto sized = [](std::size_t text) {
        return WireMessage()
            .message(8,
                     WireMessage().text(3, std::string(text, 's')).message(4, series(3, kText, 1)))
            .encoded();
    };
    const std::size_t rest = kMaxDataPacketBytes - sized(60'000).size();
    for (const std::size_t less : {1U, 0U}) {
        const Bytes packet = sized(60'000 + rest - less);
        REQUIRE(packet.size() == kMaxDataPacketBytes - less);
        CHECK(split_metrics(packet) == std::vector<Bytes>{packet});
    }
    // One octet more makes two of it, and its metric fits into none with such a name.
    CHECK(split_metrics(sized(60'000 + rest + 1))->empty());
    CHECK(split_metrics(Bytes(kMaxDataPacketBytes + 1, 0xFF)).error() == DataError::kMalformed);
}

TEST_CASE("Metrics packets: however many batches it has, it becomes few [SIG-124]") {
    const auto batch = [](std::uint64_t ms, std::size_t series) {
        WireMessage made = WireMessage().varint(1, ms);
        for (std::size_t i = 0; i < series; ++i)
            made.message(4, WireMessage());
        return made;
    };
    WireMessage packet = WireMessage().text(4, "bob").varint(16, 9);
    constexpr std::uint64_t kMs = 1'700'000'000'000;
    for (std::uint64_t i = 0; i < 5'000; ++i)
        packet.message(8, batch(kMs + i, i % 2));
    REQUIRE(packet.encoded().size() <= kMaxDataPacketBytes);
    const auto normalized = normalize_metrics(packet.encoded(), Duration::zero());
    REQUIRE(normalized);
    REQUIRE(normalized->size() > kMaxDataPacketBytes);
    const auto parts = split_metrics(*normalized);
    REQUIRE(parts);
    REQUIRE(parts->size() == 1);
    const ReadMessage read(ReadMessage(parts->front()).message(8));
    CHECK(read.all(4).size() == 2'500);
    CHECK(read.all(2).size() == 1);
    CHECK(read.value(1) == kMs + 4'999);
    CHECK(parts->front().size() < 10'000);
}

TEST_CASE("Metrics packets: of so many parts, and no more [SIG-124]") {
    const auto parts = [](std::size_t count) {
        WireMessage packet;
        for (std::size_t i = 0; i < count; ++i)
            packet.message(8, WireMessage()
                                  .text(3, std::to_string(i) + std::string(40'000, 's'))
                                  .message(4, series(3, kText, 1)));
        return split_metrics(packet.encoded());
    };
    constexpr std::size_t kMost = MetricsPacker::kMaxParts;
    for (const std::size_t count : {kMost - 1, kMost})
        CHECK(parts(count)->size() == count);
    for (const std::size_t count : {kMost + 1, 2 * kMost}) {
        const auto refused = parts(count);
        REQUIRE_FALSE(refused);
        CHECK(refused.error() == DataError::kTooLarge);
    }
    // One series alone may be all of them, and packing it ends there.
    WireMessage samples = WireMessage().text(3, "alice").message(4, series(3, kText, 10'000));
    Bench bench(100);
    CHECK_FALSE(bench.packer.add(samples.encoded(), {}, bench.full));
    CHECK(bench.full.size() == kMost + 1);
}

TEST_CASE("Metrics packets: what each part repeats is little [SIG-124]") {
    const auto with = [](std::size_t name, std::size_t destinations) {
        WireMessage packet = WireMessage().text(4, std::string(name, 'x')).varint(16, 9);
        for (std::size_t i = 0; i < destinations; ++i)
            packet.text(5, "somebody");
        const WireMessage batch = WireMessage().varint(1, 5).text(2, "").text(3, "alice");
        WireMessage filled = batch;
        for (int i = 0; i < 300; ++i)
            filled.message(4, series(3, kText, 30));
        return split_metrics(packet.message(8, filled).encoded());
    };
    // Beside the name: 3 octets around it, 3 of the number, 2 and 2 of the times.
    constexpr std::size_t kMost = kMaxAroundMetrics - 10;
    for (const std::size_t name : {kMost - 1, kMost}) {
        const auto parts = with(name, 1'000);
        REQUIRE(parts);
        CHECK(parts->size() > 1);
        for (const Bytes& part : *parts) {
            CHECK(part.size() <= kMaxDataPacketBytes);
            CHECK_FALSE(ReadMessage(part).has(5));
        }
    }
    const auto refused = with(kMost + 1, 0);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == DataError::kTooLarge);
}

TEST_CASE("Metrics packets: times of a batch by our clock [SIG-124]") {
    const UnixTime wall = UnixTime::millis(1'700'000'000'123);
    const ReadMessage times(metrics_times(wall));
    CHECK(times.value(1) == 1'700'000'000'123);
    CHECK(times.message(2).value(1) == 1'700'000'000);
    CHECK(times.message(2).value(2) == 123'000'000);
}

}  // namespace confab::sfu
