// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The handshake packet by packet: both orders, repetition, stale and foreign cookies, tags
// (RFC 9260 §5.1, §5.2, §8.5).
#include "rtc/sctp/association/handshake.h"

#include <doctest/doctest.h>

#include "rtc/sctp/chunks_test.h"
#include "rtc/sctp/limits.h"

using namespace confab;
using namespace confab::sctp;
using wire::sctp::Cause;
using wire::sctp::ChunkType;
using Phase = Handshake::Phase;
using Step = Handshake::Step;

namespace {

constexpr std::uint32_t kWindow = 54'321;

struct Side {
    explicit Side(std::uint64_t seed, const Config& config = {})
        : path(config), out(config), handshake(config, Rng(seed)) {}

    void connect() { handshake.connect(now, path.rto(), out); }
    // The one packet that waits, of one chunk.
    Bytes sent(ChunkType type) {
        auto packet = out.pop();
        REQUIRE(packet.has_value());
        REQUIRE(chunk_types(*packet) == std::vector{type});
        CHECK_FALSE(out.pop().has_value());
        return std::move(*packet);
    }
    Step handle(BytesView packet) {
        const auto chunk = first_chunk(packet);
        REQUIRE(handshake.tag_is_valid(tag_of(packet), chunk));
        switch (chunk.type) {
            case ChunkType::kInit:
                handshake.handle_init(chunk, kWindow, out);
                return {};
            case ChunkType::kInitAck:
                return handshake.handle_init_ack(chunk, now, path.rto(), out);
            case ChunkType::kCookieEcho:
                return handshake.handle_cookie_echo(chunk);
            case ChunkType::kCookieAck:
                return handshake.handle_cookie_ack();
            default:
                return handshake.handle_error(chunk, now, path.rto(), out);
        }
    }
    // COOKIE-ACK is the only chunk that travels with others.
    Bytes cookie_ack() {
        wire::sctp::PacketWriter writer({5000, 5000, handshake.peer().tag}, 1191);
        handshake.write_cookie_ack(writer);
        return writer.finish();
    }
    Step expire() {
        now = handshake.deadline();
        return handshake.handle_timeout(now, path, out);
    }
    Timestamp now = Timestamp::micros(1'000'000);
    Path path;
    PacketQueue out;
    Handshake handshake;
};

wire::sctp::InitView init_of(BytesView packet) {
    return wire::sctp::parse_init(first_chunk(packet)).value();
}

// Nothing followed from the input.
bool nothing(const Step& step) {
    return !step.peer_known && !step.established && !step.failure;
}

// Until `opener` waits for COOKIE-ACK; gives its COOKIE-ECHO.
Bytes open_until_echo(Side& opener, Side& other) {
    opener.connect();
    other.handle(opener.sent(ChunkType::kInit));
    opener.handle(other.sent(ChunkType::kInitAck));
    return opener.sent(ChunkType::kCookieEcho);
}

Bytes error_of(std::uint32_t tag, Cause cause) {
    wire::sctp::PacketWriter writer({5000, 5000, tag}, 1191);
    wire::sctp::write_with_cause(writer, ChunkType::kError, 0, cause, Bytes(4));
    return writer.finish();
}

// An INIT-ACK as `to` would get it from somebody with that cookie.
Bytes init_ack_with(const Bytes& cookie, std::uint32_t to) {
    wire::sctp::InitView init;
    init.initiate_tag = 5;
    init.a_rwnd = 100'000;
    init.outbound_streams = 10;
    init.inbound_streams = 10;
    init.initial_tsn = 9;
    init.cookie = cookie;
    wire::sctp::PacketWriter writer({5000, 5000, to}, 4096);
    REQUIRE(wire::sctp::write_init(writer, ChunkType::kInitAck, init));
    return writer.finish();
}

}  // namespace

