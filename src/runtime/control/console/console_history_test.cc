// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/console/console_history.h"

#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <thread>

#include "runtime/control/shards/node_testing.h"

namespace confab::control {
namespace {

// A history of a node, asked as nobody else does: at once.
class Past {
  public:
    Past() {
        call([&](ControlNode& control) {
            figures_ = std::make_unique<ConsoleFigures>(
                ConsoleFigures::Node{control, keys_, rooms(control), nullptr, {}, {}});
            history_ = std::make_unique<ConsoleHistory>(control.loop(), &writer_, *figures_,
                                                        control, [] { return 0.5; });
        });
    }
    ~Past() {
        call([&](ControlNode&) {
            history_.reset();
            figures_.reset();
            rooms_.reset();
        });
    }
    template <typename F>
    void with(F f) {
        call([&](ControlNode&) { f(*history_); });
    }
    std::vector<console::Minute> minutes() {
        std::promise<std::vector<console::Minute>> found;
        writer_.minutes({UnixTime(), net::EventLoop::wall()},
                        [&](const auto& answer) { found.set_value(*answer); });
        return found.get_future().get();
    }
    std::vector<console::Event> events(const std::string& kind) {
        std::promise<std::vector<console::Event>> found;
        writer_.events({net::EventLoop::wall() + Duration::seconds(3600), kind, 1000},
                       [&](const auto& answer) { found.set_value(*answer); });
        return found.get_future().get();
    }
    std::vector<console::SessionRow> sessions() {
        std::promise<std::vector<console::SessionRow>> found;
        console::SessionsQuery query;
        query.range.to = net::EventLoop::wall() + Duration::seconds(3600);
        writer_.sessions(query, [&](const auto& answer) { found.set_value(answer->rows); });
        return found.get_future().get();
    }
    TestNode& node() { return node_; }
    store::HistoryWriter& writer() { return writer_; }

  private:
    template <typename F>
    void call(F f) {
        node_.call([&](ControlNode& control) {
            f(control);
            return true;
        });
    }
    NodeRoomService& rooms(ControlNode& control) {
        if (!rooms_) rooms_ = std::make_unique<NodeRoomService>(control, [] { return false; });
        return *rooms_;
    }

