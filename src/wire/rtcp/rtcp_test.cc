// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/rtcp/rtcp.h"

#include <vector>

#include "wire/video/media_test_util.h"

namespace confab::wire {
namespace {

struct Buffer {
    std::array<std::uint8_t, 2048> bytes{};
    ByteWriter out{bytes};
};

RtcpBlock only_block(BytesView bytes) {
    RtcpReader reader(bytes);
    const auto block = reader.next();
    REQUIRE(block.has_value());
    CHECK_FALSE(reader.next().has_value());
    CHECK_FALSE(reader.error().has_value());
    return *block;
}

TEST_CASE("RtcpReader: compound of two, reduced size, padding") {
    // RR without blocks, then PLI.
    const Bytes compound =
        hex("80c9000100000001"
            "81ce00020000000100000002");
    RtcpReader reader(compound);
    CHECK(reader.next()->type == RtcpType::kReceiverReport);
    const auto pli = reader.next();
    REQUIRE(pli.has_value());
    CHECK(pli->count == kFormatPli);
    CHECK(pli->body.size() == 8);
    CHECK_FALSE(reader.next().has_value());
    CHECK(reader.count() == 2);
    CHECK_FALSE(reader.error().has_value());

    const Bytes padded =
        hex("a0c9000200000001"
            "00000004");
    CHECK(only_block(padded).body.size() == 4);
    const Bytes unknown = hex("80d20000");
    CHECK(static_cast<int>(only_block(unknown).type) == 210);
}

std::optional<ParseError> walk(BytesView bytes, std::size_t expected) {
    RtcpReader reader(bytes);
    while (reader.next())
        continue;
    CHECK(reader.count() == expected);
    return reader.error();
}

TEST_CASE("RtcpReader: bad blocks end the walk, earlier ones count [IMM-7]") {
    CHECK(walk(hex("80c9000100000001"
                   "80c90005"),
               1) == ParseError::kLength);
    CHECK(walk(hex("80c9ffff00000001"), 0) == ParseError::kLength);
    CHECK(walk(hex("80c9000100000001"
                   "80c9"),
               1) == ParseError::kTruncated);
    CHECK(walk(hex("40c9000100000001"), 0) == ParseError::kVersion);
    CHECK(walk(hex("a0c9000100000000"), 0) == ParseError::kPadding);
    CHECK(walk(hex("a0c9000100000005"), 0) == ParseError::kPadding);
    CHECK(walk(hex("a0c90000"), 0) == ParseError::kPadding);
    CHECK_FALSE(walk({}, 0).has_value());
}

ReportBlock random_report(Rng& rng) {
    ReportBlock b;
    b.ssrc = rng.u32();
    b.fraction_lost = random_u8(rng, 256);
    b.cumulative_lost = static_cast<std::int32_t>(rng.below(1 << 24)) - (1 << 23);
    b.highest_sequence = rng.u32();
    b.jitter = rng.u32();
    b.last_sr = rng.u32();
    b.delay_since_last_sr = rng.u32();
    return b;
}

TEST_CASE("reports: SR and RR with up to 31 blocks are read again [IN-05]") {
    Rng rng(5);
    for (std::size_t count = 0; count <= kMaxReportBlocks; ++count) {
        std::vector<ReportBlock> blocks;
        for (std::size_t i = 0; i < count; ++i)
            blocks.push_back(random_report(rng));
        Buffer b;
        const SenderReport sr{rng.u32(), NtpTime(rng.u64()), rng.u32(), rng.u32(), rng.u32(), {}};
        REQUIRE(write_sender_report(b.out, sr, blocks));
        REQUIRE(write_receiver_report(b.out, 77, blocks));
        RtcpReader reader(b.out.written());
        const auto sr_again = parse_sender_report(*reader.next());
        const auto rr_again = parse_receiver_report(*reader.next());
        REQUIRE(sr_again.has_value());
        REQUIRE(rr_again.has_value());
        CHECK(sr_again->ssrc == sr.ssrc);
        CHECK(sr_again->ntp == sr.ntp);
        CHECK(sr_again->rtp_time == sr.rtp_time);
        CHECK(sr_again->packet_count == sr.packet_count);
        CHECK(sr_again->octet_count == sr.octet_count);
        CHECK(rr_again->ssrc == 77);
        REQUIRE(sr_again->blocks.size() == count);
        REQUIRE(rr_again->blocks.size() == count);
        for (std::size_t i = 0; i < count; ++i) {
            CHECK(sr_again->blocks[i] == blocks[i]);
            CHECK(rr_again->blocks[i] == blocks[i]);
        }
    }
    Buffer b;
    CHECK_FALSE(write_receiver_report(b.out, 1, std::vector<ReportBlock>(32)));
}

TEST_CASE("reports: bytes of a receiver report, losses clamped to 24 bits") {
    Buffer b;
    const ReportBlock block{0x11223344, 0x55, -2, 0x66778899, 0x0A, 0x0B, 0x0C};
    REQUIRE(write_receiver_report(b.out, 1, std::span(&block, 1)));
    CHECK(to_hex(b.out.written()) ==
          "81c90007"
          "00000001"
          "11223344"
          "55fffffe"
          "66778899"
          "0000000a"
          "0000000b"
          "0000000c");
    Buffer c;
    ReportBlock huge;
    huge.cumulative_lost = 100'000'000;
    REQUIRE(write_receiver_report(c.out, 1, std::span(&huge, 1)));
    CHECK(parse_receiver_report(only_block(c.out.written()))->blocks[0].cumulative_lost ==
          0x7FFFFF);
}

TEST_CASE("reports: more blocks announced than there are [IMM-7]") {
    CHECK(parse_receiver_report(only_block(hex("81c9000100000001"))).error() ==
          ParseError::kTruncated);
    CHECK(parse_sender_report(only_block(hex("80c8000100000001"))).error() ==
          ParseError::kTruncated);
    CHECK(parse_sender_report(only_block(hex("80c9000100000001"))).error() == ParseError::kType);
}

std::vector<std::string> sdes_items(BytesView bytes, bool* error = nullptr) {
    SdesReader reader(only_block(bytes));
    std::vector<std::string> items;
    while (const auto item = reader.next())
        items.push_back(std::to_string(item->ssrc) + ":" + std::to_string(item->type) + ":" +
                        std::string(item->text));
    if (error != nullptr) *error = reader.error();
    return items;
}

TEST_CASE("SDES: CNAME and MID per chunk, padded to words [IN-11]") {
    Buffer b;
    const std::array<SdesChunk, 3> chunks{SdesChunk{1, "stream", "0"}, SdesChunk{2, "abcde", ""},
                                          SdesChunk{3, "", "mid"}};
    REQUIRE(write_sdes(b.out, chunks));
    CHECK(to_hex(b.out.written()).substr(0, 40) ==
          "83ca000a"
          "00000001"
          "010673747265616d"
          "0f013000");
    CHECK(sdes_items(b.out.written()) ==
          std::vector<std::string>{"1:1:stream", "1:15:0", "2:1:abcde", "3:1:", "3:15:mid"});
    CHECK_FALSE(write_sdes(b.out, std::vector<SdesChunk>(32)));
}

TEST_CASE("SDES: every text length ends at a word") {
    for (std::size_t size = 0; size <= 300; ++size) {
        Buffer b;
        const std::string text(size, 'x');
        const std::array<SdesChunk, 2> chunks{SdesChunk{1, text, ""}, SdesChunk{2, "y", "z"}};
        REQUIRE(write_sdes(b.out, chunks));
        const auto items = sdes_items(b.out.written());
        REQUIRE(items.size() == 3);
        CHECK(items[0] == "1:1:" + text.substr(0, 255));
        CHECK(items[2] == "2:15:z");
    }
}

TEST_CASE("SDES: items beyond the chunk and missing ends are refused [IMM-7]") {
    bool error = false;
    CHECK(sdes_items(hex("81ca0002"
                         "00000001"
                         "01ff6161"),
                     &error)
              .empty());
    CHECK(error);
    CHECK(sdes_items(hex("82ca0002"
                         "00000001"
                         "01016100"),
                     &error)
              .size() == 1);
    CHECK(error);  // the second chunk is missing
    CHECK(sdes_items(hex("81ca0002"
                         "00000001"
                         "01026161"),
                     &error)
              .size() == 1);
    CHECK(error);  // no terminating zero
    CHECK(sdes_items(hex("80ca0000"), &error).empty());
    CHECK_FALSE(error);
}

TEST_CASE("BYE: sources and reason") {
    for (const std::string_view reason : {"", "a", "abc", "abcd", "leaving"}) {
        Buffer b;
        const std::array<std::uint32_t, 2> ssrcs{5, 6};
        REQUIRE(write_bye(b.out, ssrcs, reason));
        const auto bye = parse_bye(only_block(b.out.written()));
        REQUIRE(bye.has_value());
        REQUIRE(bye->size() == 2);
        CHECK(bye->ssrc(1) == 6);
        CHECK(bye->reason == reason);
    }
    CHECK(parse_bye(only_block(hex("82cb000100000001"))).error() == ParseError::kTruncated);
    CHECK(parse_bye(only_block(hex("81cb000200000001"
                                   "05616161")))
              .error() == ParseError::kTruncated);
}

std::vector<std::uint16_t> asked(const Nack& nack) {
    std::vector<std::uint16_t> sequences;
    nack.for_each([&](std::uint16_t s) { sequences.push_back(s); });
    return sequences;
}

TEST_CASE("NACK: fewest entries, over the wrap, duplicates [IN-04]") {
    Buffer b;
    const std::vector<std::uint16_t> list{65534, 65535, 0, 1, 1, 14, 15, 40};
    REQUIRE(write_nack(b.out, 1, 2, list));
    const auto nack = parse_nack(only_block(b.out.written()));
    REQUIRE(nack.has_value());
    CHECK(nack->sender_ssrc == 1);
    CHECK(nack->media_ssrc == 2);
    CHECK(nack->entries() == 3);
    CHECK(nack->entry(0) == NackEntry{65534, 0x8007});
    CHECK(nack->entry(1) == NackEntry{15, 0});
    CHECK(asked(*nack) == std::vector<std::uint16_t>{65534, 65535, 0, 1, 14, 15, 40});
    CHECK_FALSE(write_nack(b.out, 1, 2, {}));
}

TEST_CASE("NACK: random lists are asked for exactly, as few entries as a greedy cover") {
    Rng rng(6);
    for (int round = 0; round < 1000; ++round) {
        std::vector<std::uint16_t> list;
        auto next = rng.u16();
        const std::size_t count = 1 + rng.below(100);
        for (std::size_t i = 0; i < count; ++i) {
            list.push_back(next);
            next = static_cast<std::uint16_t>(next + 1 + rng.below(30));
        }
        std::array<NackEntry, 100> entries{};
        const std::size_t packed = pack_nack(list, entries);
        Buffer b;
        REQUIRE(write_nack(b.out, 1, 2, list));
        const auto nack = parse_nack(only_block(b.out.written()));
        CHECK(nack->entries() == packed);
        CHECK(asked(*nack) == list);
        std::size_t cover = 1;
        auto from = list[0];
        for (const auto s : list)
            if (static_cast<std::uint16_t>(s - from) > 16) {
                ++cover;
                from = s;
            }
        CHECK(packed == cover);
    }
    std::array<NackEntry, 2> few{};
    CHECK(pack_nack(std::vector<std::uint16_t>{1, 100, 200}, few) == 2);
}

TEST_CASE("PLI and FIR: bytes and sizes [IN-08]") {
    Buffer b;
    REQUIRE(write_pli(b.out, {1, 2}));
    CHECK(to_hex(b.out.written()) == "81ce00020000000100000002");
    CHECK(parse_pli(only_block(b.out.written()))->media_ssrc == 2);
    Buffer c;
    const std::array<FirEntry, 2> entries{FirEntry{7, 8}, FirEntry{9, 255}};
    REQUIRE(write_fir(c.out, 1, entries));
    CHECK(to_hex(c.out.written()) ==
          "84ce00060000000100000000"
          "0000000708000000"
          "00000009ff000000");
    const auto fir = parse_fir(only_block(c.out.written()));
    REQUIRE(fir->entries() == 2);
    CHECK(fir->entry(1).ssrc == 9);
    CHECK(fir->entry(1).sequence == 255);
    CHECK(parse_fir(only_block(hex("84ce0003000000010000000000000007"))).error() ==
          ParseError::kLength);
    CHECK(parse_pli(only_block(hex("81ce000100000001"))).error() == ParseError::kTruncated);
    CHECK(parse_nack(only_block(hex("81cd00020000000100000002"))).error() == ParseError::kLength);
}

TEST_CASE("REMB: mantissa, exponent, SSRC list and saturation") {
    Buffer b;
    const std::array<std::uint32_t, 2> ssrcs{10, 11};
    REQUIRE(write_remb(b.out, 1, 5'000'000, ssrcs));
    const auto remb = parse_remb(only_block(b.out.written()));
    REQUIRE(remb.has_value());
    CHECK(remb->bits_per_second <= 5'000'000);
    CHECK(remb->bits_per_second > 4'999'900);
    REQUIRE(remb->size() == 2);
    CHECK(remb->ssrc(1) == 11);

    for (unsigned shift = 0; shift < 64; ++shift) {
        Buffer c;
        const std::uint64_t rate = std::uint64_t{1} << shift;
        REQUIRE(write_remb(c.out, 1, rate, {}));
        CHECK(parse_remb(only_block(c.out.written()))->bits_per_second == rate);
    }
    const auto huge =
        parse_remb(only_block(hex("8fce00040000000100000000"
                                  "52454d42"
                                  "00ffffff")));
    CHECK(huge->bits_per_second == ~std::uint64_t{0});
    CHECK(parse_remb(only_block(hex("8fce00040000000100000000"
                                    "52454d42"
                                    "02ffffff")))
              .error() == ParseError::kTruncated);
    CHECK(parse_remb(only_block(hex("8fce00040000000100000000"
                                    "52454d43"
                                    "00ffffff")))
              .error() == ParseError::kType);
    CHECK_FALSE(write_remb(b.out, 1, 1, std::vector<std::uint32_t>(256)));
}

TEST_CASE("XR: RRTR and DLRR [IN-07] [FWD-13]") {
    Buffer b;
    REQUIRE(write_rrtr(b.out, 9, NtpTime(0x0102030405060708ULL)));
    CHECK(to_hex(b.out.written()) ==
          "80cf0004"
          "00000009"
          "04000002"
          "0102030405060708");
    XrReader rrtr(only_block(b.out.written()));
    CHECK(rrtr.sender_ssrc() == 9);
    const auto report = rrtr.next();
    REQUIRE(report.has_value());
    CHECK(read_rrtr(*report)->value() == 0x0102030405060708ULL);
    CHECK(dlrr_entries(*report) == 0);
    CHECK_FALSE(rrtr.next().has_value());
    CHECK_FALSE(rrtr.error());

    Buffer c;
    const std::array<DlrrEntry, 2> entries{DlrrEntry{1, 2, 3}, DlrrEntry{4, 5, 6}};
    REQUIRE(write_dlrr(c.out, 9, entries));
    CHECK(to_hex(c.out.written()) ==
          "80cf0008"
          "00000009"
          "05000006"
          "000000010000000200000003"
          "000000040000000500000006");
    XrReader dlrr(only_block(c.out.written()));
    const auto answer = dlrr.next();
    REQUIRE(dlrr_entries(*answer) == 2);
    CHECK(dlrr_entry(*answer, 1).delay_since_last_rr == 6);
    CHECK_FALSE(read_rrtr(*answer).has_value());
}

TEST_CASE("XR: a block beyond the packet is refused [IMM-7]") {
    const Bytes beyond =
        hex("80cf0002"
            "00000009"
            "04000002");
    XrReader reader(only_block(beyond));
    CHECK_FALSE(reader.next().has_value());
    CHECK(reader.error());
    const Bytes no_ssrc = hex("80cf0000");
    XrReader empty(only_block(no_ssrc));
    CHECK(empty.error());
}

// Reads everything that any parser finds in a datagram.
void read_everything(BytesView bytes) {
    RtcpReader reader(bytes);
    while (const auto block = reader.next()) {
        if (const auto sr = parse_sender_report(*block))
            for (std::size_t i = 0; i < sr->blocks.size(); ++i)
                (void)sr->blocks[i];
        if (const auto rr = parse_receiver_report(*block))
            for (std::size_t i = 0; i < rr->blocks.size(); ++i)
                (void)rr->blocks[i];
        SdesReader sdes(*block);
        while (sdes.next())
            continue;
        (void)parse_bye(*block);
        if (const auto nack = parse_nack(*block)) nack->for_each([](std::uint16_t) {});
        (void)parse_pli(*block);
        if (const auto fir = parse_fir(*block))
            for (std::size_t i = 0; i < fir->entries(); ++i)
                (void)fir->entry(i);
        if (const auto remb = parse_remb(*block))
            for (std::size_t i = 0; i < remb->size(); ++i)
                (void)remb->ssrc(i);
        XrReader xr(*block);
        while (const auto report = xr.next())
            for (std::size_t i = 0; i < dlrr_entries(*report); ++i)
                (void)dlrr_entry(*report, i);
        if (const auto feedback = parse_transport_feedback(*block)) {
            TransportStatusCursor cursor(*feedback);
            while (cursor.next())
                continue;
        }
    }
}

TEST_CASE("RTCP: truncation of a compound at every length, and cut blocks [IMM-7]") {
    Buffer b;
    const std::array<ReportBlock, 2> blocks{};
    const std::array<SdesChunk, 1> chunks{SdesChunk{1, "cname", "3"}};
    const std::array<std::uint32_t, 2> ssrcs{5, 6};
    const std::array<std::uint16_t, 3> sequences{1, 5, 90};
    const std::array<FirEntry, 1> fir{FirEntry{1, 1}};
    const std::array<DlrrEntry, 1> dlrr{DlrrEntry{1, 2, 3}};
    REQUIRE(write_sender_report(b.out, {}, blocks));
    REQUIRE(write_sdes(b.out, chunks));
    REQUIRE(write_bye(b.out, ssrcs, "bye"));
    REQUIRE(write_nack(b.out, 1, 2, sequences));
    REQUIRE(write_fir(b.out, 1, fir));
    REQUIRE(write_remb(b.out, 1, 1'000'000, ssrcs));
    REQUIRE(write_dlrr(b.out, 1, dlrr));
    for_each_prefix(b.out.written(), read_everything);
    // Each block shortened word by word with a consistent length field.
    RtcpReader reader(b.out.written());
    while (const auto block = reader.next()) {
        for (std::size_t size = 0; size < block->body.size(); size += 4) {
            Bytes cut{static_cast<std::uint8_t>(0x80 | block->count),
                      static_cast<std::uint8_t>(block->type), 0,
                      static_cast<std::uint8_t>(size / 4)};
            cut.insert(cut.end(), block->body.begin(),
                       block->body.begin() + static_cast<std::ptrdiff_t>(size));
            cut.shrink_to_fit();
            read_everything(cut);
        }
    }
    CHECK(reader.count() == 7);
}

TEST_CASE("RTCP writers: no room gives false") {
    for (std::size_t size = 0; size < 12; ++size) {
        Bytes buffer(size);
        ByteWriter out(buffer);
        CHECK_FALSE(write_pli(out, {1, 2}));
    }
}

}  // namespace
}  // namespace confab::wire
