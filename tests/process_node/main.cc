// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The server's side of a call of two clients, in one process after the other
// (tests/interop/run_process_moves). Orders and reports are lines of JSON:
//   {"do":"answer","who":0,"sdp":"…"}            → {"sdp":"…","candidates":["…"]}
//   {"do":"leave","to":"/path","harm":"cut"}     → {"left":false,"why":"…","bytes":0}
//   {"do":"enter","at":"/path"}                  → {"waits":true}, then {"entered":true,…}
//   {"do":"count"}                               → {"peers":2,…}
// A process that was left ends; so does one whose input ends.
#include <unistd.h>

#include <iostream>
#include <string>
#include <thread>
#include <utility>

#include "hand_over.h"
#include "json/json.h"
#include "node.h"

namespace confab::process_node {
namespace {

constexpr std::uint64_t kSeed = 7;

std::string text(const json::Value& order, std::string_view name) {
    const json::Value* value = order.find(name);
    return value == nullptr ? std::string() : value->string;
}

void say(json::Writer report) {
    report.end_object();
    std::cout << report.take() << std::endl;
}
json::Writer begin() {
    json::Writer report;
    report.begin_object();
    return report;
}

Harm harm_of(const std::string& name) {
    if (name == "cut") return Harm::kCut;
    if (name == "noise") return Harm::kNoise;
    if (name == "newer") return Harm::kNewer;
    return name == "hang up" ? Harm::kHangUp : Harm::kNone;
}

class Program {
  public:
    // False: it is over.
    bool obey(const json::Value& order) {
        const std::string what = text(order, "do");
        if (what == "enter") {
            enter(text(order, "at"));
        } else if (what == "leave" && node_) {
            return leave(order);
        } else if (what == "count") {
            count();
        } else if (what == "answer") {
            answer(order);
        } else {
            complain("no such order");
        }
        return true;
    }

  private:
    static void complain(const std::string& why) {
        json::Writer report = begin();
        report.string("error", why);
        say(std::move(report));
    }

    void answer(const json::Value& order) {
        if (!node_) {
            auto started = Node::start(kSeed);
            if (!started) return complain(started.error());
            node_ = std::move(*started);
        }
        const json::Value* who = order.find("who");
        const std::size_t person = who != nullptr && who->number == 1 ? 1 : 0;
        const auto answered = node_->answer(person, text(order, "sdp"));
        if (!answered) return complain(answered.error());
        json::Writer report = begin();
        report.string("sdp", answered->sdp);
        report.strings("candidates", answered->candidates);
        say(std::move(report));
    }

    bool leave(const json::Value& order) {
        const Node::Left left = node_->leave(text(order, "to"), harm_of(text(order, "harm")));
        json::Writer report = begin();
        report.boolean("left", left.left);
        report.string("why", left.why);
        report.integer("bytes", static_cast<std::int64_t>(left.bytes));
        say(std::move(report));
        return !left.left;
    }

    void enter(const std::string& path) {
        auto listener = HandOverStream::listen(path);
        if (!listener) return complain(listener.error());
        json::Writer waits = begin();
        waits.boolean("waits", true);
        say(std::move(waits));
        auto stream = HandOverStream::accept(*listener);
        (void)::unlink(path.c_str());
        Result<HandOver, std::string> got = fail(std::string("nobody came"));
        if (stream) got = stream->receive();
        Node::Entered entered;
        if (got)
            entered = Node::enter(std::move(*got), static_cast<std::uint64_t>(::getpid()));
        else
            entered.why = got.error();
        if (stream) stream->answer(entered.taken);
        json::Writer report = begin();
        report.boolean("entered", entered.taken);
        report.string("why", entered.why);
        report.integer("silent_us", entered.silent_us);
        report.integer("left_behind", entered.taken ? 0 : left_in(entered.node.get()));
        if (entered.taken) node_ = std::move(entered.node);
        say(std::move(report));
    }

    static std::int64_t left_in(Node* refused) {
        if (refused == nullptr) return 0;
        const sfu::ShardSnapshot left = refused->snapshot();
        return static_cast<std::int64_t>(left.peers + left.tracks + left.down_tracks +
                                         left.receivers);
    }

    void count() {
        const sfu::ShardSnapshot now = node_ ? node_->snapshot() : sfu::ShardSnapshot();
        json::Writer report = begin();
        const auto figure = [&report](std::string_view name, std::uint64_t value) {
            report.integer(name, static_cast<std::int64_t>(value));
        };
        figure("peers", now.peers);
        figure("tracks", now.tracks);
        figure("down_tracks", now.down_tracks);
        figure("srtp_failures", now.srtp_failures);
        figure("rtp_repeated", now.rtp_repeated);
        figure("rtp_in", now.rtp_in);
        figure("rtp_out", now.rtp_out);
        figure("nacks_in", now.nacks_in);
        figure("nacks_out", now.nacks_out);
        figure("plis_in", now.plis_in);
        figure("plis_out", now.plis_out);
        say(std::move(report));
    }

    std::unique_ptr<Node> node_;
};

int run() {
    Program program;
    std::string line;
    while (std::getline(std::cin, line)) {
        const auto order = json::parse(line);
        if (!order || !program.obey(*order)) return order ? 0 : 1;
    }
    return 0;
}

}  // namespace
}  // namespace confab::process_node

int main() {
    return confab::process_node::run();
}
