// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The phases of SHUTDOWN on either side and its timer (RFC 9260 §9.2).
#include "rtc/sctp/association/shutdown.h"

#include <doctest/doctest.h>

#include "rtc/sctp/chunks_test.h"

using namespace confab;
using namespace confab::sctp;
using wire::sctp::ChunkType;
using Phase = Shutdown::Phase;

namespace {

constexpr std::uint32_t kPeerTag = 77;
constexpr std::uint32_t kCumulative = 4711;

struct End {
    explicit End(const Config& config = {}) : path(config), out(config) {}
    void advance() { shutdown.advance(now, path.rto(), kPeerTag, out); }
    // The SHUTDOWN that is due in a packet of that size, or an empty packet.
    Bytes written(std::size_t mtu = 1191) {
        wire::sctp::PacketWriter writer({5000, 5000, kPeerTag}, mtu);
        shutdown.write(kCumulative, writer);
        return writer.finish();
    }
    void check_queued(ChunkType type) {
        const auto packet = out.pop();
        REQUIRE(packet.has_value());
        CHECK(chunk_types(*packet) == std::vector{type});
        CHECK(tag_of(*packet) == kPeerTag);
    }
    bool expire() {
        now = shutdown.deadline();
        return shutdown.handle_timeout(now, path);
    }
    Timestamp now = Timestamp::micros(1'000'000);
    Path path;
    PacketQueue out;
    Shutdown shutdown;
};

}  // namespace

TEST_CASE(
    "Shutdown: who asks sends SHUTDOWN once all is acknowledged and takes data until the end") {
    End end;
    end.advance();  // not asked for
    CHECK(end.shutdown.phase() == Phase::kNone);
    end.shutdown.request();
    CHECK(end.shutdown.phase() == Phase::kPending);
    CHECK(end.shutdown.may_send());
    CHECK(chunk_types(end.written()).empty());
    end.advance();
    CHECK(end.shutdown.phase() == Phase::kSent);
    CHECK_FALSE(end.shutdown.may_send());
    CHECK(end.shutdown.may_receive());
    CHECK(end.shutdown.deadline() == end.now + Duration::seconds(1));
    CHECK(chunk_types(end.written(16)).empty());  // stays due
    const Bytes packet = end.written();
    REQUIRE(chunk_types(packet) == std::vector{ChunkType::kShutdown});
    CHECK(wire::sctp::parse_shutdown(first_chunk(packet)).value() == kCumulative);
    CHECK(chunk_types(end.written()).empty());
    end.shutdown.request();  // twice changes nothing
    CHECK(end.shutdown.phase() == Phase::kSent);
    CHECK(end.shutdown.handle_shutdown_ack(kPeerTag, end.out));
    end.check_queued(ChunkType::kShutdownComplete);
}

TEST_CASE("Shutdown: who is asked sends its data first, then SHUTDOWN-ACK, and ends by COMPLETE") {
    End end;
    end.shutdown.handle_shutdown();
    CHECK(end.shutdown.phase() == Phase::kReceived);
    CHECK(end.shutdown.may_send());
    CHECK_FALSE(end.shutdown.may_receive());
    CHECK_FALSE(end.shutdown.handle_shutdown_complete());
    end.advance();
    CHECK(end.shutdown.phase() == Phase::kAckSent);
    CHECK_FALSE(end.shutdown.may_send());
    end.check_queued(ChunkType::kShutdownAck);
    CHECK(end.shutdown.deadline() == end.now + Duration::seconds(1));
    end.shutdown.handle_shutdown();  // a late one
    CHECK(end.shutdown.phase() == Phase::kAckSent);
    CHECK(end.shutdown.handle_shutdown_complete());
}

TEST_CASE("Shutdown: when both ask, each answers at once") {
    End end;
    end.shutdown.request();
    end.advance();
    end.shutdown.handle_shutdown();
    CHECK(end.shutdown.phase() == Phase::kReceived);
    CHECK(chunk_types(end.written()).empty());
    end.advance();
    end.check_queued(ChunkType::kShutdownAck);
    CHECK(end.shutdown.handle_shutdown_ack(kPeerTag, end.out));
    end.check_queued(ChunkType::kShutdownComplete);
}

TEST_CASE("Shutdown: SHUTDOWN-ACK and SHUTDOWN-COMPLETE end nothing that was not asked for") {
    for (const bool asked : {false, true}) {
        End end;
        if (asked) end.shutdown.request();
        CHECK_FALSE(end.shutdown.handle_shutdown_ack(kPeerTag, end.out));
        CHECK_FALSE(end.shutdown.handle_shutdown_complete());
        CHECK_FALSE(end.out.pop().has_value());
    }
}

TEST_CASE("Shutdown: T2 repeats with the doubled timeout until the path has failed") {
    Config config;
    config.max_retransmits = 2;
    End end(config);
    SUBCASE("SHUTDOWN") {
        end.shutdown.request();
        end.advance();
        (void)end.written();
        for (const int wait : {2, 4}) {
            REQUIRE(end.expire());
            CHECK(chunk_types(end.written()) == std::vector{ChunkType::kShutdown});
            CHECK(end.shutdown.deadline() == end.now + Duration::seconds(wait));
        }
    }
    SUBCASE("SHUTDOWN-ACK") {
        end.shutdown.handle_shutdown();
        end.advance();
        end.check_queued(ChunkType::kShutdownAck);
        for (const int wait : {2, 4}) {
            REQUIRE(end.expire());
            end.advance();
            end.check_queued(ChunkType::kShutdownAck);
            CHECK(end.shutdown.deadline() == end.now + Duration::seconds(wait));
        }
    }
    CHECK_FALSE(end.expire());
    CHECK(end.shutdown.deadline().is_never());
    CHECK(chunk_types(end.written()).empty());
}

TEST_CASE("Shutdown: after clear() nothing is due") {
    End end;
    end.shutdown.request();
    end.advance();
    end.shutdown.clear();
    CHECK(end.shutdown.deadline().is_never());
    CHECK(chunk_types(end.written()).empty());
}
