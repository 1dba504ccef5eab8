// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/scenarios/plan_text.h"

#include <array>
#include <charconv>
#include <cstdio>

#include "base/text.h"

namespace confab::sim {
namespace {

constexpr std::array<std::string_view, 27> kKinds{
    "join",    "leave",      "kill",       "audio",    "video",  "unpublish",  "mute",
    "unmute",  "settings",   "bandwidth",  "restart",  "rebind", "links",      "outage",
    "reset",   "permission", "servermute", "metadata", "remove", "deleteroom", "datatrack",
    "enddata", "datawish",   "access",     "flood",    "move",   "expect"};

// ---------------------------------------------------------------- fields, once for both ways

// Each visitor takes a name and a reference; a writer compares with the defaults.
template <typename Link, typename F>
void each_link_field(Link& link, F&& field) {
    field("bits", link.bits_per_second);
    field("queue", link.queue_bytes);
    field("propagation", link.propagation);
    field("jitter", link.jitter);
    field("correlation", link.jitter_correlation);
    field("loss", link.loss);
    field("burst_begin", link.burst_begin);
    field("burst_end", link.burst_end);
    field("burst_loss", link.burst_loss);
    field("reorder", link.reorder);
    field("reorder_delay", link.reorder_delay);
    field("duplicate", link.duplicate);
    field("mtu", link.mtu);
}

template <typename S, typename F>
void each_step_field(S& step, F&& field) {
    field("client", step.client);
    field("value", step.value);
    field("scope", step.scope);
    field("layers", step.layers);
    field("enabled", step.settings.enabled);
    field("spatial", step.settings.max_spatial);
    field("temporal", step.settings.max_temporal);
    field("priority", step.settings.priority);
}

template <typename S, typename F>
void each_scenario_field(S& s, F&& field) {
    field("nodes", s.nodes);
    field("shards", s.shards);
    field("shared_port", s.shared_port);
    field("clients", s.clients);
    field("length", s.length);
    field("healing", s.healing);
    field("full_layers", s.expects_full_layers);
    field("messages", s.messages);
    field("light", s.light);
}

std::string text_of(double value) {
    std::array<char, 32> buffer;
    // The shortest text that gives the same value again.
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    return std::string(buffer.data(), end.ptr);
}
std::string text_of(Duration value) {
    return std::to_string(value.us());
}
template <std::integral T>
std::string text_of(T value) {
    return std::to_string(static_cast<std::uint64_t>(value));
}

bool read(std::string_view text, double& value) {
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    return result.ec == std::errc{} && result.ptr == text.data() + text.size() && value >= 0;
}
bool read(std::string_view text, Duration& value) {
    const auto us = parse_decimal<std::uint32_t>(text);
    if (us) value = Duration::micros(*us);
    return us.has_value();
}
bool read(std::string_view text, bool& value) {
    value = text == "1";
    return text == "0" || text == "1";
}
template <std::unsigned_integral T>
bool read(std::string_view text, T& value) {
    const auto number = parse_decimal<T>(text);
    if (number) value = *number;
    return number.has_value();
}

// ---------------------------------------------------------------- writing

struct Differences {
    std::string& out;
    std::string prefix;
    // The same fields of a default object, in the same order.
    std::vector<std::string> defaults;
    std::size_t at = 0;
    template <typename T>
    void operator()(std::string_view name, const T& value) {
        const std::string text = text_of(value);
        if (defaults[at++] != text) out.append(" " + prefix).append(name).append("=").append(text);
    }
};
struct Texts {
    std::vector<std::string>& out;
    template <typename T>
    void operator()(std::string_view, const T& value) {
        out.push_back(text_of(value));
    }
};

void write_link(std::string& out, const char* prefix, const netem::LinkProfile& link) {
    std::vector<std::string> defaults;
    const netem::LinkProfile fresh;
    each_link_field(fresh, Texts{defaults});
    each_link_field(link, Differences{out, prefix, std::move(defaults)});
}

void write_step(std::string& out, const Step& step) {
    out += "at=" + text_of(step.at) +
           " do=" + std::string(kKinds[static_cast<std::size_t>(step.kind)]);
    std::vector<std::string> defaults;
    const Step fresh;
    each_step_field(fresh, Texts{defaults});
    each_step_field(step, Differences{out, "", std::move(defaults)});
    write_link(out, "up.", step.up);
    write_link(out, "down.", step.down);
    out += "\n";
}

// ---------------------------------------------------------------- reading

struct Assign {
    std::string_view key;
    std::string_view value;
    bool known = false;
    bool good = false;
    template <typename T>
    void operator()(std::string_view name, T& field) {
        if (known || name != key) return;
        known = true;
        good = read(value, field);
    }
};

bool set_step(Step& step, std::string_view key, std::string_view value) {
    if (key == "at") return read(value, step.at);
    if (key == "do") {
        for (std::size_t i = 0; i < kKinds.size(); ++i)
            if (kKinds[i] == value) {
                step.kind = static_cast<StepKind>(i);
                return true;
            }
        return false;
    }
    Assign assign{key, value};
    const bool up = key.starts_with("up.");
    const bool down = key.starts_with("down.");
    if (up || down) {
        assign.key.remove_prefix(up ? 3 : 5);
        each_link_field(up ? step.up : step.down, assign);
    } else {
        each_step_field(step, assign);
    }
    return assign.good;
}

bool set_person(Scenario& s, std::size_t& who, std::string_view key, std::string_view value) {
    constexpr std::size_t kMaxPeople = 100;
    if (key == "person") {
        if (!read(value, who) || who >= kMaxPeople) return false;
        if (s.people.size() <= who) s.people.resize(who + 1);
        return true;
    }
    if (who >= s.people.size()) return false;
    if (key == "hidden") return read(value, s.people[who].hidden);
    if (key == "room") return read(value, s.people[who].room) && s.people[who].room < kMaxPeople;
    s.people[who].identity = value;
    return key == "identity";
}

bool parse_line(Scenario& s, std::string_view line) {
    const bool is_step = line.starts_with("at=");
    const bool is_person = line.starts_with("person=");
    std::size_t who = 0;
    Step step;
    for (const std::string_view word : split(line, ' ')) {
        if (word.empty()) continue;
        const std::size_t equals = word.find('=');
        if (equals == std::string_view::npos) return false;
        const std::string_view key = word.substr(0, equals);
        const std::string_view value = word.substr(equals + 1);
        bool good = false;
        if (is_step) {
            good = set_step(step, key, value);
        } else if (is_person) {
            good = set_person(s, who, key, value);
        } else {
            Assign assign{key, value};
            each_scenario_field(s, assign);
            good = assign.good;
        }
        if (!good) return false;
    }
    if (is_step) s.steps.push_back(step);
    return s.steps.size() <= kMaxPlanSteps;
}

}  // namespace

std::string write_plan(const Scenario& s) {
    std::string out;
    std::string head;
    each_scenario_field(s, [&](std::string_view name, const auto& value) {
        head.append(head.empty() ? "" : " ").append(name).append("=").append(text_of(value));
    });
    out = head + "\n";
    for (std::size_t i = 0; i < s.people.size(); ++i) {
        out += "person=" + std::to_string(i);
        if (!s.people[i].identity.empty()) out += " identity=" + s.people[i].identity;
        out += std::string(" hidden=") + (s.people[i].hidden ? "1" : "0");
        if (s.people[i].room != 0) out += " room=" + std::to_string(s.people[i].room);
        out += "\n";
    }
    for (const Step& step : s.steps)
        write_step(out, step);
    return out;
}

std::optional<Scenario> parse_plan(std::string_view text) {
    Scenario s;
    for (const std::string_view raw : split(text, '\n')) {
        const std::string_view line = trim(raw);
        if (line.empty() || line.front() == '#') continue;
        if (!parse_line(s, line)) return std::nullopt;
    }
    const bool sane = s.nodes >= 1 && s.nodes <= 8 && s.shards >= 1 && s.shards <= 16 &&
                      s.clients >= 1 && s.clients <= 100;
    if (!sane) return std::nullopt;
    return s;
}

}  // namespace confab::sim
