// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// All verbs of the command line, and which of them words name.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli/verb.h"

namespace confab::app::cli {

// In the order of the help.
const std::vector<Group>& all_groups();
const std::vector<const Verb*>& all_verbs();
// Flags that every verb takes (LKC-01).
std::span<const Param> common_params();
// The flag of the verb, or of all, that is called so ("--room", "-o"); null: none. `verb` may be
// null.
const Param* find_flag(const Verb* verb, std::string_view flag);

// "room list" of its group and name.
std::string path_of(const Verb& verb);
// Whether a first word begins a verb or group: `room`, `top`, `list-rooms`.
bool begins_verb(std::string_view word);

// A group's own names and verbs, "participants" of "room" included.
std::vector<std::string_view> names_in(std::string_view group);
const Group* find_group(std::string_view path);
// By name, or by an old flat name (then `group` is empty).
const Verb* find_verb(std::string_view group, std::string_view name);
// "sip inbound" of "sip" and "in"; empty: it is none.
std::string group_in(std::string_view group, std::string_view name);

}  // namespace confab::app::cli
