// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What `confab doctor` reads of servers that it does not know: addresses of TURN servers, dates,
// answers to its checks; and the kernel's table of sockets.
// fuzz: modules base wire rtc/ice runtime/doctor
#include "base/bytes.h"
#include "base/check.h"
#include "runtime/doctor/candidate_probe.h"
#include "runtime/doctor/http_probe.h"
#include "runtime/doctor/port_probe.h"
#include "runtime/doctor/turn_probe.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace confab;
    const std::string_view text = as_text(BytesView(data, size));
    if (const auto url = doctor::parse_turn_url(text))
        CONFAB_CHECK(!url->host.empty() && url->port != 0 && url->host.size() <= size);
    (void)doctor::parse_http_date(text);
    (void)doctor::socket_inode(text, 7880, false);
    doctor::Check check;
    (void)doctor::answers(check, BytesView(data, size));
    return 0;
}
