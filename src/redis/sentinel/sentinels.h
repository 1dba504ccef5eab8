// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Where the master is, as the Sentinels say (redis.io/docs/reference/sentinel-clients): one of them
// is asked, hears of fail-overs, and is asked again from time to time; the next one takes its place
// when it is gone or does not know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "redis/address.h"
#include "redis/lifeline.h"

namespace confab::redis {

class Sentinels {
  public:
    // A fail-over that its message did not tell of is seen after this long.
    static constexpr Duration kAskEvery = Duration::seconds(2);

    // `addresses` are not empty. `on_master` is called with each address that is said, also with
    // the same one again.
    Sentinels(Timestamp now, std::vector<Address> addresses, std::string master_name, Login login,
              std::function<void(Timestamp, const Address&)> on_master, std::uint64_t seed,
              Timing timing = {});
    Sentinels(const Sentinels&) = delete;
    Sentinels& operator=(const Sentinels&) = delete;

    // As Driven, of its one link.
    std::optional<Address> dial(Timestamp now);
    void connected(Timestamp now);
    void received(Timestamp now, BytesView bytes);
    void closed(Timestamp now, std::string_view why);
    void advance(Timestamp now);
    Timestamp next_deadline() const;
    std::string take_output();
    bool keeps() const { return line_.keeps(); }

    // Why no master is known: of the one that was asked last.
    const std::string& trouble() const { return trouble_; }

  private:
    void look(Timestamp now);
    void ask(Timestamp now);
    void answered(Timestamp now, const Result<Value, Fault>& reply);
    void heard(Timestamp now, std::string_view channel, const std::string& payload);
    void found(Timestamp now, std::string_view host, std::string_view port);
    void next(const std::string& trouble);

    std::vector<Address> addresses_;
    std::size_t current_ = 0;
    std::string master_name_;
    Login login_;
    std::function<void(Timestamp, const Address&)> on_master_;
    Timing timing_;
    Lifeline line_;
    Timestamp next_ask_ = Timestamp::never();  // once it is ready
    std::optional<std::string> given_up_;      // on the current one, to be told outside its session
    std::string trouble_;
};

}  // namespace confab::redis
