// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Wiping writes through volatile, which the compiler may not drop as a dead store.
#include "config/secret_text.h"

#include <utility>

namespace confab::config {

SecretText& SecretText::operator=(const SecretText& other) {
    if (this == &other) return *this;
    wipe();
    text_ = other.text_;
    return *this;
}

SecretText& SecretText::operator=(SecretText&& other) noexcept {
    if (this == &other) return *this;
    wipe();
    text_ = std::move(other.text_);
    other.text_.clear();
    return *this;
}

void SecretText::wipe() {
    volatile char* bytes = text_.data();
    for (std::size_t i = 0; i < text_.size(); ++i)
        bytes[i] = 0;
}

}  // namespace confab::config
