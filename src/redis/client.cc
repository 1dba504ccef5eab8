// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/client.h"

#include <utility>

namespace confab::redis {
namespace {

constexpr auto kCommands = static_cast<std::size_t>(Line::kCommands);
constexpr auto kChannels = static_cast<std::size_t>(Line::kChannels);

}  // namespace

Client::Client(Timestamp now, std::optional<Address> server, Login login, Events events,
               std::uint64_t seed, Timing timing)
    : server_(std::move(server)),
      login_(std::move(login)),
      events_(std::move(events)),
      timing_(timing),
      lines_{Lifeline(now, seed), Lifeline(now, seed + 1)},
      channels_(events_) {}

void Client::move(Timestamp now, const Address& server) {
    if (server_ == server) return;
    server_ = server;
    for (std::size_t link = 0; link < lines_.size(); ++link) {
        lines_[link].move(now, "the master is now " + to_text(server));
        look(now, link);
    }
}

// ---------------------------------------------------------------- what is asked for

Result<void, Fault> Client::command(Timestamp now, Words words, Reply done) {
    if (!up_[kCommands])
        return fail(
            Fault{Fault::Code::kClosed, "no connection to Redis: " + lines_[kCommands].trouble()});
    return lines_[kCommands].session()->command(now, words, std::move(done));
}

void Client::subscribe(Timestamp, std::string channel) {
    channels_.add(std::move(channel));
}

void Client::unsubscribe(Timestamp, const std::string& channel) {
    channels_.remove(channel);
}

// ---------------------------------------------------------------- the driver

std::optional<Dial> Client::dial(Timestamp now) {
    if (!server_) return std::nullopt;
    for (std::size_t link = 0; link < lines_.size(); ++link) {
        if (!lines_[link].wants(now)) continue;
        lines_[link].dialled();
        return Dial{link, *server_};
    }
    return std::nullopt;
}

void Client::connected(Timestamp now, std::size_t link) {
    Session::MessageHandler on_message;
    if (link == kChannels) {
        channels_.forget();
        on_message = events_.on_message;
    }
    lines_[link].connected(now, login_, std::move(on_message), timing_);
}

void Client::received(Timestamp now, std::size_t link, BytesView bytes) {
    if (!lines_[link].session()) return;
    lines_[link].session()->received(now, bytes);
    look(now, link);
}

void Client::closed(Timestamp now, std::size_t link, std::string_view why) {
    lines_[link].closed(now, why);
    look(now, link);
}

void Client::advance(Timestamp now) {
    for (std::size_t link = 0; link < lines_.size(); ++link) {
        if (lines_[link].session()) lines_[link].session()->advance(now);
        look(now, link);
    }
}

Timestamp Client::next_deadline() const {
    if (channels_.has_changes() && lines_[kChannels].is_ready()) return Timestamp();
    Timestamp next = Timestamp::never();
    for (const Lifeline& line : lines_)
        if (server_ || line.keeps()) next = earlier(next, line.next_deadline());
    return next;
}

std::string Client::take_output(std::size_t link) {
    Session* session = lines_[link].session();
    return session ? session->take_output() : std::string();
}

std::string Client::trouble() const {
    for (std::size_t link = 0; link < lines_.size(); ++link)
        if (!up_[link]) return lines_[link].trouble();
    return {};
}

// ---------------------------------------------------------------- up and down

// After each turn of a session: what it has become.
void Client::look(Timestamp now, std::size_t link) {
    if (!up_[link] || link == kChannels) settle(now, link);
    const std::optional<Fault> fault = lines_[link].look(now);
    if (!fault) return;
    up_[link] = false;
    if (events_.on_down) events_.on_down(now, static_cast<Line>(link), *fault);
}

// Up is one that is greeted, and has all channels if it is for them.
void Client::settle(Timestamp now, std::size_t link) {
    Lifeline& line = lines_[link];
    if (!line.is_ready()) return;
    if (link == kChannels && !channels_.ask(now, *line.session())) return;
    if (std::exchange(up_[link], true)) return;
    line.is_well();
    line.set_trouble({});
    if (events_.on_up) events_.on_up(now, static_cast<Line>(link));
}

}  // namespace confab::redis
