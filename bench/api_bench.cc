// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// bench: modules api runtime/load rtc/peer rtc/sdp rtc/dtls runtime/worker crypto base

// What the server API costs a server of its own, and what participants cost that only signal.
//
//   api_bench [--requests N] [--connections N] [--call NAME] [--participants N] [--offer]
//             [--no-deflate] [--hold SECONDS] [--only api|idle] [--binary FILE]
//
// `api`: calls over kept connections, one under way on each, JSON and protobuf; every request has
// a token that no request had before, and its grants are what the SDKs give. "Per core" counts the
// CPU time of the server alone, of all its threads; the calls come from this process. GET / over
// the same connections is the floor: what HTTP and the kernel cost without a call. There are ten
// rooms with a participant each; `get` and `list 1` ask for one of them, `list 10` for all.
//
// `idle`: participants of /rtc/v1 in rooms of ten, with permessage-deflate, that have joined and
// ping as clients do. Without --offer they have no media connection; with it their join
// brings a browser's offer, whose answer nobody takes up. Memory is resident memory, after as many
// as are in 20 rooms have joined before (they load pages of the program).
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <cstdio>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load_client.h"
#include "livekit_room.pb.h"

namespace confab::bench {
namespace {

struct Options {
    std::size_t requests = 40'000;
    std::size_t connections = 32;
    std::size_t participants = 5000;
    bool offer = false;
    bool deflate = true;
    std::int64_t hold = 0;
    std::string call;
    std::string only;
    std::string binary = "build/release/confab";
};

constexpr std::size_t kRooms = 10;
constexpr std::size_t kIdleRoomSize = 10;
constexpr std::size_t kWarmUp = 200;
constexpr Duration kPatience = Duration::seconds(120);

[[noreturn]] void give_up(const char* what) {
    std::printf("api_bench: %s\n", what);
    std::exit(1);
}

std::string room_name(std::size_t i) {
    return "room-" + std::to_string(i);
}

// Lives for ten minutes, like those of the SDKs. Each `identity` makes it another one.
std::string token_for(token::VideoGrant grant, const std::string& identity) {
    token::Grants grants;
    grants.identity = identity;
    grants.video = std::move(grant);
    const std::string secret = ServerProcess::kSecret;
    return token::mint_token(grants, {ServerProcess::kKey, secret}, wall(), Duration::seconds(600));
}

// ------------------------------------------------------------ calls

struct ApiCall {
    std::string name;
    std::string method;  // empty: GET /
    token::VideoGrant grant;
    std::function<std::string(std::size_t number)> body;
    bool json = false;
};

std::string request_of(const ApiCall& call, std::size_t number) {
    if (call.method.empty()) return "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    const std::string body = call.body(number);
    return "POST /twirp/livekit.RoomService/" + call.method +
           " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/" +
           (call.json ? "json" : "protobuf") + "\r\nAuthorization: Bearer " +
           token_for(call.grant, "caller-" + std::to_string(number)) +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// What is to be asked, and what was answered.
struct Round {
    std::deque<std::string> requests;
    std::size_t answered = 0;
    std::size_t bytes = 0;
};

// A kept connection: sends the next request when the last one is answered.
class ApiConnection final : public Waiter {
  public:
    ApiConnection(LoadLoop& loop, std::uint16_t port)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const int on = 1;
        (void)::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const auto to = worker::to_kernel({IpAddress::v4(INADDR_LOOPBACK), port});
        if (::connect(fd_, to.get(), to.size) != 0) give_up("no connection");
        loop.watch(fd_, *this, 0, false);
    }
    ~ApiConnection() override { ::close(fd_); }
    ApiConnection(const ApiConnection&) = delete;
    ApiConnection& operator=(const ApiConnection&) = delete;

    void begin(Round& round) {
        round_ = &round;
        send_next();
    }
    void on_socket(std::size_t) override {
        static thread_local std::array<char, 64 * 1024> buffer;
        const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size <= 0) give_up("a connection was closed");
        in_.append(buffer.data(), static_cast<std::size_t>(size));
        const std::size_t end = in_.find("\r\n\r\n");
        if (end == std::string::npos) return;
        if (!in_.starts_with("HTTP/1.1 200")) give_up(in_.c_str());
        const std::size_t length = in_.find("Content-Length: ");
        if (length >= end) give_up("an answer without a length");
        const std::size_t whole = end + 4 + std::strtoul(in_.c_str() + length + 16, nullptr, 10);
        if (in_.size() < whole) return;
        if (in_.size() > whole) give_up("more than an answer");
        round_->bytes += whole;
        ++round_->answered;
        in_.clear();
        send_next();
    }
    void on_time() override {}

  private:
    void send_next() {
        if (round_->requests.empty()) return;
        const std::string request = std::move(round_->requests.front());
        round_->requests.pop_front();
        if (std::cmp_not_equal(::send(fd_, request.data(), request.size(), MSG_NOSIGNAL),
                               request.size()))
            give_up("a request was not taken as a whole");
    }

