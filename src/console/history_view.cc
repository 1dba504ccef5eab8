// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/history_view.h"

#include <iterator>
#include <utility>

#include "console/json_text.h"
#include "token/room_key.h"

namespace confab::console {
namespace {

using Points = std::vector<std::optional<Minute>>;

// One figure of each point; null where there is none.
template <typename Figure>
std::string line(const Points& points, Figure&& figure) {
    return list_text(points, [&](const std::optional<Minute>& point) {
        const std::optional<double> value = point ? figure(*point) : std::nullopt;
        return value ? number_text(*value) : std::string("null");
    });
}

std::string lines(const Points& points) {
    json::Writer out;
    out.begin_object();
    const auto add = [&](const char* name, auto member) {
        out.raw(name, line(points, [member](const Minute& minute) -> std::optional<double> {
                    return static_cast<double>(minute.*member);
                }));
    };
    add("participants", &Minute::participants);
    add("rooms", &Minute::rooms);
    add("joins", &Minute::joins);
    add("refused", &Minute::refused);
    add("bytes_in", &Minute::bytes_in);
    add("bytes_out", &Minute::bytes_out);
    add("cpu", &Minute::cpu);
    out.raw("quality", line(points, [](const Minute& minute) { return minute.quality; }));
    out.end_object();
    return out.take();
}

void add_room(json::Writer& out, const std::string& key) {
    const token::RoomName room = token::split_room_key(key);
    out.string("room", room.name);
    if (!room.tenant.empty()) out.string("tenant", room.tenant);
}

std::string row_text(const SessionRow& row) {
    json::Writer out;
    out.begin_object();
    add_room(out, row.start.room);
    out.string("room_sid", row.start.room_sid);
    out.string("identity", row.start.identity);
    out.string("sid", row.start.sid);
    out.integer("joined_at", row.start.joined.ms());
    out.raw("left_at", row.end ? std::to_string(row.end->left.ms()) : "null");
    out.string("reason", row.end ? row.end->reason : std::string());
    out.string("sdk", row.start.sdk);
    out.string("sdk_version", row.start.sdk_version);
    out.string("os", row.start.os);
    out.string("browser", row.start.browser);
    out.string("path", row.end ? row.end->path : std::string());
    const bool rated = row.end && row.end->quality;
    out.raw("quality", rated ? number_text(*row.end->quality) : "null");
    out.end_object();
    return out.take();
}

std::string event_text(const Event& event) {
    json::Writer out;
    out.begin_object();
    out.integer("at", event.at.ms());
    out.string("kind", event.kind);
    out.string("text", event.text);
    add_room(out, event.room);
    out.string("identity", event.identity);
    out.string("who", event.who);
    out.end_object();
    return out.take();
}

}  // namespace

std::string to_json(const Series& series) {
    json::Writer out;
    out.begin_object();
    const auto count = static_cast<std::int64_t>(series.points.size());
    out.integer("from", series.from.ms());
    out.integer("to", (series.from + series.step * count).ms());
    out.integer("step_ms", series.step.ms());
    out.raw("series", lines(series.points));
    out.end_object();
    return out.take();
}

std::string to_json(const SessionPage& page) {
    json::Writer out;
    out.begin_object();
    out.integer("total", static_cast<std::int64_t>(page.total));
    out.raw("sessions", list_text(page.rows, row_text));
    out.end_object();
    return out.take();
}

std::string to_json(const std::vector<Event>& events) {
    json::Writer out;
    out.begin_object();
    out.raw("events", list_text(events, event_text));
    out.strings("kinds", {std::begin(kEventKinds), std::end(kEventKinds)});
    out.end_object();
    return out.take();
}

}  // namespace confab::console
