// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What SCTP costs a server per message, ours beside usrsctp: 1 000 receivers of 50 messages a
// second, in virtual time. The receivers are the same for both and not timed; no DTLS, no sockets.
// bench: modules rtc/sctp base wire
// bench: links usrsctp
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "rtc/sctp/association/association.h"
// It is no part of the library: only tests and this link usrsctp.
#include "rtc/sctp/usrsctp_peer_test.cc"  // NOLINT(bugprone-suspicious-include)

using namespace confab;
using sctp::Association;
using sctp::UsrsctpPeer;

namespace {

constexpr Duration kTick = Duration::millis(10);  // usrsctp's own
constexpr int kTicksPerMessage = 2;
constexpr std::uint32_t kPpid = 53;
constexpr std::uint16_t kStream = 1;

struct Options {
    int receivers = 1000;
    int seconds = 5;
    int rounds = 5;
    std::size_t bytes = 200;
};

class Stopwatch {
  public:
    template <typename F>
    void time(F f) {
        const auto begin = std::chrono::steady_clock::now();
        f();
        taken_ += std::chrono::steady_clock::now() - begin;
    }
    double ns() const {
        return static_cast<double>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(taken_).count());
    }

  private:
    std::chrono::steady_clock::duration taken_{};
};

// The two in one shape. `message` is one for all receivers.
struct Ours {
    Ours() : end(sctp::Config{}, Rng(++made)) {}
    static inline std::uint64_t made = 0;
    void connect(Timestamp now) { end.connect(now); }
    bool connected() const { return end.state() == Association::State::kEstablished; }
    bool send(Timestamp now, const sctp::SharedBytes& message, const sctp::SendOptions& options) {
        return end.send(now, kStream, kPpid, message, options) == sctp::SendStatus::kOk;
    }
    static void expire(Timestamp now, std::vector<std::unique_ptr<Ours>>& all) {
        for (const auto& one : all)
            if (one->end.next_deadline() <= now) one->end.handle_timeout(now);
    }
    Association end;
};

struct Theirs {
    void connect(Timestamp) { end.connect(); }
    bool connected() const { return end.connected(); }
    bool send(Timestamp, const sctp::SharedBytes& message, const sctp::SendOptions& options) {
        return end.send(kStream, kPpid, message.view(), options);
    }
    // Its timers are one for all.
    static void expire(Timestamp now, std::vector<std::unique_ptr<Theirs>>& all) {
        all.front()->end.handle_timeout(now);
    }
    UsrsctpPeer end;
};

template <typename Server>
class World {
  public:
    explicit World(const Options& options) : options_(options) {
        Rng rng(1);
        for (int i = 0; i < options.receivers; ++i) {
            servers_.push_back(std::make_unique<Server>());
            receivers_.push_back(std::make_unique<Association>(sctp::Config{}, rng.fork()));
        }
    }

    bool open() {
        for (std::size_t i = 0; i < servers_.size(); ++i) {
            servers_[i]->connect(now_);
            receivers_[i]->connect(now_);
        }
        for (int tick = 0; tick < 1000; ++tick) {
            step();
            if (std::all_of(servers_.begin(), servers_.end(),
                            [](const auto& one) { return one->connected(); }))
                return true;
        }
        return false;
    }

    // Nanoseconds of the server for each message that arrived; a negative one if some did not.
    double run(const sctp::SendOptions& send) {
        watch_ = {};
        received_ = 0;
        std::uint64_t sent = 0;
        for (int tick = 0; tick < options_.seconds * 1000 / static_cast<int>(kTick.ms()); ++tick) {
            if (tick % kTicksPerMessage == 0) {
                const sctp::SharedBytes message{Bytes(options_.bytes, 0x5A)};
                watch_.time([&] {
                    for (const auto& one : servers_)
                        sent += one->send(now_, message, send) ? 1U : 0U;
                });
            }
            step();
        }
        for (int tick = 0; tick < 50 && received_ < sent; ++tick)
            step();
        return received_ == sent ? watch_.ns() / static_cast<double>(received_) : -1;
    }

  private:
    // All that is under way arrives within one tick.
    void step() {
        now_ = now_ + kTick;
        watch_.time([&] { Server::expire(now_, servers_); });
        for (bool moved = true; moved;) {
            moved = false;
            for (std::size_t i = 0; i < servers_.size(); ++i)
                moved = exchange(*servers_[i], *receivers_[i]) || moved;
        }
    }

    bool exchange(Server& server, Association& receiver) {
        std::vector<Bytes> packets;
        watch_.time([&] {
            while (auto packet = server.end.poll_transmit())
                packets.push_back(*std::move(packet));
            while (server.end.poll_event()) {
            }
        });
        if (receiver.next_deadline() <= now_) receiver.handle_timeout(now_);
        for (const Bytes& packet : packets)
            receiver.handle_packet(now_, packet);
        std::vector<Bytes> answers;
        while (auto packet = receiver.poll_transmit())
            answers.push_back(*std::move(packet));
        while (const auto event = receiver.poll_event())
            received_ += std::holds_alternative<sctp::MessageReceived>(*event) ? 1U : 0U;
        watch_.time([&] {
            for (const Bytes& packet : answers)
                server.end.handle_packet(now_, packet);
        });
        return !packets.empty() || !answers.empty();
    }

    Options options_;
    std::vector<std::unique_ptr<Server>> servers_;
    std::vector<std::unique_ptr<Association>> receivers_;
    Timestamp now_ = Timestamp::micros(1'000'000);
    Stopwatch watch_;
    std::uint64_t received_ = 0;
};

double median(std::vector<double> all) {
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
}

bool compare(World<Ours>& ours, World<Theirs>& theirs, const Options& options, const char* name,
             const sctp::SendOptions& send) {
    std::vector<double> a;
    std::vector<double> b;
    std::vector<double> ratios;
    for (int round = 0; round < options.rounds; ++round) {
        a.push_back(ours.run(send));
        b.push_back(theirs.run(send));
        if (a.back() < 0 || b.back() < 0) {
            std::printf("%s: messages are missing (%s)\n", name, a.back() < 0 ? "ours" : "usrsctp");
            return false;
        }
        ratios.push_back(a.back() / b.back());
    }
    std::printf("sctp %s: ours %.0f ns per message, usrsctp %.0f, ratio %.2f\n", name, median(a),
                median(b), median(ratios));
    return true;
}

bool parse(int argc, char** argv, Options& options) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        const int value = std::atoi(argv[i + 1]);
        if (value < 1 || value > 100000) return false;
        if (name == "--receivers")
            options.receivers = value;
        else if (name == "--seconds")
            options.seconds = value;
        else if (name == "--rounds")
            options.rounds = value;
        else if (name == "--bytes")
            options.bytes = static_cast<std::size_t>(value);
        else
            return false;
    }
    return argc % 2 == 1;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse(argc, argv, options)) {
        std::puts("sctp_bench [--receivers 1000] [--seconds 5] [--rounds 5] [--bytes 200]");
        return 2;
    }
    World<Ours> ours(options);
    World<Theirs> theirs(options);
    if (!ours.open() || !theirs.open()) {
        std::puts("no connection");
        return 1;
    }
    std::printf("%d receivers, 50 messages of %zu bytes a second each\n", options.receivers,
                options.bytes);
    sctp::SendOptions lossy;
    lossy.ordered = false;
    lossy.max_retransmits = 0;
    const bool good = compare(ours, theirs, options, "reliable", {}) &&
                      compare(ours, theirs, options, "lossy", lossy);
    return good ? 0 : 1;
}
