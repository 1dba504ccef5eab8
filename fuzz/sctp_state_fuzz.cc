// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as the state of data channels: what is taken is written and taken again and says the
// same, and the machine that it makes keeps its bounds whatever happens then (07 SIO-11).
// Input: the state; packets and calls come by themselves.
// fuzz: modules rtc/sctp wire
#include <algorithm>
#include <cstdlib>

#include "base/state/state.h"
#include "rtc/sctp/data_channels.h"

using namespace confab;
using namespace confab::sctp;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

DataChannels fresh() {
    return {DataChannels::Config{}, Rng(1)};
}

void drain(DataChannels& channels) {
    for (int i = 0; i < 20'000 && channels.poll_event(); ++i) {
    }
    for (int i = 0; i < 20'000; ++i) {
        const auto packet = channels.poll_transmit();
        if (!packet) return;
        require(packet->size() <= 65'536);
    }
}

// A packet with a SACK, data and a shutdown at the end, as far as it is read.
Bytes packet_for(std::uint32_t tag, std::uint32_t number) {
    wire::sctp::PacketWriter writer({5000, 5000, tag}, 1191);
    (void)wire::sctp::write_sack(writer, number, 100'000, {}, {});
    wire::sctp::DataChunk chunk;
    chunk.tsn = number;
    chunk.begin = true;
    chunk.end = true;
    const Bytes payload(10);
    chunk.payload = payload;
    (void)wire::sctp::write_data(writer, chunk);
    return writer.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Timestamp start = Timestamp::micros(1'000'000'000);
    const BytesView input(data, size);
    DataChannels channels = fresh();
    if (!import_state(channels, input, start)) return 0;
    const Bytes state = export_state(channels, start);
    DataChannels again = fresh();
    require(import_state(again, state, start));
    require(export_state(again, start) == state);

    Timestamp now = start;
    for (int round = 0; round < 20; ++round) {
        drain(channels);
        (void)channels.send(now, static_cast<ChannelId>(round % 4), true,
                            SharedBytes(Bytes(std::size_t{700} * static_cast<std::size_t>(round))));
        if (round == 10) channels.close(now, 1);
        // Tags and numbers as the state may have them: its first bytes in any case.
        const std::uint32_t guess = size >= 8 ? load_be32(&data[(size - 4) / 2]) : 0;
        channels.handle_packet(now, packet_for(guess, guess));
        const Timestamp next = channels.next_deadline();
        if (next.is_never()) break;
        now = std::max(now, next) + Duration::millis(round);
        channels.handle_timeout(now);
        require(channels.snapshot().channels <= kMaxChannels);
    }
    return 0;
}
