// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Data channels between two machines: opening, messages, closing, limits (02 §6.1).
#include "rtc/sctp/data_channels.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/machine.h"
#include "rtc/sctp/virtual_link_test.h"

using namespace confab;
using namespace confab::sctp;

static_assert(SansIoMachine<DataChannels>);

namespace {

DataChannels::Config role(bool client) {
    DataChannels::Config config;
    config.dtls_client = client;
    return config;
}

struct Channels {
    explicit Channels(const LinkOptions& options = {}, DataChannels::Config config = role(true))
        : client(config, Rng(options.seed + 100)),
          server(role(false), Rng(options.seed + 200)),
          link(client, server, options) {
        link.on_event = [this](int side, ChannelEvent& event) {
            if (auto* m = std::get_if<ChannelMessage>(&event)) messages[side].push_back(*m);
            if (auto* o = std::get_if<ChannelOpened>(&event)) opened[side].push_back(*o);
            if (auto* c = std::get_if<ChannelClosed>(&event)) closed[side].push_back(*c);
            if (std::holds_alternative<AssociationFailed>(event)) ++failed[side];
            if (std::holds_alternative<ChannelsStalled>(event)) ++stalled[side];
            if (std::holds_alternative<ChannelBufferLow>(event)) ++low[side];
        };
        link.remake_a = [config] { return DataChannels(config, Rng(1)); };
        link.remake_b = [] { return DataChannels(role(false), Rng(2)); };
        client.connect(link.now());
        server.connect(link.now());
    }
    void run(int ms = 1000) { link.run_for(Duration::millis(ms)); }

    DataChannels client;
    DataChannels server;
    VirtualLink<DataChannels, ChannelEvent> link;
    std::vector<ChannelMessage> messages[2];
    std::vector<ChannelOpened> opened[2];
    std::vector<ChannelClosed> closed[2];
    int failed[2] = {};
    int stalled[2] = {};
    int low[2] = {};
};

ChannelOptions reliable(std::string label) {
    return {std::move(label), "", true, {}, {}};
}
ChannelOptions lossy(std::string label) {
    return {std::move(label), "", false, std::uint16_t{0}, {}};
}
SharedBytes text(std::string_view s) {
    return SharedBytes(as_bytes(s));
}

}  // namespace

TEST_CASE_HANDED_OVER(
    "DataChannels: server ids are 1, 3, 5, client ids 0, 2, and the types survive [DC-02][DC-03]") {
    Channels pair;
    CHECK(pair.server.open(pair.link.now(), reliable("_reliable")).value() == 1);
    CHECK(pair.server.open(pair.link.now(), lossy("_lossy")).value() == 3);
    CHECK(pair.server.open(pair.link.now(), lossy("_data_track")).value() == 5);
    CHECK(pair.client.open(pair.link.now(), {"timed", "proto", true, {}, Duration::millis(750)})
              .value() == 0);
    CHECK(pair.client.open(pair.link.now(), {"few", "", false, std::uint16_t{7}, {}}).value() == 2);
    pair.run();
    REQUIRE(pair.opened[0].size() == 5);
    REQUIRE(pair.opened[1].size() == 5);
    CHECK(pair.server.is_open(5));
    for (const auto& o : pair.opened[0]) {
        CHECK(o.incoming == (o.id % 2 == 1));
        if (o.id == 1) CHECK(o.options.ordered);
        if (o.id == 3) {
            CHECK(o.options.label == "_lossy");
            CHECK_FALSE(o.options.ordered);
            CHECK(o.options.max_retransmits == std::uint16_t{0});
        }
    }
    for (const auto& o : pair.opened[1]) {
        if (o.id == 0) {
            CHECK(o.options.protocol == "proto");
            CHECK(o.options.lifetime == Duration::millis(750));
        }
        if (o.id == 2) CHECK(o.options.max_retransmits == std::uint16_t{7});
    }
    CHECK(pair.client.find("_lossy") == ChannelId{3});
    CHECK_FALSE(pair.client.find("none").has_value());
}

