// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Every SCTP chunk codec on arbitrary bytes; the checksum is made right first (IMM-8).
// What was parsed is written and must be read back the same.
// fuzz: modules wire
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "wire/sctp/sctp.h"

using namespace confab;
using namespace confab::wire::sctp;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void round_trip_data(const DataChunk& data) {
    PacketWriter writer({1, 2, 3}, 70'000);
    if (!write_data(writer, data)) return;
    const Bytes bytes = writer.finish();
    ChunkReader reader(parse_packet(bytes).value().chunks);
    const auto again = parse_data(reader.next().value());
    require(again && again->tsn == data.tsn && again->stream == data.stream &&
            to_vector(again->payload) == to_vector(data.payload));
}

void round_trip_sack(const SackView& sack) {
    std::vector<GapBlock> gaps;
    std::vector<std::uint32_t> duplicates;
    for (std::size_t i = 0; i < sack.gap_count(); ++i)
        gaps.push_back(sack.gap(i));
    for (std::size_t i = 0; i < sack.duplicate_count(); ++i)
        duplicates.push_back(sack.duplicate(i));
    PacketWriter writer({1, 2, 3}, 70'000);
    require(write_sack(writer, sack.cumulative_tsn, sack.a_rwnd, gaps, duplicates));
    const Bytes bytes = writer.finish();
    ChunkReader reader(parse_packet(bytes).value().chunks);
    const auto again = parse_sack(reader.next().value());
    require(again && again->gap_count() == gaps.size() &&
            again->duplicate_count() == duplicates.size());
}

void parse_chunk(const ChunkView& chunk) {
    if (const auto data = parse_data(chunk)) round_trip_data(*data);
    if (const auto sack = parse_sack(chunk)) round_trip_sack(*sack);
    if (const auto forward = parse_forward_tsn(chunk))
        for (std::size_t i = 0; i < forward->skipped_count(); ++i)
            (void)forward->skipped_stream(i);
    if (const auto init = parse_init(chunk)) {
        PacketWriter writer({1, 2, 3}, 70'000);
        (void)write_init(writer, ChunkType::kInitAck, *init);
    }
    if (const auto reset = parse_re_config(chunk))
        for (const auto& request : reset->requests)
            for (std::size_t i = 0; request && i < request->stream_count(); ++i)
                (void)request->stream(i);
    (void)parse_shutdown(chunk);
    (void)first_cause(chunk);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const BytesView input(data, size);
    (void)parse_packet(input);
    if (size < kCommonHeaderSize) return 0;
    std::size_t total = 0;
    ChunkReader reader(input.subspan(kCommonHeaderSize));
    while (const auto chunk = reader.next()) {
        total += chunk->raw.size();
        parse_chunk(*chunk);
    }
    require(total <= size);
    return 0;
}
