// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/commands/references.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "api/limits/request_limits.h"
#include "app/source_file_testing.h"
#include "room/signal/leave_reasons.h"
#include "token/id_kinds.h"

namespace confab::app {

using testing::read_source;

TEST_CASE("errors_reference: as docs/reference/errors.md has it, with every reason and limit") {
    const bool same = read_source("docs/reference/errors.md") == errors_reference();
    CHECK_MESSAGE(same, "run: confab errors-reference > docs/reference/errors.md");
    for (const api::LimitInfo& limit : api::limit_infos()) {
        const bool there =
            errors_reference().find("| `" + std::string(limit.text) + "` | `") != std::string::npos;
        CHECK_MESSAGE(there, limit.text);
    }
    std::set<int> reasons;
    for (const room::LeaveReason& row : room::kLeaveReasons) {
        CHECK(!row.why.empty());
        reasons.insert(static_cast<int>(row.reason));
    }
    for (int value = livekit::DisconnectReason_MIN; value <= livekit::DisconnectReason_MAX; ++value)
        CHECK_MESSAGE(reasons.contains(value), livekit::DisconnectReason_Name(value));
}

TEST_CASE("ids_reference: as docs/reference/ids.md has it, each prefix once [SID-01]") {
    const bool same = read_source("docs/reference/ids.md") == ids_reference();
    CHECK_MESSAGE(same, "run: confab ids-reference > docs/reference/ids.md");
    std::set<std::string_view> prefixes;
    for (const token::IdKind& kind : token::kIdKinds)
        CHECK(prefixes.insert(kind.prefix).second);
}

}  // namespace confab::app
