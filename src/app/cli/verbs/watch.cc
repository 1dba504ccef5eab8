// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// top, rooms watch, stats (05 C.6): what a server says of itself, again and again.
#include <algorithm>
#include <map>
#include <utility>

#include "app/cli/call/call.h"
#include "app/cli/call/templates.h"
#include "app/cli/output/json_text.h"
#include "app/cli/output/table_text.h"
#include "app/cli/verbs/node_metrics.h"
#include "app/cli/verbs/verbs.h"
#include "config/yaml/value.h"
#include "json/json.h"
#include "livekit_room.pb.h"
#include "proto/proto_json.h"

namespace confab::app::cli {
namespace {

constexpr Duration kInterval = Duration::seconds(2);
constexpr Duration kLeastInterval = Duration::millis(100);
constexpr std::size_t kTopRooms = 30;  // on a terminal

constexpr Param kIntervalParam{.names = "--interval", .help = "Between looks; default 2s"};
constexpr Param kCount{
    .names = "--count", .help = "End after so many looks", .kind = Kind::kNumber};
constexpr Param kWatch[] = {kIntervalParam, kCount};
constexpr Param kStats[] = {
    {.names = "-r,--room,room", .help = "The room", .required = true, .live = Live::kRoom},
    kIntervalParam,
    kCount,
};

constexpr Api kListRooms{"livekit.RoomService/ListRooms", prototype<livekit::ListRoomsRequest>,
                         prototype<livekit::ListRoomsResponse>, grant::kList};
constexpr Api kListParticipants{"livekit.RoomService/ListParticipants",
                                prototype<livekit::ListParticipantsRequest>,
                                prototype<livekit::ListParticipantsResponse>, grant::kAdmin};

// Looks until it is enough; the first look that fails ends it.
template <typename Look>
Outcome again_and_again(Call& call, const Look& look) {
    Duration interval = kInterval;
    if (call.values().has("interval")) {
        const auto given = config::parse_duration(call.values().text("interval"));
        if (!given || *given < kLeastInterval)
            return call.failed("--interval needs a time of at least 100ms, for example 2s");
        interval = *given;
    }
    const std::uint64_t count = call.values().number("count", UINT64_MAX);
    for (std::uint64_t i = 0; i < count && !call.host().interrupted(); ++i) {
        if (i > 0) call.host().pause(interval);
        if (call.host().interrupted()) break;
        const Result<std::string, std::string> text = look();
        if (!text) return call.failed(text.error());
        if (!text->empty() && !call.host().print(*text)) break;  // nobody reads it
    }
    return call.done({});
}

// A terminal is drawn over, a pipe gets one look behind the other.
std::string screen(const Call& call, const std::string& text) {
    if (!call.host().prints_to_terminal() || call.settings().form.is_machine()) return text;
    return "\x1b[H\x1b[2J" + text;
}

// One look as JSON, in the form that was asked for; without one, as a line.
std::string as_data(const Call& call, const std::string& json) {
    Form form = call.settings().form;
    return printed({.json = json, .items = {}, .name = {}, .others = {}}, {.shape = Shape::kObject},
                   form, "");
}

bool wants_data(const Call& call) {
    return call.settings().form.is_machine();
}

// "1h02m" since then.
std::string age(std::int64_t since_seconds, UnixTime now) {
    const std::int64_t all = std::max<std::int64_t>(0, now.us() / 1'000'000 - since_seconds);
    if (since_seconds == 0) return "";
    if (all < 60) return std::to_string(all) + "s";
    if (all < 3600) return std::to_string(all / 60) + "m" + std::to_string(all % 60) + "s";
    return std::to_string(all / 3600) + "h" + std::to_string(all % 3600 / 60) + "m";
}

// ---------------------------------------------------------------- top

void append_room(json::Writer& writer, const livekit::Room& room) {
    writer.begin_object();
    writer.string("name", room.name());
    writer.string("sid", room.sid());
    writer.integer("participants", room.num_participants());
    writer.integer("publishers", room.num_publishers());
    writer.integer("createdAt", room.creation_time());
    writer.end_object();
}

std::string rooms_json(const std::vector<const livekit::Room*>& rooms) {
    std::string out = "[";
    for (const livekit::Room* const room : rooms) {
        json::Writer writer;
        append_room(writer, *room);
        out += (out.size() > 1 ? "," : "") + writer.take();
    }
    return out + "]";
}

std::vector<const livekit::Room*> largest_first(const livekit::ListRoomsResponse& response) {
    std::vector<const livekit::Room*> rooms;
    for (const livekit::Room& room : response.rooms())
        rooms.push_back(&room);
    std::ranges::sort(rooms, [](const livekit::Room* a, const livekit::Room* b) {
        return std::pair(b->num_participants(), a->name()) <
               std::pair(a->num_participants(), b->name());
    });
    return rooms;
}

class Top {
  public:
    explicit Top(Call& call) : call_(call) {}

