// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two transports on a virtual link, each with a certificate, an engine and a clock of its own.
// Only for tests.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/state/hand_over_testing.h"
#include "crypto/certificate.h"
#include "rtc/peer/transport.h"

namespace confab::peer {

inline Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

// One end with its certificate, engine and socket.
struct End {
    End(const char* name, std::uint16_t port, bool controlling, bool lite, std::uint64_t seed,
        bool simulate = false)
        : certificate(crypto::Certificate::generate(UnixTime::seconds(1'800'000'000)).value()),
          context(dtls::Context::create(certificate).value()) {
        address = {IpAddress::v4(0x7F000001), port};
        config.ice.local = {std::string(name) + "ufragufrag",
                            std::string(name) + "passwordpasswordpassword"};
        config.ice.lite = lite;
        config.ice.role = controlling ? ice::Role::kControlling : ice::Role::kControlled;
        config.ice.candidates = {{0, ice::Protocol::kUdp, address}};
        credentials = config.ice.local;
        crypto = {&engine, &context, simulate};
        transport = std::make_unique<Transport>(crypto, config, Rng(seed));
    }
    // By what takes over from its bytes, on a clock that says `later`; false if it does not move.
    bool hand_on(Timestamp now, Duration later = Duration::zero()) {
        const auto state = transport->export_state(now);
        if (!state) return false;
        const Timestamp other = now + later;
        auto moved = import_transport(crypto, config, Rng(seeds.u64()), state->view(), other,
                                      Transport::Before::kSilent);
        REQUIRE(moved != nullptr);
        const auto again = moved->export_state(other);
        REQUIRE(again.has_value());
        REQUIRE(to_vector(again->view()) == to_vector(state->view()));
        transport = std::move(moved);
        clock = clock + later;
        ++moves;
        return true;
    }
    dtls::Fingerprint fingerprint() const {
        return {crypto::DigestAlgorithm::kSha256,
                crypto::parse_fingerprint(certificate.sha256_fingerprint()).value()};
    }

    crypto::Certificate certificate;
    dtls::Context context;
    srtp::Engine engine;
    SharedCrypto crypto;
    SocketAddress address;
    ice::Credentials credentials;
    TransportConfig config;
    Rng seeds{815};
    Duration clock;  // ahead of that of the link
    int moves = 0;
    std::unique_ptr<Transport> transport;
    std::vector<TransportEvent> events;
};

struct Link {
    End a;
    End b;
    std::int64_t now_ms = 0;
    Rng rng{77};
    double loss = 0;
    bool takes_messages = true;
    std::function<bool(BytesView)> drop;  // whether to lose a datagram, either way
    const End* sender = nullptr;          // of that datagram
    std::function<void(const End& at, const Transport::Media& media)> on_media;

    // Hand-over once in so many milliseconds of each end; only while HandOvers say so.
    std::uint64_t hand_over_every = 40;

    explicit Link(bool lite_b = false, bool simulate = false)
        : a{"aaaa", 1000, true, false, 1, simulate}, b{"bbbb", 2000, false, lite_b, 2, simulate} {}

    Timestamp time(const End& end) const { return at_ms(now_ms) + end.clock; }
    void negotiate(bool sctp) {
        RemoteParameters to_a{b.credentials, dtls::Role::kClient, {b.fingerprint()}, sctp};
        RemoteParameters to_b{a.credentials, dtls::Role::kServer, {a.fingerprint()}, sctp};
        a.transport->set_remote(at_ms(now_ms), to_a);
        b.transport->set_remote(at_ms(now_ms), to_b);
        a.transport->add_remote_candidate(at_ms(now_ms), {ice::Protocol::kUdp, b.address});
        if (!sctp) return;
        b.transport->want_channel(at_ms(now_ms), {"_reliable", true, std::nullopt});
    }
    void move(End& from, End& to) {
        sender = &from;
        while (const auto datagram = from.transport->poll_transmit()) {
            if (rng.unit() < loss) continue;
            if (drop && drop(datagram->bytes)) continue;
            if (datagram->path.remote != to.address) continue;  // nobody is there any more
            Bytes bytes = to_vector(datagram->bytes);
            ice::Path path;
            path.local = to.address;
            path.remote = from.address;
            const Transport::Media media = to.transport->handle_packet(time(to), path, bytes);
            if (on_media && media.kind != Transport::Media::Kind::kNone) on_media(to, media);
        }
        while (takes_messages || !from.transport->next_is_message()) {
            auto event = from.transport->poll_event();
            if (!event) break;
            from.events.push_back(std::move(*event));
        }
    }
    void run(std::int64_t ms) {
        for (const std::int64_t end = now_ms + ms; now_ms < end; ++now_ms) {
            for (End* one : {&a, &b}) {
                if (HandOvers::due(hand_over_every)) one->hand_on(time(*one));
                if (time(*one) >= one->transport->next_deadline())
                    one->transport->handle_timeout(time(*one));
            }
            move(a, b);
            move(b, a);
        }
    }
};

}  // namespace confab::peer
