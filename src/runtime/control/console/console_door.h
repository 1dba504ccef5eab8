// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who is at the console: signing in and out, and the session that comes with a request.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "console/sign_in.h"
#include "console/try_limiter.h"
#include "runtime/control/routes/endpoint.h"

namespace confab::control {

class ConsoleDoor {
  public:
    // Told of everybody who got in, or did not: a kind of event, who, and from where.
    using Told = std::function<void(std::string_view kind, const std::string& who,
                                    const std::string& address)>;
    struct Options {
        bool tls = false;  // the port speaks it itself
        console::SignedOut signed_out;
        // Gets the text of all whenever one more is signed out; may be empty.
        std::function<void(const std::string& text)> keep_signed_out;
    };
    // `keys` must outlive this.
    ConsoleDoor(const token::KeyProvider& keys, Options options, Told told);
    void set_passwords(console::Passwords passwords) {
        sign_in_.set_passwords(std::move(passwords));
    }

    // Nothing: nobody who may in.
    std::optional<console::Session> session_of(const Call& call) const;
    // GET, POST and DELETE of the session.
    void serve(Call call);

  private:
    void sign_in(Call call);
    void begin(Call& call, const console::Session& session);
    void refuse(Call& call, console::SignInError error);
    void sign_out(Call call);
    bool is_secure(const Call& call) const;

    console::SignIn sign_in_;
    console::TryLimiter limiter_;
    bool tls_;
    std::function<void(const std::string& text)> keep_signed_out_;
    Told told_;
};

}  // namespace confab::control
