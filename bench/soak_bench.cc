// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// bench: modules api runtime/load rtc/peer rtc/sdp rtc/dtls runtime/worker crypto base

// Joins and leaves for as long as wanted, at a bounded rate: what the server holds has to stay flat
// (08 IMM-15).
//
//   soak_bench [--minutes N] [--joins N] [--stay SECONDS] [--out FILE] [--binary FILE]
//
// Two minutes and twenty joins a second by default; the long one is --minutes 30 --joins 100000. A
// join is a WebSocket, ICE, DTLS and three data channels, by one connection or by two; the rooms
// have six places, in each room one speaks, and in each fourth one shows a camera; who has stayed
// leaves, and each eighth vanishes without a word. A room of two talks all the time. Each two
// seconds memory, descriptors and timers are noted: FILE.csv and FILE.svg (build/soak). It fails
// where the last third holds more than the one before, where anything but memory is not what it was
// at the beginning once everybody has left, and where people could not join.
#include <signal.h>
#include <sys/resource.h>

#include <cmath>
#include <cstdio>
#include <deque>
#include <fstream>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/load_client.h"
#include "bench/soak_plot.h"
#include "bench/soak_samples.h"

namespace confab::bench {
namespace {

struct Options {
    double minutes = 2;
    std::size_t joins = 0;  // 0: kRate a second
    std::int64_t stay = 4;
    std::string out = "build/soak";
    std::string binary = "build/release/confab";
};

constexpr double kRate = 20;
constexpr std::size_t kRoomSize = 6;
constexpr std::size_t kMaxAtOnce = 1500;  // who joins waits beyond it
constexpr std::uint16_t kSampledRtp = 16;
constexpr Duration kLookInterval = Duration::seconds(2);
constexpr Duration kPatience = Duration::seconds(20);  // for a join
constexpr Duration kLeaving = Duration::millis(500);
constexpr Duration kQuiet = Duration::seconds(90);  // who vanished is missed within
constexpr double kFailedShare = 0.001;

class Soak {
  public:
    explicit Soak(const Options& options)
        : options_(options),
          joins_(options.joins != 0 ? options.joins
                                    : static_cast<std::size_t>(options.minutes * 60 * kRate)),
          server_(options.binary, "/dev/null") {
        load_.sample_rtp = kSampledRtp;
        if (!server_.wait_until_up()) give_up("the server does not start");
    }

    int run() {
        begin_ = now();
        settle();
        const SoakSample before = look();
        samples_.clear();
        begin_ = now();
        while (begun_ < joins_ || now() - begin_ < length())
            turn();
        std::printf("%zu joins in %.0f s, %zu failed\n", begun_, (now() - begin_).to_seconds(),
                    failed_);
        const std::vector<SoakSample> running = samples_;
        const bool gone = empty_rooms(before);
        const bool written = write();
        const bool flat = judge(running, before) && gone;
        const bool joined =
            static_cast<double>(failed_) <= kFailedShare * static_cast<double>(begun_);
        if (!joined) std::printf("FAILED: %zu of %zu could not join\n", failed_, begun_);
        return flat && joined && written ? 0 : 1;
    }

  private:
    struct Guest {
        std::unique_ptr<LoadClient> client;
        std::size_t number = 0;
        Timestamp joined = Timestamp::never();
        bool speaks = false;
    };

