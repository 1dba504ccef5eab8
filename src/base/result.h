// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The only error channel of the pure layers: Result<T, E> with a small enum class as E.
// No heap, no text is built on failure (07 ERR-01, ERR-02).
#pragma once

#include <tl/expected.hpp>
#include <utility>

namespace confab {

template <typename T, typename E>
using Result = tl::expected<T, E>;

template <typename E>
constexpr auto fail(E error) {
    return tl::unexpected<E>(std::move(error));
}

}  // namespace confab

#define CONFAB_CONCAT_IMPL(a, b) a##b
#define CONFAB_CONCAT(a, b) CONFAB_CONCAT_IMPL(a, b)

// CONFAB_TRY(auto x, expr): returns expr's error from the enclosing function, else binds its value.
#define CONFAB_TRY(declaration, expression) \
    CONFAB_TRY_IMPL(CONFAB_CONCAT(confab_try_, __LINE__), declaration, expression)
#define CONFAB_TRY_IMPL(tmp, declaration, expression)    \
    auto&& tmp = (expression);                           \
    if (!tmp) return ::tl::make_unexpected(tmp.error()); \
    declaration = *std::move(tmp)

// CONFAB_TRY_VOID(expr): the same for a Result<void, E>.
#define CONFAB_TRY_VOID(expression)                              \
    do {                                                         \
        if (auto confab_result = (expression); !confab_result)   \
            return ::tl::make_unexpected(confab_result.error()); \
    } while (false)
