// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two sessions run a handshake up to a step chosen by the input; then the input's datagrams, raw,
// as records, or laid over real ones, go to both. Nothing unauthenticated may give data or keys.
// OpenSSL takes its random octets from a generator of ours that begins anew for each input, so that
// an input does the same in every run: the first one is run twice to see it.
// fuzz: modules rtc/dtls crypto base
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "crypto/certificate.h"
#include "fuzz/fixed_randomness.h"
#include "rtc/dtls/session.h"

using namespace confab;
using confab::fuzz::fix_randomness;

namespace {

struct Identity {
    crypto::Certificate certificate;
    dtls::Context context;
};

const Identity& identity() {
    static const Identity kIdentity = [] {
        auto certificate = crypto::Certificate::generate(UnixTime::seconds(1'760'000'000));
        CONFAB_CHECK(certificate.has_value());
        auto context = dtls::Context::create(*certificate);
        CONFAB_CHECK(context.has_value());
        return Identity{std::move(*certificate), std::move(*context)};
    }();
    return kIdentity;
}

dtls::Config config(dtls::Role role, bool trusting) {
    dtls::Config made;
    made.role = role;
    Bytes print = crypto::certificate_fingerprint(crypto::DigestAlgorithm::kSha256,
                                                  identity().certificate.der());
    if (!trusting) print[0] ^= 1;
    made.fingerprints = {{crypto::DigestAlgorithm::kSha256, print}};
    return made;
}

// The attacker's next datagram.
Bytes next_datagram(ByteReader& reader, const Bytes& real) {
    const std::uint8_t kind = reader.u8();
    const std::size_t size = std::min<std::size_t>(reader.u16() % 1600, reader.remaining());
    const BytesView body = reader.bytes(size);
    if (kind % 3 == 0 || body.empty()) return to_vector(body);
    if (kind % 3 == 1) {
        Bytes record(13 + body.size());
        ByteWriter writer(record);
        writer.u8(static_cast<std::uint8_t>(20 + kind / 3 % 4));
        writer.u16(0xfefd);
        writer.u16(kind / 16 % 2);
        writer.u16(0);
        writer.u32(kind);
        writer.u16(static_cast<std::uint16_t>(body.size()));
        writer.bytes(body);
        return record;
    }
    Bytes changed = real;
    for (std::size_t i = 0; i + 2 < body.size() && !changed.empty(); i += 3)
        changed[load_be16(&body[i]) % changed.size()] ^= body[i + 2];
    return changed;
}

// FNV-1a.
struct Digest {
    std::uint64_t value = 0xcbf29ce484222325;
    void add(BytesView bytes) {
        for (const std::uint8_t octet : bytes)
            value = (value ^ octet) * 0x100000001b3;
    }
};

void check_events(dtls::Session& session, bool trusting) {
    while (auto event = session.poll_event())
        CONFAB_CHECK(trusting || std::holds_alternative<dtls::Failed>(*event));
    CONFAB_CHECK(!session.poll_application_data().has_value());
}

// A digest of everything the two sent.
std::uint64_t run(BytesView input) {
    (void)identity();
    fix_randomness();
    Digest sent;
    ByteReader reader(input);
    const std::uint8_t mode = reader.u8();
    const bool trusting = mode % 2 == 0;
    const int steps = mode / 2 % 12;
    dtls::Session client(identity().context, config(dtls::Role::kClient, trusting));
    dtls::Session server(identity().context, config(dtls::Role::kServer, trusting));
    Timestamp now = Timestamp::micros(1);
    client.start(now);
    server.start(now);
    Bytes real;
    for (int step = 0; step < 12 && reader.remaining() > 0; ++step) {
        dtls::Session& from = step % 2 == 0 ? client : server;
        dtls::Session& to = step % 2 == 0 ? server : client;
        while (auto datagram = from.poll_transmit()) {
            real = *datagram;
            sent.add(real);
            to.handle_packet(now, *datagram);
        }
        if (step < steps) continue;
        const Bytes attack = next_datagram(reader, real);
        client.handle_packet(now, attack);
        server.handle_packet(now, attack);
        now = now + Duration::millis(60);
        client.handle_timeout(now);
        server.handle_timeout(now);
        check_events(client, trusting);
        check_events(server, trusting);
    }
    check_events(client, trusting);
    check_events(server, trusting);
    (void)client.send_application_data(as_bytes("x"));
    while (auto datagram = client.poll_transmit())
        sent.add(*datagram);
    return sent.value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::uint64_t kFirst = [&] {
        fix_randomness();
        return run({data, size});
    }();
    static bool repeated = false;
    const std::uint64_t digest = run({data, size});
    CONFAB_CHECK(std::exchange(repeated, true) || digest == kFirst);
    return 0;
}
