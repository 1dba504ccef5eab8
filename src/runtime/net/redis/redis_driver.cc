// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/redis/redis_driver.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/net/bytes/byte_socket.h"
#include "runtime/net/event_loop_impl.h"

namespace confab::net {
namespace {

// Empty when all is well.
std::string fill(ssl::context& context, const RedisTls& tls) {
    ErrorCode error;
    context.set_options(
        ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1,
        error);
    context.set_verify_mode(tls.insecure ? ssl::verify_none : ssl::verify_peer, error);
    if (tls.ca_pem.empty())
        context.set_default_verify_paths(error);
    else
        context.add_certificate_authority(asio::buffer(tls.ca_pem), error);
    if (error) return "redis.tls.ca_cert_file holds no certificate: " + error.message();
    if (tls.client_cert_pem.empty() && tls.client_key_pem.empty()) return {};
    context.use_certificate_chain(asio::buffer(tls.client_cert_pem), error);
    if (error) return "redis.tls.client_cert_file holds no certificate: " + error.message();
    context.use_private_key(asio::buffer(tls.client_key_pem), ssl::context::pem, error);
    if (error)
        return "redis.tls.client_key_file holds no key of that certificate: " + error.message();
    return {};
}

}  // namespace

class RedisDriver::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(EventLoop& loop, Machine machine, RedisDriverOptions options)
        : loop_(loop), machine_(std::move(machine)), options_(std::move(options)), timer_(loop) {}

    std::string start();
    void stop();
    redis::Driven& machine() { return *machine_; }
    // After whatever was asked of the machine: its turn comes once, behind all of this turn.
    void touch();

  private:
    void turn();
    void dial(const redis::Dial& dial);
    ByteSocket::Handlers handlers_for(std::size_t link, std::uint64_t number);
    bool is_current(std::size_t link, std::uint64_t number) const;

    struct End {
        std::shared_ptr<ByteSocket> socket;
        std::uint64_t number = 0;  // what an older socket of the link says is not heard
    };

    EventLoop& loop_;
    Machine machine_;
    RedisDriverOptions options_;
    std::optional<ssl::context> tls_;
    std::vector<End> ends_;
    std::uint64_t last_ = 0;
    EventLoop::Timer timer_;
    bool touched_ = false;
    bool stopped_ = false;
};

std::string RedisDriver::Impl::start() {
    if (options_.tls.enabled) {
        tls_.emplace(ssl::context::tls_client);
        if (std::string wrong = fill(*tls_, options_.tls); !wrong.empty()) return wrong;
    }
    touch();
    return {};
}

void RedisDriver::Impl::stop() {
    stopped_ = true;
    timer_.cancel();
    for (End& end : ends_)
        if (end.socket) end.socket->cut();
    ends_.clear();
}

void RedisDriver::Impl::touch() {
    if (stopped_ || std::exchange(touched_, true)) return;
    asio::post(context_of(loop_), [self = shared_from_this()] { self->turn(); });
}

void RedisDriver::Impl::turn() {
    touched_ = false;
    if (stopped_) return;
    const Timestamp now = EventLoop::now();
    machine_->advance(now);
    while (!stopped_) {
        const auto wanted = machine_->dial(now);
        if (!wanted) break;
        dial(*wanted);
    }
    if (ends_.size() < machine_->links()) ends_.resize(machine_->links());
    for (std::size_t link = 0; link < ends_.size() && !stopped_; ++link) {
        End& end = ends_[link];
        if (!end.socket) continue;
        if (!machine_->keeps(link)) {
            end.socket->cut();
            end.socket.reset();
        } else if (std::string bytes = machine_->take_output(link); !bytes.empty()) {
            end.socket->write(std::move(bytes));
        }
    }
    if (stopped_) return;
    timer_.set(machine_->next_deadline(), [this] { touch(); });
}

bool RedisDriver::Impl::is_current(std::size_t link, std::uint64_t number) const {
    return !stopped_ && link < ends_.size() && ends_[link].number == number;
}

ByteSocket::Handlers RedisDriver::Impl::handlers_for(std::size_t link, std::uint64_t number) {
    const auto with_self = [this, link, number](auto what) {
        return [weak = weak_from_this(), this, link, number, what](const auto&... arguments) {
            const auto self = weak.lock();
            if (!self || !is_current(link, number)) return;
            what(arguments...);
            touch();
        };
    };
    return {with_self([this, link] { machine_->connected(EventLoop::now(), link); }),
            with_self([this, link](BytesView bytes) {
                machine_->received(EventLoop::now(), link, bytes);
            }),
            with_self([this, link](const ByteSocket::Closed& closed) {
                ends_[link].socket.reset();
                machine_->closed(EventLoop::now(), link, closed.why);
            })};
}

void RedisDriver::Impl::dial(const redis::Dial& dial) {
    if (ends_.size() <= dial.link) ends_.resize(dial.link + 1);
    End& end = ends_[dial.link];
    if (end.socket) end.socket->cut();
    end.number = ++last_;
    end.socket = std::make_shared<ByteSocket>(loop_, handlers_for(dial.link, end.number));
    ByteSocket::Tls tls;
    if (tls_) {
        tls.context = &*tls_;
        tls.option = "redis.tls";
        if (!options_.tls.insecure)
            tls.name = options_.tls.server_name.empty() ? dial.to.host : options_.tls.server_name;
    }
    end.socket->open({dial.to.host, dial.to.port}, std::move(tls), options_.dial_timeout);
}

// ---------------------------------------------------------------- the outside

Result<std::unique_ptr<RedisDriver>, std::string> RedisDriver::make(EventLoop& loop,
                                                                    Machine machine,
                                                                    RedisDriverOptions options) {
    auto impl = std::make_shared<Impl>(loop, std::move(machine), std::move(options));
    if (std::string wrong = impl->start(); !wrong.empty()) return fail(std::move(wrong));
    return std::unique_ptr<RedisDriver>(new RedisDriver(std::move(impl)));
}

RedisDriver::RedisDriver(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

RedisDriver::~RedisDriver() {
    impl_->stop();
}

Result<void, redis::Fault> RedisDriver::command(Timestamp now, redis::Words words,
                                                redis::Reply done) {
    impl_->touch();
    return impl_->machine().command(now, words, std::move(done));
}

void RedisDriver::subscribe(Timestamp now, std::string channel) {
    impl_->touch();
    impl_->machine().subscribe(now, std::move(channel));
}

void RedisDriver::unsubscribe(Timestamp now, const std::string& channel) {
    impl_->touch();
    impl_->machine().unsubscribe(now, channel);
}

bool RedisDriver::is_up(redis::Line line) const {
    return impl_->machine().is_up(line);
}

std::string RedisDriver::trouble() const {
    return impl_->machine().trouble();
}

}  // namespace confab::net