TEST_CASE_HANDED_OVER(
    "DataChannels: text, binary and empty messages, also before the ACK [DC-03][DC-04]") {
    Channels pair;
    const ChannelId id = pair.client.open(pair.link.now(), lossy("c")).value();
    CHECK(pair.client.send(pair.link.now(), id, true, text("early")) == SendStatus::kOk);
    CHECK(pair.client.send(pair.link.now(), id, false, text("text")) == SendStatus::kOk);
    CHECK(pair.client.send(pair.link.now(), id, true, SharedBytes()) == SendStatus::kOk);
    CHECK(pair.client.send(pair.link.now(), id, false, SharedBytes()) == SendStatus::kOk);
    pair.run();
    REQUIRE(pair.messages[1].size() == 4);
    CHECK(as_text(pair.messages[1][0].payload) == "early");
    CHECK(pair.messages[1][0].binary);
    CHECK(as_text(pair.messages[1][1].payload) == "text");
    CHECK_FALSE(pair.messages[1][1].binary);
    CHECK(pair.messages[1][2].payload.empty());
    CHECK(pair.messages[1][2].binary);
    CHECK(pair.messages[1][3].payload.empty());
    CHECK_FALSE(pair.messages[1][3].binary);
    // The accepting side may answer at once.
    CHECK(pair.server.send(pair.link.now(), id, true, text("back")) == SendStatus::kOk);
    pair.run();
    REQUIRE(pair.messages[0].size() == 1);
    CHECK(pair.server.send(pair.link.now(), 77, true, text("x")) == SendStatus::kClosed);
}

TEST_CASE_HANDED_OVER(
    "DataChannels: close() resets both directions and frees the id for a new channel [DC-08]") {
    for (const bool by_server : {false, true}) {
        CAPTURE(by_server);
        Channels pair;
        const ChannelId id = pair.client.open(pair.link.now(), reliable("one")).value();
        pair.run();
        pair.client.send(pair.link.now(), id, true, text("last words"));
        (by_server ? pair.server : pair.client).close(pair.link.now(), id);
        CHECK((by_server ? pair.server : pair.client).send(pair.link.now(), id, true, text("x")) ==
              SendStatus::kClosed);
        pair.run();
        REQUIRE(pair.closed[0].size() == 1);
        REQUIRE(pair.closed[1].size() == 1);
        CHECK(pair.closed[0][0].reason ==
              (by_server ? ChannelCloseReason::kPeer : ChannelCloseReason::kLocal));
        CHECK(pair.client.snapshot().channels == 0);
        CHECK(pair.server.snapshot().channels == 0);
        if (!by_server) CHECK(pair.messages[1].size() == 1);
        pair.messages[1].clear();
        CHECK(pair.client.open(pair.link.now(), reliable("two")).value() == id);
        pair.client.send(pair.link.now(), id, true, text("again"));
        pair.run();
        CHECK(pair.opened[1].back().options.label == "two");
        REQUIRE(pair.messages[1].size() == 1);
        CHECK(as_text(pair.messages[1][0].payload) == "again");
    }
}

TEST_CASE_HANDED_OVER(
    "DataChannels: a label opened again replaces the old channel by stream reset [DC-10]") {
    Channels pair;
    const ChannelId old_id = pair.client.open(pair.link.now(), reliable("_reliable")).value();
    const ChannelId other = pair.client.open(pair.link.now(), reliable("user")).value();
    pair.run();
    const ChannelId new_id = pair.client.open(pair.link.now(), reliable("_reliable")).value();
    const ChannelId twin = pair.client.open(pair.link.now(), reliable("user")).value();
    pair.run();
    CHECK(pair.server.find("_reliable") == new_id);
    REQUIRE(pair.closed[1].size() == 1);
    CHECK(pair.closed[1][0].id == old_id);
    CHECK(pair.closed[1][0].reason == ChannelCloseReason::kReplaced);
    REQUIRE(pair.closed[0].size() == 1);
    CHECK(pair.closed[0][0].id == old_id);
    CHECK(pair.server.is_open(other));  // other labels may exist twice
    CHECK(pair.server.is_open(twin));
}