TEST_CASE("Handshake: four chunks bring both sides to each other's numbers [SCTP-01]") {
    Side a(1);
    Side b(2);
    a.connect();
    CHECK(a.handshake.phase() == Phase::kCookieWait);
    CHECK(a.handshake.deadline() == a.now + Duration::seconds(1));
    const Bytes init = a.sent(ChunkType::kInit);
    CHECK(tag_of(init) == 0);
    CHECK(nothing(b.handle(init)));
    CHECK(b.handshake.phase() == Phase::kIdle);
    const Bytes init_ack = b.sent(ChunkType::kInitAck);
    CHECK(tag_of(init_ack) == init_of(init).initiate_tag);

    Step step = a.handle(init_ack);
    CHECK(step.peer_known);
    CHECK_FALSE(step.established);
    CHECK(a.handshake.phase() == Phase::kCookieEchoed);
    CHECK(a.handshake.peer().a_rwnd == kWindow);
    CHECK(a.handshake.peer().initial_tsn == b.handshake.initial_tsn());
    CHECK(a.handshake.peer().extensions.re_config);
    CHECK(nothing(a.handle(init_ack)));  // §5.2.3

    step = b.handle(a.sent(ChunkType::kCookieEcho));
    CHECK(step.peer_known);
    CHECK(step.established);
    CHECK(b.handshake.phase() == Phase::kDone);
    CHECK(b.handshake.peer().a_rwnd == Config{}.a_rwnd);
    CHECK(b.handshake.peer().initial_tsn == a.handshake.initial_tsn());

    const Bytes ack = b.cookie_ack();
    REQUIRE(chunk_types(ack) == std::vector{ChunkType::kCookieAck});
    CHECK(chunk_types(b.cookie_ack()).empty());
    step = a.handle(ack);
    CHECK_FALSE(step.peer_known);
    CHECK(step.established);
    CHECK(nothing(a.handle(ack)));
    for (const Side* side : {&a, &b}) {
        CHECK(side->handshake.phase() == Phase::kDone);
        CHECK(side->handshake.deadline().is_never());
    }
    a.connect();
    CHECK_FALSE(a.out.pop().has_value());
}

TEST_CASE("Handshake: both open at once with one tag and TSN each, and both are done [DC-01]") {
    Side a(1);
    Side b(2);
    a.connect();
    b.connect();
    const Bytes init_a = a.sent(ChunkType::kInit);
    const Bytes init_b = b.sent(ChunkType::kInit);
    a.handle(init_b);
    b.handle(init_a);
    const Bytes ack_a = a.sent(ChunkType::kInitAck);
    const Bytes ack_b = b.sent(ChunkType::kInitAck);
    CHECK(init_of(ack_a).initiate_tag == init_of(init_a).initiate_tag);
    CHECK(init_of(ack_a).initial_tsn == init_of(init_a).initial_tsn);
    a.handle(ack_b);
    b.handle(ack_a);
    CHECK(a.handle(b.sent(ChunkType::kCookieEcho)).established);
    CHECK(b.handle(a.sent(ChunkType::kCookieEcho)).established);
    CHECK(nothing(a.handle(b.cookie_ack())));  // done before
    CHECK(nothing(b.handle(a.cookie_ack())));
    CHECK(a.handshake.peer().tag == init_of(init_b).initiate_tag);
    CHECK(b.handshake.peer().tag == init_of(init_a).initiate_tag);
}

TEST_CASE("Handshake: T1 repeats with the doubled timeout, then it fails [SCTP-01]") {
    Config config;
    config.max_init_retransmits = 2;
    Side a(1, config);
    Side b(2);
    Bytes packet;
    ChunkType type = ChunkType::kInit;
    SUBCASE("INIT") {
        a.connect();
        packet = a.sent(type);
    }
    SUBCASE("COOKIE-ECHO, with tries of its own") {
        a.connect();
        (void)a.sent(ChunkType::kInit);
        CHECK(nothing(a.expire()));
        b.handle(a.sent(ChunkType::kInit));
        a.path.observe(Duration::millis(1));  // back to one second
        a.handle(b.sent(ChunkType::kInitAck));
        type = ChunkType::kCookieEcho;
        packet = a.sent(type);
    }
    const std::uint64_t before = a.handshake.timeouts();
    for (const int wait : {2, 4}) {
        CHECK(nothing(a.expire()));
        CHECK(a.sent(type) == packet);
        CHECK(a.handshake.deadline() == a.now + Duration::seconds(wait));
    }
    const Step step = a.expire();
    REQUIRE(step.failure.has_value());
    CHECK(step.failure->reason == AbortReason::kHandshakeTimeout);
    CHECK_FALSE(a.out.pop().has_value());
    CHECK(a.handshake.deadline().is_never());
    CHECK(a.handshake.timeouts() == before + 2);
}

