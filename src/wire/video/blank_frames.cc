// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/video/blank_frames.h"

#include <array>

namespace confab::wire {
namespace {

template <std::size_t Size>
constexpr std::array<std::uint8_t, Size> filled(std::uint8_t value) {
    std::array<std::uint8_t, Size> bytes{};
    bytes.fill(value);
    return bytes;
}

// RFC 6716 §3.1: the table-of-contents byte F8 is CELT, fullband, 20 ms, mono, one frame.
constexpr std::array<std::uint8_t, 80> kOpusSilence{0xF8, 0xFF, 0xFE};
// The code of amplitude zero (ITU-T G.711).
constexpr auto kPcmuSilence = filled<160>(0xFF);
constexpr auto kPcmaSilence = filled<160>(0xD5);

// Frame tag: key frame, version 0, shown, first partition of 16 bytes; start code; 8×8; one black
// macroblock at the coarsest quantiser.
constexpr std::array<std::uint8_t, 30> kVp8Frame{
    0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A, 0x08, 0x00, 0x08, 0x00, 0x0B, 0xC7, 0x08, 0x85, 0x85,
    0x88, 0x85, 0x84, 0x88, 0x3F, 0x82, 0x00, 0x0C, 0x0D, 0x60, 0x00, 0xFE, 0xE6, 0xB5, 0x00};

// Constrained baseline, level 1.0. One macroblock cropped to 2×2; the slice predicts it from
// nothing (128) and lowers luma to black, 16, by a single DC coefficient at QP 51.
constexpr std::array<std::uint8_t, 27> kH264Frame{
    0x78,                                                         // STAP-A
    0x00, 0x08, 0x67, 0x42, 0xC0, 0x0A, 0xDA, 0x7E, 0x22, 0x21,   // SPS
    0x00, 0x04, 0x68, 0xCE, 0x38, 0x80,                           // PPS
    0x00, 0x08, 0x65, 0x88, 0x84, 0x06, 0x44, 0xC5, 0x00, 0x07};  // IDR slice

}  // namespace

BytesView opus_silence() {
    return kOpusSilence;
}
BytesView pcmu_silence() {
    return kPcmuSilence;
}
BytesView pcma_silence() {
    return kPcmaSilence;
}
BytesView vp8_blank_frame() {
    return kVp8Frame;
}
BytesView h264_blank_frame() {
    return kH264Frame;
}

}  // namespace confab::wire