    int fd_;
    std::string in_;
    Round* round_ = nullptr;
};

std::vector<ApiCall> all_calls() {
    token::VideoGrant create, list, admin;
    create.room_create = true;
    list.room_list = true;
    admin.room_admin = true;
    admin.room = room_name(3);
    const auto of = [](const auto& request, bool json) {
        // The names of these fields are the same in both; their values need no escapes.
        if (!json) return request.SerializeAsString();
        std::string text = "{";
        if constexpr (requires { request.identity(); })
            text += R"("room":")" + request.room() + R"(","identity":")" + request.identity() + '"';
        else if constexpr (requires { request.names(); })
            text += request.names().empty() ? "" : R"("names":[")" + request.names(0) + R"("])";
        else
            text += R"("name":")" + request.name() + '"';
        return text + "}";
    };
    std::vector<ApiCall> calls = {{"GET /", "", {}, {}, false}};
    for (const bool json : {false, true}) {
        const std::string kind = json ? " json" : " protobuf";
        const auto creates = [of, json](const char* prefix, std::size_t modulo) {
            return [=](std::size_t number) {
                livekit::CreateRoomRequest request;
                request.set_name(prefix + std::to_string(number % modulo));
                return of(request, json);
            };
        };
        const auto lists = [of, json](bool one) {
            return [=](std::size_t) {
                livekit::ListRoomsRequest request;
                if (one) request.add_names(room_name(3));
                return of(request, json);
            };
        };
        calls.push_back({"list 10" + kind, "ListRooms", list, lists(false), json});
        calls.push_back({"list 1" + kind, "ListRooms", list, lists(true), json});
        calls.push_back({"get" + kind, "GetParticipant", admin,
                         [of, json](std::size_t) {
                             livekit::RoomParticipantIdentity request;
                             request.set_room(room_name(3));
                             request.set_identity("participant-3");
                             return of(request, json);
                         },
                         json});
        calls.push_back(
            {"create again" + kind, "CreateRoom", create, creates("room-", kRooms), json});
    }
    // Last, as the rooms stay.
    for (const bool json : {false, true})
        calls.push_back({json ? "create json" : "create protobuf", "CreateRoom", create,
                         [of, json](std::size_t number) {
                             livekit::CreateRoomRequest request;
                             request.set_name((json ? "j" : "p") + std::to_string(number));
                             return of(request, json);
                         },
                         json});
    return calls;
}

// ------------------------------------------------------------ participants that only signal

class IdleParticipant final : public Waiter {
  public:
    static constexpr Duration kPing = Duration::seconds(5);

    IdleParticipant(Load& load, const Ports& ports, const std::string& room,
                    const std::string& identity, const std::string& join_request)
        : load_(load) {
        token::VideoGrant grant;
        grant.room_join = true;
        grant.room = room;
        web_ = open_web_socket(
            ports.http,
            "/rtc/v1?access_token=" + token_for(grant, identity) + "&join_request=" + join_request,
            load.deflate);
        load_.loop.watch(web_->fd(), *this, 0, true);
    }
    ~IdleParticipant() override { load_.loop.set_timer(*this, timer_, Timestamp::never()); }

    bool joined() const { return joined_; }
    bool failed() const { return web_->failed() || left_; }

    void on_socket(std::size_t) override {
        web_->flush();
        web_->receive([this](std::string_view message) { take(message); });
        if (!web_->wants_to_write()) load_.loop.watch(web_->fd(), *this, 0, false);
    }
    void on_time() override {
        livekit::SignalRequest request;
        request.mutable_ping_req()->set_timestamp(wall().ms());
        web_->send(request.SerializeAsString());
        load_.loop.set_timer(*this, timer_, now() + kPing);
    }

  private:
    void take(std::string_view message) {
        livekit::SignalResponse response;
        if (!response.ParseFromArray(message.data(), static_cast<int>(message.size())))
            give_up("a message that is none");
        left_ = left_ || response.has_leave();
        if (!response.has_join()) return;
        joined_ = true;
        load_.loop.set_timer(*this, timer_, now() + kPing);
    }

    Load& load_;
    std::unique_ptr<load::WebSocketClient> web_;
    Timestamp timer_ = Timestamp::never();
    bool joined_ = false;
    bool left_ = false;
};

// What livekit-client sends, with or without its offer.
std::string join_request(Load& load, bool offer) {
    client::SessionConfig config;
    config.offer_size = client::OfferSize::kBrowser;
    config.crypto = {&load.engine, &*load.dtls, false};
    config.fingerprint = load.fingerprint;
    client::Session session(std::move(config), load.rng.fork());
    livekit::JoinRequest request = session.start(now());
    if (!offer) request.clear_publisher_offer();
    return load::join_request_value(request);
}

// ------------------------------------------------------------ a server with both

