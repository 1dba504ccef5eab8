// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/console/console_history.h"

#include <utility>
#include <vector>

#include "base/text.h"
#include "console/history_view.h"
#include "console/requests.h"
#include "console/series.h"
#include "runtime/control/console/console_answers.h"

namespace confab::control {
namespace {

constexpr std::size_t kMaxText = 512;
constexpr std::size_t kMaxName = 256;  // of rooms, identities, clients

std::string kind_of(room::RoomNote::What what) {
    switch (what) {
        case room::RoomNote::What::kRoomStarted:
            return "room_started";
        case room::RoomNote::What::kRoomFinished:
            return "room_finished";
        case room::RoomNote::What::kJoined:
            return "participant_joined";
        case room::RoomNote::What::kLeft:
            return "participant_left";
        case room::RoomNote::What::kAborted:
            return "participant_aborted";
        case room::RoomNote::What::kRefused:
            return "join_refused";
    }
    return {};
}

// What clients say of themselves may be of any length, and what is kept is bounded by rows, too.
std::string kept(std::string_view text) {
    return std::string(text.substr(0, kMaxName));
}
std::string kept(std::string_view name, std::string_view version) {
    std::string text = kept(name);
    if (!version.empty()) text.append(1, ' ').append(kept(version));
    return text;
}

console::SessionStart start_of(const room::RoomNote& note) {
    const livekit::ClientInfo& client = note.client;
    return {kept(note.room),
            note.room_sid,
            kept(note.identity),
            note.sid,
            note.joined,
            to_lower(livekit::ClientInfo::SDK_Name(client.sdk())),
            kept(client.version()),
            kept(client.os(), client.os_version()),
            kept(client.browser(), client.browser_version())};
}

console::SessionEnd end_of(const room::RoomNote& note) {
    console::SessionEnd end{
        note.sid, note.room_sid, note.at, livekit::DisconnectReason_Name(note.reason), {}, {}};
    if (note.path) end.path = sfu::to_text(*note.path);
    if (note.quality) end.quality = static_cast<double>(*note.quality);
    return end;
}

}  // namespace

ConsoleHistory::ConsoleHistory(net::EventLoop& loop, store::HistoryWriter* writer,
                               ConsoleFigures& figures, ControlNode& control,
                               std::function<double()> cpu)
    : loop_(loop),
      writer_(writer),
      figures_(figures),
      control_(control),
      cpu_(std::move(cpu)),
      timer_(loop) {
    note(console::Event{net::EventLoop::wall(), "server_started", {}, {}, {}, {}});
    arm();
}

void ConsoleHistory::write(console::HistoryWrite write) {
    if (writer_ != nullptr) writer_->write(std::move(write));
}

void ConsoleHistory::note(console::Event event) {
    if (event.kind == "join_refused" && ++joins_refused_ > kMaxRefusalsNoted) return;
    if (event.kind == "sign_in_refused" && ++sign_ins_refused_ > kMaxRefusalsNoted) return;
    event.text.resize(std::min(event.text.size(), kMaxText));
    for (std::string* name : {&event.room, &event.identity, &event.who})
        name->resize(std::min(name->size(), kMaxName));
    write(std::move(event));
}

void ConsoleHistory::note(const room::RoomNote& note) {
    using What = room::RoomNote::What;
    std::string text;
    if (note.what == What::kRefused) {
        home_.refuse(console::refusal_reason(note.status, note.text));
        text = note.cause.empty() ? note.text : note.cause;
    }
    if (note.what == What::kJoined || note.what == What::kAborted) write(start_of(note));
    if (note.what == What::kLeft || note.what == What::kAborted) {
        write(end_of(note));
        text = livekit::DisconnectReason_Name(note.reason);
    }
    this->note(
        console::Event{note.at, kind_of(note.what), std::move(text), note.room, note.identity, {}});
}

void ConsoleHistory::refused(int status, std::string_view text, const std::string& room,
                             const std::string& identity) {
    home_.refuse(console::refusal_reason(status, text));
    note(console::Event{
        net::EventLoop::wall(), "join_refused", std::string(text), room, identity, {}});
}

// ---------------------------------------------------------------- minutes

void ConsoleHistory::arm() {
    const std::int64_t left = kMinute.us() - net::EventLoop::wall().us() % kMinute.us();
    timer_.set(net::EventLoop::now() + Duration::micros(left), [this] {
        end_minute();
        arm();
    });
}

void ConsoleHistory::end_minute() {
    joins_refused_ = sign_ins_refused_ = 0;
    const ControlReport all = control_.totals();
    console::JoinCounts joins = all.joins;
    joins.merge(home_);
    const console::WorkerRates rates = figures_.minute();
    console::Minute minute;
    // The minute that is over, whatever the timer's delay.
    minute.at = UnixTime::micros(net::EventLoop::wall().us() / kMinute.us() * kMinute.us()) -
                Duration::micros(1);
    minute.participants = static_cast<std::int64_t>(all.rooms.participants);
    minute.rooms = static_cast<std::int64_t>(all.rooms.rooms);
    minute.joins = static_cast<std::int64_t>(joins.admitted - before_.admitted);
    minute.refused = static_cast<std::int64_t>(joins.refusals() - before_.refusals());
    minute.bytes_in = rates.bytes_in;
    minute.bytes_out = rates.bytes_out;
    if (cpu_) minute.cpu = cpu_();
    if (joins.qualities > before_.qualities)
        minute.quality = (joins.quality_sum - before_.quality_sum) /
                         static_cast<double>(joins.qualities - before_.qualities);
    before_ = joins;
    write(minute);
}

// ---------------------------------------------------------------- what is asked

bool ConsoleHistory::is_there(Call& call) const {
    if (writer_ == nullptr)
        answer_error(call, 412, "there is no history: set confab.console_history_days");
    return writer_ != nullptr;
}

template <typename T>
store::HistoryWriter::Reply<T> ConsoleHistory::answer(Call call, Show<T> show) {
    return [pending = std::make_shared<Call>(std::move(call)),
            show = std::move(show)](Result<T, std::string> found) {
        if (!found) return answer_error(*pending, 503, found.error());
        answer_json(*pending, show(*found));
    };
}

void ConsoleHistory::series(Call call) {
    if (!is_there(call)) return;
    const console::HistoryQuery query = console::history_query(call.query, net::EventLoop::wall());
    using Minutes = std::vector<console::Minute>;
    writer_->minutes(query.range, answer<Minutes>(std::move(call), [query](const Minutes& minutes) {
                         return console::to_json(console::to_series(minutes, query));
                     }));
}

void ConsoleHistory::sessions(Call call) {
    if (!is_there(call)) return;
    console::SessionsQuery query = console::sessions_query(call.query, net::EventLoop::wall());
    writer_->sessions(std::move(query), answer<console::SessionPage>(
                                            std::move(call), [](const console::SessionPage& page) {
                                                return console::to_json(page);
                                            }));
}

void ConsoleHistory::events(Call call) {
    if (!is_there(call)) return;
    console::EventsQuery query = console::events_query(call.query, net::EventLoop::wall());
    using Events = std::vector<console::Event>;
    writer_->events(std::move(query), answer<Events>(std::move(call), [](const Events& events) {
                        return console::to_json(events);
                    }));
}

std::string ConsoleHistory::trouble() const {
    if (writer_ == nullptr) return {};
    const store::HistoryWriter::Figures figures = writer_->figures();
    if (!figures.works) return "the history cannot be written: see the log";
    if (figures.dropped > 0) return "some of the history was lost: see the log";
    return {};
}

}  // namespace confab::control
