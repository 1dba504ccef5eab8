// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/mailbox.h"

namespace confab::worker {

Mailbox::Mailbox(std::size_t workers) {
    from_workers.resize(workers);
}

}  // namespace confab::worker
