// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/client/messages.h"

#include <algorithm>

#include "base/text.h"

namespace confab::sim {
namespace {

// A data track is named after its number, which is its handle too.
std::string name_of(std::uint32_t number) {
    return "d" + std::to_string(number);
}

std::uint32_t number_of(const std::string& name) {
    return name.empty() ? 0 : parse_decimal<std::uint32_t>(name.substr(1)).value_or(0);
}

std::uint16_t handle_of(std::uint32_t number) {
    return static_cast<std::uint16_t>(number);
}

}  // namespace

Messages::Messages(DataChecker checker, bool auto_subscribed, Report& report, Numbers next_number)
    : checker_(std::move(checker)),
      auto_subscribed_(auto_subscribed),
      report_(report),
      next_number_(std::move(next_number)) {}

void Messages::begin(client::Session& session) {
    session_ = &session;
    checker_.forget();
    asked_.clear();
    for (std::uint32_t& track : tracks_)
        track = next_number_();
}

// ---------------------------------------------------------------- what it says

bool Messages::say(Timestamp now, DataKind kind, std::uint32_t to_person,
                   const std::string& to_identity) {
    livekit::DataPacket packet;
    if (to_person != 0) packet.add_destination_identities(to_identity);
    const DataStamp stamp = checker_.next(now, kind, to_person, 0);
    packet.mutable_user()->set_payload(std::string(as_text(write_data(stamp))));
    if (!session_->data().send(now, std::move(packet), kind != DataKind::kLossy)) return false;
    checker_.sent(stamp);
    return true;
}

void Messages::say_on_tracks(Timestamp now) {
    client::Connection* connection = session_->upstream();
    if (connection == nullptr) return;
    for (const std::uint32_t track : tracks_) {
        const DataStamp stamp = checker_.next(now, DataKind::kTrack, 0, track);
        const auto number = static_cast<std::uint16_t>(stamp.number);
        const client::DataTracks::Header header{handle_of(track), number, number, 0};
        if (connection->send_message(now, "_data_track",
                                     client::DataTracks::packet(header, write_data(stamp))))
            checker_.sent(stamp);
    }
}

void Messages::publish_track() {
    tracks_.push_back(next_number_());
    publish_again();
}

void Messages::unpublish_track() {
    if (tracks_.empty()) return;
    session_->data().unpublish_track(handle_of(tracks_.back()));
    tracks_.pop_back();
}

void Messages::publish_again() {
    for (const std::uint32_t track : tracks_)
        if (!session_->data().tracks().publishes(handle_of(track)))
            session_->data().publish_track(handle_of(track), name_of(track));
}

// ---------------------------------------------------------------- what it hears

void Messages::want_tracks(bool wanted) {
    wants_tracks_ = wanted;
    session_->data().subscribe({asked_.begin(), asked_.end()}, wanted);
    ask_for_tracks();
}

// For what is new to this session.
void Messages::ask_for_tracks() {
    std::vector<std::string> news;
    for (const auto& info : session_->roster().others())
        for (const livekit::DataTrackInfo& track : info->data_tracks())
            if (asked_.insert(track.sid()).second) news.push_back(track.sid());
    if (!news.empty() && wants_tracks_ != auto_subscribed_)
        session_->data().subscribe(news, wants_tracks_);
}

void Messages::take(Timestamp now, const client::DataArrived& arrived) {
    checker_.take(now, arrived.reliable ? DataKind::kReliable : DataKind::kLossy, 0,
                  as_bytes(arrived.packet.user().payload()), report_);
}

void Messages::take(Timestamp now, const client::DataTrackArrived& arrived) {
    // The handle, or the roster, may be news still under way.
    std::optional<std::uint32_t> number;
    if (!arrived.track_sid.empty()) number = 0;
    for (const auto& info : session_->roster().others())
        for (const livekit::DataTrackInfo& track : info->data_tracks())
            if (track.sid() == arrived.track_sid) number = number_of(track.name());
    const std::size_t header = std::min(arrived.packet.size(), client::DataTracks::kHeaderBytes);
    checker_.take(now, DataKind::kTrack, number, BytesView(arrived.packet).subspan(header),
                  report_);
}

}  // namespace confab::sim