    Result<std::string, std::string> look() {
        livekit::ListRoomsResponse response;
        CONFAB_TRY_VOID(call_.ask(kListRooms, livekit::ListRoomsRequest{}, response));
        CONFAB_TRY(const Credentials server, call_.credentials());
        const NodeFigures figures = meter_.look(call_.host(), server);
        const auto rooms = largest_first(response);
        return wants_data(call_) ? as_data(call_, json(rooms, figures))
                                 : screen(call_, text(server, rooms, figures));
    }

  private:
    static std::uint64_t participants(const std::vector<const livekit::Room*>& rooms) {
        std::uint64_t sum = 0;
        for (const livekit::Room* const room : rooms)
            sum += room->num_participants();
        return sum;
    }
    std::string json(const std::vector<const livekit::Room*>& rooms,
                     const NodeFigures& figures) const {
        json::Writer writer;
        writer.begin_object();
        writer.string("time", rfc3339(call_.host().now()));
        writer.integer("rooms", static_cast<std::int64_t>(rooms.size()));
        writer.integer("participants", static_cast<std::int64_t>(participants(rooms)));
        if (figures.known) writer.raw("node", node_json(figures));
        writer.raw("largest", rooms_json(rooms));
        writer.end_object();
        return writer.take();
    }
    std::string text(const Credentials& server, const std::vector<const livekit::Room*>& rooms,
                     const NodeFigures& figures) const {
        std::string out = printable(server.url) + "  " + rfc3339(call_.host().now()) + "\n" +
                          std::to_string(rooms.size()) + " rooms, " +
                          std::to_string(participants(rooms)) + " participants\n" +
                          node_text(figures);
        std::vector<Row> rows;
        for (const livekit::Room* const room : rooms) {
            if (rows.size() == kTopRooms) break;
            rows.push_back({room->name(), std::to_string(room->num_participants()),
                            std::to_string(room->num_publishers()),
                            age(room->creation_time(), call_.host().now())});
        }
        out += table_text({"Room", "Participants", "Publishers", "Age"}, rows);
        if (rooms.size() > kTopRooms)
            out += "and " + std::to_string(rooms.size() - kTopRooms) + " more\n";
        return out;
    }

    Call& call_;
    NodeMeter meter_;
};

Outcome top(Call& call) {
    Top state(call);
    return again_and_again(call, [&] { return state.look(); });
}

// ---------------------------------------------------------------- rooms watch

class RoomsWatch {
  public:
    explicit RoomsWatch(Call& call) : call_(call) {}

    Result<std::string, std::string> look() {
        livekit::ListRoomsResponse response;
        CONFAB_TRY_VOID(call_.ask(kListRooms, livekit::ListRoomsRequest{}, response));
        std::string out;
        std::map<std::string, livekit::Room> now;
        for (const livekit::Room& room : response.rooms())
            now.emplace(room.sid(), room);
        for (const auto& [sid, room] : before_)
            if (!now.contains(sid)) out += change("finished", room, room);
        for (const auto& [sid, room] : now) {
            const auto old = before_.find(sid);
            if (old == before_.end())
                out += change(first_ ? "there" : "started", room, room);
            else if (differs(old->second, room))
                out += change("changed", room, old->second);
        }
        before_ = std::move(now);
        first_ = false;
        return out;
    }

  private:
    static bool differs(const livekit::Room& a, const livekit::Room& b) {
        return a.num_participants() != b.num_participants() ||
               a.num_publishers() != b.num_publishers() || a.metadata() != b.metadata() ||
               a.active_recording() != b.active_recording();
    }
    std::string change(const char* event, const livekit::Room& room,
                       const livekit::Room& old) const {
        const std::string time = rfc3339(call_.host().now());
        if (!wants_data(call_)) {
            const auto step = [](std::uint32_t was, std::uint32_t is) {
                return was == is ? std::to_string(is)
                                 : std::to_string(was) + " → " + std::to_string(is);
            };
            return time + " " + event + " " + printable(room.name()) + " (" + room.sid() +
                   "): participants " + step(old.num_participants(), room.num_participants()) +
                   ", publishers " + step(old.num_publishers(), room.num_publishers()) + "\n";
        }
        json::Writer writer;
        writer.begin_object();
        writer.string("time", time);
        writer.string("event", event);
        writer.raw("room", proto::to_camel_json(room));
        writer.end_object();
        return as_data(call_, writer.take());
    }