TEST_CASE_HANDED_OVER(
    "DataChannels: what comes on a channel that was replaced is not lost [DC-10] [DC-20]") {
    Channels pair;
    const ChannelId old_id = pair.client.open(pair.link.now(), reliable("_reliable")).value();
    pair.run();
    // Much is on its way when the new one opens, and comes behind its OPEN.
    constexpr int kMessages = 40;
    for (int i = 0; i < kMessages; ++i)
        REQUIRE(pair.client.send(pair.link.now(), old_id, true, SharedBytes(Bytes(20'000, 'o'))) ==
                SendStatus::kOk);
    const ChannelId new_id = pair.client.open(pair.link.now(), reliable("_reliable")).value();
    CHECK(pair.client.send(pair.link.now(), new_id, true, text("new")) == SendStatus::kOk);
    std::size_t before = 0;
    REQUIRE(pair.link.run_until([&] { return pair.closed[1].size() == 1; }, Duration::seconds(5)));
    before = pair.messages[1].size();
    CHECK(before < kMessages);
    pair.run(20'000);
    // Of the owner's view it has one channel of the name: the new one.
    for (std::size_t i = before; i < pair.messages[1].size(); ++i)
        CHECK(pair.messages[1][i].id == new_id);
    // Those whose last octet the client had sent before it was told of the reset.
    const std::uint64_t sent = pair.client.snapshot().association.counters.bytes_acked;
    std::uint64_t got = 0;
    for (const ChannelMessage& message : pair.messages[1])
        got += message.payload.size();
    CHECK(got + 100 > sent);
    CHECK(pair.server.snapshot().dropped_messages == 0);
    CHECK(pair.server.snapshot().channels == 1);
}

namespace {

// Whether the packet answers a stream reset.
bool answers_reset(BytesView bytes) {
    const auto packet = wire::sctp::parse_packet(bytes);
    if (!packet) return false;
    for (wire::sctp::ChunkReader chunks(packet->chunks); const auto chunk = chunks.next();) {
        if (chunk->type != wire::sctp::ChunkType::kReConfig) continue;
        const auto view = wire::sctp::parse_re_config(*chunk);
        if (view && view->response) return true;
    }
    return false;
}

}  // namespace

TEST_CASE_HANDED_OVER(
    "DataChannels: one opened again on a freed id is new, whatever answer was lost [DC-08]") {
    Channels pair;
    ChannelId id = pair.client.open(pair.link.now(), reliable("x")).value();
    pair.run();
    bool lost = false;
    pair.link.drop = [&](int from, BytesView packet) {
        return from == 0 && !lost && answers_reset(packet) && (lost = true);
    };
    // Closed and opened again before the server has heard that its reset was done; twice.
    pair.client.close(pair.link.now(), id);
    pair.run(100);
    REQUIRE(lost);
    id = pair.client.open(pair.link.now(), {"y", "", true, {}, {}}).value();
    CHECK(id == 0);
    CHECK(pair.client.send(pair.link.now(), id, true, text("one")) == SendStatus::kOk);
    pair.client.close(pair.link.now(), id);
    pair.run(100);
    CHECK(pair.opened[1].size() == 1);
    CHECK(pair.closed[1].size() == 1);
    pair.run(5'000);
    REQUIRE(pair.opened[1].size() == 2);
    CHECK(pair.opened[1][1].options.label == "y");
    CHECK(pair.closed[1].size() == 2);
    REQUIRE(pair.messages[1].size() == 1);
    CHECK(as_text(pair.messages[1][0].payload) == "one");
    CHECK(pair.server.snapshot().channels == 0);
    CHECK(pair.server.snapshot().dropped_messages == 0);
    id = pair.client.open(pair.link.now(), reliable("z")).value();
    CHECK(pair.client.send(pair.link.now(), id, true, text("two")) == SendStatus::kOk);
    pair.run();
    CHECK(pair.messages[1].size() == 2);
    CHECK(pair.server.is_open(id));
}

TEST_CASE(
    "DataChannels: what comes before a reset is answered closes the window [DC-08] [IMM-15]") {
    Channels pair;
    ChannelId id = pair.client.open(pair.link.now(), reliable("x")).value();
    pair.run();
    pair.link.drop = [&](int from, BytesView packet) { return from == 0 && answers_reset(packet); };
    pair.client.close(pair.link.now(), id);
    pair.run(100);
    id = pair.client.open(pair.link.now(), reliable("x")).value();
    for (int i = 0; i < 50; ++i)
        REQUIRE(pair.client.send(pair.link.now(), id, true, SharedBytes(Bytes(60'000))) ==
                SendStatus::kOk);
    pair.run(5'000);
    CHECK(pair.messages[1].empty());
    CHECK(pair.client.buffered_amount(id) > 50 * 60'000 - 1'200'000);
    pair.link.drop = nullptr;
    pair.run(20'000);
    CHECK(pair.messages[1].size() == 50);
}

TEST_CASE_HANDED_OVER(
    "DataChannels: an oversize message closes that channel, the others go on [DC-05]") {
    DataChannels::Config config = role(true);
    config.association.peer_max_message_size = 0;
    Channels pair({}, config);
    const ChannelId big = pair.client.open(pair.link.now(), reliable("_reliable")).value();
    const ChannelId small = pair.client.open(pair.link.now(), lossy("_lossy")).value();
    pair.run();
    pair.client.send(pair.link.now(), big, true, SharedBytes(Bytes(70'000)));
    pair.client.send(pair.link.now(), small, true, text("fine"));
    pair.run(3000);
    REQUIRE(pair.closed[1].size() == 1);
    CHECK(pair.closed[1][0].id == big);
    CHECK(pair.closed[1][0].reason == ChannelCloseReason::kMessageTooLarge);
    REQUIRE(pair.closed[0].size() == 1);
    CHECK(pair.closed[0][0].reason == ChannelCloseReason::kPeer);
    REQUIRE(pair.messages[1].size() == 1);
    CHECK(pair.server.snapshot().channels == 1);
    // The client opens it again and goes on.
    const ChannelId again = pair.client.open(pair.link.now(), reliable("_reliable")).value();
    pair.client.send(pair.link.now(), again, true, SharedBytes(Bytes(64'000)));
    pair.run(3000);
    REQUIRE(pair.messages[1].size() == 2);
    CHECK(pair.messages[1][1].payload.size() == 64'000);
}

TEST_CASE_HANDED_OVER(
    "DataChannels: too many channels and long labels are refused by reset [IMM-13]") {
    Channels pair;
    for (std::size_t i = 0; i < kMaxChannels; ++i)
        REQUIRE(pair.client.open(pair.link.now(), reliable("c")).has_value());
    CHECK(pair.client.open(pair.link.now(), reliable("c")).error() == OpenError::kTooManyChannels);
    CHECK(pair.client.open(pair.link.now(), reliable(std::string(513, 'x'))).error() ==
          OpenError::kBadLabel);
    pair.run();
    CHECK(pair.server.snapshot().channels == kMaxChannels);
    CHECK(pair.server.open(pair.link.now(), reliable("d")).error() == OpenError::kTooManyChannels);
}

TEST_CASE_HANDED_OVER(
    "DataChannels: a hostile peer's OPENs and messages stay bounded [IMM-8][IMM-13]") {
    // A bare association speaks to the machine.
    Association peer({}, Rng(1));
    DataChannels server(role(false), Rng(2));
    Timestamp now;
    std::size_t opened = 0;
    std::size_t resets = 0;
    const auto settle = [&] {
        for (bool more = true; more;) {
            more = false;
            while (auto e = server.poll_event())
                opened += std::holds_alternative<ChannelOpened>(*e) ? 1U : 0U;
            while (auto e = peer.poll_event())
                resets += std::holds_alternative<StreamReset>(*e) ? 1U : 0U;
            while (auto p = peer.poll_transmit())
                server.handle_packet(now, *p), more = true;
            while (auto p = server.poll_transmit())
                peer.handle_packet(now, *p), more = true;
        }
        now = now + Duration::millis(250);
        peer.handle_timeout(now);
        server.handle_timeout(now);
    };
    peer.connect(now);
    for (int i = 0; i < 5; ++i)
        settle();
    const auto send = [&](std::uint16_t stream, std::uint32_t ppid, Bytes bytes) {
        peer.send(now, stream, ppid, SharedBytes(std::move(bytes)), {});
    };
    send(9, 53, {1, 2, 3});                // no such channel
    send(10, 50, {0x77});                  // unknown control message
    send(10, 50, {0x03, 0, 0});            // cut OPEN
    send(11, 50, wire::dcep::make_ack());  // ACK without OPEN
    wire::dcep::Open open;
    const std::string label(600, 'l');
    open.label = label;
    send(12, 50, wire::dcep::make_open(open));
    open.label = "twice";
    send(13, 50, wire::dcep::make_open(open));
    send(13, 50, wire::dcep::make_open(open));
    send(13, 99, {1});  // unknown PPID
    for (int i = 0; i < 10; ++i)
        settle();
    CHECK(opened == 1);
    CHECK(resets == 2);  // 10 and 12
    CHECK(server.snapshot().refused_opens == 2);
    CHECK(server.snapshot().dropped_messages == 4);
    for (std::uint16_t id = 100; id < 400; ++id)
        send(id, 50, wire::dcep::make_open(open));
    for (int i = 0; i < 50; ++i)
        settle();
    CHECK(server.snapshot().channels == kMaxChannels);
    CHECK(opened == kMaxChannels);
    CHECK(server.association().state() == Association::State::kEstablished);
}

TEST_CASE_HANDED_OVER("DataChannels: negotiated channels need no DCEP [DC-11]") {
    Channels pair;
    REQUIRE(pair.client.add_negotiated(7, reliable("_reliable")).has_value());
    REQUIRE(pair.server.add_negotiated(7, reliable("_reliable")).has_value());
    CHECK(pair.server.add_negotiated(7, reliable("x")).error() == OpenError::kIdInUse);
    pair.client.send(pair.link.now(), 7, true, text("hello"));
    pair.run();
    CHECK(pair.opened[1].empty());
    REQUIRE(pair.messages[1].size() == 1);
}

TEST_CASE_HANDED_OVER(
    "DataChannels: a frozen receiver stalls with bounded memory, the shared buffer is one "
    "[IMM-15][DC-20][DC-25]") {
    Channels pair;
    const ChannelId id = pair.server.open(pair.link.now(), reliable("_reliable")).value();
    pair.run();
    pair.link.drop = [](int, BytesView) { return true; };
    const SharedBytes shared(Bytes(15'000));
    std::size_t accepted = 0;
    for (int i = 0; i < 2000; ++i)
        accepted +=
            pair.server.send(pair.link.now(), id, true, shared) == SendStatus::kOk ? 1U : 0U;
    CHECK(accepted < 4 * 1024 * 1024 / 15'000 + 1);
    CHECK(pair.server.buffered_amount(id) <= 4 * 1024 * 1024);
    CHECK(shared.holders() > accepted);  // references, no copies
    pair.run(6000);
    CHECK(pair.stalled[1] == 1);
    pair.server.abort(pair.link.now());
    pair.run();
    CHECK(pair.failed[1] == 1);
    CHECK(shared.holders() == 1);
    CHECK(pair.server.snapshot().channels == 0);
    CHECK(pair.server.open(pair.link.now(), reliable("x")).error() == OpenError::kClosed);
}

TEST_CASE_HANDED_OVER("DataChannels: buffered amount falls below its threshold once") {
    Channels pair;
    const ChannelId id = pair.client.open(pair.link.now(), reliable("b")).value();
    pair.run();
    pair.client.set_buffered_amount_low_threshold(id, 10'000);
    for (int i = 0; i < 100; ++i)
        pair.client.send(pair.link.now(), id, true, SharedBytes(Bytes(1000)));
    CHECK(pair.client.buffered_amount(id) == 100'000);
    pair.run(3000);
    CHECK(pair.client.buffered_amount(id) == 0);
    CHECK(pair.low[0] == 1);
}

TEST_CASE_HANDED_OVER("DataChannels: everything above also under 15 % loss") {
    LinkOptions options;
    options.loss = 0.15;
    options.jitter = Duration::millis(30);
    options.duplicate = 0.05;
    options.seed = 3;
    Channels pair(options);
    const ChannelId a = pair.client.open(pair.link.now(), reliable("_reliable")).value();
    pair.run(60'000);
    for (int round = 0; round < 20; ++round) {
        pair.client.send(pair.link.now(), a, true, SharedBytes(Bytes(20'000)));
        const ChannelId id = pair.client.open(pair.link.now(), lossy("temp")).value();
        pair.client.send(pair.link.now(), id, true, text("x"));
        pair.run(30'000);
        pair.client.close(pair.link.now(), id);
        pair.run(120'000);
        CHECK(pair.client.snapshot().channels == 1);
        CHECK(pair.server.snapshot().channels == 1);
    }
    std::size_t whole = 0;
    for (const auto& m : pair.messages[1])
        whole += m.payload.size() == 20'000 ? 1U : 0U;
    CHECK(whole == 20);
    CHECK(pair.failed[0] + pair.failed[1] == 0);
}