TEST_CASE("Handshake: a repeated INIT gets the same cookie, and only the newest one counts") {
    Side a(1);
    Side b(2);
    Side c(3);
    const Bytes echo = open_until_echo(a, b);
    a.expire();
    a.handshake.connect(a.now, a.path.rto(), a.out);  // no second association
    CHECK(a.sent(ChunkType::kCookieEcho) == echo);

    c.connect();
    const Bytes init = c.sent(ChunkType::kInit);
    b.handle(init);
    const Bytes answer = b.sent(ChunkType::kInitAck);
    b.handle(init);
    CHECK(b.sent(ChunkType::kInitAck) == answer);
    CHECK(nothing(b.handle(echo)));  // of an INIT before the last one
    CHECK(b.handshake.phase() == Phase::kIdle);
    c.handle(answer);
    const Bytes good = c.sent(ChunkType::kCookieEcho);
    wire::sctp::PacketWriter longer({5000, 5000, tag_of(good)}, 1191);
    longer.chunk(ChunkType::kCookieEcho, 0, 9)->bytes(first_chunk(good).value);
    CHECK(nothing(b.handle(longer.finish())));
    CHECK(b.handle(good).established);
}

TEST_CASE(
    "Handshake: a cookie taken before is acknowledged again, that of a new INIT is a restart") {
    Side a(1);
    Side b(2);
    Side c(3);
    const Bytes echo = open_until_echo(a, b);
    REQUIRE(b.handle(echo).established);
    (void)b.cookie_ack();
    CHECK(nothing(b.handle(echo)));  // our COOKIE-ACK was lost
    CHECK(chunk_types(b.cookie_ack()) == std::vector{ChunkType::kCookieAck});

    const std::uint32_t tag_a = b.handshake.peer().tag;
    const Bytes foreign = open_until_echo(c, b);
    CHECK(nothing(b.handle(echo)));
    CHECK(b.handshake.peer().tag == tag_a);
    const Step step = b.handle(foreign);
    REQUIRE(step.failure.has_value());
    CHECK(step.failure->reason == AbortReason::kPeerRestarted);
    CHECK_FALSE(step.peer_known);
    CHECK(b.handshake.peer().tag != tag_a);  // who started anew gets the ABORT
}

TEST_CASE("Handshake: an error about a stale cookie starts again within the same tries [SCTP-01]") {
    Config config;
    config.max_init_retransmits = 1;
    Side a(1, config);
    Side b(2);
    const std::uint32_t tag = tag_of(open_until_echo(b, a));  // a's
    (void)open_until_echo(a, b);
    CHECK(nothing(a.handle(error_of(tag, Cause::kInvalidStream))));
    CHECK(a.handshake.phase() == Phase::kCookieEchoed);
    CHECK(nothing(a.handle(error_of(tag, Cause::kStaleCookie))));
    CHECK(a.handshake.phase() == Phase::kCookieWait);
    (void)a.sent(ChunkType::kInit);
    CHECK(nothing(a.handle(error_of(tag, Cause::kStaleCookie))));  // waits for INIT-ACK now
    const Step step = a.expire();
    REQUIRE(step.failure.has_value());
    CHECK(step.failure->cause == Cause::kNone);
}

TEST_CASE("Handshake: a path that is back is asked at once, if something was not answered") {
    Side a(1);
    Side b(2);
    const auto retry = [&] { return a.handshake.retry(a.now, Duration::seconds(8), a.out); };
    CHECK(nothing(retry()));
    CHECK_FALSE(a.out.pop().has_value());  // idle
    a.connect();
    const Bytes init = a.sent(ChunkType::kInit);
    CHECK(nothing(retry()));
    CHECK_FALSE(a.out.pop().has_value());  // under way
    CHECK(nothing(a.expire()));
    CHECK(a.sent(ChunkType::kInit) == init);
    for (int i = 0; i < 20; ++i) {  // no try is used up
        CHECK(nothing(retry()));
        CHECK(a.sent(ChunkType::kInit) == init);
        CHECK(a.handshake.deadline() == a.now + Duration::seconds(8));
    }
    b.handle(init);
    a.handle(b.sent(ChunkType::kInitAck));
    const Bytes echo = a.sent(ChunkType::kCookieEcho);
    CHECK(nothing(retry()));
    CHECK_FALSE(a.out.pop().has_value());
    CHECK(nothing(a.expire()));
    CHECK(a.sent(ChunkType::kCookieEcho) == echo);
    CHECK(nothing(retry()));
    CHECK(a.sent(ChunkType::kCookieEcho) == echo);
    b.handle(echo);
    a.handle(b.cookie_ack());
    CHECK(nothing(retry()));
    CHECK_FALSE(a.out.pop().has_value());  // done
}