    token::KeyMap keys_;
    store::HistoryWriter writer_{store::HistoryFile::in_memory(), store::HistoryLimits{},
                                 [](Callback<> answer) { answer(); }};
    TestNode node_{1};
    std::unique_ptr<NodeRoomService> rooms_;
    std::unique_ptr<ConsoleFigures> figures_;
    std::unique_ptr<ConsoleHistory> history_;
};

room::RoomNote note(room::RoomNote::What what) {
    room::RoomNote made{what, net::EventLoop::wall(), "r", "RM_1", "alice", "PA_1"};
    made.joined = made.at;
    made.client.set_sdk(livekit::ClientInfo::SWIFT);
    made.client.set_os("iOS");
    made.client.set_os_version("17");
    return made;
}

// Which would end it before the test does.
void not_at_the_end_of_a_minute() {
    constexpr std::chrono::seconds kMinute(60), kEnough(50);
    const auto into = std::chrono::system_clock::now().time_since_epoch() % kMinute;
    if (into > kEnough) std::this_thread::sleep_for(kMinute - into);
}

}  // namespace

TEST_CASE("ConsoleHistory: a minute has what was there, and what happened in it") {
    not_at_the_end_of_a_minute();
    Past past;
    Joined alice(past.node(), "r", "alice");
    REQUIRE(alice.is_in());
    past.with([](ConsoleHistory& history) {
        history.refused(401, "invalid API key", {}, {});
        history.end_minute();
    });
    const auto first = past.minutes();
    REQUIRE(first.size() == 1);
    CHECK(first[0].participants == 1);
    CHECK(first[0].rooms == 1);
    CHECK(first[0].joins == 1);
    CHECK(first[0].refused == 1);
    CHECK(first[0].cpu == 0.5);
    CHECK_FALSE(first[0].quality);
    // The next one, which takes its place as it ends in the same moment, has nothing of that.
    past.with([](ConsoleHistory& history) { history.end_minute(); });
    const auto second = past.minutes();
    CHECK(second.back().participants == 1);
    CHECK(second.back().joins == 0);
    CHECK(second.back().refused == 0);
}

TEST_CASE("ConsoleHistory: what clients say of themselves is kept in part; guesses beside junk") {
    Past past;
    const std::string much(100'000, 'x');
    past.with([&](ConsoleHistory& history) {
        room::RoomNote joined = note(room::RoomNote::What::kJoined);
        for (auto* field :
             {joined.client.mutable_browser(), joined.client.mutable_browser_version(),
              joined.client.mutable_os(), joined.client.mutable_version()})
            *field = much;
        history.note(joined);
        for (int i = 0; i < 2 * ConsoleHistory::kMaxRefusalsNoted; ++i)
            history.refused(401, much, much, much);
        history.note(console::Event{net::EventLoop::wall(), "sign_in_refused", {}, {}, {}, {}});
    });
    const auto sessions = past.sessions();
    REQUIRE(sessions.size() == 1);
    CHECK(sessions[0].start.browser.size() < 600);
    CHECK(sessions[0].start.os.size() < 600);
    CHECK(sessions[0].start.sdk_version.size() < 600);
    const auto refused = past.events("join_refused");
    CHECK(refused.size() == ConsoleHistory::kMaxRefusalsNoted);
    CHECK(refused.at(0).room.size() < 600);
    CHECK(refused.at(0).identity.size() < 600);
    CHECK(past.events("sign_in_refused").size() == 1);
}

TEST_CASE("ConsoleHistory: notes of rooms become sessions and events") {
    using What = room::RoomNote::What;
    Past past;
    past.with([](ConsoleHistory& history) {
        history.note(note(What::kRoomStarted));
        history.note(note(What::kJoined));
        room::RoomNote left = note(What::kLeft);
        left.reason = livekit::PARTICIPANT_REMOVED;
        left.path = sfu::ConnectionType::kTcp;
        left.quality = 4.0F;
        history.note(left);
        room::RoomNote aborted = note(What::kAborted);
        aborted.sid = "PA_2";
        history.note(aborted);
    });
    const auto sessions = past.sessions();
    REQUIRE(sessions.size() == 2);
    const console::SessionRow& first = sessions[1];
    CHECK(first.start.identity == "alice");
    CHECK(first.start.sdk == "swift");
    CHECK(first.start.os == "iOS 17");
    REQUIRE(first.end);
    CHECK(first.end->reason == "PARTICIPANT_REMOVED");
    CHECK(first.end->path == "tcp");
    CHECK(first.end->quality == 4.0);
    REQUIRE(sessions[0].end);
    CHECK(sessions[0].end->path.empty());
    CHECK(past.events("room_started").size() == 1);
    CHECK(past.events("participant_joined").size() == 1);
    CHECK(past.events("participant_left").front().text == "PARTICIPANT_REMOVED");
    CHECK(past.events("participant_aborted").size() == 1);
    CHECK(past.events("server_started").size() == 1);
}

TEST_CASE("ConsoleHistory: a flood of refusals is counted, and a part of it noted") {
    Past past;
    past.with([](ConsoleHistory& history) {
        for (int i = 0; i < 3 * ConsoleHistory::kMaxRefusalsNoted; ++i)
            history.refused(401, "permissions denied", "r", "eve");
        room::RoomNote full = note(room::RoomNote::What::kRefused);
        full.status = 403;
        full.text = "the room is full (max_participants is 1)";
        history.note(full);
        CHECK(history.home_joins().refusals() == 3 * ConsoleHistory::kMaxRefusalsNoted + 1);
        history.note(
            console::Event{net::EventLoop::wall(), "action", std::string(9999, 'x'), {}, {}, {}});
    });
    CHECK(past.events("join_refused").size() == ConsoleHistory::kMaxRefusalsNoted);
    CHECK(past.events("action").front().text.size() == 512);
    past.with([](ConsoleHistory& history) {
        history.end_minute();
        history.refused(401, "permissions denied", "r", "eve");
    });
    CHECK(past.events("join_refused").size() == ConsoleHistory::kMaxRefusalsNoted + 1);
}

TEST_CASE("ConsoleFigures: this node shows its load, and that it takes nobody any more") {
    TestNode node(1);
    node.call([&](ControlNode& control) {
        token::KeyMap keys;
        NodeRoomService rooms(control, [] { return false; });
        std::string why;
        const auto load = [] {
            cluster::nodes::NodeFigures figures;
            figures.cpu_load = 0.25F;
            return figures;
        };
        ConsoleFigures figures({control, keys, rooms, nullptr, load, [&] { return why; }});
        const auto self = [&] { return figures.overview({}).nodes.at(0); };
        CHECK(self().state == "SERVING");
        CHECK(self().cpu == 0.25);
        why = "draining";
        CHECK(self().state == "SHUTTING_DOWN");
        return true;
    });
}

TEST_CASE("ConsoleHistory: what is wrong with it is said") {
    Past past;
    past.with([](ConsoleHistory& history) { CHECK(history.trouble().empty()); });
    // Its thread is busy, and more comes than there is place for.
    std::promise<void> busy;
    std::promise<void> go_on;
    past.writer().events({net::EventLoop::wall(), {}, 1}, [&](const auto&) {
        busy.set_value();
        go_on.get_future().get();
    });
    busy.get_future().get();
    past.with([](ConsoleHistory& history) {
        for (std::size_t i = 0; i <= store::HistoryWriter::kMaxWaiting; ++i)
            history.note(console::Event{net::EventLoop::wall(), "action", {}, {}, {}, {}});
        CHECK(history.trouble() == "some of the history was lost: see the log");
    });
    go_on.set_value();
    TestNode node(1);
    node.call([&](ControlNode& control) {
        token::KeyMap keys;
        NodeRoomService rooms(control, [] { return false; });
        ConsoleFigures figures({control, keys, rooms, nullptr, {}, {}});
        ConsoleHistory none(control.loop(), nullptr, figures, control, {});
        none.note(console::Event{net::EventLoop::wall(), "action", {}, {}, {}, {}});
        none.end_minute();
        CHECK(none.trouble().empty());
        return true;
    });
}

}  // namespace confab::control
