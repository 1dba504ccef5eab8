// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Names of the channels of the bus over Redis (03 PSR-05, PSR-06): escaped parts between bars.
//   Service|Method|topic…|REQ      requests and publications
//   Service|Method|topic…|RCLAIM   which server was chosen
//   Service|Method|topic…|STR      streams, to their servers
//   Service|client|RES, |CLAIM, |STR   answers, claims and streams, to one client
#pragma once

#include <string>
#include <string_view>

#include "rpc/bus.h"

namespace confab::cluster::psrpc {

// Letters, digits and `_` as they are, other code points below U+10000 as u+ and four hexadecimal
// digits, those above as U+ and eight. A byte that is no UTF-8 counts as U+FFFD.
std::string escape(std::string_view text);

std::string request_channel(const rpc::Method& method, const rpc::Topic& topic);
std::string choice_channel(const rpc::Method& method, const rpc::Topic& topic);
std::string stream_channel(const rpc::Method& method, const rpc::Topic& topic);

std::string response_channel(std::string_view service, std::string_view client_id);
std::string claim_channel(std::string_view service, std::string_view client_id);
std::string client_stream_channel(std::string_view service, std::string_view client_id);

}  // namespace confab::cluster::psrpc
