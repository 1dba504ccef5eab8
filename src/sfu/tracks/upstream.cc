// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/upstream.h"

#include <utility>

namespace confab::sfu {

void Upstream::request_key_frame(Timestamp now, Track& track, std::uint8_t spatial) {
    if (!tracks_.is_home(track)) {
        if (track.take_key_frame_request(now, spatial))
            links_.push(now, track.home(), LinkKeyFrame{track.id(), spatial});
        return;
    }
    ReceiverEntry* entry = tracks_.find_receiver(track.id());
    if (entry == nullptr) return;
    const bool svc = track.source().svc();
    InboundStream* stream = entry->receiver->find_by_spatial(svc ? 0 : spatial);
    // A layer that has not started yet: any stream of the encoder brings key frames on all (IN-53).
    if (stream == nullptr && !entry->receiver->streams().empty())
        stream = entry->receiver->streams().front().get();
    if (stream == nullptr) return;
    stream->request_key_frame();
    ShardPeer& publisher = *entry->peer;
    publisher.feedback_wanted = true;
    publisher.update_media_deadline(now);
    queue_.mark_changed(publisher);
}

void Upstream::note_loss(Timestamp now, const Track& track, std::uint8_t fraction) {
    if (!loss_proxying_ || track.kind() != MediaKind::kAudio) return;
    if (!tracks_.is_home(track))
        links_.push(now, track.home(), LinkLoss{track.id(), fraction});
    else if (ReceiverEntry* entry = tracks_.find_receiver(track.id()))
        entry->receiver->note_loss(fraction);
}

void Upstream::tell_wanted(Timestamp now, Track& track) {
    if (tracks_.is_home(track)) return;
    if (track.unused()) {
        if (!std::exchange(track.told_home, std::nullopt)) return;
        links_.push(now, track.home(), LinkSubscribe{track.id(), track.kind(), false, -1, false});
        return;
    }
    const std::int8_t wanted = track.max_wanted();
    if (track.told_home == wanted && !track.unconfirmed) return;
    // What the home sends from now on need not follow what came.
    if (std::exchange(track.told_home, wanted) != wanted) track.recent().clear();
    links_.push(now, track.home(),
                LinkSubscribe{track.id(), track.kind(), true, wanted, track.unconfirmed});
}

}  // namespace confab::sfu
