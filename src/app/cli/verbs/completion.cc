// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// completion (LKC-08): what a shell needs to ask us.
#include <string>
#include <string_view>

#include "app/cli/call/call.h"
#include "app/cli/verbs/verbs.h"

namespace confab::app::cli {
namespace {

constexpr Param kShell[] = {
    {.names = "shell", .help = "For which", .required = true, .choices = "bash,zsh,fish"},
};

constexpr std::string_view kBash = R"sh(# bash: source <(NAME completion bash)
_NAME_complete() {
    local word
    local -a found
    mapfile -t found < <(NAME __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    COMPREPLY=()
    for word in "${found[@]}"; do
        COMPREPLY+=("$(printf '%q' "$word")")
    done
}
complete -o default -F _NAME_complete NAME
)sh";

constexpr std::string_view kZsh = R"sh(#compdef NAME
# zsh: source <(NAME completion zsh), or this as _NAME in a folder of $fpath
_NAME_complete() {
    local -a found
    found=("${(@f)$(NAME __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "${found[1]}" ]]; then
        compadd -- "${found[@]}"
    else
        _files
    fi
}
compdef _NAME_complete NAME
)sh";

constexpr std::string_view kFish = R"sh(# fish: NAME completion fish | source
function _NAME_complete
    set -l words (commandline -opc)
    set -l found (NAME __complete -- $words[2..-1] (commandline -ct) 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c NAME -f -a '(_NAME_complete)'
)sh";

std::string script(std::string_view text, const std::string& name) {
    std::string out;
    for (std::size_t at = text.find("NAME"); at != text.npos; at = text.find("NAME")) {
        out += std::string(text.substr(0, at)) + name;
        text.remove_prefix(at + 4);
    }
    return out + std::string(text);
}

Outcome print_script(Call& call) {
    const std::string shell = call.values().text("shell");
    const std::string_view text = shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish;
    return call.done(script(text, call.host().program));
}

constexpr Verb kVerbs[] = {
    {.group = "",
     .name = "completion",
     .help = "Print what a shell needs to complete verbs, flags and live names",
     .examples = "source <(confab completion bash)\nconfab completion fish | source",
     .params = kShell,
     .run = print_script},
};

}  // namespace

std::span<const Verb> completion_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli
