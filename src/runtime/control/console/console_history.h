// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the console keeps of the past: who came and went, what was done, and each minute a few
// figures of the node. A thread of its own writes it (store::HistoryWriter). Only for the first
// loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "console/history.h"
#include "console/joins.h"
#include "room/scope/types.h"
#include "runtime/control/console/console_figures.h"
#include "runtime/control/routes/endpoint.h"
#include "runtime/net/event_loop.h"
#include "runtime/store/history/history_writer.h"

namespace confab::control {

class ConsoleHistory {
  public:
    static constexpr Duration kMinute = Duration::seconds(60);
    // Refusals of joins, and of sign-ins, that are noted one by one in a minute; all are counted.
    static constexpr int kMaxRefusalsNoted = 60;

    // `writer` may be null: then there is no past. What is given must outlive this.
    ConsoleHistory(net::EventLoop& loop, store::HistoryWriter* writer, ConsoleFigures& figures,
                   ControlNode& control, std::function<double()> cpu);

    void note(const room::RoomNote& note);
    void note(console::Event event);
    // A join that did not come to a room.
    void refused(int status, std::string_view text, const std::string& room,
                 const std::string& identity);
    // Of those joins.
    const console::JoinCounts& home_joins() const { return home_; }

    // What the timer does at the end of each.
    void end_minute();

    void series(Call call);
    void sessions(Call call);
    void events(Call call);
    std::string trouble() const;

  private:
    template <typename T>
    using Show = std::function<std::string(const T&)>;
    template <typename T>
    static store::HistoryWriter::Reply<T> answer(Call call, Show<T> show);
    bool is_there(Call& call) const;
    void write(console::HistoryWrite write);
    void arm();

    net::EventLoop& loop_;
    store::HistoryWriter* writer_;
    ConsoleFigures& figures_;
    ControlNode& control_;
    std::function<double()> cpu_;
    net::EventLoop::Timer timer_;
    console::JoinCounts home_;
    console::JoinCounts before_;  // at the end of the last minute
    int joins_refused_ = 0;       // in this minute
    int sign_ins_refused_ = 0;
};

}  // namespace confab::control
