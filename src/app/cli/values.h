// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What was given to a verb, by the keys of its parameters (Param::key()).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace confab::app::cli {

class Values {
  public:
    void set(std::string_view key, std::vector<std::string> texts) {
        values_[std::string(key)] = std::move(texts);
    }
    bool has(std::string_view key) const { return values_.contains(key); }
    // The last one given; empty: none.
    std::string text(std::string_view key) const;
    const std::vector<std::string>& list(std::string_view key) const;
    bool flag(std::string_view key) const { return text(key) == "true"; }
    std::uint64_t number(std::string_view key, std::uint64_t otherwise) const;

  private:
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

// A sentence with the values in it: "room {room} is deleted".
std::string filled(std::string_view sentence, const Values& values);

}  // namespace confab::app::cli
