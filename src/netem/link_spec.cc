// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "netem/link_spec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

#include "base/text.h"

namespace confab::netem {
namespace {

constexpr double kMaxBurstShare = 0.9;
constexpr double kMaxBurstLength = 10'000;
constexpr std::size_t kMinMtu = 68;  // RFC 791 §3.2
constexpr std::size_t kMaxQueueBytes = 1'000'000'000;
constexpr Duration kMaxTime = Duration::seconds(24 * 3600);

struct Unit {
    std::string_view name;
    double factor;
};
constexpr Unit kTimes[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 60e6}};
constexpr Unit kRates[] = {{"bit", 1}, {"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}};
constexpr Unit kSizes[] = {{"B", 1}, {"kB", 1e3}, {"KiB", 1024}, {"MB", 1e6}};

// A decimal number with one of the units behind it, in the smallest unit.
std::optional<double> parse_number(std::string_view text, std::span<const Unit> units) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
    double value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + end, value);
    if (end == 0 || error != std::errc{} || stop != text.data() + end) return std::nullopt;
    for (const Unit& unit : units)
        if (text.substr(end) == unit.name) return value * unit.factor;
    return std::nullopt;
}

std::optional<double> parse_share(std::string_view text) {
    static constexpr Unit kShares[] = {{"%", 0.01}, {"", 1}};
    const auto share = parse_number(text, kShares);
    // "loss=1" could mean 1 % or everything.
    const bool is_clear = text == "0" || text.find_first_of(".%") != text.npos;
    if (!share || *share > 1 || !is_clear) return std::nullopt;
    return share;
}

bool set_share(double& out, std::string_view text) {
    const auto share = parse_share(text);
    if (share) out = *share;
    return share.has_value();
}

bool set_time(Duration& out, std::string_view text) {
    const auto time = parse_time(text);
    if (!time || *time > kMaxSpecTime) return false;
    out = *time;
    return true;
}

bool set_rate(LinkSpec& spec, std::string_view text) {
    const auto rate = parse_number(text, kRates);
    // Slower ones would keep a packet for hours.
    if (!rate || *rate > static_cast<double>(kMaxRate) || (*rate > 0 && *rate < 1000)) return false;
    spec.bits_per_second = static_cast<std::uint64_t>(std::llround(*rate));
    return true;
}

bool set_queue(LinkSpec& spec, std::string_view text) {
    if (const auto size = parse_number(text, kSizes)) {
        if (*size < 1 || *size > static_cast<double>(kMaxQueueBytes)) return false;
        spec.queue_bytes = static_cast<std::size_t>(std::llround(*size));
        return true;
    }
    const auto time = parse_time(text);
    if (!time || *time > kMaxSpecTime || *time == Duration::zero()) return false;
    spec.queue_time = *time;
    spec.queue_bytes = 0;
    return true;
}

bool set_burst(LinkSpec& spec, std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == text.npos) return false;
    static constexpr Unit kPlain[] = {{"", 1}};
    const auto share = parse_share(text.substr(0, slash));
    const auto length = parse_number(text.substr(slash + 1), kPlain);
    if (!share || !length || *share > kMaxBurstShare) return false;
    // A shorter good state than one packet is none.
    if (*length < 1 || *length > kMaxBurstLength || *share > *length * (1 - *share)) return false;
    spec.burst_share = *share;
    spec.burst_length = *length;
    return true;
}

template <typename T>
bool set_count(T& out, std::string_view text, T least, T most) {
    const auto count = parse_decimal<T>(text);
    if (!count || *count < least || *count > most) return false;
    out = *count;
    return true;
}

struct Key {
    std::string_view name;
    std::string_view example;
    bool (*set)(LinkSpec&, std::string_view);
};
constexpr Key kKeys[] = {
    {"rate", "600kbit (bit, kbit, mbit, gbit; 1kbit at least, 0bit for no limit)", set_rate},
    {"queue", "200ms or 64kB (up to 60s or 1000MB)", set_queue},
    {"delay", "150ms (us, ms, s; up to 60s)",
     [](LinkSpec& s, std::string_view t) { return set_time(s.delay, t); }},
    {"jitter", "30ms (us, ms, s; up to 60s)",
     [](LinkSpec& s, std::string_view t) { return set_time(s.jitter, t); }},
    {"correlation", "25% or 0.25 (0 to 100%)",
     [](LinkSpec& s, std::string_view t) { return set_share(s.correlation, t); }},
    {"loss", "2% or 0.02 (0 to 100%)",
     [](LinkSpec& s, std::string_view t) { return set_share(s.loss, t); }},
    {"burst", "10%/4: the share that is lost (up to 90%) and the length of a burst", set_burst},
    {"reorder", "5% or 0.05 (0 to 100%)",
     [](LinkSpec& s, std::string_view t) { return set_share(s.reorder, t); }},
    {"gap", "3 (0 to 1000000)",
     [](LinkSpec& s, std::string_view t) { return set_count(s.gap, t, 0U, 1'000'000U); }},
    {"late", "20ms (us, ms, s; up to 60s)",
     [](LinkSpec& s, std::string_view t) { return set_time(s.late, t); }},
    {"duplicate", "1% or 0.01 (0 to 100%)",
     [](LinkSpec& s, std::string_view t) { return set_share(s.duplicate, t); }},
    {"mtu", "1280 (68 to 2048)",
     [](LinkSpec& s, std::string_view t) { return set_count(s.mtu, t, kMinMtu, kMaxMtu); }},
};

