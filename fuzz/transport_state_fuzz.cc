// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as the state of a whole connection (07 SIO-11): what is taken is written and taken
// again and says the same, and the connection that it makes can be driven.
// fuzz: modules rtc/peer rtc/ice rtc/dtls rtc/srtp rtc/sctp wire crypto base
#include <algorithm>
#include <cstdlib>

#include "rtc/peer/transport.h"

using namespace confab;
using peer::Transport;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

peer::TransportConfig config() {
    peer::TransportConfig c;
    c.ice.local = {"aaaaufragufrag", "aaaapasswordpasswordpassword"};
    c.ice.candidates = {{0, ice::Protocol::kUdp, *SocketAddress::parse("127.0.0.1:1000")}};
    return c;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    srtp::Engine engine(srtp::Backend::kOpenssl);
    const peer::SharedCrypto crypto{&engine, nullptr, false};
    const Timestamp start = Timestamp::micros(1'000'000'000);
    const BytesView input(data, size);
    auto transport =
        import_transport(crypto, config(), Rng(1), input, start, Transport::Before::kSilent);
    if (!transport) return 0;
    if (const auto state = transport->export_state(start)) {
        auto again = import_transport(crypto, config(), Rng(2), state->view(), start,
                                      Transport::Before::kSilent);
        require(again != nullptr);
        const auto second = again->export_state(start);
        require(second.has_value());
        require(equal_constant_time(second->view(), state->view()));
    }
    ice::Path path;
    path.local = *SocketAddress::parse("127.0.0.1:1000");
    path.remote = *SocketAddress::parse("127.0.0.1:2000");
    Timestamp now = start;
    for (int round = 0; round < 30; ++round) {
        for (int i = 0; i < 2000 && transport->poll_transmit(); ++i) {
        }
        for (int i = 0; i < 2000 && transport->poll_event(); ++i) {
        }
        Bytes datagram = to_vector(input.first(std::min<std::size_t>(size, 1500)));
        if (!datagram.empty()) {
            constexpr std::uint8_t kFirst[] = {0, 23, 0x80};  // STUN, DTLS, RTP
            datagram[0] = kFirst[round % 3];
            (void)transport->handle_packet(now, path, datagram);
        }
        (void)transport->send_message(now, static_cast<std::uint16_t>(round % 3),
                                      sctp::SharedBytes(Bytes(500)));
        const Timestamp next = transport->next_deadline();
        if (!next.is_never()) now = std::max(now, next);
        transport->handle_timeout(now);
    }
    return 0;
}
