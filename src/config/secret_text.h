// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A password or key of the configuration (07 DEC-06). There is no formatter and no comparison, so
// that it reaches a log or a dump by an explicit reveal() only. Wiped on destruction.
#pragma once

#include <string_view>
#include <vector>

namespace confab::config {

class SecretText {
  public:
    SecretText() = default;
    explicit SecretText(std::string_view text) : text_(text.begin(), text.end()) {}
    SecretText(const SecretText&) = default;
    SecretText(SecretText&& other) noexcept = default;
    SecretText& operator=(const SecretText& other);
    SecretText& operator=(SecretText&& other) noexcept;
    ~SecretText() { wipe(); }

    bool empty() const { return text_.empty(); }
    std::size_t size() const { return text_.size(); }
    // Valid until the secret changes.
    std::string_view reveal() const { return {text_.data(), text_.size()}; }

  private:
    void wipe();

    std::vector<char> text_;  // no std::string: its short form leaves copies behind when moved
};

}  // namespace confab::config
