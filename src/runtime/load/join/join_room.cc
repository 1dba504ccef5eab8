// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/load/join/join_room.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <map>
#include <optional>

#include "crypto/certificate.h"
#include "crypto/random.h"
#include "rtc/dtls/context.h"
#include "runtime/load/loop.h"
#include "runtime/load/server_target.h"
#include "runtime/load/udp_port.h"
#include "runtime/load/web_socket_client.h"
#include "runtime/worker/relay/route_source.h"

namespace confab::load {
namespace {

constexpr Duration kLook = Duration::millis(100);
constexpr Duration kJoinPatience = Duration::seconds(20);
constexpr int kNotFound = 404;

class Joiner final : public Waiter {
  public:
    explicit Joiner(const JoinSettings& settings) : settings_(settings) {}
    ~Joiner() override { loop_.set_timer(*this, timer_, Timestamp::never()); }

    Result<void, std::string> run() {
        CONFAB_TRY(server_, resolve(settings_.url));
        CONFAB_TRY_VOID(make_identity());
        CONFAB_TRY_VOID(open(settings_.single));
        const Timestamp patience = monotonic_now() + kJoinPatience;
        while (!is_over()) {
            loop_.run_once(kLook);
            buffers_.flush();
            drain();
            if (superseded_) {
                superseded_ = false;
                CONFAB_TRY_VOID(open(false));
            }
            if (!guest_->connected() && monotonic_now() >= patience && failure_.empty())
                failure_ = "no media connection after 20 s";
            if (!failure_.empty()) return fail(failure_);
        }
        const std::string failed = failure_;  // not how signalling ends with us
        leave();
        if (!failed.empty()) return fail(failed);
        return {};
    }

    void on_socket(std::size_t number) override {
        if (number == kWeb) return read_web();
        ports_[number].receive(buffers_, lateness_, [&](const ArrivedDatagram& datagram) {
            guest_->handle_packet(datagram.now, datagram.arrival,
                                  static_cast<client::Target>(number), datagram.from,
                                  datagram.bytes);
        });
        flush();
    }
    void on_time() override {
        guest_->handle_timeout(monotonic_now());
        flush();
    }

  private:
    static constexpr std::size_t kWeb = client::kTargets;  // after the sockets of media

    Result<void, std::string> make_identity() {
        auto certificate = crypto::Certificate::generate(wall_now());
        if (!certificate) return fail(std::string("cannot make a certificate"));
        auto context = dtls::Context::create(*certificate);
        if (!context) return fail(std::string("cannot make a certificate"));
        dtls_.emplace(std::move(*context));
        fingerprint_ = certificate->sha256_fingerprint();
        return {};
    }

    // A new participant: also when the server does not know the newer path.
    Result<void, std::string> open(bool single) {
        GuestSettings guest;
        client::SessionConfig& session = guest.session;
        const IpAddress local = worker::route_source(server_.address.ip);
        if (local.is_none()) return fail("there is no route to " + server_.host);
        ports_.clear();
        for (std::size_t i = 0; i < client::kTargets; ++i) {
            CONFAB_TRY(UdpPort port, UdpPort::open(local));
            session.addresses[i] = port.address();
            ports_.push_back(std::move(port));
            loop_.watch(ports_.back().fd(), *this, i, false);
        }
        session.single = single;
        session.auto_subscribe = settings_.auto_subscribe;
        session.offer_size = client::OfferSize::kBrowser;
        session.crypto = {&engine_, &*dtls_, false};
        session.fingerprint = fingerprint_;
        session.wall_at_zero = wall_now() - (monotonic_now() - Timestamp{});
        guest.tracks = settings_.tracks;
        guest.data = settings_.data;
        guest.records = !settings_.record_folder.empty();
        guest_ = std::make_unique<Guest>(std::move(guest), crypto::seeded_rng());
        WebSocketTarget target{server_.address, server_.host, server_.name, {}, true};
        target.path = server_.prefix + guest_->open(monotonic_now(), settings_.token);
        web_ = std::make_unique<WebSocketClient>(target);
        writing_ = true;
        loop_.watch(web_->fd(), *this, kWeb, true);
        flush();
        return {};
    }

