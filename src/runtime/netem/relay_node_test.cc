// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The relay with real sockets on loopback. What a path does to packets is tested with the machines;
// here only that they are driven.
#include "runtime/netem/relay_node.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "netem/link_spec.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::netsim {
namespace {

constexpr int kWaitMs = 5000;
const SocketAddress kAny{IpAddress::v4(0x7F00'0001), 0};

bool is_readable(int fd, int timeout_ms = kWaitMs) {
    pollfd waiting{fd, POLLIN, 0};
    return ::poll(&waiting, 1, timeout_ms) == 1;
}

class Udp {
  public:
    explicit Udp(RelaySocket socket) : socket_(std::move(socket)) {}
    static Udp server() { return Udp(*RelaySocket::listen(kAny)); }
    static Udp client(const SocketAddress& to) { return Udp(*RelaySocket::connect(to)); }

    const SocketAddress& local() const { return socket_.local(); }
    void send(std::string_view text, const SocketAddress& to = {}) {
        netem::DatagramRelay::Outgoing packet;
        packet.to = to;
        packet.bytes = as_bytes(text);
        REQUIRE(socket_.send(batch_, {&packet, 1}) == 1);
    }
    // The next datagrams, whatever their number; empty when none came in time.
    std::string receive(SocketAddress* from = nullptr) {
        if (!is_readable(socket_.fd())) return "";
        std::string text;
        for (const Datagram& one : socket_.receive(batch_)) {
            text += as_text(one.bytes);
            if (from != nullptr) *from = one.from;
        }
        return text;
    }

  private:
    RelaySocket socket_;
    SocketBatch batch_;
};

// Runs until it goes; takes commands by a pipe.
class Running {
  public:
    explicit Running(RelayOptions options) {
        std::array<int, 2> ends{};
        REQUIRE(::pipe(ends.data()) == 0);
        commands_in_ = worker::FileDescriptor(ends[0]);
        commands_ = worker::FileDescriptor(ends[1]);
        options.commands_fd = ends[0];
        auto node = RelayNode::open(options);
        REQUIRE_MESSAGE(node.has_value(), node.error());
        node_ = *std::move(node);
        REQUIRE(::pipe(ends.data()) == 0);
        answers_ = worker::FileDescriptor(ends[0]);
        answers_in_ = worker::FileDescriptor(ends[1]);
        thread_ = std::thread([this] {
            node_->run({.on_second = {},
                        .on_command = [this](const std::string&, const std::string& error) {
                            const std::string answer = error.empty() ? "ok" : error;
                            (void)!::write(answers_in_.get(), answer.data(), answer.size());
                        }});
        });
    }
    ~Running() { end(); }
    SocketAddress at(std::size_t route = 0) const { return node_->routes()[route].listen; }
    // Says "ok" once it holds.
    std::string command(std::string line) {
        line += '\n';
        REQUIRE(::write(commands_.get(), line.data(), line.size()) > 0);
        if (!is_readable(answers_.get())) return "";
        std::array<char, 512> answer;
        const ssize_t size = ::read(answers_.get(), answer.data(), answer.size());
        return {answer.data(), static_cast<std::size_t>(size)};
    }
    Totals end() {
        if (commands_) ::close(commands_.release());
        if (thread_.joinable()) thread_.join();
        return node_->totals();
    }

  private:
    worker::FileDescriptor commands_in_;
    worker::FileDescriptor commands_;
    worker::FileDescriptor answers_;
    worker::FileDescriptor answers_in_;
    std::unique_ptr<RelayNode> node_;
    std::thread thread_;
};

RelayOptions to_server(const SocketAddress& server, bool is_tcp = false) {
    RelayOptions options;
    options.routes = {{is_tcp, kAny, server}};
    return options;
}

TEST_CASE("RelayNode: datagrams go both ways, each client has a port, rebinding gives another") {
    Udp server = Udp::server();
    Running relay(to_server(server.local()));
    Udp one = Udp::client(relay.at());
    Udp two = Udp::client(relay.at());
    SocketAddress port_of_one;
    SocketAddress port_of_two;
    one.send("one");
    CHECK(server.receive(&port_of_one) == "one");
    two.send("two");
    CHECK(server.receive(&port_of_two) == "two");
    CHECK(port_of_one != port_of_two);
    server.send("to one", port_of_one);
    CHECK(one.receive() == "to one");
    server.send("to two", port_of_two);
    CHECK(two.receive() == "to two");

    CHECK(relay.command("rebind") == "ok");
    // The old port is gone already, without anything that the client did.
    one.send("again");
    SocketAddress rebound;
    CHECK(server.receive(&rebound) == "again");
    CHECK(rebound != port_of_one);
    server.send("found", rebound);
    CHECK(one.receive() == "found");
    const Totals totals = relay.end();
    CHECK(totals.up.relay.forwarded == 3);
    CHECK(totals.down.relay.forwarded == 3);
    CHECK(totals.clients == 2);
    CHECK(totals.rebinds == 1);
    CHECK(totals.not_sent == 0);
}

TEST_CASE("RelayNode: commands change the path, wrong ones are told") {
    Udp server = Udp::server();
    Running relay(to_server(server.local()));
    Udp client = Udp::client(relay.at());
    CHECK(relay.command("up:loss=100%") == "ok");
    client.send("lost");
    CHECK(relay.command("up:loss=5") ==
          "\"loss=5\" is not understood; write for example loss=2% or 0.02 (0 to 100%)");
    CHECK(relay.command("up:loss=0%,delay=30ms") == "ok");
    client.send("passes");
    CHECK(server.receive() == "passes");
    const Totals totals = relay.end();
    CHECK(totals.up.link.lost == 1);
    CHECK(totals.up.relay.forwarded == 1);
}

TEST_CASE("RelayNode: a delay is kept to, and a thousand datagrams come in order") {
    Udp server = Udp::server();
    RelayOptions options = to_server(server.local());
    options.conditions.up = netem::parse_link_spec("delay=40ms").value();
    Running relay(options);
    Udp client = Udp::client(relay.at());
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        const std::string text = std::to_string(i) + ",";
        expected += text;
        client.send(text);
    }
    std::string got;
    while (got.size() < expected.size()) {
        const std::string more = server.receive();
        if (more.empty()) break;
        got += more;
    }
    CHECK(got == expected);
    CHECK(relay.end().running >= Duration::millis(40));
}

TEST_CASE("RelayNode: a server that is not there is no end of it") {
    SocketAddress nobody;
    {
        const Udp gone = Udp::server();
        nobody = gone.local();
    }
    Running relay(to_server(nobody));
    Udp client = Udp::client(relay.at());
    for (int i = 0; i < 3; ++i) {
        client.send("x");
        CHECK(relay.command("both:clear") == "ok");
    }
    CHECK(relay.end().up.relay.forwarded == 3);
}

TEST_CASE("RelayNode: an address in use is an error that names it") {
    Udp server = Udp::server();
    RelayOptions options = to_server(server.local());
    options.routes[0].listen = server.local();
    const auto node = RelayNode::open(options);
    REQUIRE_FALSE(node);
    CHECK(node.error() == "listen udp " + server.local().to_string() +
                              ": Address already in use; end what listens there, or choose "
                              "another --listen");
}

// ---------------------------------------------------------------- TCP

worker::FileDescriptor tcp_socket() {
    return worker::FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

class TcpServer {
  public:
    TcpServer() : fd_(tcp_socket()) {
        const worker::KernelAddress address = worker::to_kernel(kAny);
        REQUIRE(::bind(fd_.get(), address.get(), address.size) == 0);
        REQUIRE(::listen(fd_.get(), 8) == 0);
        worker::KernelAddress bound;
        bound.size = sizeof bound.storage;
        REQUIRE(::getsockname(fd_.get(), bound.get(), &bound.size) == 0);
        local_ = worker::from_kernel(bound.storage);
    }
    const SocketAddress& local() const { return local_; }
    worker::FileDescriptor accept() {
        REQUIRE(is_readable(fd_.get()));
        return worker::FileDescriptor(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }

  private:
    worker::FileDescriptor fd_;
    SocketAddress local_;
};

worker::FileDescriptor connect_to(const SocketAddress& to) {
    worker::FileDescriptor fd = tcp_socket();
    const worker::KernelAddress address = worker::to_kernel(to);
    REQUIRE(::connect(fd.get(), address.get(), address.size) == 0);
    return fd;
}

void write_all(const worker::FileDescriptor& fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
        REQUIRE(count > 0);
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

// Until so much has come, or the end: then with "." behind it, and after a reset "!".
std::string read_some(const worker::FileDescriptor& fd, std::size_t size) {
    std::string text;
    std::array<char, 65'536> buffer;
    while (text.size() < size) {
        if (!is_readable(fd.get())) return text + "?";
        const ssize_t count = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
        if (count == 0) return text + ".";
        if (count < 0) return text + "!";
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
}

TEST_CASE("RelayNode: streams go both ways; each half ends by itself") {
    TcpServer server;
    RelayOptions options = to_server(server.local(), true);
    options.conditions.down = netem::parse_link_spec("delay=20ms").value();
    Running relay(options);
    const auto client = connect_to(relay.at());
    const auto accepted = server.accept();
    write_all(client, "hello");
    CHECK(read_some(accepted, 5) == "hello");
    ::shutdown(client.get(), SHUT_WR);
    CHECK(read_some(accepted, 1) == ".");
    write_all(accepted, "still here");
    CHECK(read_some(client, 10) == "still here");
    ::shutdown(accepted.get(), SHUT_WR);
    CHECK(read_some(client, 1) == ".");
    const Totals totals = relay.end();
    CHECK(totals.tcp.opened == 1);
    CHECK(totals.tcp.octets_up == 5);
    CHECK(totals.tcp.octets_down == 10);
    CHECK(totals.streams == 0);
}

TEST_CASE("RelayNode: more than a stream holds comes whole to a slow reader") {
    TcpServer server;
    Running relay(to_server(server.local(), true));
    const auto client = connect_to(relay.at());
    const auto accepted = server.accept();
    std::string text;
    for (int i = 0; i < 1'500'000; ++i)
        text += std::to_string(i) + ",";
    std::thread writer([&] { write_all(client, text); });
    // Compared outside of the assertion: a failure must not print all of it.
    const bool same = read_some(accepted, text.size()) == text;
    writer.join();
    CHECK(same);
}

TEST_CASE("RelayNode: resets and refusals come through; tcp=stall holds, tcp=refuse resets") {
    TcpServer server;
    Running relay(to_server(server.local(), true));
    const auto client = connect_to(relay.at());
    {
        const auto accepted = server.accept();
        const linger at_once{1, 0};
        REQUIRE(::setsockopt(accepted.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    }
    CHECK(read_some(client, 1) == "!");

    const auto second = connect_to(relay.at());
    const auto accepted = server.accept();
    CHECK(relay.command("tcp=stall") == "ok");
    write_all(second, "held");
    CHECK_FALSE(is_readable(accepted.get(), 50));
    CHECK(relay.command("tcp=pass") == "ok");
    CHECK(read_some(accepted, 4) == "held");
    CHECK(relay.command("tcp=refuse") == "ok");
    CHECK(read_some(second, 1) == "!");
    const auto third = connect_to(relay.at());
    CHECK(read_some(third, 1) == "!");
    const Totals totals = relay.end();
    CHECK(totals.tcp.cut == 1);
    CHECK(totals.tcp.refused == 1);
}

TEST_CASE("RelayNode: a server that refuses is told to the client") {
    SocketAddress nobody;
    {
        const TcpServer gone;
        nobody = gone.local();
    }
    Running relay(to_server(nobody, true));
    const auto client = connect_to(relay.at());
    CHECK(read_some(client, 1) == "!");
    CHECK(relay.end().tcp_not_reached == 1);
}

TEST_CASE("LineReader: lines as they come, what is too long is cut, the rest at the end") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const worker::FileDescriptor in(ends[0]);
    worker::FileDescriptor out(ends[1]);
    LineReader reader(in.get());
    const auto write = [&](std::string_view text) {
        REQUIRE(::write(out.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
        CHECK(reader.read());
    };
    write("one\ntw");
    CHECK(reader.poll_line() == "one");
    CHECK_FALSE(reader.poll_line());
    write("o\n\nthree");
    CHECK(reader.poll_line() == "two");
    CHECK(reader.poll_line() == "");
    CHECK_FALSE(reader.poll_line());
    write(std::string(LineReader::kMaxLine - 5, 'x'));
    CHECK(reader.poll_line()->size() == LineReader::kMaxLine);
    write("rest");
    ::close(out.release());
    CHECK_FALSE(reader.read());
    CHECK(reader.poll_line() == "rest");
    CHECK_FALSE(reader.poll_line());
}

}  // namespace
}  // namespace confab::netsim
