// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RTCP compounds with every parser on every block; written NACKs ask for the same. [IMM-7]
// fuzz: modules base wire
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wire/rtcp/rtcp.h"

namespace {

using namespace confab;
using namespace confab::wire;

void read_reports(const RtcpBlock& block) {
    std::uint32_t sum = 0;
    if (const auto sr = parse_sender_report(block))
        for (std::size_t i = 0; i < sr->blocks.size(); ++i)
            sum += sr->blocks[i].jitter;
    if (const auto rr = parse_receiver_report(block))
        for (std::size_t i = 0; i < rr->blocks.size(); ++i)
            sum += rr->blocks[i].jitter;
    SdesReader sdes(block);
    while (const auto item = sdes.next())
        for (const char c : item->text)
            sum += static_cast<unsigned char>(c);
    if (const auto bye = parse_bye(block)) {
        for (std::size_t i = 0; i < bye->size(); ++i)
            sum += bye->ssrc(i);
        for (const char c : bye->reason)
            sum += static_cast<unsigned char>(c);
    }
    volatile std::uint32_t used = sum;
    (void)used;
}

void check_nack(const Nack& nack) {
    std::size_t asked = 0;
    nack.for_each([&](std::uint16_t) { ++asked; });
    CONFAB_CHECK(asked >= nack.entries() && asked <= 17 * nack.entries());
}

void read_feedback(const RtcpBlock& block) {
    std::uint32_t sum = 0;
    if (const auto nack = parse_nack(block)) check_nack(*nack);
    (void)parse_pli(block);
    if (const auto fir = parse_fir(block))
        for (std::size_t i = 0; i < fir->entries(); ++i)
            sum += fir->entry(i).sequence;
    if (const auto remb = parse_remb(block))
        for (std::size_t i = 0; i < remb->size(); ++i)
            sum += remb->ssrc(i);
    XrReader xr(block);
    while (const auto report = xr.next()) {
        (void)read_rrtr(*report);
        for (std::size_t i = 0; i < dlrr_entries(*report); ++i)
            sum += dlrr_entry(*report, i).ssrc;
    }
    volatile std::uint32_t used = sum;
    (void)used;
}

void run(BytesView input) {
    RtcpReader reader(input);
    std::size_t bytes = 0;
    while (const auto block = reader.next()) {
        bytes += block->body.size() + 4;
        read_reports(*block);
        read_feedback(*block);
    }
    CONFAB_CHECK(bytes <= input.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run(confab::BytesView(data, size));
    return 0;
}
