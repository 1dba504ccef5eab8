// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Brings data channels into a chosen state with a temporary peer and then feeds chunks, time and
// calls from the input, with tags and checksums made right (07 §2 M2, IMM-8).
// Input: one byte of state, then actions: kind, argument, and for packets a length and its bytes.
// fuzz: modules rtc/sctp wire
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "rtc/sctp/data_channels.h"

using namespace confab;
using namespace confab::sctp;

namespace {

constexpr std::size_t kMaxHeld = 3 * 1024 * 1024;

void require(bool condition) {
    if (!condition) std::abort();
}

struct Scene {
    Scene() : subject(config(false), Rng(1)), peer(config(true), Rng(2)) {}

    static DataChannels::Config config(bool client) {
        DataChannels::Config c;
        c.dtls_client = client;
        c.association.a_rwnd = 256 * 1024;
        c.association.max_buffered_bytes = 512 * 1024;
        c.association.peer_max_message_size = 0;
        return c;
    }
    // Takes what the subject has; gives it to the peer while that is there.
    void drain(bool with_peer) {
        for (int round = 0; round < 50; ++round) {
            bool more = false;
            while (subject.poll_event())
                more = true;
            while (auto p = subject.poll_transmit()) {
                more = true;
                require(p->size() <= 1191 && p->size() >= 16);
                observe(*p);
                if (with_peer) peer.handle_packet(now, *p);
            }
            if (!with_peer) {
                require(!more || round < 40);
                if (!more) return;
                continue;
            }
            while (peer.poll_event())
                more = true;
            while (auto p = peer.poll_transmit()) {
                more = true;
                tag = load_be32(&(*p)[4]) != 0 ? load_be32(&(*p)[4]) : tag;
                last_from_peer = std::move(*p);
                subject.handle_packet(now, last_from_peer);
            }
            if (!more) return;
        }
    }
    // The TSN that the subject sends is needed for SACKs that mean something.
    void observe(BytesView packet) {
        const auto view = wire::sctp::parse_packet(packet);
        require(view.has_value());
        for (wire::sctp::ChunkReader r(view->chunks); auto c = r.next();) {
            if (const auto d = wire::sctp::parse_data(*c);
                d && c->type == wire::sctp::ChunkType::kData)
                subject_tsn = d->tsn;
            if (c->type == wire::sctp::ChunkType::kSack)
                if (const auto s = wire::sctp::parse_sack(*c)) peer_tsn = s->cumulative_tsn;
            if (c->type == wire::sctp::ChunkType::kInit) tag = load_be32(c->value.data());
        }
    }
    void advance(Duration d) {
        now = now + d;
        subject.handle_timeout(now);
        peer.handle_timeout(now);
    }
    void bring_to(std::uint8_t state) {
        if (state == 0) return;
        subject.connect(now);
        if (state == 1) return drain(false);
        peer.connect(now);
        if (state == 2) {  // INIT-ACK taken, COOKIE-ECHO sent, nothing else
            drain_once();
            return;
        }
        drain(true);
        (void)subject.open(now, {"_reliable", "", true, {}, {}});
        (void)subject.open(now, {"_lossy", "", false, std::uint16_t{0}, {}});
        (void)peer.open(now, {"other", "p", true, {}, Duration::millis(100)});
        drain(true);
        advance(Duration::millis(250));
        drain(true);
        if (state == 4) {  // data in flight, nothing acknowledged
            for (int i = 0; i < 20; ++i)
                send(static_cast<ChannelId>(1 + 2 * (i % 2)), 3000);
            drain(false);
        }
        if (state == 5) subject.close(now, 1);
        if (state == 6) subject.shutdown(now);
        if (state == 7) {
            send(1, 60'000);
            drain(false);
            subject.shutdown(now);
        }
    }
    void drain_once() {
        for (int i = 0; i < 2; ++i) {
            while (auto p = subject.poll_transmit())
                observe(*p), peer.handle_packet(now, *p);
            if (i == 1) return;
            while (auto p = peer.poll_transmit()) {
                tag = load_be32(&(*p)[4]) != 0 ? load_be32(&(*p)[4]) : tag;
                subject.handle_packet(now, *p);
            }
        }
    }
    void send(ChannelId id, std::size_t size) {
        (void)subject.send(now, id, true, SharedBytes(Bytes(size)));
    }

    DataChannels subject;
    DataChannels peer;
    Timestamp now = Timestamp::micros(1);
    std::uint32_t tag = 0;          // the subject's verification tag
    std::uint32_t subject_tsn = 0;  // last TSN the subject sent
    std::uint32_t peer_tsn = 0;     // last TSN the subject acknowledged
    Bytes last_from_peer;
};

// Chunks of the input as they are, or with the TSN field relative to the state of the subject.
Bytes make_packet(Scene& scene, std::uint8_t kind, BytesView body) {
    const bool with_tag = (kind & 0x10) == 0;
    Bytes copy = to_vector(body);
    if ((kind & 0x20) != 0 && copy.size() >= 8) {
        const auto type = static_cast<wire::sctp::ChunkType>(copy[0]);
        const std::uint32_t base =
            type == wire::sctp::ChunkType::kSack ? scene.subject_tsn : scene.peer_tsn;
        store_be32(&copy[4], base + load_be32(&copy[4]) % 64 - 8);
    }
    wire::sctp::PacketWriter writer({5000, 5000, with_tag ? scene.tag : 0}, 2048);
    for (wire::sctp::ChunkReader r(copy); auto c = r.next();)
        if (auto w = writer.chunk(c->type, c->flags, c->value.size())) w->bytes(c->value);
    return writer.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteReader input(BytesView(data, size));
    Scene scene;
    scene.bring_to(input.u8() % 8);
    for (int actions = 0; actions < 200 && input.remaining() >= 2; ++actions) {
        const std::uint8_t kind = input.u8();
        const std::uint8_t argument = input.u8();
        switch (kind & 0x0F) {
            case 0:
                scene.advance(Duration::millis(argument));
                break;
            case 1:
                scene.advance(Duration::seconds(argument));
                break;
            case 2:
                scene.send(argument % 8, std::size_t{argument} * 300);
                break;
            case 3:
                scene.subject.close(scene.now, argument % 8);
                break;
            case 4:
                (void)scene.subject.open(scene.now, {"x", "", (argument & 1) != 0, {}, {}});
                break;
            case 5:
                scene.subject.connect(scene.now);
                break;
            case 6:
                scene.drain(true);
                break;
            case 7:
                if (argument == 0xFF) scene.subject.abort(scene.now);
                if (argument == 0xFE) scene.subject.shutdown(scene.now);
                break;
            default: {
                const std::size_t length = std::min<std::size_t>(argument * 4U, input.remaining());
                const Bytes packet = make_packet(scene, kind, input.bytes(length));
                scene.subject.handle_packet(scene.now, packet);
                break;
            }
        }
        scene.drain(false);
        const auto snapshot = scene.subject.snapshot();
        require(snapshot.association.receive_bytes + snapshot.association.send_bytes <= kMaxHeld);
        require(snapshot.channels <= kMaxChannels);
        require(snapshot.association.flight <= snapshot.association.send_bytes);
    }
    return 0;
}
