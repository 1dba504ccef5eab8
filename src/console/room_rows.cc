// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/room_rows.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/text.h"
#include "console/json_text.h"

namespace confab::console {
namespace {

constexpr std::size_t kMaxShownMetadata = 256;  // the room's own page has all of it

bool has_text(const RoomRow& room, const std::string& text) {
    const auto has = [&](const std::string& value) {
        return to_lower(value).find(text) != std::string::npos;
    };
    return has(room.name) || has(room.sid) || has(room.tenant);
}

std::int64_t rank(const RoomRow& room, RoomOrder order) {
    switch (order) {
        case RoomOrder::kName:
            return 0;
        case RoomOrder::kParticipants:
            return room.participants;
        case RoomOrder::kCreated:
            return room.created_ms;
        case RoomOrder::kTracks:
            return room.tracks;
    }
    return 0;
}

std::string cut(const std::string& text, std::size_t limit) {
    if (text.size() <= limit) return text;
    // Not within a character (RFC 3629 §3).
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U)
        --limit;
    return text.substr(0, limit);
}

std::string row_text(const RoomRow& room) {
    json::Writer writer;
    writer.begin_object();
    writer.string("name", room.name);
    if (!room.tenant.empty()) writer.string("tenant", room.tenant);
    writer.string("sid", room.sid);
    writer.integer("participants", room.participants);
    writer.integer("publishers", room.publishers);
    writer.integer("tracks", room.tracks);
    writer.integer("created_at", room.created_ms);
    writer.boolean("recording", room.recording);
    writer.string("metadata", cut(room.metadata, kMaxShownMetadata));
    writer.end_object();
    return writer.take();
}

}  // namespace

RoomPage page_of(std::vector<RoomRow> rooms, const RoomsQuery& query) {
    if (const std::string text = to_lower(query.search); !text.empty())
        std::erase_if(rooms, [&](const RoomRow& room) { return !has_text(room, text); });
    const auto before = [&](const RoomRow& a, const RoomRow& b) {
        const RoomRow& first = query.descending ? b : a;
        const RoomRow& second = query.descending ? a : b;
        const std::int64_t one = rank(first, query.order);
        const std::int64_t other = rank(second, query.order);
        if (one != other) return one < other;
        // Those that are equal by their names, in the same order either way.
        const bool by_name = query.order == RoomOrder::kName;
        return by_name ? std::tie(first.name, first.tenant) < std::tie(second.name, second.tenant)
                       : std::tie(a.name, a.tenant) < std::tie(b.name, b.tenant);
    };
    const std::size_t begin = std::min(query.offset, rooms.size());
    const std::size_t end = begin + std::min(query.limit, rooms.size() - begin);
    const auto place = [&](std::size_t at) {
        return rooms.begin() + static_cast<std::ptrdiff_t>(at);
    };
    std::partial_sort(rooms.begin(), place(end), rooms.end(), before);
    RoomPage page;
    page.total = rooms.size();
    page.rows.assign(std::make_move_iterator(place(begin)), std::make_move_iterator(place(end)));
    return page;
}

std::string to_json(const RoomPage& page) {
    json::Writer writer;
    writer.begin_object();
    writer.integer("total", static_cast<std::int64_t>(page.total));
    writer.raw("rooms", list_text(page.rows, row_text));
    writer.end_object();
    return writer.take();
}

}  // namespace confab::console
