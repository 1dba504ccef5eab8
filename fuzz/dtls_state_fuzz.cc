// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as the state of a DTLS session (07 SIO-11), and the same bytes as datagrams to what it
// makes: record numbers never go back, and nothing but a session comes of it.
// fuzz: modules rtc/dtls crypto base
#include <algorithm>
#include <cstdlib>

#include "base/state/state.h"
#include "rtc/dtls/record_layer.h"
#include "rtc/dtls/session.h"

using namespace confab;

namespace {

const Timestamp kNow = Timestamp::micros(1'000'000'000);

void require(bool condition) {
    if (!condition) std::abort();
}

// The number of the last record of the datagram.
std::uint64_t number_of(BytesView datagram) {
    ByteReader in(datagram);
    std::uint64_t number = 0;
    while (const auto record = dtls::next_record(in))
        number = record->number;
    return number;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const BytesView input(data, size);
    StateReader in(input, kNow);
    auto session = dtls::Session::load(in);
    if (!session || !in.finish()) return 0;
    const Bytes state = export_state(*session, kNow);
    StateReader second(state, kNow);
    auto again = dtls::Session::load(second);
    require(again.has_value() && second.finish());
    require(export_state(*again, kNow) == state);

    while (session->poll_transmit()) {
    }
    std::optional<std::uint64_t> last;
    for (std::uint8_t i = 0; i < 20; ++i) {
        const Bytes plain(100, i);
        if (!session->send_application_data(plain)) break;
        const auto datagram = session->poll_transmit();
        require(datagram.has_value());
        require(!last || number_of(*datagram) > *last);
        last = number_of(*datagram);
        if (i == 10) session->skip_ahead(1000);
        session->handle_packet(kNow + Duration::millis(i), *datagram);
        session->handle_packet(kNow, input);
        session->handle_packet(kNow, input.subspan(std::min<std::size_t>(i, input.size())));
    }
    while (session->poll_application_data()) {
    }
    require(session->connected() && session->next_deadline().is_never());
    return 0;
}
