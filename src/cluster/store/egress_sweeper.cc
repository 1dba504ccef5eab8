// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/egress_sweeper.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "base/text.h"
#include "cluster/store/keys.h"

namespace confab::cluster::store {
namespace {

struct Ended {
    std::string room;
    std::int64_t at_ns = 0;
};

// "<room>|<unix time in ns>"; the name of the room may have the mark too, the number has not.
std::optional<Ended> ended_of(std::string_view note) {
    const std::size_t mark = note.rfind('|');
    if (mark == note.npos) return std::nullopt;
    const auto at = parse_decimal<std::int64_t>(note.substr(mark + 1));
    if (!at) return std::nullopt;
    return Ended{std::string(note.substr(0, mark)), *at};
}

}  // namespace

void EgressSweeper::handle_timeout(Timestamp now, UnixTime wall) {
    if (now < next_) return;
    next_ = now + kPeriod;
    if (!old_.empty()) return;  // still under way
    commands_.send(now, {"HGETALL", keys::kEndedEgress}, [this, wall](Timestamp at, Answer answer) {
        found(at, wall, std::move(answer));
    });
}

void EgressSweeper::found(Timestamp now, UnixTime wall, Answer answer) {
    if (!answer) return failed(now);
    // Of a list that is cut the beginning is there; the next sweep has the others.
    for (std::size_t i = 0; i + 1 < answer->items.size(); i += 2) {
        const auto ended = ended_of(answer->items[i + 1].text);
        if (!ended)
            commands_.notices().tell(
                now, {Notice::Kind::kGarbage, std::string(keys::kEndedEgress),
                      answer->items[i].text, "no room and time of an end; it is passed over"});
        else if (ended->at_ns / 1000 < (wall - kKept).us())
            old_.emplace_back(std::move(answer->items[i].text), ended->room);
    }
    step(now);
}

// The notes only when all else is done: what fails is found again.
void EgressSweeper::step(Timestamp now) {
    if (old_.empty()) return;
    Rooms rooms;
    std::vector<std::string> ids;
    while (!old_.empty() && ids.size() < kAtOnce) {
        auto& [id, room] = old_.back();
        rooms[room].push_back(id);
        ids.push_back(std::move(id));
        old_.pop_back();
    }
    std::vector<std::vector<std::string_view>> commands;
    std::deque<std::string> places;
    for (const auto& [room, egresses] : rooms) {
        const std::string& place = places.emplace_back(keys::room_egress(room));
        commands.push_back({"SREM", place});
        commands.back().insert(commands.back().end(), egresses.begin(), egresses.end());
    }
    for (const std::string_view key : {keys::kEgress, keys::kEgressTenants}) {
        commands.push_back({"HDEL", key});
        commands.back().insert(commands.back().end(), ids.begin(), ids.end());
    }
    commands_.send_all(now, commands,
                       [this, ids](Timestamp at, const std::vector<Answer>& answers) {
                           deleted(at, ids, failure_of(answers).has_value());
                       });
}

void EgressSweeper::deleted(Timestamp now, const std::vector<std::string>& ids, bool in_part) {
    if (in_part) return failed(now);
    std::vector<std::string_view> words = {"HDEL", keys::kEndedEgress};
    words.insert(words.end(), ids.begin(), ids.end());
    commands_.send(now, words, [this, count = ids.size()](Timestamp at, const Answer& gone) {
        if (!gone) return failed(at);
        counts_.swept += count;
        step(at);
    });
}

void EgressSweeper::failed(Timestamp now) {
    ++counts_.failed;
    old_.clear();
    next_ = now + kRetry;
}

}  // namespace confab::cluster::store
