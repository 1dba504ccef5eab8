// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The input is a file that somebody publishes: IVF or Ogg. What is read is written and read again
// as the same, and published it ends after its frames.
// fuzz: modules client
#include <cstdlib>
#include <memory>

#include "base/bytes.h"
#include "client/media/clip/clip.h"
#include "client/media/clip/clip_source.h"

namespace {

using namespace confab;
using namespace confab::client;

void require(bool holds) {
    if (!holds) std::abort();
}

void publish(const Clip& clip) {
    ClipSource source(std::make_shared<const Clip>(clip), Timestamp{}, Rng(1));
    std::size_t frames = 0;
    for (; !source.next_frame().is_never(); ++frames) {
        for (const EncodedPacket& packet : source.encode(source.next_frame()))
            require(clip.kind == MediaKind::kAudio ||
                    packet.payload.size() <= ClipSource::kMaxPayload);
    }
    require(frames == clip.frames.size());
}

void check_video(const Clip& clip) {
    Bytes file = ivf_header("VP80", clip.width, clip.height);
    for (const ClipFrame& frame : clip.frames) {
        const Bytes more = ivf_frame(0, frame.data);
        file.insert(file.end(), more.begin(), more.end());
    }
    const auto again = read_ivf(file);
    require(again && again->frames.size() == clip.frames.size() && again->width == clip.width);
}

void check_audio(const Clip& clip) {
    OggOpusWriter writer(1);
    Bytes file = writer.header();
    for (const ClipFrame& frame : clip.frames) {
        const Bytes more = writer.packet(frame.data);
        if (more.empty()) return;
        file.insert(file.end(), more.begin(), more.end());
    }
    const auto again = read_ogg(file);
    require(again && again->frames.size() == clip.frames.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const BytesView file(data, size);
    if (const auto clip = read_ivf(file)) {
        publish(*clip);
        check_video(*clip);
    }
    if (const auto clip = read_ogg(file)) {
        publish(*clip);
        check_audio(*clip);
    }
    return 0;
}