    [[noreturn]] static void give_up(const char* what) {
        std::printf("soak_bench: %s\n", what);
        std::exit(1);
    }
    Duration length() const {
        return Duration::millis(static_cast<std::int64_t>(options_.minutes * 60'000));
    }
    std::unique_ptr<LoadClient> join(const std::string& room, const std::string& identity,
                                     bool single) {
        ClientOptions client;
        client.room = room;
        client.identity = identity;
        client.single = single;
        return std::make_unique<LoadClient>(load_, server_.ports, client);
    }
    void run_for(Duration time) {
        for (const Timestamp end = now() + time; now() < end;)
            load_.loop.run_once(Duration::millis(10));
    }

    // Those who stay for all of it.
    void settle() {
        for (int i = 0; i < 2; ++i)
            residents_.push_back(join("residents", "resident-" + std::to_string(i), i == 0));
        for (const Timestamp end = now() + kPatience;
             !std::ranges::all_of(residents_, [](const auto& one) { return one->joined(); });) {
            if (now() > end) give_up("the first two cannot join");
            load_.loop.run_once(Duration::millis(10));
        }
        for (const auto& resident : residents_)
            resident->publish(true);
        run_for(Duration::seconds(2));
        for (const auto& resident : residents_)
            resident->start_media();
        run_for(Duration::seconds(5));
    }

    void turn() {
        const double share = (now() - begin_).to_seconds() / (60 * options_.minutes);
        const auto due = static_cast<std::size_t>(std::ceil(share * static_cast<double>(joins_)));
        while (begun_ < std::min(due, joins_) && guests_.size() < kMaxAtOnce) {
            const std::size_t n = begun_++;
            guests_.push_back({join("room-" + std::to_string(n / kRoomSize),
                                    "guest-" + std::to_string(n), n % 3 != 0),
                               n, Timestamp::never(), false});
        }
        load_.loop.run_once(Duration::millis(5));
        visit();
        if (now() >= next_look_) (void)look();
    }

    // Who has joined, has stayed, or has waited in vain.
    void visit() {
        for (Guest& guest : guests_) {
            LoadClient& client = *guest.client;
            if (guest.joined.is_never()) {
                if (client.failed() || now() - client.started > kPatience) {
                    ++failed_;
                    guest.client.reset();
                } else if (client.joined()) {
                    guest.joined = now();
                    if (guest.number % kRoomSize == 0)
                        client.publish(guest.number / kRoomSize % 4 == 0);
                }
                continue;
            }
            // Its tracks are known to the server by now.
            if (guest.number % kRoomSize == 0 && now() - guest.joined > kLeaving &&
                !std::exchange(guest.speaks, true))
                client.start_media();
            if (now() - guest.joined < Duration::seconds(options_.stay)) continue;
            if (guest.number % 8 != 0) {
                client.leave();
                leaving_.emplace_back(now() + kLeaving, std::move(guest.client));
            }
            guest.client.reset();
        }
        std::erase_if(guests_, [](const Guest& guest) { return guest.client == nullptr; });
        while (!leaving_.empty() && leaving_.front().first <= now())
            leaving_.pop_front();
    }

    SoakSample look() {
        next_look_ = now() + kLookInterval;
        const SoakSample sample = look_at(server_, (now() - begin_).to_seconds(), begun_);
        samples_.push_back(sample);
        if (!server_.running()) give_up("the server has ended");
        if (samples_.size() % 10 == 1) {
            std::printf("%5.0f s %7.0f joins %7.1f MB %6.0f descriptors %6.0f timers %5.0f peers\n",
                        sample.seconds, sample.joins, sample.memory, sample.descriptors,
                        sample.timers, sample.peers);
            std::fflush(stdout);
        }
        return sample;
    }

    // Everybody but those of the first room goes; until nothing is left of them.
    bool empty_rooms(const SoakSample& before) {
        for (const Timestamp end = now() + kQuiet; now() < end;) {
            load_.loop.run_once(Duration::millis(5));
            visit();
            if (!guests_.empty() || !leaving_.empty() || now() < next_look_) continue;
            const SoakSample sample = look();
            if (is_back(sample, before)) {
                std::printf("%.1f MB when all had left, %.1f before the first\n", sample.memory,
                            before.memory);
                return true;
            }
        }
        const SoakSample sample = look();
        std::printf(
            "FAILED: left behind: %.0f descriptors (%.0f before), %.0f timers (%.0f), %.0f "
            "peers (%.0f), %.0f participants (%.0f)\n",
            sample.descriptors, before.descriptors, sample.timers, before.timers, sample.peers,
            before.peers, sample.participants, before.participants);
        return false;
    }
    // A timer or two come and go with the packets of those who stay.
    static bool is_back(const SoakSample& sample, const SoakSample& before) {
        return sample.descriptors <= before.descriptors && sample.timers <= before.timers + 4 &&
               sample.peers <= before.peers && sample.participants <= before.participants;
    }

    static bool judge(const std::vector<SoakSample>& samples, const SoakSample& before) {
        struct Bound {
            const char* what;
            double SoakSample::* field;
            double share, more;  // of growth from the middle third to the last
        };
        constexpr std::array<Bound, 3> kBounds{{
            {"MB of memory", &SoakSample::memory, 0.03, 3},
            {"descriptors", &SoakSample::descriptors, 0.10, 20},
            {"timers", &SoakSample::timers, 0.10, 60},
        }};
        bool good = true;
        for (const Bound& bound : kBounds) {
            const double middle = median_of(samples, bound.field, 1.0 / 3, 2.0 / 3);
            const double last = median_of(samples, bound.field, 2.0 / 3, 1);
            const bool flat = last - middle <= bound.share * middle + bound.more;
            std::printf("%s%s: %.1f before, %.1f in the middle third, %.1f in the last\n",
                        flat ? "" : "FAILED: ", bound.what, before.*bound.field, middle, last);
            good = good && flat;
        }
        return good;
    }
    bool write() const {
        const std::string csv = options_.out + ".csv", svg = options_.out + ".svg";
        std::ofstream file(svg);
        file << SoakPlot(samples_).draw(std::to_string(begun_) + " joins and leaves");
        std::printf("%s and %s\n", csv.c_str(), svg.c_str());
        return write_csv(csv, samples_) && file.good();
    }

    Options options_;
    std::size_t joins_;
    Load load_;
    ServerProcess server_;
    Timestamp begin_;
    Timestamp next_look_;
    std::size_t begun_ = 0;
    std::size_t failed_ = 0;
    std::vector<std::unique_ptr<LoadClient>> residents_;
    std::vector<Guest> guests_;
    std::deque<std::pair<Timestamp, std::unique_ptr<LoadClient>>> leaving_;
    std::vector<SoakSample> samples_;
};

int run(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        const std::string value = i + 1 < argc ? argv[i + 1] : "";
        if (argument == "--minutes") options.minutes = std::strtod(value.c_str(), nullptr);
        if (argument == "--joins") options.joins = std::strtoul(value.c_str(), nullptr, 10);
        if (argument == "--stay") options.stay = std::strtol(value.c_str(), nullptr, 10);
        if (argument == "--out") options.out = value;
        if (argument == "--binary") options.binary = value;
    }
    rlimit files{};
    (void)::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &files);
    (void)::signal(SIGPIPE, SIG_IGN);
    return Soak(options).run();
}

}  // namespace
}  // namespace confab::bench

int main(int argc, char** argv) {
    return confab::bench::run(argc, argv);
}