std::string quoted(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

std::string all_names() {
    std::string names;
    for (const Key& key : kKeys)
        names += std::string(key.name) + ", ";
    return names + "clear";
}

// Empty if the part was understood.
std::string read_part(LinkSpec& spec, std::string_view part) {
    if (part == "clear") {
        spec = {};
        return {};
    }
    const std::size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    const auto* key = std::find_if(std::begin(kKeys), std::end(kKeys),
                                   [&](const Key& one) { return one.name == name; });
    if (key == std::end(kKeys))
        return quoted(name) + " is none of what a link has; write " + all_names();
    if (equals == part.npos || !key->set(spec, part.substr(equals + 1)))
        return quoted(part) + " is not understood; write for example " + std::string(name) + "=" +
               std::string(key->example);
    return {};
}

class TextWriter {
  public:
    void add(std::string_view name, const std::string& value) {
        if (!out_.empty()) out_ += ',';
        out_ += std::string(name) + "=" + value;
    }
    void add_time(std::string_view name, Duration now, Duration fresh) {
        if (now != fresh) add(name, std::to_string(now.us()) + "us");
    }
    void add_share(std::string_view name, double share) {
        if (share > 0) add(name, exact_share(share));
    }
    // Shortest digits that read as the same number, without an exponent.
    static std::string exact(double value) {
        std::array<char, 400> digits;
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                       std::chars_format::fixed);
        return {digits.data(), end.ptr};
    }
    static std::string exact_share(double share) {
        const std::string digits = exact(share);
        return digits.find('.') == digits.npos ? digits + ".0" : digits;
    }
    std::string take() { return out_.empty() ? "clear" : std::move(out_); }

  private:
    std::string out_;
};

}  // namespace

std::optional<Duration> parse_time(std::string_view text) {
    const auto us = parse_number(text, kTimes);
    if (!us || *us > static_cast<double>(kMaxTime.us())) return std::nullopt;
    return Duration::micros(std::llround(*us));
}

Result<LinkSpec, std::string> parse_link_spec(std::string_view text, const LinkSpec& base) {
    if (text.size() > kMaxSpecText)
        return fail("a link has at most " + std::to_string(kMaxSpecText) +
                    " characters; leave out what is said twice");
    if (text.empty())
        return fail(std::string("an empty text is no link; write clear, or for example loss=2%"));
    LinkSpec spec = base;
    for (const std::string_view part : split(text, ','))
        if (std::string error = read_part(spec, trim(part)); !error.empty())
            return fail(std::move(error));
    return spec;
}

LinkProfile to_profile(const LinkSpec& spec) {
    LinkProfile p;
    p.bits_per_second = spec.bits_per_second;
    p.queue_bytes = spec.queue_bytes;
    if (spec.queue_bytes == 0) p.queue_time = spec.queue_time;
    p.propagation = std::max(spec.delay - spec.jitter, Duration::zero());
    p.jitter = spec.delay + spec.jitter - p.propagation;
    if (spec.jitter == Duration::zero()) p.jitter = {};
    p.jitter_correlation = spec.correlation;
    p.loss = spec.loss;
    if (spec.burst_share > 0) {
        // In the bad state all is lost; of all packets its share is begin / (begin + end).
        p.burst_loss = 1;
        p.burst_end = 1 / spec.burst_length;
        p.burst_begin = p.burst_end * spec.burst_share / (1 - spec.burst_share);
    }
    p.reorder = spec.reorder;
    p.reorder_gap = spec.gap;
    p.reorder_delay = spec.late;
    p.duplicate = spec.duplicate;
    p.mtu = spec.mtu;
    return p;
}

std::string to_text(const LinkSpec& spec) {
    const LinkSpec fresh;
    TextWriter out;
    if (spec.bits_per_second > 0) out.add("rate", std::to_string(spec.bits_per_second) + "bit");
    out.add_time("queue", spec.queue_time, fresh.queue_time);
    if (spec.queue_bytes > 0) out.add("queue", std::to_string(spec.queue_bytes) + "B");
    out.add_time("delay", spec.delay, fresh.delay);
    out.add_time("jitter", spec.jitter, fresh.jitter);
    out.add_share("correlation", spec.correlation);
    out.add_share("loss", spec.loss);
    if (spec.burst_share > 0 || spec.burst_length != fresh.burst_length)
        out.add("burst", TextWriter::exact_share(spec.burst_share) + "/" +
                             TextWriter::exact(spec.burst_length));
    out.add_share("reorder", spec.reorder);
    if (spec.gap > 0) out.add("gap", std::to_string(spec.gap));
    out.add_time("late", spec.late, fresh.late);
    out.add_share("duplicate", spec.duplicate);
    if (spec.mtu != fresh.mtu) out.add("mtu", std::to_string(spec.mtu));
    return out.take();
}

}  // namespace confab::netem