class World {
  public:
    explicit World(const Options& options)
        : options_(options), server_(options.binary, "/dev/null") {
        load_.deflate = options.deflate;
        request_ = join_request(load_, options.offer);
        if (!server_.wait_until_up()) give_up("the server does not start");
    }
    ServerProcess& server() { return server_; }
    void run_for(Duration time) {
        for (const Timestamp end = now() + time; now() < end;)
            load_.loop.run_once(std::min(Duration::millis(50), end - now()));
    }
    // A few at a time; they stay.
    void join(std::size_t count, std::size_t room_size) {
        constexpr std::size_t kAtOnce = 16;
        std::size_t settled = participants_.size();
        const std::size_t all = settled + count;
        for (const Timestamp end = now() + kPatience; settled < all;) {
            if (now() > end) give_up("not all could join");
            while (participants_.size() < std::min(all, settled + kAtOnce)) {
                const std::size_t number = participants_.size();
                participants_.push_back(std::make_unique<IdleParticipant>(
                    load_, server_.ports, room_name(number / room_size),
                    "participant-" + std::to_string(number), request_));
            }
            load_.loop.run_once(Duration::millis(20));
            for (; settled < participants_.size() && participants_[settled]->joined();)
                ++settled;
        }
        if (std::ranges::any_of(participants_, [](auto& p) { return p->failed(); }))
            give_up("somebody was sent away");
    }
    struct Cost {
        double cpu = 0;  // s of the server
        double wall = 0;
        std::size_t bytes = 0;
    };
    Cost call(const ApiCall& call, std::size_t requests) {
        Round round;
        for (std::size_t i = 0; i < requests; ++i)
            round.requests.push_back(request_of(call, serial_++));
        while (connections_.size() < options_.connections)
            connections_.push_back(std::make_unique<ApiConnection>(load_.loop, server_.ports.http));
        const double cpu = server_.cpu();
        const Timestamp begin = now();
        for (const auto& connection : connections_)
            connection->begin(round);
        while (round.answered < requests)
            load_.loop.run_once(Duration::millis(50));
        return {server_.cpu() - cpu, (now() - begin).to_seconds(), round.bytes / requests};
    }
    void hold(const char* what) {
        if (options_.hold == 0) return;
        std::printf("server %d holds %s\n", server_.pid(), what);
        std::fflush(stdout);
        run_for(Duration::seconds(options_.hold));
    }

  private:
    Options options_;
    Load load_;
    ServerProcess server_;
    std::string request_;
    std::size_t serial_ = 0;
    std::vector<std::unique_ptr<ApiConnection>> connections_;
    std::vector<std::unique_ptr<IdleParticipant>> participants_;
};

void measure_api(const Options& options) {
    World world(options);
    world.join(kRooms, 1);
    world.hold("rooms");
    double floor = 0;
    for (const ApiCall& call : all_calls()) {
        const bool is_floor = call.method.empty();
        if (!is_floor && !options.call.empty() && options.call != call.name) continue;
        (void)world.call(call, std::max<std::size_t>(options.requests / 20, 1));
        const World::Cost cost = world.call(call, options.requests);
        const double each = cost.cpu * 1e6 / static_cast<double>(options.requests);
        if (is_floor) floor = each;
        std::printf(
            "%-22s %6.0f requests/s per core (%5.1f us CPU each, %4.2f of GET /), "
            "%6.0f on the clock, %zu bytes\n",
            call.name.c_str(), 1e6 / each, each, each / floor,
            static_cast<double>(options.requests) / cost.wall, cost.bytes);
        std::fflush(stdout);
    }
}

void measure_idle(const Options& options) {
    World world(options);
    world.join(kWarmUp, kIdleRoomSize);
    world.run_for(Duration::seconds(1));
    const double before = world.server().rss();
    const double cpu = world.server().cpu();
    world.join(options.participants, kIdleRoomSize);
    const double joins = world.server().cpu() - cpu;
    world.run_for(Duration::seconds(10));
    const auto count = static_cast<double>(options.participants);
    const double each = (world.server().rss() - before) / count;
    std::printf(
        "idle%s: %.1f KB for each of %.0f participants, %.0f in 1 GB; "
        "%.0f us CPU to join\n",
        options.offer ? " with an offer" : "", each, count, 1024 * 1024 / each,
        joins * 1e6 / count);
    std::fflush(stdout);
    world.hold("idle participants");
}

int run(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        const char* const value = i + 1 < argc ? argv[i + 1] : "";
        const auto number = [&] { return std::max(1UL, std::strtoul(value, nullptr, 10)); };
        if (argument == "--requests") options.requests = number();
        if (argument == "--connections") options.connections = number();
        if (argument == "--participants") options.participants = number();
        if (argument == "--hold") options.hold = static_cast<std::int64_t>(number());
        if (argument == "--call") options.call = value;
        if (argument == "--only") options.only = value;
        if (argument == "--binary") options.binary = value;
        if (argument == "--offer") options.offer = true;
        if (argument == "--no-deflate") options.deflate = false;
    }
    rlimit files{};
    (void)::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &files);
    if (options.only != "idle") measure_api(options);
    if (options.only != "api") measure_idle(options);
    return 0;
}

}  // namespace
}  // namespace confab::bench

int main(int argc, char** argv) {
    return confab::bench::run(argc, argv);
}
