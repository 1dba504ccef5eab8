// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Person: what it does in the room once it has joined.
#include <algorithm>

#include "load/person.h"

namespace confab::load {
namespace {

constexpr std::uint32_t kDataMagic = 0x10AD'DA7A;
constexpr std::size_t kDataStamp = 12;  // magic and time
constexpr int kMaxDataPerTurn = 64;

}  // namespace

// ---------------------------------------------------------------- subscriptions

void Person::watch() {
    std::vector<OfferedTrack> tracks;
    for (const auto& info : session_.roster().others())
        for (const livekit::TrackInfo& track : info->tracks())
            tracks.push_back({track.sid(), info->sid(), track.type() == livekit::VIDEO});
    apply(watching_.offered(tracks));
}

void Person::apply(const Watching::Changes& changes) {
    if (!changes.subscribe.empty()) session_.subscriptions().subscribe(changes.subscribe, true);
    for (const auto& [sid, size] : changes.sizes) {
        livekit::UpdateTrackSettings settings;
        settings.add_track_sids(sid);
        settings.set_width(size.width);
        settings.set_height(size.height);
        session_.subscriptions().update_settings(settings);
    }
}

// The loudest of those that speak.
void Person::speakers_changed(const livekit::SpeakersChanged& changed) {
    if (!plan_.subscribes || shared_.options.layout != Layout::kSpeaker) return;
    const livekit::SpeakerInfo* loudest = nullptr;
    for (const livekit::SpeakerInfo& one : changed.speakers())
        if (one.active() && (loudest == nullptr || one.level() > loudest->level())) loudest = &one;
    if (loudest != nullptr) apply(watching_.speaks(loudest->sid()));
}

// ---------------------------------------------------------------- speaking

void Person::take_turn(Timestamp now) {
    if (!shared_.options.simulate_speakers || !plan_.audio || !connected_) return;
    const Duration passed = now - shared_.began;
    session_.publisher().set_speaking(speaker_at(passed, shared_.options.audio_publishers) ==
                                      plan_.index);
    next_turn_ = shared_.began + kSpeakerTurn * (passed.us() / kSpeakerTurn.us() + 1);
}

// ---------------------------------------------------------------- data

// A turn may come later than several messages are due; what can't be made up for is left out.
void Person::send_data(Timestamp now) {
    if (now < next_data_) return;
    const Duration interval = Duration::seconds(1).scaled(1 / shared_.options.data_rate);
    for (int i = 0; i < kMaxDataPerTurn && now >= next_data_; ++i) {
        next_data_ = next_data_ + interval;
        send_data_message(now);
    }
    next_data_ = std::max(now, next_data_);
}

void Person::send_data_message(Timestamp now) {
    Bytes payload(std::max(kDataStamp, shared_.options.data_size));
    ByteWriter out(payload);
    out.u32(kDataMagic);
    out.u64(static_cast<std::uint64_t>(now.us()));
    livekit::DataPacket packet;
    packet.mutable_user()->set_payload(std::string(as_text(payload)));
    if (session_.data().send(now, std::move(packet), shared_.options.data_reliable)) ++data_sent_;
}

void Person::take_data(Timestamp now, const livekit::DataPacket& packet) {
    ByteReader in(as_bytes(packet.user().payload()));
    if (in.u32() != kDataMagic) return;
    const auto sent = Timestamp::micros(static_cast<std::int64_t>(in.u64()));
    if (!in.ok()) return;
    ++data_received_;
    data_latency_.add(now - sent);
}

}  // namespace confab::load
