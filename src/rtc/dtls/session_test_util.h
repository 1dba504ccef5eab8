// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two sessions on a virtual link with delay, loss, duplication and reordering, in virtual time.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <variant>
#include <vector>

#include "base/machine.h"
#include "base/rng.h"
#include "crypto/certificate.h"
#include "rtc/dtls/session.h"

namespace confab::dtls::testing {

static_assert(SansIoMachine<Session>);

struct Identity {
    crypto::Certificate certificate;
    Context context;

    static Identity make() {
        auto certificate = crypto::Certificate::generate(UnixTime::seconds(1'760'000'000));
        REQUIRE(certificate.has_value());
        auto context = Context::create(*certificate);
        REQUIRE(context.has_value());
        return {std::move(*certificate), std::move(*context)};
    }
    Fingerprint fingerprint(
        crypto::DigestAlgorithm algorithm = crypto::DigestAlgorithm::kSha256) const {
        return {algorithm, crypto::certificate_fingerprint(algorithm, certificate.der())};
    }
};

// Made once: key generation is the slow part.
inline const Identity& alice() {
    static const Identity kIdentity = Identity::make();
    return kIdentity;
}
inline const Identity& bob() {
    static const Identity kIdentity = Identity::make();
    return kIdentity;
}

struct Endpoint {
    Session session;
    std::optional<Connected> connected;
    std::optional<Failed> failed;
    std::vector<Bytes> received;
    std::vector<Bytes> sent;  // all datagrams, also the lost ones

    Endpoint(const Identity& identity, Config config)
        : session(identity.context, std::move(config)) {}
    void drain() {
        while (auto event = session.poll_event()) {
            if (auto* up = std::get_if<Connected>(&*event)) {
                CHECK_FALSE(connected.has_value());
                connected = std::move(*up);
            } else {
                CHECK_FALSE(failed.has_value());
                failed = std::get<Failed>(*event);
            }
        }
        while (auto data = session.poll_application_data())
            received.push_back(*std::move(data));
    }
};

struct LinkConfig {
    double loss = 0;
    double duplicate = 0;
    Duration delay = Duration::millis(20);
    Duration jitter = Duration::zero();
};

class Pair {
  public:
    Pair(Config client_config, Config server_config, LinkConfig link = {}, std::uint64_t seed = 1)
        : client(alice(), with_role(std::move(client_config), Role::kClient)),
          server(bob(), with_role(std::move(server_config), Role::kServer)),
          link_(link),
          rng_(seed) {}

    static Config trusting(const Identity& peer, std::vector<SrtpProfile> profiles = {}) {
        Config config;
        config.srtp_profiles = std::move(profiles);
        config.fingerprints = {peer.fingerprint()};
        return config;
    }
    static Pair honest(LinkConfig link = {}, std::uint64_t seed = 1) {
        return {trusting(bob()), trusting(alice()), link, seed};
    }

    void start() {
        client.session.start(now);
        server.session.start(now);
        collect();
    }
    // Until both are connected or one failed, or the time is over, or nothing is to come.
    void run(Duration limit) {
        const Timestamp end = now + limit;
        while (!settled() && step(end)) {
        }
    }
    // Everything that happens within the time.
    void run_all(Duration length) {
        const Timestamp end = now + length;
        while (step(end)) {
        }
        now = end;
    }
    bool settled() const {
        return client.failed || server.failed || (client.connected && server.connected);
    }
    void set_link(LinkConfig link) { link_ = link; }
    void lose_everything_in_flight() { flying_.clear(); }
    void collect() {
        collect_from(client, false);
        collect_from(server, true);
    }

    Endpoint client;
    Endpoint server;
    Timestamp now = Timestamp::micros(1'000'000);

  private:
    struct InFlight {
        Timestamp at;
        bool to_client;
        Bytes datagram;
    };
    static Config with_role(Config config, Role role) {
        config.role = role;
        return config;
    }
    void collect_from(Endpoint& from, bool to_client) {
        while (auto datagram = from.session.poll_transmit()) {
            CHECK(datagram->size() <= 1300);
            from.sent.push_back(*datagram);
            const int copies = rng_.unit() < link_.loss ? 0 : rng_.unit() < link_.duplicate ? 2 : 1;
            for (int i = 0; i < copies; ++i)
                flying_.push_back(
                    {now + link_.delay + link_.jitter.scaled(rng_.unit()), to_client, *datagram});
        }
        from.drain();
    }
    bool step(Timestamp end) {
        const auto next =
            std::min_element(flying_.begin(), flying_.end(),
                             [](const InFlight& a, const InFlight& b) { return a.at < b.at; });
        const Timestamp timer =
            earlier(client.session.next_deadline(), server.session.next_deadline());
        const Timestamp arrival = next == flying_.end() ? Timestamp::never() : next->at;
        if (earlier(timer, arrival).is_never() || earlier(timer, arrival) > end) return false;
        now = std::max(now, earlier(timer, arrival));
        if (arrival <= timer) {
            const InFlight packet = std::move(*next);
            flying_.erase(next);
            (packet.to_client ? client : server).session.handle_packet(now, packet.datagram);
        } else {
            client.session.handle_timeout(now);
            server.session.handle_timeout(now);
        }
        collect();
        return true;
    }

    LinkConfig link_;
    Rng rng_;
    std::vector<InFlight> flying_;
};

inline void check_keys_cross(const Endpoint& a, const Endpoint& b) {
    REQUIRE(a.connected.has_value());
    REQUIRE(b.connected.has_value());
    REQUIRE(a.connected->srtp.has_value());
    REQUIRE(b.connected->srtp.has_value());
    const SrtpKeys& x = *a.connected->srtp;
    const SrtpKeys& y = *b.connected->srtp;
    CHECK(x.profile == y.profile);
    CHECK(to_vector(x.local_key()) == to_vector(y.remote_key()));
    CHECK(to_vector(x.remote_key()) == to_vector(y.local_key()));
    CHECK(to_vector(x.local_salt()) == to_vector(y.remote_salt()));
    CHECK(to_vector(x.remote_salt()) == to_vector(y.local_salt()));
    CHECK(to_vector(x.local_key()) != to_vector(x.remote_key()));
    CHECK(to_vector(x.local_key()) != Bytes(x.local_key().size()));
}

}  // namespace confab::dtls::testing
