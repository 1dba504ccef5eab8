// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What was sent under which number, so that a NACK can be answered from the track's history (02
// FWD-11, DES-32): 28 bytes for each packet or frame of the last second, or of as many as there is
// room for. Copies go out on the RTX stream, or are the same again: one (SSRC, number) must never
// carry different bytes (02 TRAP-14).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/prefetch.h"
#include "base/time.h"
#include "sfu/forward/forwarded_packet.h"
#include "sfu/packet/shared_frame.h"

namespace confab::sfu {

class Sequencer {
  public:
    static constexpr std::size_t kVideoEntries = 512;
    static constexpr std::size_t kAudioEntries = 256;
    static constexpr std::size_t kMaxEntries = 4096;
    static constexpr std::size_t kFirstEntries = 32;  // from the first packet on
    // What was sent or asked for that short a time ago is not forgotten while there may be more
    // places. Of pictures more can be repaired, and a place is for a whole frame.
    static constexpr Duration kKept = Duration::seconds(1);
    static constexpr Duration kVideoKept = Duration::millis(1500);
    // Numbers that were asked for lately and are told apart; what is asked for beyond that is
    // answered later.
    static constexpr std::size_t kMaxRepeats = 1024;
    static constexpr std::uint8_t kMaxResends = 3;
    static constexpr Duration kMaxGap = Duration::millis(100);
    // Asked for that long after the last copy, or two round trips: all copies were lost.
    static constexpr Duration kLostAfter = Duration::millis(300);

    // A sent packet as it is to be sent again.
    struct Found {
        ForwardedPacket packet;  // without ssrc, sequence and original number
        std::int64_t source_sequence = 0;
        std::uint8_t stream = 0;   // of the source: spatial layer, 0 for SVC
        std::uint8_t resends = 0;  // this one included
        std::uint8_t spatial = 0;
    };
    enum class Answer : std::uint8_t {
        kResend,
        kUnknown,  // never sent, padding, or too long ago
        kTooSoon,  // may still be on its way
        kTooOften,
        kLost,  // too often, and the last copy is not on its way any more
    };

    // `most`: places at most, a power of two. Each is for a packet or a frame.
    explicit Sequencer(std::size_t most, Duration kept = kKept);

    // No number is pushed twice.
    void push(Timestamp now, const ForwardedPacket& packet, std::int64_t source_sequence,
              std::uint8_t stream, std::uint8_t spatial);
    // The same of a frame's packets, which follow one another: the first one as it was sent, and
    // its number of the source.
    void push_frame(Timestamp now, const ForwardedPacket& first, const SharedFrame& frame,
                    std::int64_t source_sequence, std::uint8_t stream, std::uint8_t spatial);
    // Looks a number up and, for kResend, counts the resend. `rtt` sets the least gap.
    Answer request(Timestamp now, std::uint16_t sequence, Duration rtt, Found& out);
    // The spatial layer a number was sent of; nullopt: never sent, padding, or too long ago.
    std::optional<std::int8_t> spatial_of(std::uint16_t sequence) const;
    // A sent packet without counting a resend, for probes; false if unknown.
    bool find(std::uint16_t sequence, Found& out) const;
    void clear();
    // Fetches the next place, and what is looked at before it is taken.
    void prefetch() const {
        if (sent_) prefetch_for_write(&sent_[next_ & mask_], 2 * sizeof(Sent));
    }
    std::size_t places() const { return sent_ ? mask_ + 1 : 0; }

  private:
    // Packets with numbers that follow one another, here and at the source, alike but for marker
    // and the first octet of their descriptor.
    struct Sent {
        std::uint32_t sequence = 0;         // low half, of the first one
        std::uint32_t source_sequence = 0;  // the same
        std::uint32_t timestamp = 0;
        std::uint32_t sent_ms = 0;
        // VP8: descriptor; dependency descriptor: mask and frame number; RED: slice.
        std::array<std::uint8_t, 6> detail{};
        bool marker : 1 = false;  // of the last one; no other has it
        bool capture : 1 = false;
        bool slice : 1 = false;
        std::uint8_t dd_mode : 2 = 0;
        std::uint8_t prefix_size : 3 = 0;
        std::uint8_t stream : 2 = 0;
        std::uint8_t spatial : 2 = 0;
        std::uint8_t count = 1;
        std::uint8_t later_octet = 0;      // of the descriptor, in all but the first one
        std::uint8_t skip = 0;             // source payload bytes replaced
        std::uint8_t type_or_targets = 0;  // payload type; decode targets with a descriptor
    };
    static_assert(sizeof(Sent) == 28);
    // A number that was asked for.
    struct Repeat {
        std::uint32_t sequence = 0;
        std::uint32_t sent_ms = 0;
        std::uint8_t resends = 0;
        bool used = false;
    };
    struct Place {
        const Sent* sent = nullptr;  // null: not sent, or too long ago
        std::uint32_t sequence = 0;
    };

    static Sent sent_of(Timestamp now, const ForwardedPacket& packet, std::int64_t source_sequence,
                        std::uint8_t stream, std::uint8_t spatial);
    void add(const Sent& sent);
    // The `i`th of those that are remembered, in the order of their numbers.
    Sent& at(std::size_t i) { return sent_[(next_ - size_ + i) & mask_]; }
    const Sent& at(std::size_t i) const { return sent_[(next_ - size_ + i) & mask_]; }
    bool is_kept(const Sent& sent, std::uint32_t now_ms) const;
    void resize(std::size_t places);
    void sort_newest();
    Place place_of(std::uint16_t sequence) const;
    // Null: its place is another number's, which was asked for lately.
    Repeat* repeat_of(const Place& place, std::uint32_t now_ms);
    void resize_repeats(std::size_t places);
    void restore(const Place& place, Found& out) const;

    std::size_t most_;
    Duration kept_;
    std::size_t mask_ = 0;
    std::size_t repeats_mask_ = 0;
    std::size_t next_ = 0;
    std::size_t size_ = 0;
    std::int64_t newest_source_ = 0;
    std::unique_ptr<Sent[]> sent_;       // a ring
    std::unique_ptr<Repeat[]> repeats_;  // by number
};

}  // namespace confab::sfu
