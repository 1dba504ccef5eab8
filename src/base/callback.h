// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A function object that is moved, never copied, and called at most once: the answer of a port.
// std::function would demand that everything captured can be copied (C++20 has no
// std::move_only_function).
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace confab {

template <typename... Args>
class Callback {
  public:
    Callback() = default;
    template <typename F>
        requires(!std::same_as<std::remove_cvref_t<F>, Callback>)
    Callback(F&& function)  // implicit: a lambda is handed over where a Callback is expected
        : target_(std::make_unique<Target<std::decay_t<F>>>(std::forward<F>(function))) {}

    explicit operator bool() const { return target_ != nullptr; }

    // Calls and forgets the function; later calls do nothing.
    void operator()(Args... args) {
        if (const std::unique_ptr<Base> target = std::move(target_))
            target->call(std::forward<Args>(args)...);
    }

  private:
    struct Base {
        virtual ~Base() = default;
        virtual void call(Args... args) = 0;
    };
    template <typename F>
    struct Target final : Base {
        explicit Target(F f) : function(std::move(f)) {}
        void call(Args... args) override { function(std::forward<Args>(args)...); }
        F function;
    };
    std::unique_ptr<Base> target_;
};

}  // namespace confab
