// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What `confab setup` asks (05 GEN-02, GEN-05), declared once: the terminal asks these in their
// order, a file of answers has these names.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/net_address.h"
#include "base/result.h"
#include "runtime/doctor/facts.h"

namespace confab::setup {

// By the name of their question; all that apply, once they are complete.
using Answers = std::map<std::string, std::string, std::less<>>;

// What this machine is, as far as it could be found out.
struct Found {
    std::vector<doctor::InterfaceFacts> interfaces;
    std::optional<IpAddress> external;  // as a STUN server sees it; nothing with --offline
    bool has_systemd = false;
    // The addresses of a name; none with --offline.
    std::function<std::vector<IpAddress>(const std::string& name)> resolve;
    std::function<bool(std::uint16_t port, bool is_udp)> is_free;
};

struct Question {
    std::string_view name;
    std::string_view text;
    std::string_view help;  // what the answers mean
    // Of the answers so far; nothing: it is not asked.
    std::optional<std::string> (*suggestion)(const Answers& answers, const Found& found);
    // Why an answer is none; empty: it is one.
    std::string (*objection)(const std::string& answer);
};
std::span<const Question> questions();

// Empty where there is none.
const std::string& answer_of(const Answers& answers, std::string_view name);
bool is_yes(const Answers& answers, std::string_view name);

// The answer of somebody, or the suggestion where it is empty. Called in the order of questions().
using Ask = std::function<Result<std::string, std::string>(const Question& question,
                                                           const std::string& suggestion)>;
// Asks until all is answered; the error is that of `ask`, or an objection to what cannot be asked
// again.
Result<Answers, std::string> ask_all(const Ask& ask, const Found& found);

// "name: value" for each answer; the error names the line and the nearest question.
Result<Answers, std::string> parse_answers(std::string_view yaml);

}  // namespace confab::setup
