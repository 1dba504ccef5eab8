// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What one received RTP stream went through, mostly from the clear headers of its packets: numbers
// that are missing, repairs, pictures that came too late. Contents are asked for now and then, and
// as long as no picture can be decoded: until the first key frame, and behind a loss that nobody
// repaired until the next one. Pure.
//
//   kStart ──key frame──▶ kFlowing ──a packet given up──▶ kBroken ──key frame──▶ kFlowing
//
// A broken chain is that of a decoder which does not know what was in the lost packet: a lost
// picture that no other needs counts as well. Streams of others, without our stamps, are counted.
#pragma once

#include <cstdint>
#include <vector>

#include "base/sequence.h"
#include "base/time.h"
#include "client/media/media_stamp.h"
#include "client/media/track_plan.h"
#include "load/figures.h"

namespace confab::load {

struct PacketSeen {
    Timestamp arrival;
    std::uint16_t sequence = 0;
    std::uint32_t rtp_time = 0;
    std::size_t size = 0;  // of the datagram
};

class StreamMeter {
  public:
    // A number that is missing for so long is lost.
    static constexpr Duration kPatience = Duration::millis(500);
    // It is asked for again so often; the first time when it may not just be late.
    static constexpr Duration kFirstAsk = Duration::millis(10);
    static constexpr Duration kAskAgain = Duration::millis(100);
    static constexpr Duration kKeyFrameAgain = Duration::seconds(1);
    static constexpr std::size_t kMaxMissing = 512;  // the oldest are lost at once
    // Behind a longer gap nothing is asked for: the numbers count as lost.
    static constexpr std::int64_t kMaxGap = 512;
    // So many contents without our stamp: somebody else's track.
    static constexpr std::uint32_t kMaxForeign = 64;
    // Nothing for so long in the end: it does not come any more.
    static constexpr Duration kStopped = Duration::seconds(1);

    // `sample`: one packet in so many is wanted decrypted.
    StreamMeter(client::MediaKind kind, std::uint32_t sample) : kind_(kind), sample_(sample) {}

    // Counts a packet; true: its contents are wanted.
    bool receive(const PacketSeen& packet);
    // The contents of one.
    void stamped(Timestamp arrival, const client::MediaStamp& stamp);
    void unstamped();
    // A repair of that number came on the stream for repairs; whether it was missing.
    bool repaired(Timestamp now, std::uint16_t sequence);

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return next_; }
    // Numbers to be asked for now; taken by asking.
    std::vector<std::uint16_t> take_asks(Timestamp now);
    bool take_key_frame_request(Timestamp now);
    // Nothing more comes: what has been missing for kPatience is lost, what may still be on its way
    // is not counted. `there`: the server has not said that the stream ended, so that one which
    // nothing came of for kStopped, or no key frame, has stopped.
    void finish(Timestamp now, bool there = true);

    bool started() const { return unwrapper_.started(); }
    bool decodes() const { return state_ == State::kFlowing; }
    // With cycles in the upper half (RFC 3550 §6.4.1).
    std::uint32_t highest_sequence() const {
        return static_cast<std::uint32_t>(unwrapper_.highest() - SeqUnwrapper::kStart);
    }
    const StreamFigures& figures() const { return figures_; }
    client::MediaKind kind() const { return kind_; }

  private:
    enum class State : std::uint8_t { kStart, kFlowing, kBroken, kForeign };
    struct Missing {
        std::int64_t sequence = 0;
        Timestamp noticed;
        Timestamp ask_at;
    };
    void note_gap(Timestamp now, std::int64_t from, std::int64_t to);
    void note_picture(const PacketSeen& packet);
    bool fill(std::int64_t sequence);
    // Numbers that do not come any more; `since`: when the first of them was missed.
    void lose(Timestamp now, std::uint64_t count, Timestamp since);
    void break_chain(Timestamp now, Timestamp since);
    void give_up_old(Timestamp now);
    bool has_stopped(Timestamp now) const;
    void note_stopped(Timestamp now);
    void begin(Timestamp now);
    bool sampled();
    void set_deadline();

    client::MediaKind kind_;
    std::uint32_t sample_;
    std::uint32_t until_sample_ = 1;
    State state_ = State::kStart;
    SeqUnwrapper unwrapper_;
    std::vector<Missing> missing_;  // in the order of their numbers
    Timestamp next_ = Timestamp::never();
    std::uint32_t foreign_ = 0;
    Timestamp key_frame_at_;  // when to ask for one
    bool key_frame_wanted_ = false;
    std::uint32_t picture_time_ =
        0;  // RTP time of the newest picture, and its first packet's arrival
    Timestamp picture_at_;
    bool picture_seen_ = false;
    Duration interval_;    // between pictures, by their RTP times
    Timestamp broken_at_;  // nothing can be decoded since
    // Numbers below it were missing when a gap was counted as a freeze.
    std::int64_t counted_before_ = 0;
    std::int64_t whole_from_ = 0;  // a key frame came there: what was missing before is no matter
    Timestamp whole_at_;
    StreamFigures figures_;
};

}  // namespace confab::load
