#!/usr/bin/env python3
"""The checkers are checked: each finds what is planted for it, and is silent about the harmless twin."""

import contextlib
import io
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "coverage"))
import branch_report  # noqa: E402
import check_behaviours  # noqa: E402
import check_docs  # noqa: E402
import check_mutants  # noqa: E402
import check_parity  # noqa: E402
import check_weak_points  # noqa: E402
import check_layers  # noqa: E402
import lists  # noqa: E402
import must_fail  # noqa: E402
import preprocessed  # noqa: E402
import summary  # noqa: E402
import tree  # noqa: E402

SOUND = """#ifndef SYNCLINE_MODEL_SAMPLE_HPP
#define SYNCLINE_MODEL_SAMPLE_HPP

// A `static` and a throw in a comment, and "namespace {" too.
#include <syncline/support/result.hpp>

#include <string>

SYNCLINE_NAMESPACE_BEGIN

static_assert(sizeof(int) >= 4);

class sample {
public:
    static sample make();
    static constexpr int size = 3;
    const char* text() const { return "static int x; throw namespace { "; }
};

inline int f() {
    static constexpr int table[] = {1, 2};
    return table[0];
}

SYNCLINE_NAMESPACE_END

#endif
"""


class Folder(unittest.TestCase):
    """A checkout of its own for each test."""

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.root = Path(self._folder.name).resolve()
        self.put("tests/lists/reasons.txt", "")

    def tearDown(self):
        self._folder.cleanup()

    def put(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


class Headers(unittest.TestCase):
    def found(self, text, relative="model/sample.hpp"):
        return [what for _, what in check_layers.check_header(relative, text)]

    def planted(self, old, new, wanted, relative="model/sample.hpp"):
        text = SOUND.replace("SYNCLINE_MODEL_SAMPLE_HPP", check_layers.guard_of(relative)).replace(old, new)
        found = self.found(text, relative)
        self.assertTrue(any(wanted in what for what in found), f"{wanted!r} not in {found}")

    def include(self, directive, wanted, relative="model/sample.hpp"):
        self.planted("#include <string>", f"#include {directive}", wanted, relative)

    def test_a_sound_header_passes(self):
        self.assertEqual(self.found(SOUND), [])

    def test_an_include_that_points_up_is_found(self):
        self.include("<syncline/engine/replica.hpp>", "points up")
        self.include("<syncline/engine/replica.hpp>", "points up", "transport/sample.hpp")

    def test_every_pair_of_layers(self):
        for low, lower in enumerate(check_layers.LAYERS):
            for high, upper in enumerate(check_layers.LAYERS):
                text = f"#include <syncline/{upper}/a.hpp>\n"
                found = list(check_layers.check_includes(f"{lower}/b.hpp", text))
                self.assertEqual(bool(found), high > low, (lower, upper))

    def test_leaves(self):
        self.include("<syncline/adapters/sqlite/database.hpp>", "nothing includes a leaf")
        self.include("<syncline/adapters/sqlite/database.hpp>", "nothing includes a leaf", "testing/sample.hpp")
        self.include("<syncline/testing/laws.hpp>", "nothing includes a leaf", "adapters/sqlite/sample.hpp")
        self.include("<syncline/adapters/sqlite/a.hpp>", "does not include another", "adapters/httplib/sample.hpp")
        self.include("<syncline/syncline.hpp>", "umbrella")
        same = "#include <syncline/adapters/sqlite/a.hpp>\n#include <syncline/wire/mutation/a.hpp>\n"
        self.assertEqual(list(check_layers.check_includes("adapters/sqlite/b.hpp", same)), [])

    def test_third_parties(self):
        self.include("<nlohmann/json.hpp>", "only support/json_tape.hpp")
        self.include("<date/date.h>", "only support/rfc3339.hpp")
        self.include("<sqlite3.h>", "only adapters/sqlite/")
        self.include("<httplib.h>", "only adapters/httplib/", "adapters/sqlite/sample.hpp")
        self.include("<unistd.h>", "neither ours")
        self.include("<fmt/core.h>", "neither ours")
        self.include('"result.hpp"', "angle brackets")
        for name in check_layers.BANNED_HEADERS:
            self.include(f"<{name}>", "not in headers")

    def test_what_a_header_must_not_hold(self):
        self.planted("class sample", "static int count = 0;\nclass sample", "`static` at namespace scope")
        self.planted("class sample", "static void helper();\nclass sample", "`static` at namespace scope")
        self.planted("class sample", "namespace {\nint x;\n}\nclass sample", "unnamed namespace")
        self.planted("static constexpr int table[]", "static int table[]", "mutable static state")
        self.planted("return table[0];", "throw table[0];", "`throw`")
        self.planted("class sample", "#define SYNCLINE_SHORTCUT 1\nclass sample", "macro SYNCLINE_SHORTCUT")
        self.planted("class sample", "#if __has_include(<zlib.h>)\n#endif\nclass sample", "__has_include")
        self.planted("return table[0];", "std::stable_sort(a, b); return 0;", "Clang 19 warns")
        self.planted("class sample", "using namespace std;\nclass sample", "using namespace")

    def test_guards(self):
        self.planted("_MODEL_", "_MODLE_", "include guard")
        self.planted("#ifndef", "#pragma once\n#ifndef", "include guard")
        self.assertEqual(check_layers.guard_of("wire/mutation/pull_page.hpp"), "SYNCLINE_WIRE_MUTATION_PULL_PAGE_HPP")

    def test_folders(self):
        self.assertTrue(self.found(SOUND, "util/sample.hpp"))
        self.assertTrue(self.found(SOUND, "sample.hpp"))


class Texts(Folder):
    def test_text_rules(self):
        slash = "/"
        bad = {
            "a\tb\n": "a tab",
            "a \n": "a blank",
            "a": "no newline",
            f"see {slash}work{slash}main\n": "a path of one machine",
            "iss" + "ue 12\n": "the number of an",
            "https:" + "//reg" + "istry.example.org\n": "package registry",
        }
        for text, wanted in bad.items():
            found = [what for _, what in check_layers.check_text("a.cpp", text)]
            self.assertTrue(any(wanted in what for what in found), (text, found))
        fine = "the framework/main and tests/network/ or https://example.org\n"
        self.assertEqual(list(check_layers.check_text("a.cpp", fine)), [])

    def test_a_long_file_needs_a_reason(self):
        self.put("tests/unit/model/a.test.cpp", "int x;\n" * 700)
        self.assertIn("700 lines", "\n".join(check_layers.problems(self.root)))
        self.put("tests/lists/reasons.txt", "long tests/unit/model/a.test.cpp one table\n")
        self.assertEqual(check_layers.problems(self.root), [])
        self.put("tests/unit/model/a.test.cpp", "int x;\n")
        self.assertIn("excuses nothing", "\n".join(check_layers.problems(self.root)))

    def test_a_stranger_at_the_top_is_found(self):
        self.put("NOTES.md", "a\n")
        self.assertIn("NOTES.md is not among", "\n".join(check_layers.problems(self.root)))


class Lists(Folder):
    def setUp(self):
        super().setUp()
        self.put("include/syncline/model/a.hpp", "#ifndef A\n#define A\n#include <string>\n#endif\n")
        self.put("include/syncline/adapters/sqlite/b.hpp", "#include <syncline/model/a.hpp>\n#include <sqlite3.h>\n")
        self.put("tests/unit/model/a.test.cpp", "#include <syncline/model/a.hpp>\n")
        self.put("tests/unit/adapters/sqlite/b.test.cpp", '#include <syncline/adapters/sqlite/b.hpp>\n#include <thread>\n')
        self.put("tests/simulation/soak.cpp", "int main(int argc, char** argv) { return argc; }\n")
        self.put("tests/simulation/world.cpp", "int world() { return 1; }  // no int main() here\n")
        lists.Lists(self.root).write()

    def problems(self):
        return "\n".join(lists.Lists(self.root).problems())

    def rows(self, name):
        return tree.read(self.root / "tests/lists" / name).splitlines()

    def test_written_lists_are_in_step(self):
        self.assertEqual(self.problems(), "")

    def test_needs_kinds_and_programs(self):
        self.assertEqual(self.rows("headers.txt"), [
            "syncline/adapters/sqlite/b.hpp sqlite", "syncline/model/a.hpp -", "syncline/syncline.hpp -"])
        self.assertEqual(self.rows("tests.txt"), [
            "simulation part - simulation/world.cpp",
            "simulation.soak main - simulation/soak.cpp",
            "unit.adapters.sqlite catch sqlite,thread unit/adapters/sqlite/b.test.cpp",
            "unit.model catch - unit/model/a.test.cpp"])
        umbrella = tree.read(self.root / "include/syncline/syncline.hpp")
        self.assertIn("<syncline/model/a.hpp>", umbrella)
        self.assertNotIn("sqlite", umbrella)

    def test_a_small_folder_goes_into_the_program_above_it(self):
        for n in range(lists.FEW + 1):
            self.put(f"tests/unit/model/large/{n}.test.cpp", "")
        for n in range(lists.FEW):
            self.put(f"tests/unit/model/small/{n}.test.cpp", "")
        lists.Lists(self.root).write()
        rows = self.rows("tests.txt")
        self.assertIn("unit.model.large catch - unit/model/large/0.test.cpp", rows)
        self.assertIn("unit.model catch - unit/model/small/0.test.cpp", rows)
        self.put("tests/unit/model/small/1.test.cpp", "#include <thread>\n")
        lists.Lists(self.root).write()
        self.assertIn("unit.model.small catch - unit/model/small/0.test.cpp", self.rows("tests.txt"))
        self.assertIn("unit.adapters.sqlite catch sqlite,thread unit/adapters/sqlite/b.test.cpp", rows)

    def test_the_threads_of_a_large_folder_are_a_program_of_their_own(self):
        for n in range(lists.MANY - 1):
            self.put(f"tests/unit/model/large/{n}.test.cpp", "")
        self.put("tests/unit/model/large/runs.test.cpp", "#include <thread>\n")
        lists.Lists(self.root).write()
        self.assertIn("unit.model.large catch thread unit/model/large/runs.test.cpp", self.rows("tests.txt"))
        self.put("tests/unit/model/large/more.test.cpp", "")
        lists.Lists(self.root).write()
        self.assertIn("unit.model.large.threads catch thread unit/model/large/runs.test.cpp", self.rows("tests.txt"))
        self.assertIn("unit.model.large catch - unit/model/large/more.test.cpp", self.rows("tests.txt"))

    def test_a_program_that_only_sleeps_has_no_threads(self):
        self.put("tests/unit/model/a.test.cpp", "#include <syncline/model/a.hpp>\n#include <thread>  // sleeps, starts none\n")
        lists.Lists(self.root).write()
        self.assertIn("unit.model catch - unit/model/a.test.cpp", self.rows("tests.txt"))

    def test_a_header_without_test_is_found(self):
        (self.root / "tests/unit/model/a.test.cpp").unlink()
        self.assertIn("no tests/unit/model/a.test.cpp", self.problems())
        self.assertIn("tests.txt differs", self.problems())

    def test_a_test_without_header_is_found(self):
        self.put("tests/unit/model/ghost.test.cpp", "#include <syncline/model/a.hpp>\n")
        self.assertIn("no include/syncline/model/ghost.hpp", self.problems())

    def test_the_header_under_test_comes_first(self):
        self.put("tests/unit/model/a.test.cpp", "#include <string>\n#include <syncline/model/a.hpp>\n")
        self.assertIn("its first include is not", self.problems())

    def test_a_reason_excuses_and_must_be_needed(self):
        (self.root / "tests/unit/model/a.test.cpp").unlink()
        self.put("tests/lists/reasons.txt", "no-test syncline/model/a*.hpp data only\n")
        lists.Lists(self.root).write()
        self.assertEqual(self.problems(), "")
        self.put("tests/unit/model/a.test.cpp", "#include <syncline/model/a.hpp>\n")
        self.assertIn("excuses nothing", self.problems())


class MustFail(Folder):
    OK = "// build ok\nint x;\n"

    def problems(self, text, control=OK):
        self.put("fail/a.cpp", text)
        if control:
            self.put("fail/control.cpp", control)
        return "\n".join(must_fail.check(self.root / "fail", [self.root])[0])

    def test_refused_with_the_message_passes(self):
        self.assertEqual(self.problems('// build error: say this\nstatic_assert(false, "say this");\n'), "")

    def test_a_snippet_that_compiles_is_found(self):
        self.assertIn("compiles, and must not", self.problems("// build error: anything\nint y;\n"))

    def test_another_message_is_found(self):
        self.assertIn("without a message", self.problems('// build error: say this\nstatic_assert(false, "that");\n'))

    def test_a_missing_expectation_is_found(self):
        self.assertIn("the first line is not", self.problems("int y = z;\n"))

    def test_no_control_is_found(self):
        self.assertIn("no positive control", self.problems("// build error: z\nint y = z;\n", None))

    def test_a_broken_control_is_found(self):
        broken = self.problems("// build error: z\nint y = z;\n", "// build ok\nint x = q;\n")
        self.assertIn("control does not compile", broken)

    def test_an_error_beside_the_refused_line_is_found(self):
        self.assertIn("still refused", self.problems("// build error: z\nint y = z;\nint w = z;  // refused\n"))


class Preprocessed(unittest.TestCase):
    def test_a_macro_that_leaks_is_found(self):
        text = (
            '# 1 "/p/include/syncline/model/a.hpp"\n#define SYNCLINE_MODEL_A_HPP \n#define HELPER 1\n#define GONE 1\n'
            '#undef GONE\nint x;\n\n# 1 "/usr/include/string.h"\n#define _STRING_H 1\nint y;\n'
        )
        lines, ours = preprocessed.examine(text, "/p/include")
        self.assertEqual(lines, 2)
        self.assertEqual(preprocessed.leaks(ours), ["syncline/model/a.hpp leaves the macro HELPER defined"])


class Documents(Folder):
    def test_code_that_differs_is_found(self):
        self.put("examples/a.cpp", "int a;\n// [main]\nint b;\n// [/main]\n")
        fence = "<!-- examples/a.cpp#main -->\n```cpp\n{}```\n"
        problems = []
        check_docs.update(fence.format("int b;\n"), self.root, problems, "README.md")
        self.assertEqual(problems, [])
        fixed = check_docs.update(fence.format("int c;\n"), self.root, problems, "README.md")
        self.assertEqual(len(problems), 1)
        self.assertEqual(fixed, fence.format("int b;\n"))
        check_docs.update("<!-- examples/none.cpp -->\n```cpp\n```\n", self.root, problems, "README.md")
        self.assertIn("there is no examples/none.cpp", problems[1])


class WeakPoints(Folder):
    def test_only_a_test_that_a_mutant_names_or_a_row_counts(self):
        self.put("docs/parity.md", "| W02 | cannot occur |\nW03 is told elsewhere\n")
        self.put("tests/wire/a.test.cpp", 'TEST_CASE("W04a: one", "[wire]") {}\nTEST_CASE("two (W05, W06)") {}\nTEST_CASE("three (W07)") {}\n')
        self.put("tests/wire/b.test.cpp", 'TEST_CASE("three (W07)") {}\n')
        self.put("tests/mutants/m.patch", "mutant: x\npromise: W01\nkilled-by: tests/wire/a.test.cpp: W04a\nkilled-by: tests/wire/a.test.cpp: (W05,\n"
                                          "killed-by: tests/wire/c.test.cpp: (W07)\nkilled-by: tests/wire/b.test.cpp\n\n--- a/x\nkilled-by: tests/wire/b.test.cpp: three\n")
        tests, rows, gaps = check_weak_points.missing(self.root)
        self.assertEqual(sorted(tests), ["W04", "W05", "W06"])
        self.assertEqual(rows, {"W02"})
        self.assertEqual(gaps, [f"W{n:02}" for n in range(1, 52) if n not in (2, 4, 5, 6)])


class Parity(Folder):
    PAGE = """# Parity
## The mutation wire: Tether

| push | ours |
|---|---|
| `POST /sync/push`: `client_id`, `$only` | `engine::push`, told by `tests/wire/a.test.cpp: one thing`; see `model/a.hpp` and [the guide](guides/a.md) |
| `debug:level`, `old` | — nobody needs it |

## The bundle wire: go

| endpoint | ours |
|---|---|
| `GET /sync/{id}/rows?more=` | the same |

## Another wire

| push | ours |
|---|---|
| `client_key` | |
"""

    def setUp(self):
        super().setUp()
        self.put("tests/lists/tether_names.txt", "# names\n[push]\n/sync/push\nclient_id\n$only\ndebug:level\n")
        self.put("tests/lists/oversync_names.txt", "[endpoint]\nGET /sync/{id}/rows\n")
        self.put("include/syncline/model/a.hpp", "struct engine { void push(); };\n")
        self.put("docs/guides/a.md", "\n")
        self.put("tests/wire/a.test.cpp", 'TEST_CASE("does one thing") {}\n')

    def found(self, page=PAGE, names=None):
        self.put("docs/parity.md", page)
        if names:
            self.put("tests/lists/tether_names.txt", names)
        return "\n".join(check_parity.problems(self.root)[0])

    def planted(self, old, new, wanted):
        self.assertIn(old, self.PAGE)
        self.assertIn(wanted, self.found(self.PAGE.replace(old, new)))

    def test_a_whole_page_passes(self):
        self.assertEqual(self.found(), "")

    def test_a_name_without_a_row_is_found(self):
        self.planted("`client_id`", "`client_ids`", "names `client_id`")
        self.planted("/sync/push`", "/sync/push/more`", "names `/sync/push`")
        self.planted("`$only`", "`only`", "names `$only`")
        self.planted("`$only`", "$only", "names `$only`")
        self.assertIn("names `client_key`", self.found(names="[push]\nclient_key\n"))
        self.assertIn("names `engine`", self.found(names="[push]\nengine\n"))
        self.assertIn("no table whose first heading is `pull`", self.found(names="[pull]\nclient_id\n"))

    def test_the_names_of_either_wire_stand_in_its_own_part(self):
        self.planted("/{id}/rows", "/{id}/row", "names `GET /sync/{id}/rows`")
        self.planted("`GET /sync/{id}/rows?more=` | the same", "`GET /sync/{id}/rows` | as `engine::pull`", "names `pull`")
        self.planted("## The bundle wire", "## The other wire", "no table whose first heading is `endpoint`")

    def test_a_row_that_says_nothing_is_found(self):
        self.planted("— nobody needs it", "—", "does not say how it is here")
        self.planted("— nobody needs it", "", "does not say how it is here")

    def test_what_a_row_names_exists(self):
        self.planted("model/a.hpp", "model/b.hpp", "names model/b.hpp, which does not exist")
        self.planted("a.test.cpp: one", "b.test.cpp: one", "names tests/wire/b.test.cpp")
        self.planted("one thing", "another thing", "that does not exist: another thing")
        self.planted("guides/a.md", "guides/b.md", "links to guides/b.md")
        self.planted("engine::push", "engine::pull", "names `pull`")


class Mutants(Folder):
    MUTANT = """mutant: One is two.
promise: 1
killed-by: tests/unit/a.test.cpp: one is one

--- a/include/syncline/a.hpp
+++ b/include/syncline/a.hpp
@@ -1,3 +1,3 @@
 int one() {
-    return 1;
+    return 2;
 }
--- a/include/syncline/b.hpp
+++ b/include/syncline/b.hpp
@@ -9,1 +9,1 @@
-int two();
+int three();
"""

    def setUp(self):
        super().setUp()
        self.put("include/syncline/a.hpp", "// longer than it was\n\nint one() {\n    return 1;\n}\n")
        self.put("include/syncline/b.hpp", "int two();\n")
        self.put("tests/unit/a.test.cpp", 'TEST_CASE("a: "\n          "one is one, always") {}\n')

    def found(self, text=MUTANT):
        self.put("tests/mutants/a.patch", text)
        return "\n".join(check_mutants.problems(self.root)[0])

    def planted(self, old, new, wanted):
        self.assertIn(old, self.MUTANT)
        self.assertIn(wanted, self.found(self.MUTANT.replace(old, new)))

    def test_one_that_fits_passes(self):
        self.assertEqual(self.found(), "")
        self.assertEqual(self.found(self.MUTANT.replace(": one is one", "")), "")
        self.assertEqual(check_mutants.problems(self.root)[1], 1)

    def test_a_killer_that_is_not_there_is_found(self):
        self.planted("one is one", "one is two", "tests/unit/a.test.cpp has no test case with the name one is two")
        self.planted("unit/a.test.cpp", "unit/b.test.cpp", "there is no tests/unit/b.test.cpp")
        self.planted("killed-by: ", "kills: ", "names no test")

    def test_code_that_is_not_there_is_found(self):
        self.planted("return 1;", "return one;", "include/syncline/a.hpp has no place that reads `return one;`")
        self.planted("-int two();", "-int four();", "include/syncline/b.hpp has no place that reads `int four();`")
        self.planted("+++ b/include/syncline/b.hpp", "+++ b/include/syncline/c.hpp", "there is no include/syncline/c.hpp")
        self.planted("+int three();", "+int two();", "changes nothing in include/syncline/b.hpp")
        self.assertIn("a.patch: changes nothing", self.found(self.MUTANT.partition("--- a/")[0]))


class Behaviours(Folder):
    LIST = """# behaviours
[push_test.go] 2
push: a thing: is done | tests/wire/a.test.cpp: does one thing
push: another | parity: `name` of no use | tests/tools/t.py: test_it
"""

    def setUp(self):
        super().setUp()
        self.put("tests/wire/a.test.cpp", 'TEST_CASE("does one thing") {}\nTEST_CASE("does one thing, and more") {}\n')
        self.put("tests/tools/t.py", "class A:\n    def test_it(self):\n        pass\n")
        self.put("docs/parity.md", "## The mutation wire\nelsewhere\n## The bundle wire: go\n\n| `name` of\nno use | x |\n\n## Notes\nafter it\n")

    def found(self, text=LIST):
        self.put("tests/lists/oversync_behaviours.txt", text)
        return "\n".join(check_behaviours.problems(self.root)[0])

    def planted(self, old, new, wanted):
        self.assertIn(old, self.LIST)
        self.assertIn(wanted, self.found(self.LIST.replace(old, new)))

    def test_a_whole_list_passes(self):
        self.assertEqual(self.found(), "")
        self.assertEqual(check_behaviours.problems(self.root)[1], 2)

    def test_a_behaviour_without_a_place_is_found(self):
        self.planted("tests/wire/a.test.cpp: does one thing", "missing", "a thing: is done: is shown nowhere yet")
        self.planted(" | tests/wire/a.test.cpp: does one thing", "", "a thing: is done: has no place")
        self.planted("tests/wire/a.test.cpp: does one thing", "tests/wire/a.test.cpp", "which is neither")
        self.planted(" | tests/tools/t.py: test_it", " | missing", "another: is shown nowhere yet")

    def test_a_behaviour_that_is_left_out_or_repeated_is_found(self):
        self.planted("[push_test.go] 2", "[push_test.go] 3", "has 2 behaviours and announces 3")
        self.planted("push: another", "push: a thing: is done", "has `push: a thing: is done` twice")
        self.planted("[push_test.go] 2\n", "", "[] has 2 behaviours and announces 0")

    def test_a_clause_of_a_kit_is_a_place(self):
        self.put("include/syncline/testing/storage/a.hpp", 'kit.clause("S1.a", "it is one", [] {});\nkit.clause(\n    "S1.b", "it is another", [] {});\n')
        for name in ("it is one", "it is another"):
            place = "include/syncline/testing/storage/a.hpp: " + name
            self.assertEqual(self.found(self.LIST.replace("tests/wire/a.test.cpp: does one thing", place)), "")
        self.planted("tests/wire/a.test.cpp: does one thing", "include/syncline/testing/storage/a.hpp: S1.a", "that does not exist: S1.a")
        self.planted("tests/wire/a.test.cpp: does one thing", "include/syncline/storage/a.hpp: it is one", "names include/syncline/storage/a.hpp, which does not exist")

    def test_what_a_place_names_exists(self):
        self.planted("a.test.cpp: does", "b.test.cpp: does", "names tests/wire/b.test.cpp, which does not exist")
        self.planted("tests/wire/a.test.cpp: does", "wire/a.test.cpp: does", "names wire/a.test.cpp, which does not exist")
        self.planted("one thing", "two things", "a test of tests/wire/a.test.cpp that does not exist: does two things")
        self.planted("test_it", "test_that", "a test of tests/tools/t.py that does not exist: test_that")
        self.planted("of no use", "of some use", "names words that docs/parity.md does not have")
        self.planted("`name` of no use", "elsewhere", "names words that docs/parity.md does not have")
        self.planted("`name` of no use", "after it", "names words that docs/parity.md does not have")

    def test_a_part_of_a_name_is_of_one_test(self):
        self.planted("does one thing", "does one", "names 2 tests of tests/wire/a.test.cpp: does one")
        self.assertEqual(self.found(self.LIST.replace("does one thing", "and more")), "")


class Coverage(Folder):
    def reasons(self, *lines):
        self.put("reasons.txt", "".join(f"{line}\n" for line in lines))
        return branch_report.reasons(self.root)

    def test_a_reason_is_of_a_path_an_outcome_and_a_condition(self):
        literal, pattern = self.reasons("# why", "", "engine/a.hpp: never true: x < y.size() :: rows are whole", "engine/*: never false: /n (>|<) 0/ :: counted")
        self.assertTrue(literal.explains("engine/a.hpp", "never true", "x < y.size()", ""))
        self.assertFalse(literal.explains("engine/b.hpp", "never true", "x < y.size()", ""))
        self.assertFalse(literal.explains("engine/a.hpp", "never false", "x < y.size()", ""))
        self.assertTrue(pattern.explains("engine/b.hpp", "never false", "n > 0", ""))
        self.assertFalse(pattern.explains("engine/b.hpp", "never false", "n > 01", ""))
        self.assertFalse(pattern.explains("wire/b.hpp", "never false", "n > 0", ""))

    def test_a_reason_says_why(self):
        for line in ("engine/a.hpp: never true: x", "engine/a.hpp: never true: x :: ", "engine/a.hpp: sometimes: x :: y", "x :: y"):
            with self.assertRaises(SystemExit):
                self.reasons(line)

    def test_a_fault_that_is_handed_on(self):
        for condition, line in (
            ("!r", "if (auto r = f(); !r) return r;"),
            ("!r", "if (!r) return std::move(r).error();"),
            ("!*r", "if (!*r) return (*r).error();"),
            ("!a.b", "if (!a.b) return std::move(a.b).error();"),
            ("!r.has_value()", "if (!r.has_value()) return r.error();"),
        ):
            self.assertTrue(branch_report.hands_a_fault_on(condition, line), line)
        for condition, line in (("!r", "if (!r) return {};"), ("!r", "if (!r) continue;"), ("!row", "if (!row) return r.error();"), ("r", "if (r) return r;")):
            self.assertFalse(branch_report.hands_a_fault_on(condition, line), line)

    def test_what_the_language_decides(self):
        for line, condition in (("switch (kind) {", "kind"), ("if constexpr (small) return;", "small"), ("while (true) {", "true"), ("friend bool operator==(const t&, const t&) = default;", "t")):
            self.assertFalse(branch_report.is_ours(line, line.index(condition) + 1, condition), line)
        self.assertTrue(branch_report.is_ours("if (what) switch (x) {", 5, "what"))

    def test_everything_needs_a_reason_and_every_reason_something(self):
        source = self.put("engine/a.hpp", "if (a) f();\nif (b && c) g();\n")
        found = {source: {(1, 5, 1, 6): [3, 0], (2, 5, 2, 6): [2, 1], (2, 10, 2, 11): [0, 2]}}
        told, out = io.StringIO(), self.root / "out"
        out.mkdir()
        kept = "engine/a.hpp: never false: a :: x", "engine/a.hpp: never true: c :: y"
        with contextlib.redirect_stdout(told), unittest.mock.patch.object(branch_report, "LIBRARY", self.root):
            self.assertTrue(branch_report.report(found, out, "", self.reasons(*kept)))
            self.assertFalse(branch_report.report(found, out, "", self.reasons(*kept, "engine/a.hpp: never true: b :: z")))
            self.assertFalse(branch_report.report(found, out, "", self.reasons(kept[0])))
            self.assertTrue(branch_report.report(found, out, "", self.reasons(*kept, "engine/a.hpp: seldom: b :: z")))
            self.assertTrue(branch_report.report(found, out, "", self.reasons(kept[0], "engine/a.hpp: seldom: c :: z")))
            self.assertFalse(branch_report.report(found, out, "", self.reasons(kept[0])))
        self.assertEqual((out / "unexplained.txt").read_text(), "engine/a.hpp:2: never true: c\n")
        self.assertIn("nothing needs this reason", told.getvalue())


class Summary(unittest.TestCase):
    def test_counts(self):
        self.assertEqual(summary.cases("All tests passed (1,234 assertions in 12 test cases)", True), (12, 0))
        self.assertEqual(summary.cases("All tests passed (1 assertion in 1 test case)", True), (1, 0))
        failed = "test cases:  5 |  3 passed | 2 failed\nassertions: 50 | 48 passed | 2 failed\n"
        self.assertEqual(summary.cases(failed, False), (3, 2))
        self.assertEqual(summary.cases("a crash", False), (0, 1))
        self.assertEqual(summary.cases("All tests passed (3 assertions in 2 test cases)\nleak found", False), (2, 1))
        self.assertEqual(summary.cases("no such words", True), (1, 0))

    def test_ctest_log(self):
        log = (
            "Start testing: Nov 21\n----------\n1/2 Testing: unit.a\n1/2 Test: unit.a\nCommand: \"a\"\nDirectory: /b\n"
            '"unit.a" start time: x\nOutput:\n----------\nAll tests passed (3 assertions in 2 test cases)\n'
            "<end of output>\nTest time =   0.01 sec\n----------\nTest Passed.\n\"unit.a\" end time: x\n----------\n\n"
            "2/2 Testing: b\n2/2 Test: b\nOutput:\n----------\nboom\n<end of output>\nTest time =   0.01 sec\n"
            "----------\nTest Failed.\n"
        )
        self.assertEqual([(n, p) for n, _, p in summary.of_ctest(log)], [("unit.a", True), ("b", False)])


if __name__ == "__main__":
    unittest.main(verbosity=1)
