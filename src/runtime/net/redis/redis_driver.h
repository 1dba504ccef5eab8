// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The sockets and the clock of a redis::Driven: connects, with TLS where it is asked for, carries
// bytes both ways, and wakes it. What is asked for in one turn of the loop leaves in one write.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "redis/driven.h"
#include "runtime/net/event_loop.h"

namespace confab::net {

struct RedisTls {  // RDS-28
    bool enabled = false;
    bool insecure = false;    // any certificate will do
    std::string server_name;  // in the certificate; empty: the host that is connected to
    // PEM; an empty authority means the system's.
    std::string ca_pem;
    std::string client_cert_pem;
    std::string client_key_pem;
};

struct RedisDriverOptions {
    Duration dial_timeout = Duration::seconds(2);  // name, connection and handshake together
    RedisTls tls;
};

class RedisDriver final : public redis::Port {
  public:
    using Machine = std::unique_ptr<redis::Driven>;
    // Error: what is wrong with the certificates or the key.
    static Result<std::unique_ptr<RedisDriver>, std::string> make(EventLoop& loop, Machine machine,
                                                                  RedisDriverOptions options);
    ~RedisDriver() override;  // closes; no callback is called any more
    RedisDriver(const RedisDriver&) = delete;
    RedisDriver& operator=(const RedisDriver&) = delete;

    // ---- Port: the machine's.
    Result<void, redis::Fault> command(Timestamp now, redis::Words words,
                                       redis::Reply done) override;
    void subscribe(Timestamp now, std::string channel) override;
    void unsubscribe(Timestamp now, const std::string& channel) override;
    bool is_up(redis::Line line) const override;
    std::string trouble() const;

  private:
    class Impl;
    explicit RedisDriver(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace confab::net
