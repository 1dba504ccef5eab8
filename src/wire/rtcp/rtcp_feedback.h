// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RTCP feedback: generic NACK (RFC 4585 §6.2.1), PLI (§6.3.1), FIR (RFC 5104 §4.3.1) and REMB
// (draft-alvestrand-rmcat-remb-03 §2.2).
#pragma once

#include <span>

#include "wire/rtcp/rtcp_block.h"

namespace confab::wire {

inline constexpr std::size_t kMaxRembSsrcs = 255;

// One FCI entry of a NACK: the packet id and a mask of the 16 packets behind it.
struct NackEntry {
    std::uint16_t packet_id = 0;
    std::uint16_t mask = 0;
    bool operator==(const NackEntry&) const = default;
};

class Nack {
  public:
    std::uint32_t sender_ssrc = 0;
    std::uint32_t media_ssrc = 0;
    BytesView fci;  // 4 bytes per entry

    std::size_t entries() const { return fci.size() / 4; }
    NackEntry entry(std::size_t index) const {
        return {load_be16(fci.data() + 4 * index), load_be16(fci.data() + 4 * index + 2)};
    }
    // Calls visit(std::uint16_t sequence) for every packet asked for, in order of the entries.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (std::size_t i = 0; i < entries(); ++i) {
            const NackEntry e = entry(i);
            visit(e.packet_id);
            for (unsigned bit = 0; bit < 16; ++bit)
                if ((e.mask >> bit & 1) != 0)
                    visit(static_cast<std::uint16_t>(e.packet_id + bit + 1));
        }
    }
};
struct Pli {
    std::uint32_t sender_ssrc = 0;
    std::uint32_t media_ssrc = 0;
};
struct FirEntry {
    std::uint32_t ssrc = 0;
    std::uint8_t sequence = 0;
};
class Fir {
  public:
    std::uint32_t sender_ssrc = 0;
    BytesView fci;  // 8 bytes per entry

    std::size_t entries() const { return fci.size() / 8; }
    FirEntry entry(std::size_t index) const {
        return {load_be32(fci.data() + 8 * index), fci[8 * index + 4]};
    }
};
class Remb {
  public:
    std::uint32_t sender_ssrc = 0;
    std::uint64_t bits_per_second = 0;  // 18-bit mantissa; saturated at 2^64 − 1
    BytesView ssrcs;

    std::size_t size() const { return ssrcs.size() / 4; }
    std::uint32_t ssrc(std::size_t index) const { return load_be32(ssrcs.data() + 4 * index); }
};

// kType when the block is of another type or format.
Result<Nack, ParseError> parse_nack(const RtcpBlock& block);
Result<Pli, ParseError> parse_pli(const RtcpBlock& block);
Result<Fir, ParseError> parse_fir(const RtcpBlock& block);
Result<Remb, ParseError> parse_remb(const RtcpBlock& block);

// Packs sequences (ascending on the circle, duplicates allowed) into the fewest entries. Returns
// the number of entries, which is at most the room in `out`; the rest of the list is left out.
std::size_t pack_nack(std::span<const std::uint16_t> sequences, std::span<NackEntry> out);
// One block with all sequences of the list; false when empty or without room.
bool write_nack(ByteWriter& out, std::uint32_t sender_ssrc, std::uint32_t media_ssrc,
                std::span<const std::uint16_t> sequences);
bool write_pli(ByteWriter& out, Pli pli);
bool write_fir(ByteWriter& out, std::uint32_t sender_ssrc, std::span<const FirEntry> entries);
// The bitrate is rounded down to what 18 bits of mantissa express.
bool write_remb(ByteWriter& out, std::uint32_t sender_ssrc, std::uint64_t bits_per_second,
                std::span<const std::uint32_t> ssrcs);

}  // namespace confab::wire
