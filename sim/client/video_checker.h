// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A decoder without pictures (02 DES-52): takes the packets of one VP8 stream in order and says
// whether a real one could show them. Starts and layer switches need key frames, frames are whole,
// references were delivered, picture ids and TL0PICIDX count on (02 FWD-06).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "client/media/media_stamp.h"
#include "sim/report.h"
#include "wire/video/vp8.h"

namespace confab::sim {

using client::MediaStamp;

struct OrderedPacket {
    std::int64_t sequence = 0;
    std::uint32_t timestamp = 0;
    bool marker = false;
    bool contiguous = true;  // nothing is missing before it
    BytesView payload;
};

struct VideoCounters {
    std::uint64_t frames = 0;
    std::uint64_t key_frames = 0;
    std::uint64_t blank_frames = 0;
    std::uint64_t switches = 0;     // of the spatial layer
    std::uint64_t freezes = 0;      // times the chain broke
    std::uint64_t undecodable = 0;  // packets ignored while it was broken
};

class VideoChecker {
  public:
    VideoChecker(std::string name, std::uint32_t track) : name_(std::move(name)), track_(track) {}

    void take(Timestamp now, const OrderedPacket& packet, Report& report);
    // A packet without content in the place of one that could not be decoded: it keeps the number;
    // the picture id is left out.
    void skip() { skipped_ = true; }
    // Waits for a key frame.
    bool broken() const { return broken_; }
    const VideoCounters& counters() const { return counters_; }
    std::optional<MediaStamp> last_frame() const { return last_frame_; }

  private:
    struct Before {
        wire::Vp8Descriptor descriptor;
        std::optional<MediaStamp> stamp;  // none: a blank frame
        std::uint32_t timestamp = 0;
    };
    void take_blank(Timestamp now, const wire::Vp8Descriptor& descriptor, bool contiguous,
                    Report& report);
    void check_start(Timestamp now, const MediaStamp& stamp, Report& report);
    void check_within(Timestamp now, const OrderedPacket& packet,
                      const wire::Vp8Descriptor& descriptor, const MediaStamp& stamp,
                      Report& report);
    void check_ids(Timestamp now, const wire::Vp8Descriptor& descriptor, bool same_frame,
                   Report& report);
    void frame_complete(Timestamp now, const MediaStamp& stamp, Report& report);
    void lose_chain();
    void fail(Timestamp now, const std::string& what, Report& report) const;

    std::string name_;
    std::uint32_t track_;
    bool started_ = false;
    bool broken_ = true;
    bool skipped_ = false;  // since the last packet with content
    std::optional<Before> before_;
    std::map<std::uint32_t, bool> delivered_;  // frames of the present layer since its key frame
    std::optional<MediaStamp> last_frame_;
    VideoCounters counters_;
};

}  // namespace confab::sim
