// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// VP8 payload descriptors across layer switches (RFC 7741 §4.2, 02 FWD-06): picture id, TL0PICIDX
// and KEYIDX go up by one where the source changes, and pictures left out for their temporal layer
// leave no gap in the picture id. The one-byte descriptor of Chromium has nothing to change (02
// IN-25); for it only whole pictures are filtered.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/prefetch.h"
#include "base/state/state.h"
#include "sfu/rewrite/munger.h"
#include "wire/video/vp8.h"

namespace confab::sfu {

// The descriptor to send instead of the source's.
using DescriptorPatch = wire::PackedVp8Descriptor;

class Vp8Munger {
  public:
    // Pictures remembered for late packets.
    static constexpr std::size_t kPictures = 128;
    static constexpr std::int8_t kNoLimit = 127;

    enum class Verdict : std::uint8_t {
        kForward,
        kFilter,  // of a temporal layer not wanted
        kFill,    // the same, late: its number was kept for it and is sent without content
        kDrop,    // late, of a picture that is not known any more
    };

    // The next packet starts a source; the first one ever keeps its values.
    void switch_source(const wire::Vp8Descriptor& descriptor);
    // `too_high`: its temporal layer is above the one being forwarded. Differs from upstream, which
    // forwards what stands behind a gap whatever its layer: such a picture refers to others that
    // were left out. `limit`: the highest temporal layer being forwarded; `temporal`: that of the
    // packet, wherever it is told.
    Verdict process(const wire::Vp8Descriptor& descriptor, std::int64_t timestamp,
                    Munger::Order order, bool too_high, DescriptorPatch& out,
                    std::int8_t limit = kNoLimit, std::int8_t temporal = 0);
    // The descriptor of a blank key frame behind the last picture (02 FWD-15).
    DescriptorPatch blank_frame();

    void prefetch() const { prefetch_for_write(this, sizeof *this); }

    // 02 FWD-18.
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
    enum class State : std::uint8_t { kUnknown, kMissing, kForwarded, kFiltered };
    struct Picture {
        std::int64_t id = -1;
        std::int32_t offset = 0;
        State state = State::kUnknown;
        std::int8_t limit = kNoLimit;  // while it was missing
    };
    std::int64_t unwrap(const wire::Vp8Descriptor& descriptor) const;
    Picture& slot(std::int64_t id) {
        return (*pictures_)[static_cast<std::size_t>(id) % kPictures];
    }
    void forget_pictures() {
        if (pictures_) pictures_->fill({});
    }
    // From a picture on, until the next one.
    struct Step {
        std::int64_t since = 0;
        std::int8_t limit = kNoLimit;
    };
    Verdict by_timestamp(std::int64_t timestamp, Munger::Order order, bool too_high,
                         std::int8_t limit, std::int8_t temporal);
    Verdict by_picture(std::int64_t id, Munger::Order order, std::int8_t temporal, bool too_high);
    void restart_at(std::int64_t id);
    void advance_to(std::int64_t id);
    void write(const wire::Vp8Descriptor& source, std::int64_t id, std::int32_t offset, bool newest,
               DescriptorPatch& out);
    // A packet of the picture written last: nothing but the first octet is another.
    bool write_again(const wire::Vp8Descriptor& source, std::int64_t sent_id,
                     DescriptorPatch& out) const;

    bool started_ = false;
    bool last_filtered_ = false;  // by_timestamp
    bool has_picture_ = false;    // newest_ is set
    std::uint8_t tl0_offset_ = 0;
    std::uint8_t key_idx_offset_ = 0;
    std::int8_t limit_ = kNoLimit;     // of the packet before
    std::int32_t picture_offset_ = 0;  // source id minus sent id
    std::int64_t newest_ = 0;          // highest picture id of the source, unwrapped
    std::int64_t last_timestamp_ = -1;
    std::int64_t last_sent_id_ = 0;  // unwrapped
    wire::Vp8Descriptor last_sent_;
    wire::Vp8Descriptor last_source_;  // that last_sent_ was made of
    DescriptorPatch last_patch_{};     // last_sent_; none while its size is 0
    std::array<Step, 4> steps_{};      // by_timestamp, the newest first
    // Made with the first picture that has a number.
    std::unique_ptr<std::array<Picture, kPictures>> pictures_;
};

}  // namespace confab::sfu