    Call& call_;
    std::map<std::string, livekit::Room> before_;  // by sid
    bool first_ = true;
};

Outcome watch_rooms(Call& call) {
    RoomsWatch state(call);
    return again_and_again(call, [&] { return state.look(); });
}

// ---------------------------------------------------------------- stats

// "camera 1280x720 video/VP8 3 layers, muted"
std::string track_text(const livekit::TrackInfo& track) {
    std::string text = livekit::TrackSource_Name(track.source());
    if (track.width() > 0)
        text += " " + std::to_string(track.width()) + "x" + std::to_string(track.height());
    text += " " + track.mime_type();
    if (track.layers_size() > 1) text += " " + std::to_string(track.layers_size()) + " layers";
    if (track.muted()) text += " muted";
    return text;
}

std::string tracks_text(const livekit::ParticipantInfo& participant) {
    std::string out;
    for (const livekit::TrackInfo& track : participant.tracks())
        out += (out.empty() ? "" : "\n") + track_text(track);
    return out;
}

std::string participants_table(const livekit::ListParticipantsResponse& response, UnixTime now) {
    std::vector<Row> rows;
    for (const livekit::ParticipantInfo& one : response.participants())
        rows.push_back({one.identity(), livekit::ParticipantInfo::State_Name(one.state()),
                        livekit::ParticipantInfo::Kind_Name(one.kind()), age(one.joined_at(), now),
                        tracks_text(one)});
    return table_text({"Identity", "State", "Kind", "Since", "Tracks"}, rows);
}

Result<std::string, std::string> look_at_room(Call& call) {
    const std::string name = call.values().text("room");
    livekit::ListRoomsRequest rooms_request;
    rooms_request.add_names(name);
    livekit::ListRoomsResponse rooms;
    CONFAB_TRY_VOID(call.ask(kListRooms, rooms_request, rooms));
    if (rooms.rooms().empty()) return fail("not_found: there is no room " + name);
    livekit::ListParticipantsRequest request;
    request.set_room(name);
    livekit::ListParticipantsResponse response;
    CONFAB_TRY_VOID(call.ask(kListParticipants, request, response));
    const livekit::Room& room = rooms.rooms(0);
    if (wants_data(call)) {
        const std::string listed = proto::to_camel_json(response);
        json::Writer writer;
        writer.begin_object();
        writer.string("time", rfc3339(call.host().now()));
        writer.raw("room", proto::to_camel_json(room));
        const auto parsed = json::parse(listed);
        const json::Value* const list = parsed ? parsed->find("participants") : nullptr;
        writer.raw("participants", list == nullptr ? "[]" : list->raw);
        writer.end_object();
        return as_data(call, writer.take());
    }
    const UnixTime now = call.host().now();
    return screen(call, printable(room.name()) + " (" + room.sid() + ")  " +
                            std::to_string(room.num_participants()) + " participants, " +
                            std::to_string(room.num_publishers()) + " publishers, for " +
                            age(room.creation_time(), now) +
                            (room.active_recording() ? ", recorded" : "") + "\n" +
                            participants_table(response, now));
}

Outcome stats(Call& call) {
    // One look, unless more are asked for.
    if (!call.values().has("count") && !call.values().has("interval"))
        call.values().set("count", {"1"});
    return again_and_again(call, [&] { return look_at_room(call); });
}

constexpr Verb kVerbs[] = {
    {.group = "",
     .name = "top",
     .help = "Watch the load of a server and its largest rooms",
     .examples = "confab top --dev\nconfab top -o jsonl --interval 10s",
     .params = kWatch,
     .run = top},
    {.group = "rooms",
     .name = "watch",
     .help = "Print rooms as they start, change and finish",
     .examples = "confab rooms watch --dev\nconfab rooms watch -o jsonl | jq .event",
     .params = kWatch,
     .run = watch_rooms},
    {.group = "",
     .name = "stats",
     .help = "Print who is in a room and what they publish; with --interval again and again",
     .examples = "confab stats demo\nconfab stats demo --interval 2s",
     .params = kStats,
     .run = stats},
};

}  // namespace

std::span<const Verb> watch_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli
