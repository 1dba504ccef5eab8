// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// fuzz: modules websocket wire crypto base

// What a WebSocket client may send: any offer of compression, any bytes as frames. The same events
// however the bytes are cut, no more memory than the limits allow, and a session that goes on to
// its end in virtual time. What the session writes are frames.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "websocket/deflate_offer.h"
#include "websocket/session.h"

using namespace confab;
using namespace confab::websocket;

namespace {

constexpr std::size_t kLimit = 5'000;

struct Outcome {
    std::vector<std::string> events;
    bool operator==(const Outcome&) const = default;
};

Outcome read(BytesView stream, std::size_t max_cut) {
    Receiver receiver(kLimit, true);
    Outcome outcome;
    for (std::size_t cut = 1; !stream.empty(); cut = cut % max_cut + 1) {
        // A copy of the exact size lets the sanitizer see every read past the piece.
        const Bytes piece = to_vector(stream.first(std::min(stream.size(), cut)));
        stream = stream.subspan(piece.size());
        BytesView rest = piece;
        while (!rest.empty()) {
            const Receiver::Event event = receiver.read(rest);
            CONFAB_CHECK(event != Receiver::Event::kNone || rest.empty());
            CONFAB_CHECK(receiver.payload().size() <= kLimit);
            // What was inflated, too.
            CONFAB_CHECK(receiver.bytes_held() <= 3 * kLimit + 500);
            if (event != Receiver::Event::kNone)
                outcome.events.push_back(std::to_string(static_cast<int>(event)) +
                                         std::to_string(receiver.code()) +
                                         std::string(receiver.payload()));
        }
    }
    return outcome;
}

// A server's frames, the handshake's response before them.
void check_written(BytesView bytes) {
    bytes = bytes.subspan(1);
    while (!bytes.empty()) {
        const auto header = wire::read_websocket_header(bytes);
        CONFAB_CHECK(header && header->size > 0 && !header->header.mask);
        CONFAB_CHECK(header->header.length <= bytes.size() - header->size);
        bytes = bytes.subspan(header->size + static_cast<std::size_t>(header->header.length));
    }
}

void run_session(BytesView stream, bool echo) {
    Timestamp now;
    Session session({.max_message_bytes = kLimit}, {true, "r", true, true}, now);
    Bytes written;
    int ends = 0;
    const auto turn = [&] {
        while (const auto event = session.poll_event()) {
            ends += event->closed ? 1 : 0;
            if (!event->closed && echo)
                (void)session.send(event->text,
                                   std::make_shared<const Message>(std::string(event->payload)));
        }
        for (auto pieces = session.poll_transmit(now); !pieces.empty();
             pieces = session.poll_transmit(now)) {
            for (const BytesView piece : pieces)
                written.insert(written.end(), piece.begin(), piece.end());
            session.handle_written(now);
        }
    };
    turn();
    while (!stream.empty()) {
        session.handle_bytes(now, stream);
        turn();
    }
    if (session.is_open()) session.close(now, 1000, Duration::seconds(1));
    for (int i = 0; i < 10 && session.link() != Session::Link::kCut; ++i) {
        turn();
        now = std::max(now, session.next_deadline());
        session.handle_timeout(now);
    }
    turn();
    CONFAB_CHECK(session.link() == Session::Link::kCut && ends == 1);
    CONFAB_CHECK(session.queued_bytes() == 0);
    check_written(written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const BytesView input(data, size);
    const DeflateAgreement agreed = agree_on_deflate(as_text(input));
    CONFAB_CHECK(!agreed.may_send || !agreed.response.empty());
    const Outcome whole = read(input, size + 1);
    CONFAB_CHECK(read(input, 1) == whole);
    CONFAB_CHECK(read(input, 7) == whole);
    run_session(input, size % 2 == 0);
    return 0;
}
