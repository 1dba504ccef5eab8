// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/scale_command.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "runtime/net/event_loop.h"

namespace confab::control {
namespace {

using Result = ScaleCommand::Result;

// A program that is a shell script, in a folder of its own.
struct Script {
    explicit Script(const std::string& lines) {
        char name[] = "/tmp/confab-scale-XXXXXX";
        folder = ::mkdtemp(name);
        std::ofstream(program()) << "#!/bin/sh\n" << lines << '\n';
        ::chmod(program().c_str(), 0700);
    }
    ~Script() { (void)std::system(("rm -rf " + folder).c_str()); }
    Script(const Script&) = delete;
    Script& operator=(const Script&) = delete;
    std::string program() const { return folder + "/scale"; }
    // What it wrote next to itself.
    std::string wrote() const {
        std::ifstream file(folder + "/out");
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }
    std::string folder;
};

struct World {
    explicit World(const std::string& program, Duration patience = Duration::seconds(20))
        : command(loop, {program, patience}, [this](Result result) {
              results.push_back(result);
              if (results.size() >= wanted) loop.stop();
          }) {}
    ScaleCommand::Said said(std::size_t desired, const std::string& drain = "") {
        ScaleCommand::Said result;
        result.desired = desired;
        result.serving = 2;
        if (!drain.empty()) result.drain = drain;
        return result;
    }
    // Until so many have ended.
    void run(std::size_t ends) {
        wanted = ends;
        if (results.size() < wanted) loop.run();
    }

    net::EventLoop loop;
    std::vector<Result> results;
    std::size_t wanted = 1;
    ScaleCommand command;
};

const std::string kWrite =
    "echo \"$CONFAB_DESIRED_NODES $CONFAB_SERVING_NODES '$CONFAB_MAY_GO' $#\" >> \"${0%/*}/out\"";

}  // namespace

TEST_CASE(
    "ScaleCommand: the program is told the numbers, one run at a time, the newest last [OPS-04]") {
    const Script script(kWrite + "\nsleep 0.3");
    World world(script.program());
    world.command.say(world.said(3));
    CHECK(world.command.is_running());
    world.command.say(world.said(4));
    world.command.say(world.said(5, "ND_x"));
    world.run(2);
    CHECK(world.results == std::vector<Result>{Result::kDone, Result::kDone});
    CHECK(script.wrote() == "3 2 '' 0\n5 2 'ND_x' 0\n");
    CHECK_FALSE(world.command.is_running());
}

TEST_CASE("ScaleCommand: one that fails, and one that is none, is told of [OPS-04]") {
    const Script script("exit 3");
    World world(script.program());
    world.command.say(world.said(3));
    world.run(1);
    CHECK(world.results == std::vector<Result>{Result::kFailed});
    World none("/no/such/program");
    none.command.say(none.said(3));
    CHECK(none.results == std::vector<Result>{Result::kFailed});
    World nothing("");
    nothing.command.say(nothing.said(3));
    CHECK(nothing.results.empty());
}

// A socket that it keeps would stay open when the server has closed it, or has ended.
TEST_CASE("ScaleCommand: it has no descriptor of ours [OPS-04]") {
    const Script script("ls /proc/$$/fd | tr '\\n' ' ' > \"${0%/*}/out\"");
    const int ours = ::fcntl(STDERR_FILENO, F_DUPFD, 700);
    REQUIRE(ours >= 700);
    World world(script.program());
    world.command.say(world.said(3));
    world.run(1);
    ::close(ours);
    CHECK(script.wrote().starts_with("0 1 "));
    CHECK(script.wrote().find(std::to_string(ours)) == std::string::npos);
}

TEST_CASE("ScaleCommand: one that takes too long is killed with what it began [OPS-04]") {
    const Script script("sleep 1000 & wait");
    World world(script.program(), Duration::millis(300));
    world.command.say(world.said(3));
    world.run(1);
    CHECK(world.results == std::vector<Result>{Result::kKilled});
}

}  // namespace confab::control
