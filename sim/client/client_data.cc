// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Client: messages and data tracks. It goes on sending what it has no right to send, so that the
// server is what stops it.
#include <algorithm>

#include "base/text.h"
#include "sim/client/client.h"

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

bool Client::say(Timestamp now, DataKind kind, std::uint32_t to_person,
                 const std::string& to_identity) {
    if (phase_ != Phase::kIn) return false;
    livekit::DataPacket packet;
    if (to_person != 0) packet.add_destination_identities(to_identity);
    const DataStamp stamp = data_.next(now, kind, to_person, 0);
    packet.mutable_user()->set_payload(std::string(as_text(write_data(stamp))));
    if (!session_->data().send(now, std::move(packet), kind != DataKind::kLossy)) return false;
    data_.sent(stamp);
    return true;
}

void Client::say_on_tracks(Timestamp now) {
    client::Connection* connection = session_->upstream();
    if (phase_ != Phase::kIn || connection == nullptr) return;
    for (const std::uint32_t track : data_tracks_) {
        const DataStamp stamp = data_.next(now, DataKind::kTrack, 0, track);
        const auto number = static_cast<std::uint16_t>(stamp.number);
        const client::DataTracks::Header header{handle_of(track), number, number, 0};
        if (connection->send_message(now, "_data_track",
                                     client::DataTracks::packet(header, write_data(stamp))))
            data_.sent(stamp);
    }
}

void Client::publish_data() {
    data_tracks_.push_back(next_number_());
    publish_data_again();
}

void Client::unpublish_data() {
    if (data_tracks_.empty()) return;
    session_->data().unpublish_track(handle_of(data_tracks_.back()));
    data_tracks_.pop_back();
}

void Client::publish_data_again() {
    for (const std::uint32_t track : data_tracks_)
        if (!session_->data().tracks().publishes(handle_of(track)))
            session_->data().publish_track(handle_of(track), name_of(track));
}

void Client::set_access(bool everybody) {
    open_to_all_ = everybody;
    livekit::SubscriptionPermission access;
    access.set_all_participants(everybody);
    session_->tracks().set_access(access);
}

// ---------------------------------------------------------------- what others publish

void Client::want_data(bool wanted) {
    wants_data_ = wanted;
    session_->data().subscribe({asked_data_.begin(), asked_data_.end()}, wanted);
    ask_for_data();
}

// What is new to this session.
void Client::ask_for_data() {
    std::vector<std::string> news;
    for (const auto& info : session_->roster().others())
        for (const livekit::DataTrackInfo& track : info->data_tracks())
            if (asked_data_.insert(track.sid()).second) news.push_back(track.sid());
    if (!news.empty() && wants_data_ != config_.auto_data)
        session_->data().subscribe(news, wants_data_);
}

void Client::take_data_track(Timestamp now, const client::DataTrackArrived& arrived) {
    // The handle, or the roster, may be news still under way.
    std::optional<std::uint32_t> number;
    if (!arrived.track_sid.empty()) number = 0;
    for (const auto& info : session_->roster().others())
        for (const livekit::DataTrackInfo& track : info->data_tracks())
            if (track.sid() == arrived.track_sid) number = number_of(track.name());
    const std::size_t header = std::min(arrived.packet.size(), client::DataTracks::kHeaderBytes);
    data_.take(now, DataKind::kTrack, number, BytesView(arrived.packet).subspan(header), report_);
}

}  // namespace confab::sim
