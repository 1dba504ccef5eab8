// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/sentinel/sentinels.h"

#include <array>
#include <utility>

#include "base/text.h"

namespace confab::redis {
namespace {

constexpr std::string_view kSwitch = "+switch-master";

// Of SENTINEL MASTER: names and values in turn.
std::optional<std::uint64_t> config_epoch(const Value& master) {
    for (std::size_t i = 0; i + 1 < master.items.size(); i += 2)
        if (master.items[i].text == "config-epoch")
            return parse_decimal<std::uint64_t>(master.items[i + 1].text);
    return std::nullopt;
}

}  // namespace

Sentinels::Sentinels(Timestamp now, std::vector<Address> addresses, std::string master_name,
                     Login login, OnMaster on_master, std::uint64_t seed, Timing timing)
    : addresses_(std::move(addresses)),
      current_(seed % addresses_.size()),  // so that not all nodes ask the same one
      master_name_(std::move(master_name)),
      login_(std::move(login)),
      on_master_(std::move(on_master)),
      timing_(timing),
      line_(now, seed) {
    login_.db = 0;
}

std::optional<Address> Sentinels::dial(Timestamp now) {
    if (!line_.wants(now)) return std::nullopt;
    line_.dialled();
    return addresses_[current_];
}

void Sentinels::connected(Timestamp now) {
    line_.connected(
        now, login_,
        [this](Timestamp, std::string_view channel, const std::string&) { heard(channel); },
        timing_);
    next_ask_ = now;
    epoch_.reset();
    const std::array<std::string_view, 2> words = {"SUBSCRIBE", kSwitch};
    (void)line_.session()->subscription(now, words, {});  // a new session is not full
}

void Sentinels::received(Timestamp now, BytesView bytes) {
    if (!line_.session()) return;
    line_.session()->received(now, bytes);
    look(now);
}

void Sentinels::closed(Timestamp now, std::string_view why) {
    line_.closed(now, why);
    look(now);
}

void Sentinels::advance(Timestamp now) {
    if (line_.session()) line_.session()->advance(now);
    look(now);
}

Timestamp Sentinels::next_deadline() const {
    if (!line_.is_ready()) return line_.next_deadline();
    return earlier(line_.next_deadline(), next_ask_);
}

std::string Sentinels::take_output() {
    return line_.session() ? line_.session()->take_output() : std::string();
}

// ---------------------------------------------------------------- asking

void Sentinels::look(Timestamp now) {
    const std::optional<std::string> given_up = std::exchange(given_up_, std::nullopt);
    if (given_up) line_.closed(now, *given_up);
    if (const std::optional<Fault> fault = line_.look(now)) next(given_up.value_or(fault->text));
    if (line_.is_ready() && next_ask_ <= now) ask(now);
}

void Sentinels::ask(Timestamp now) {
    next_ask_ = now + kAskEvery;
    const std::array<std::string_view, 3> of_epoch = {"SENTINEL", "MASTER", master_name_};
    (void)line_.session()->command(
        now, of_epoch,
        [this](Timestamp, const Result<Value, Fault>& reply) { learn_epoch(reply); });
    const std::array<std::string_view, 3> words = {"SENTINEL", "get-master-addr-by-name",
                                                   master_name_};
    (void)line_.session()->command(
        now, words,
        [this](Timestamp at, const Result<Value, Fault>& reply) { answered(at, reply); });
}

// A user who may not ask for it is told the address all the same.
void Sentinels::learn_epoch(const Result<Value, Fault>& reply) {
    epoch_ = reply ? config_epoch(*reply) : std::nullopt;
}

void Sentinels::answered(Timestamp now, const Result<Value, Fault>& reply) {
    if (!reply) return;  // with the connection
    if (reply->kind == Value::Kind::kList && reply->items.size() == 2)
        return found(now, reply->items[0].text, reply->items[1].text);
    given_up_ = reply->is_error() ? "the Sentinel refuses (it says: " + reply->text + ")"
                                  : "the Sentinel knows no master " + master_name_ +
                                        "; set redis.sentinel_master_name to a name it watches";
}

// A fail-over, maybe of another master; the message says of no epoch, so all is asked again.
void Sentinels::heard(std::string_view channel) {
    if (channel == kSwitch) next_ask_ = Timestamp();
}

void Sentinels::found(Timestamp now, std::string_view host, std::string_view port) {
    const auto address = parse_address("[" + std::string(host) + "]:" + std::string(port));
    if (!address) return;
    trouble_.clear();
    line_.is_well();
    const bool is_old = epoch_.value_or(believed_epoch_) < believed_epoch_;
    if (on_master_(now, *address, is_old)) believed_epoch_ = epoch_.value_or(believed_epoch_);
}

void Sentinels::next(const std::string& trouble) {
    trouble_ =
        "no Sentinel tells where the master is: " + to_text(addresses_[current_]) + ": " + trouble;
    current_ = (current_ + 1) % addresses_.size();
}

}  // namespace confab::redis
