// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The main() of every unit test program: doctest with its own command line. Tests read the files of
// the sources (CONFAB_SOURCE_DIR) wherever the program is started.
#include <filesystem>

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

int main(int argc, char** argv) {
    std::filesystem::current_path(CONFAB_TOP);
    return doctest::Context(argc, argv).run();
}
