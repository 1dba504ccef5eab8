// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/requests.h"

#include <algorithm>

#include "base/text.h"
#include "json/json.h"
#include "token/room_key.h"

namespace confab::console {
namespace {

constexpr Duration kDay = Duration::seconds(std::int64_t{24} * 3600);
constexpr std::int64_t kLastMillis = 100'000'000'000'000;  // in the year 5138

// An object of texts; other members are left out.
std::optional<json::Value> parse_object(std::string_view body) {
    if (body.size() > kMaxBody) return std::nullopt;
    auto value = json::parse(body);
    if (!value || value->kind != json::Kind::kObject) return std::nullopt;
    return *std::move(value);
}

std::string text_of(const json::Value& object, std::string_view name) {
    const json::Value* const found = object.find(name);
    return found != nullptr && found->kind == json::Kind::kString ? found->string : std::string();
}

std::size_t number(const api::QueryParams& query, std::string_view name, std::size_t usual,
                   std::size_t most) {
    return std::min(parse_decimal<std::size_t>(query.get(name)).value_or(usual), most);
}

std::size_t limit_of(const api::QueryParams& query, std::size_t usual, std::size_t most) {
    return std::max<std::size_t>(number(query, "limit", usual, most), 1);
}

UnixTime time_of(const api::QueryParams& query, std::string_view name, UnixTime usual) {
    const auto millis = parse_decimal<std::int64_t>(query.get(name));
    return millis && *millis >= 0 ? UnixTime::millis(std::min(*millis, kLastMillis)) : usual;
}

Range range_of(const api::QueryParams& query, UnixTime now) {
    Range range;
    range.to = time_of(query, "to", now);
    range.from = std::min(time_of(query, "from", range.to - kDay), range.to);
    return range;
}

std::string short_text(const api::QueryParams& query, std::string_view name) {
    return std::string(query.get(name).substr(0, kMaxSearch));
}

}  // namespace

std::optional<SignInBody> parse_sign_in(std::string_view body) {
    const auto object = parse_object(body);
    if (!object) return std::nullopt;
    return SignInBody{text_of(*object, "key"), text_of(*object, "secret"),
                      text_of(*object, "password")};
}

std::optional<ReplayBody> parse_replay(std::string_view body) {
    const auto object = parse_object(body);
    if (!object) return std::nullopt;
    ReplayBody replay{text_of(*object, "id"), text_of(*object, "url")};
    if (replay.id.empty()) return std::nullopt;
    return replay;
}

RoomsQuery rooms_query(const api::QueryParams& query) {
    RoomsQuery result;
    result.search = short_text(query, "search");
    const std::string_view sort = query.get("sort");
    if (sort == "participants") result.order = RoomOrder::kParticipants;
    if (sort == "created_at") result.order = RoomOrder::kCreated;
    if (sort == "tracks") result.order = RoomOrder::kTracks;
    result.descending = query.get("order") == "desc";
    result.offset = number(query, "offset", 0, std::size_t{1} << 30U);
    result.limit = limit_of(query, RoomsQuery::kUsual, RoomsQuery::kMost);
    return result;
}

HistoryQuery history_query(const api::QueryParams& query, UnixTime now) {
    return {range_of(query, now),
            std::max<std::size_t>(
                number(query, "points", HistoryQuery::kUsual, HistoryQuery::kMost), 1)};
}

SessionsQuery sessions_query(const api::QueryParams& query, UnixTime now) {
    SessionsQuery result;
    if (query.has("room") && !query.get("room").empty())
        result.room = room_key_of(query, query.get("room"));
    result.identity = short_text(query, "identity");
    result.range = range_of(query, now);
    if (!query.has("from")) result.range.from = UnixTime();
    result.offset = number(query, "offset", 0, std::size_t{1} << 30U);
    result.limit = limit_of(query, SessionsQuery::kUsual, SessionsQuery::kMost);
    return result;
}

EventsQuery events_query(const api::QueryParams& query, UnixTime now) {
    // What happens in this millisecond, too.
    return {time_of(query, "before", now + Duration::seconds(1)), short_text(query, "kind"),
            limit_of(query, EventsQuery::kUsual, EventsQuery::kMost)};
}

std::size_t webhooks_limit(const api::QueryParams& query) {
    return limit_of(query, 100, 1000);
}

std::string room_key_of(const api::QueryParams& query, std::string_view name) {
    return token::room_key(query.get("tenant"), name);
}

}  // namespace confab::console
