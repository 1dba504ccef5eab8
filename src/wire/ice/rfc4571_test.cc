// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/ice/rfc4571.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/rng.h"

using namespace confab;
using namespace confab::wire;

namespace {

// All packets of a stream that arrives in pieces of the given sizes (the last one repeats).
std::vector<Bytes> read_all(const Bytes& stream, const std::vector<std::size_t>& cuts) {
    Rfc4571Reader reader;
    std::vector<Bytes> packets;
    std::size_t at = 0, piece = 0;
    while (at < stream.size()) {
        const std::size_t size =
            std::min(cuts[std::min(piece, cuts.size() - 1)], stream.size() - at);
        ++piece;
        BytesView rest = BytesView(stream).subspan(at, size);
        at += size;
        while (true) {
            const auto step = reader.consume(rest);
            REQUIRE(step);
            REQUIRE(step->used <= rest.size());
            rest = rest.subspan(step->used);
            if (!step->frame) {
                REQUIRE(rest.empty());
                break;
            }
            packets.push_back(to_vector(*step->frame));
        }
    }
    return packets;
}

Bytes packet(std::size_t size, std::uint8_t seed) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<std::uint8_t>(seed + i);
    return bytes;
}

void append(Bytes& stream, const Bytes& bytes) {
    std::vector<std::uint8_t> buffer(bytes.size() + 2);
    const BytesView framed = write_rfc4571(bytes, buffer);
    stream.insert(stream.end(), framed.begin(), framed.end());
}

}  // namespace

TEST_CASE("Rfc4571Reader: whole, byte by byte and in random cuts gives the same packets [ICE-08]") {
    Rng rng(3);
    for (int round = 0; round < 50; ++round) {
        Bytes stream;
        std::vector<Bytes> sent;
        for (std::uint8_t i = 0; i < 12; ++i) {
            sent.push_back(packet(i == 5 ? 0 : i == 7 ? kMaxRfc4571Frame : rng.below(300), i));
            append(stream, sent.back());
        }
        CHECK(read_all(stream, {stream.size()}) == sent);
        CHECK(read_all(stream, {1}) == sent);
        std::vector<std::size_t> cuts;
        for (int i = 0; i < 400; ++i)
            cuts.push_back(1 + rng.below(60));
        CHECK(read_all(stream, cuts) == sent);
    }
}

TEST_CASE("Rfc4571Reader: a frame over 8192 bytes ends the stream, however it is cut [ICE-08]") {
    Bytes stream;
    append(stream, packet(3, 1));
    append(stream, packet(kMaxRfc4571Frame + 1, 1));
    for (const std::size_t cut : {std::size_t{1}, std::size_t{4}, stream.size()}) {
        Rfc4571Reader reader;
        BytesView rest = stream;
        std::size_t frames = 0;
        bool failed = false;
        while (!rest.empty() && !failed) {
            const BytesView piece = rest.first(std::min(cut, rest.size()));
            const auto step = reader.consume(piece);
            failed = !step;
            if (failed) break;
            frames += step->frame ? 1U : 0U;
            rest = rest.subspan(step->used);
        }
        CHECK(frames == 1);
        CHECK(failed);
        CHECK_FALSE(reader.consume(as_bytes("xx")));
        CHECK(reader.bytes_held() <= 64);
    }
}

TEST_CASE("Rfc4571Reader: an announced but unsent frame costs no memory") {
    Rfc4571Reader reader;
    CHECK(reader.consume(rfc4571_header(8192)));
    CHECK(reader.bytes_held() <= 64);
}

TEST_CASE("write_rfc4571: sizes and a buffer that is too small") {
    std::array<std::uint8_t, 8> buffer;
    CHECK(write_rfc4571(as_bytes("abcdef"), buffer).size() == 8);
    CHECK(buffer[1] == 6);
    CHECK(write_rfc4571(as_bytes("abcdefg"), buffer).empty());
    CHECK(rfc4571_header(0x1234)[0] == 0x12);
    CHECK(rfc4571_header(0x1234)[1] == 0x34);
    const Bytes huge(65536);
    Bytes out(70000);
    CHECK(write_rfc4571(huge, out).empty());
}
