// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/video/blank_frames.h"

#include "wire/video/h264.h"
#include "wire/video/media_test_util.h"
#include "wire/video/vp8.h"

namespace confab::wire {
namespace {

TEST_CASE("blank frames: silence of one packet [FWD-15]") {
    CHECK(opus_silence().size() == 80);
    CHECK(to_hex(opus_silence().first(4)) == "f8fffe00");
    CHECK(opus_silence().back() == 0);
    CHECK(pcmu_silence().size() == 160);
    CHECK(pcmu_silence()[159] == 0xFF);
    CHECK(pcma_silence().size() == 160);
    CHECK(pcma_silence()[159] == 0xD5);
}

TEST_CASE("blank frames: VP8 key frame of 8×8 [FWD-15]") {
    CHECK(vp8_key_frame_size(vp8_blank_frame()) == FrameSize{8, 8});
    Bytes payload{0x10};
    payload.insert(payload.end(), vp8_blank_frame().begin(), vp8_blank_frame().end());
    CHECK(parse_vp8(payload)->key_frame);
    // RFC 6386 §9.1: 19 bits of first partition size must lie within the frame.
    const BytesView frame = vp8_blank_frame();
    const unsigned tag = frame[0] | unsigned{frame[1]} << 8 | unsigned{frame[2]} << 16;
    CHECK((tag >> 5) + 10 <= frame.size());
    CHECK((tag >> 4 & 1) == 1);  // shown
}

TEST_CASE("blank frames: H.264 STAP-A with SPS, PPS and IDR of 2×2 [FWD-15]") {
    const auto payload = parse_h264(h264_blank_frame());
    REQUIRE(payload.has_value());
    CHECK(payload->key_frame);
    CHECK(payload->idr);
    CHECK(payload->first_nal_type == 7);
    CHECK(payload->size == FrameSize{2, 2});
}

}  // namespace
}  // namespace confab::wire
