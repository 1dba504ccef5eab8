// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/sentinel/sentinels.h"

#include <array>
#include <utility>

namespace confab::redis {
namespace {

constexpr std::string_view kSwitch = "+switch-master";

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> words;
    while (!text.empty()) {
        const std::size_t end = text.find(' ');
        words.push_back(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
    return words;
}

}  // namespace

Sentinels::Sentinels(Timestamp now, std::vector<Address> addresses, std::string master_name,
                     Login login, std::function<void(Timestamp, const Address&)> on_master,
                     std::uint64_t seed, Timing timing)
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
        [this](Timestamp at, std::string_view channel, const std::string& payload) {
            heard(at, channel, payload);
        },
        timing_);
    next_ask_ = now;
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
    const std::array<std::string_view, 3> words = {"SENTINEL", "get-master-addr-by-name",
                                                   master_name_};
    (void)line_.session()->command(
        now, words,
        [this](Timestamp at, const Result<Value, Fault>& reply) { answered(at, reply); });
}

void Sentinels::answered(Timestamp now, const Result<Value, Fault>& reply) {
    if (!reply) return;  // with the connection
    if (reply->kind == Value::Kind::kList && reply->items.size() == 2)
        return found(now, reply->items[0].text, reply->items[1].text);
    given_up_ = reply->is_error() ? "the Sentinel refuses (it says: " + reply->text + ")"
                                  : "the Sentinel knows no master " + master_name_ +
                                        "; set redis.sentinel_master_name to a name it watches";
}

// "name old-host old-port new-host new-port"
void Sentinels::heard(Timestamp now, std::string_view channel, const std::string& payload) {
    const std::vector<std::string_view> words = split(payload);
    if (channel == kSwitch && words.size() == 5 && words[0] == master_name_)
        found(now, words[3], words[4]);
}

void Sentinels::found(Timestamp now, std::string_view host, std::string_view port) {
    const auto address = parse_address("[" + std::string(host) + "]:" + std::string(port));
    if (!address) return;
    trouble_.clear();
    line_.is_well();
    on_master_(now, *address);
}

void Sentinels::next(const std::string& trouble) {
    trouble_ =
        "no Sentinel tells where the master is: " + to_text(addresses_[current_]) + ": " + trouble;
    current_ = (current_ + 1) % addresses_.size();
}

}  // namespace confab::redis
