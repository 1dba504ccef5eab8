// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who may use the console, and as what. A session is what its cookie says, signed (RFC 7515) with a
// key made of the secret by which it began: with that secret it ends, and any node that has the
// same secrets knows it. Nothing is kept of it but that it was signed out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "console/signed_out.h"
#include "token/token.h"

namespace confab::console {

inline constexpr Duration kSessionTime = Duration::seconds(std::int64_t{12} * 3600);
inline constexpr std::string_view kCookieName = "confab_console";

enum class Role : std::uint8_t { kViewer, kOperator };  // who looks; who acts, too
std::string_view to_text(Role role);

struct Session {
    Role role = Role::kViewer;
    std::string name;  // an API key, "operator" or "viewer"
    bool by_key = false;
    UnixTime expires;
    std::string id;
};

// Both empty: only API keys open the console.
struct Passwords {
    std::string of_operator;
    std::string of_viewer;
};

enum class SignInError : std::uint8_t {
    kWrong,
    // The key is right, and a tenant's: what the console shows is of all.
    kTenant,
};

class SignIn {
  public:
    // `keys` must outlive this. `own_secret`: random; it signs where there is no key of the
    // operator.
    SignIn(const token::KeyProvider& keys, Bytes own_secret)
        : keys_(keys), own_secret_(std::move(own_secret)) {}
    // Sessions by a password that is another one now have ended.
    void set_passwords(Passwords passwords) { passwords_ = std::move(passwords); }

    // `id`: random. All take the same time whatever is wrong.
    Result<Session, SignInError> by_key(std::string_view api_key, std::string_view secret,
                                        UnixTime now, std::string id) const;
    Result<Session, SignInError> by_password(std::string_view password, UnixTime now,
                                             std::string id) const;

    // For the cookie, and back. Empty, or nothing, when its secret is no more.
    std::string sign(const Session& session) const;
    std::optional<Session> read(std::string_view cookie, UnixTime now) const;
    // Its cookie is good for nothing from now on.
    void sign_out(const Session& session, UnixTime now);
    const SignedOut& signed_out() const { return signed_out_; }
    // As they were when an earlier process ended.
    void set_signed_out(SignedOut signed_out) { signed_out_ = std::move(signed_out); }

  private:
    // What signs sessions of that name; nothing when there is no such secret.
    std::optional<Bytes> key_of(const Session& session) const;

    const token::KeyProvider& keys_;
    Bytes own_secret_;
    Passwords passwords_;
    SignedOut signed_out_;
};

// Of a Cookie header, the value of that name; empty if there is none.
std::string_view find_cookie(std::string_view header, std::string_view name);
// The Set-Cookie header of a session, or with an empty value of its end.
std::string cookie_header(std::string_view value, bool secure);

}  // namespace confab::console
