// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Where the master is, as the Sentinels say (redis.io/docs/reference/sentinel-clients): one of them
// is asked, hears of fail-overs, and is asked again from time to time; the next one takes its place
// when it is gone or does not know. What each says is of an epoch, which grows with each fail-over:
// one that has not heard of the last of them (they tell each other every 2 s) says an older one.
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

    // Called with each address that is said, also with the same one again; whether to believe it.
    // `is_old`: of an epoch before that of the last one that was believed.
    using OnMaster = std::function<bool(Timestamp, const Address&, bool is_old)>;

    // `addresses` are not empty.
    Sentinels(Timestamp now, std::vector<Address> addresses, std::string master_name, Login login,
              OnMaster on_master, std::uint64_t seed, Timing timing = {});
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
    void learn_epoch(const Result<Value, Fault>& reply);
    void answered(Timestamp now, const Result<Value, Fault>& reply);
    void heard(std::string_view channel);
    void found(Timestamp now, std::string_view host, std::string_view port);
    void next(const std::string& trouble);

    std::vector<Address> addresses_;
    std::size_t current_ = 0;
    std::string master_name_;
    Login login_;
    OnMaster on_master_;
    Timing timing_;
    Lifeline line_;
    Timestamp next_ask_ = Timestamp::never();  // once it is ready
    std::optional<std::uint64_t> epoch_;       // of what the current one says, if it tells
    std::uint64_t believed_epoch_ = 0;
    std::optional<std::string> given_up_;  // on the current one, to be told outside its session
    std::string trouble_;
};

}  // namespace confab::redis
