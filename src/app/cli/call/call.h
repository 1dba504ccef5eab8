// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One call of a verb: its values, the server it is for, what it asks of the API and what it says.
#pragma once

#include <google/protobuf/message.h>

#include <optional>
#include <string>
#include <string_view>

#include "app/cli/call/credentials.h"
#include "app/cli/output/printer.h"
#include "app/cli/values.h"
#include "app/cli/verb.h"
#include "app/commands/host.h"
#include "base/result.h"
#include "base/time.h"

namespace confab::app::cli {

inline constexpr Duration kCallTimeout = Duration::seconds(15);

struct Settings {
    Form form;
    bool yes = false;
    bool quiet = false;
    bool verbose = false;
    bool curl = false;
};

class Call {
  public:
    // `verb` and `host` outlive it.
    Call(const Verb& verb, Values values, Settings settings, const Host& host)
        : verb_(verb), values_(std::move(values)), settings_(std::move(settings)), host_(host) {}

    const Verb& verb() const { return verb_; }
    const Values& values() const { return values_; }
    Values& values() { return values_; }
    const Settings& settings() const { return settings_; }
    const Host& host() const { return host_; }

    // Looked for once; what is to be said of them is noted.
    Result<Credentials, std::string> credentials();
    // Lines for stderr: of what was chosen (--quiet leaves them out), of what may be wrong.
    void notice(std::string_view line);
    void warn(std::string_view line);
    void set_timeout(Duration timeout) { timeout_ = timeout; }

    // The request with the values of the row; then the verb's own part.
    Result<void, std::string> fill(google::protobuf::Message& request);
    // Asks the server. The error says what is wrong, and what to do.
    Result<void, std::string> ask(const Api& api, const google::protobuf::Message& request,
                                  google::protobuf::Message& response);
    // `given`: JSON, a file with it, or "-" for what comes by stdin (LKC-05).
    Result<void, std::string> read_json(const std::string& given,
                                        google::protobuf::Message& message) const;
    Result<std::string, std::string> read_given(const std::string& given) const;

    // Prints a response as the row says, or as `print` does.
    Outcome answered(const google::protobuf::Message& response);
    Outcome answered(const google::protobuf::Message& response, const Print& print);
    // Texts of the verb's own; notes go along in both.
    Outcome done(std::string out);
    Outcome failed(const std::string& error);

  private:
    std::string token_for(unsigned grants, const Credentials& credentials,
                          const google::protobuf::Message& request) const;

    const Verb& verb_;
    Values values_;
    Settings settings_;
    const Host& host_;
    std::optional<Credentials> credentials_;
    Duration timeout_ = kCallTimeout;
    std::string notes_;  // for stderr
    std::string told_;   // for stdout, of a call that failed
};

// A verb with an Api: fill, ask, print.
Outcome run_api(Call& call);

}  // namespace confab::app::cli