    void read_web() {
        if (!web_) return;
        web_->flush();
        web_->receive(
            [this](std::string_view message) { guest_->handle_signal(monotonic_now(), message); });
        flush();
    }

    void flush() {
        client::Session& session = guest_->session();
        if (web_ && web_->failed()) web_failed();
        while (const auto message = session.poll_signal())
            if (web_) web_->send(*message);
        while (const auto out = session.poll_transmit()) {
            const auto target = static_cast<std::size_t>(out->target);
            ports_[target].send(buffers_, ports_[target].address().ip, out->datagram.path.remote,
                                out->datagram.bytes);
        }
        if (web_ && std::exchange(writing_, web_->wants_to_write()) != web_->wants_to_write())
            loop_.watch(web_->fd(), *this, kWeb, writing_);
        loop_.set_timer(*this, timer_, guest_->next_deadline());
    }

    void web_failed() {
        const int status = web_->refused_status();
        superseded_ = status == kNotFound && guest_->session().single();
        if (superseded_) {
        } else if (status == 401 || status == 403) {
            failure_ = "the server refuses the token (" + web_->error() + "); check key and secret";
        } else if (status != 0) {
            failure_ = "the server refuses the join: " + web_->error();
        } else if (web_->never_connected()) {
            failure_ = "cannot connect to " + server_.host + ": " + web_->error() +
                       "; is the server running there? check --url";
        } else if (guest_->ended().empty()) {
            failure_ = "signalling ended: " + web_->error();
        }
        guest_->session().signal_closed();
        web_.reset();
    }

    // Events and files.
    void drain() {
        while (const auto event = guest_->poll_event())
            settings_.told(*event);
        while (const auto recorded = guest_->poll_recorded())
            append(*recorded);
    }
    void append(const Recorded& recorded) {
        auto& file = files_[recorded.file];
        if (!file.is_open()) {
            (void)::mkdir(settings_.record_folder.c_str(), 0755);
            file.open(settings_.record_folder + "/" + recorded.file,
                      std::ios::binary | std::ios::trunc);
        }
        const std::string_view octets = as_text(recorded.octets);
        file.write(octets.data(), static_cast<std::streamsize>(octets.size()));
        file.flush();  // it can be watched, and stays whatever ends us
        if (!file) failure_ = "cannot write " + settings_.record_folder + "/" + recorded.file;
    }

    bool is_over() {
        if (!guest_->ended().empty()) {
            settings_.told({"disconnected", {{"reason", guest_->ended()}}});
            return true;
        }
        if (settings_.ends_after_publish && guest_->connected() && guest_->has_published()) {
            if (guest_->unpublished() > 0)
                failure_ =
                    "the server did not take what was to be published; does the token allow "
                    "it (canPublish, canPublishSources)?";
            return true;
        }
        return settings_.is_over(guest_->flowing());
    }

    void leave() {
        if (!web_) return;
        guest_->session().leave();
        flush();
        buffers_.flush();
        for (int i = 0; i < 5; ++i)
            loop_.run_once(Duration::millis(10));
        drain();
    }

    const JoinSettings& settings_;
    ServerTarget server_;
    Loop loop_;
    DatagramBuffers buffers_;
    Histogram lateness_;
    srtp::Engine engine_;
    std::optional<dtls::Context> dtls_;
    std::string fingerprint_;
    std::vector<UdpPort> ports_;
    std::unique_ptr<Guest> guest_;
    std::unique_ptr<WebSocketClient> web_;
    std::map<std::string, std::ofstream> files_;
    Timestamp timer_ = Timestamp::never();
    std::string failure_;
    bool writing_ = true;
    bool superseded_ = false;
};

}  // namespace

Result<void, std::string> join_room(const JoinSettings& settings) {
    (void)::signal(SIGPIPE, SIG_IGN);  // TLS writes without MSG_NOSIGNAL
    return Joiner(settings).run();
}

}  // namespace confab::load
