// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The input is what a server answers to the command line: JSON that is printed in each form, a
// scrape of metrics, names for a terminal. Nothing that would act on the terminal comes out.
// fuzz: modules app
#include <cstdlib>

#include "app/cli/output/json_text.h"
#include "app/cli/output/printer.h"
#include "app/cli/output/table_text.h"
#include "app/cli/output/yaml_text.h"
#include "app/cli/verbs/node_metrics.h"
#include "base/bytes.h"
#include "base/text.h"
#include "json/json.h"

namespace {

using namespace confab;
using namespace confab::app::cli;

void require(bool holds) {
    if (!holds) std::abort();
}

void check_json(const std::string& text) {
    const auto value = json::parse(text);
    if (!value) return;
    // Only blanks are other ones: it reads as the same.
    const std::string lines = indented(text);
    const auto again = json::parse(lines);
    require(again && again->kind == value->kind && again->items.size() == value->items.size() &&
            again->members.size() == value->members.size());
    require(indented(lines) == lines);
    require(yaml_of(*value).ends_with('\n'));
    if (value->kind != json::Kind::kObject) return;
    static constexpr Column kColumns[] = {{"A", "a"}, {"B", "b.c", "none"}};
    const Answer answer{.json = {}, .items = {text, text}, .name = "items", .others = {}};
    for (const Format format : {Format::kTable, Format::kJson, Format::kJsonLines, Format::kYaml})
        require(!printed(answer, {.shape = Shape::kList, .items = "items", .columns = kColumns},
                         {format, {}}, {})
                     .empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(as_text({data, size}));
    check_json(text);
    const std::string shown = printable(text);
    for (const char c : shown)
        require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
    for (const auto& [name, sum] : sums_of(text))
        require(!name.empty() || sum == sum);
    NodeMeter meter;
    (void)meter.take(text, UnixTime::seconds(1));
    const NodeFigures figures = meter.take(text, UnixTime::seconds(2));
    require(json::is_object(node_json(figures)));
    return 0;
}