TEST_CASE("Handshake: stale cookies without end fail too") {
    Config config;
    config.max_init_retransmits = 0;
    Side a(1, config);
    Side b(2);
    const std::uint32_t tag = tag_of(open_until_echo(b, a));
    (void)open_until_echo(a, b);
    const Step step = a.handle(error_of(tag, Cause::kStaleCookie));
    REQUIRE(step.failure.has_value());
    CHECK(step.failure->reason == AbortReason::kHandshakeTimeout);
    CHECK(step.failure->cause == Cause::kStaleCookie);
}

TEST_CASE("Handshake: an INIT-ACK without a cookie, or with one too long, is a violation [IMM-8]") {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kMaxCookie, kMaxCookie + 1}) {
        CAPTURE(size);
        Side a(1);
        a.connect();
        const std::uint32_t tag = init_of(a.sent(ChunkType::kInit)).initiate_tag;
        const Step step = a.handle(init_ack_with(Bytes(size), tag));
        const bool good = size == 1 || size == kMaxCookie;
        CHECK(step.peer_known == good);
        REQUIRE(step.failure.has_value() == !good);
        if (!good) CHECK(step.failure->cause == Cause::kMissingParameter);
    }
}

TEST_CASE("Handshake: a cookie that fits no packet of ours ends it") {
    Config config;
    config.mtu = 128;
    Side a(1, config);
    a.connect();
    const std::uint32_t tag = init_of(a.sent(ChunkType::kInit)).initiate_tag;
    const Step step = a.handle(init_ack_with(Bytes(200), tag));
    REQUIRE(step.failure.has_value());
    CHECK(step.failure->reason == AbortReason::kProtocolViolation);
    CHECK(step.failure->cause == Cause::kOutOfResource);
    CHECK_FALSE(a.out.pop().has_value());
}

TEST_CASE("Handshake: tags by the first chunk; the reflected one only once it is known [IMM-8]") {
    Side a(1);
    Side b(2);
    const auto chunk = [](ChunkType type, std::uint8_t flags) {
        wire::sctp::ChunkView view;
        view.type = type;
        view.flags = flags;
        return view;
    };
    const std::uint8_t reflected = wire::sctp::kFlagTagReflected;
    CHECK_FALSE(a.handshake.tag_is_valid(0, chunk(ChunkType::kAbort, reflected)));
    const std::uint32_t theirs = tag_of(open_until_echo(a, b));
    const std::uint32_t own = init_of([&] {
                                  Side again(1);
                                  again.connect();
                                  return again.sent(ChunkType::kInit);
                              }())
                                  .initiate_tag;
    for (const std::uint32_t tag : {0U, own, theirs, own + 1}) {
        CAPTURE(tag);
        CHECK(a.handshake.tag_is_valid(tag, chunk(ChunkType::kInit, 0)) == (tag == 0));
        CHECK(a.handshake.tag_is_valid(tag, chunk(ChunkType::kData, 0)) == (tag == own));
        CHECK(a.handshake.tag_is_valid(tag, chunk(ChunkType::kData, reflected)) == (tag == own));
        for (const ChunkType type : {ChunkType::kAbort, ChunkType::kShutdownComplete}) {
            CHECK(a.handshake.tag_is_valid(tag, chunk(type, 0)) == (tag == own));
            CHECK(a.handshake.tag_is_valid(tag, chunk(type, reflected)) == (tag == theirs));
        }
    }
}

TEST_CASE("Handshake: after clear() no timer runs and no old cookie is known") {
    Side a(1);
    Side b(2);
    const Bytes echo = open_until_echo(a, b);
    a.handshake.clear();
    CHECK(a.handshake.deadline().is_never());
    b.handshake.clear();
    CHECK(nothing(b.handle(echo)));
}
