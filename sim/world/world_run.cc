// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The phases of a run and what must hold at their ends (07 §8).
#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "sim/world/world.h"

namespace confab::sim {
namespace {

constexpr Duration kSecond = Duration::seconds(1);
// What flows shows up within this time before the end of the healing.
constexpr Duration kVideoGap = Duration::millis(1500);
constexpr Duration kAudioGap = Duration::millis(400);
// Nobody talks at its end, so that all messages have arrived.
constexpr Duration kSilenceAtEnd = Duration::seconds(2);
// Who died without a word is missed after 20 s on the WebSocket, or 15 s of silence and 5 s more on
// the media path; then its room stays for 2 s.
constexpr Duration kFarewell = Duration::seconds(50);
constexpr Duration kIdle = Duration::seconds(10);
// An idle shard wakes for its quality report each 5 s, and for the levels of its timer wheel.
constexpr std::uint64_t kMaxIdleTimeouts = 64;

// What everybody must agree on about a participant.
std::string summary(const livekit::ParticipantInfo& info) {
    std::vector<std::string> tracks;
    for (const livekit::TrackInfo& track : info.tracks())
        tracks.push_back(track.sid() + (track.muted() ? " muted" : ""));
    std::sort(tracks.begin(), tracks.end());
    std::string text = info.identity() + " " + info.sid() + " state " +
                       std::to_string(info.state()) + " metadata " + info.metadata() + " may " +
                       std::to_string(info.permission().can_publish() ? 1 : 0) +
                       std::to_string(info.permission().can_subscribe() ? 1 : 0) +
                       std::to_string(info.permission().can_publish_data() ? 1 : 0);
    for (const std::string& track : tracks)
        text += ", " + track;
    return text;
}

}  // namespace

void World::run_until(Timestamp end) {
    while (now() < end) {
        const Timestamp second = std::min(end, now() + kSecond);
        const std::uint64_t before = events_.taken();
        const std::uint64_t limit = kMaxEventsPerSecond * std::max<std::uint64_t>(1, seats_.size());
        while (events_.step(second)) {
            if (events_.taken() - before <= limit) continue;
            note("more than " + std::to_string(limit) + " events in a second");
            return;
        }
    }
}

RunResult World::run() {
    run_until(kRunStart + scenario_.length);
    heal();
    check_present();
    std::set<std::size_t> rooms;
    for (ClientId id = 0; id < seats_.size(); ++id)
        if (rooms.insert(person(id).room).second) check_rosters(person(id).room);
    check_flow();
    check_messages();
    farewell();
    if (bug_count() != bugs_before_) note("CONFAB_BUG was counted");
    stats_.events = events_.taken();
    for (const auto& node : nodes_) {
        const SfuHostCounters& media = node->media().counters();
        stats_.links += media.links;
        stats_.most_sent = std::max(stats_.most_sent, media.most_sent);
    }
    RunResult result;
    hash_.add(events_.taken());
    result.hash = hash_.value();
    result.violations = report_.count();
    result.texts = report_.texts();
    result.stats = stats_;
    return result;
}

// ---------------------------------------------------------------- quiescence

void World::heal() {
    for (Seat& seat : seats_)
        set_links(seat, perfect_link(), perfect_link());
    const Timestamp end = now() + scenario_.healing;
    run_until(end - kSilenceAtEnd);
    over_ = true;
    for (ClientId id = 0; id < seats_.size(); ++id) {
        Seat& seat = seats_[id];
        if (!seat.client) continue;
        for (const auto& [track, stream] : seat.client->subscriber().streams())
            (void)stream->take_seen();
        seat.heard_last_word = is_in(seat) && seat.client->settled();
        if (seat.heard_last_word && scenario_.messages) say_everything(id);
        turn(id);
    }
    run_until(end);
}

// Who has not left, nor been sent away, is in.
void World::check_present() {
    for (const Seat& seat : seats_)
        if (seat.client && !seat.client->session().roster().let_go().empty())
            note(seat.client->name() + ": is told that somebody left who is there anew [SIG-133]");
    for (const Seat& seat : seats_)
        if (is_in(seat) && !seat.client->settled())
            note(seat.client->name() + ": not connected after all links healed");
}

void World::check_rosters(std::size_t room) {
    livekit::ListParticipantsRequest request;
    request.set_room(room_name(room));
    const room::RoomManager& rooms = nodes_[room % nodes_.size()]->control().rooms();
    const auto is_here = [&](const Seat& seat) {
        return is_in(seat) && person(static_cast<ClientId>(&seat - seats_.data())).room == room;
    };
    std::map<std::string, std::string> visible;
    std::set<std::string> known;
    const livekit::ListParticipantsResponse list = rooms.list_participants(request);
    for (const auto& info : list.participants()) {
        if (!known.insert(info.identity()).second) note("two participants are " + info.identity());
        if (!info.permission().hidden()) visible[info.identity()] = summary(info);
    }
    std::set<std::string> present;
    for (const Seat& seat : seats_)
        if (is_here(seat)) present.insert(seat.client->identity());
    for (const std::string& identity : present)
        if (!known.contains(identity)) note("the server does not know " + identity);
    for (const std::string& identity : known)
        if (!present.contains(identity)) note("the server keeps " + identity + ", who is gone");
    for (Seat& seat : seats_) {
        if (!is_here(seat) || !seat.client->settled()) continue;
        std::map<std::string, std::string> seen;
        for (const auto& info : seat.client->session().roster().others()) {
            if (!seen.emplace(info->identity(), summary(*info)).second)
                note(seat.client->name() + ": sees " + info->identity() + " twice");
        }
        for (const auto& [identity, text] : visible) {
            if (identity == seat.client->identity()) continue;
            const auto found = seen.find(identity);
            if (found == seen.end())
                note(seat.client->name() + ": does not see " + identity);
            else if (found->second != text)
                note(seat.client->name() + ": sees [" + found->second + "] where the server has [" +
                     text + "]");
        }
        for (const auto& [identity, text] : seen)
            if (!visible.contains(identity))
                note(seat.client->name() + ": sees " + identity + ", who is not there");
    }
}

void World::check_flow() {
    for (ClientId subscriber = 0; subscriber < seats_.size(); ++subscriber)
        for (ClientId owner = 0; owner < seats_.size(); ++owner)
            if (subscriber != owner) check_flow_to(subscriber, owner);
}

// Both ways, now.
void World::check_flow_of(ClientId id) {
    if (!is_in(seats_[id]) || !seats_[id].client->settled())
        return note("client " + std::to_string(id) + ": not connected in time");
    for (ClientId other = 0; other < seats_.size(); ++other) {
        if (other == id) continue;
        check_flow_to(id, other);
        check_flow_to(other, id);
    }
}

void World::check_flow_to(ClientId subscriber, ClientId owner) {
    const Seat& to = seats_[subscriber];
    const Seat& from = seats_[owner];
    if (!is_in(to) || !is_in(from) || !to.client->settled() || !from.client->settled()) return;
    if (!same_room(subscriber, owner) || !to.may_subscribe || !from.may_publish ||
        !from.open_to_all || person(owner).hidden)
        return;
    const auto published = from.client->session().tracks().cids();
    for (const OwnTrack& track : from.client->tracks()) {
        const bool there = std::ranges::find(published, track.cid()) != published.end();
        const auto wanted = to.client->wanted_layer(track.number);
        if (!there || muted_.contains(track.number) || track.muted || !wanted) continue;
        StreamChecker* stream = to.client->subscriber().find(track.number);
        const std::string name = to.client->name() + " track " + std::to_string(track.number) +
                                 " of " + from.client->name();
        if (stream == nullptr) {
            note(name + ": no stream");
            continue;
        }
        const Duration gap = now() - stream->last_content();
        if (gap > (stream->is_video() ? kVideoGap : kAudioGap)) {
            note(name + ": nothing came for " + std::to_string(gap.ms()) + " ms");
            continue;
        }
        if (!stream->is_video() || !scenario_.expects_full_layers || bandwidth_limited_) continue;
        const StreamChecker::Seen seen = stream->take_seen();
        const int layer = static_cast<int>(std::min<std::size_t>(track.layers - 1, *wanted));
        if (seen.layer != layer || seen.temporal != 2)
            note(name + ": layer " + std::to_string(seen.layer) + "." +
                 std::to_string(seen.temporal) + " instead of " + std::to_string(layer) + ".2");
    }
}

// Whoever was there when everybody said a last word has heard it, and with it all before it:
// DataChecker has seen to the order.
void World::check_messages() {
    if (!scenario_.messages) return;
    for (ClientId sender = 0; sender < seats_.size(); ++sender)
        for (ClientId receiver = 0; receiver < seats_.size(); ++receiver)
            if (sender != receiver && same_room(sender, receiver))
                check_messages_to(receiver, sender);
}

void World::check_messages_to(ClientId receiver, ClientId sender) {
    const Seat& from = seats_[sender];
    const Seat& to = seats_[receiver];
    if (!from.heard_last_word || !to.heard_last_word || !is_in(from) || !is_in(to)) return;
    if (!from.may_send_data) return;
    const DataChecker& says = from.client->data();
    const auto check = [&](const char* what, const DataChecker::Stream& stream) {
        const std::uint32_t sent = says.count_sent(stream);
        const std::uint32_t got = to.client->data().expected(stream);
        if (got != sent)
            note(to.client->name() + ": has " + std::to_string(got) + " of " +
                 std::to_string(sent) + " " + what + " of " + from.client->name());
    };
    check("messages", {DataKind::kReliable, says.speaker(), 0});
    check("lossy messages", {DataKind::kLossy, says.speaker(), 0});
    // What is never shown can not be asked for (SIG-132).
    const bool known = !person(sender).hidden || to.client->auto_data();
    if (!to.may_subscribe || !from.open_to_all || !to.client->wants_data() || !known) return;
    for (const std::uint32_t track : from.client->data_tracks())
        check("packets on a data track", {DataKind::kTrack, says.speaker(), track});
}

// ---------------------------------------------------------------- the end

void World::farewell() {
    // Before the first departure ends streams of the others.
    for (ClientId id = 0; id < seats_.size(); ++id) {
        if (!seats_[id].client) continue;
        // Every third says nothing, so that the server must find out.
        if (is_in(seats_[id]) && id % 3 != 2) {
            seats_[id].client->leave();
            turn(id);
        }
        kill(id, id % 3 == 2);
    }
    run_until(now() + kFarewell);
    check_empty();
    const auto timeouts = [&] {
        std::uint64_t sum = 0;
        for (const auto& node : nodes_)
            sum += node->media().counters().timeouts;
        return sum;
    };
    const std::uint64_t before = timeouts();
    run_until(now() + kIdle);
    const std::uint64_t idle = timeouts() - before;
    if (idle > kMaxIdleTimeouts * scenario_.nodes * scenario_.shards)
        note(std::to_string(idle) + " timeouts of idle shards");
    check_empty();
}

void World::check_empty() {
    for (const auto& node : nodes_)
        check_empty(*node);
}

void World::check_empty(Node& node) {
    SfuHost& media = node.media();
    const auto check_left = [&](std::uint64_t left, const std::string& what) {
        if (left != 0) note(std::to_string(left) + " " + what + " left");
    };
    const room::RoomManager::Snapshot control = node.control().rooms().snapshot();
    check_left(control.rooms, "rooms");
    check_left(control.participants, "participants");
    check_left(control.sessions, "sessions");
    check_left(control.effects_waiting, "effects");
    if (!media.queues_empty()) note("messages wait between idle shards");
    for (std::size_t i = 0; i < media.size(); ++i) {
        const sfu::ShardSnapshot s = media.snapshot(i);
        const std::string of = "of shard " + std::to_string(i);
        check_left(s.peers, "peers " + of);
        check_left(s.receivers, "receivers " + of);
        check_left(s.tracks, "tracks " + of);
        check_left(s.down_tracks, "down-tracks " + of);
        check_left(s.packets_in_use, "packets " + of);
        if (s.links_dropped != 0) note("link messages dropped by shard " + std::to_string(i));
        if (s.events_dropped != 0) note("events dropped by shard " + std::to_string(i));
    }
}

void World::collect(Seat& seat) {
    stats_.lost += seat.up->counters().lost + seat.down->counters().lost;
    stats_.plis += seat.client->session().publisher().counters().plis;
    stats_.messages += seat.client->data().received();
    stats_.resumes += seat.client->resumes();
    stats_.rejoins += seat.client->rejoins();
    for (const auto& [track, stream] : seat.client->subscriber().streams()) {
        stats_.repaired += stream->counters().repaired;
        stats_.late += stream->sent_log().late();
        stats_.frames += stream->video().counters().frames;
        stats_.freezes += stream->video().counters().freezes;
        stats_.switches += stream->video().counters().switches;
    }
}

}  // namespace confab::sim
