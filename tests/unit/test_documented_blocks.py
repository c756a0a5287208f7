"""Each code block of the documents is run by a test, or says why not; what cannot be run has names that exist."""

import json
import re
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from botocore import xform_name
from botocore.session import get_session

from darkroom.models.recipe import Recipe
from darkroom.operations import ENGINE_VERSION
from local.examples import DOCUMENTS, Block, Example, blocks_of, differences
from tests.conftest import ROOT
from tests.template.test_template import TEMPLATE

BLOCKS = {
    f"{path.relative_to(ROOT)}:{block.line}": block
    for path in DOCUMENTS.values()
    for block in blocks_of(path.read_text(encoding="utf-8"))
}
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
SHELL = {name: block for name, block in BLOCKS.items() if block.language == "sh"}
PATHS = re.compile(r"(?<![\w./-])((?:tests|events|docs|local|functions|\.github)/[\w./-]+\w)")
# As the front ends read them: open_webui/config.py, and OpenAIImageTools.js of LibreChat.
OPEN_WEBUI = {
    *("OPENAI_API_BASE_URL", "OPENAI_API_KEY", "ENABLE_IMAGE_GENERATION", "IMAGE_GENERATION_ENGINE"),
    *("IMAGE_GENERATION_MODEL", "IMAGE_SIZE", "IMAGES_OPENAI_API_BASE_URL", "IMAGES_OPENAI_API_KEY"),
    *("ENABLE_IMAGE_EDIT", "IMAGE_EDIT_ENGINE", "IMAGE_EDIT_MODEL", "IMAGE_EDIT_SIZE"),
    *("IMAGES_EDIT_OPENAI_API_BASE_URL", "IMAGES_EDIT_OPENAI_API_KEY"),
}
LIBRECHAT = {"IMAGE_GEN_OAI_BASEURL", "IMAGE_GEN_OAI_API_KEY", "IMAGE_GEN_OAI_MODEL"}
# https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-cli-command-reference-sam-deploy.html
SAM_DEPLOY = {"--stack-name", "--config-env", "--parameter-overrides", "--region", "--profile", "--guided"}
AWS = re.compile(r"(?:^|\$\()aws (\S+) (\S+) ([^)\n]*)", re.MULTILINE)


def _joined(block: Block) -> str:
    return block.text.replace("\\\n", " ")


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_run_or_says_why_not(name: str) -> None:
    block = BLOCKS[name]
    assert block.language, "say what it is: sh, python, json, yaml, text"
    is_figure = block.language == "text"
    is_recipe = block.language == "json" and block.text.startswith("[")
    assert any((block.is_run, block.is_expected, block.reason, block.tried_by, block.is_of_tests, is_figure, is_recipe))


@pytest.mark.parametrize("path", DOCUMENTS.values(), ids=lambda path: path.name)
def test_no_block_is_overlooked(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(re.findall(r"^\s*```", text, re.MULTILINE)) == 2 * len(blocks_of(text))


@pytest.mark.parametrize("name", [name for name, block in BLOCKS.items() if block.tried_by])
def test_what_tries_a_block_in_place_of_its_document_knows_it(name: str) -> None:
    test = ROOT / str(BLOCKS[name].tried_by)
    assert re.search(rf"\b{Path(name.partition(':')[0]).stem}\b", test.read_text())


@pytest.mark.parametrize("name", SHELL)
def test_a_shell_can_read_it(name: str) -> None:
    read = subprocess.run(["bash", "-n"], input=SHELL[name].text, text=True, capture_output=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")


@pytest.mark.parametrize("name", SHELL)
def test_the_commands_and_files_that_it_names_exist(name: str) -> None:
    text = SHELL[name].text
    assert set(re.findall(r"^(?:[A-Z_]+=\S+ )*make ([a-z][a-z-]*)", text, re.MULTILINE)) <= TARGETS
    for path in PATHS.findall(text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("name", [name for name, block in SHELL.items() if block.is_run])
def test_a_call_that_is_refused_ends_the_document(name: str) -> None:
    """Else curl would say that all is well. What shows a refusal shows its status, or its code in the output."""
    block = SHELL[name]
    for call in re.findall(r"\bcurl [^|]*", block.script.replace("\\\n", " ")):
        shows_refusal = "%{http_code}" in call or (block.expected is not None and '"code"' in block.expected.text)
        assert "--fail-with-body" in call or shows_refusal, call


@pytest.mark.parametrize("name", [name for name, block in SHELL.items() if "sam deploy" in block.text])
def test_options_and_parameters_of_sam_exist(name: str) -> None:
    for call in re.findall(r"\bsam deploy (.*)", SHELL[name].text):
        assert set(re.findall(r"--[\w-]+", call)) <= SAM_DEPLOY
        assert set(re.findall(r"\b([A-Z]\w+)=", call)) <= TEMPLATE.scope.parameters.keys()


@pytest.mark.parametrize(
    "name", [name for name, block in SHELL.items() if re.search(r"^aws ", block.text, re.MULTILINE)]
)
def test_options_of_the_aws_command_exist(name: str) -> None:
    # Of the command line itself, beside those of the operation.
    own = {"cli-binary-format", "output", "region", "profile", "query"}
    for service, operation, rest in re.findall(
        r"^aws (\S+) (\S+) (.*)", SHELL[name].text.replace("\\\n", " "), re.MULTILINE
    ):
        model = get_session().get_service_model(service)
        if operation == "wait":
            waiter = get_session().get_waiter_model(service).get_waiter(_pascal(rest.split()[0]))
            operation = xform_name(waiter.operation, "-")
        (found,) = [each for each in model.operation_names if xform_name(each, "-") == operation]
        taken = model.operation_model(found).input_shape
        assert taken is not None
        members = {xform_name(each, "-") for each in taken.members}
        assert set(re.findall(r"--([\w-]+)", rest)) <= members | own


def _pascal(words: str) -> str:
    return "".join(word.title() for word in words.split("-"))


@pytest.mark.parametrize("name", [name for name, block in BLOCKS.items() if block.language == "python"])
def test_python_is_python(name: str) -> None:
    compile(BLOCKS[name].text, name, "exec")


@pytest.mark.parametrize("name", [name for name, block in BLOCKS.items() if block.language == "json"])
def test_json_is_json(name: str) -> None:
    found = json.loads(BLOCKS[name].text)
    if isinstance(found, list):
        assert Recipe(engine=ENGINE_VERSION, steps=[{"operation": step} for step in found]).steps


def test_the_variables_of_front_ends_are_those_that_they_read() -> None:
    (compose,) = [yaml.safe_load(block.text) for block in _of_clients("yaml") if "services:" in block.text]
    (service,) = compose["services"].values()
    assert service["environment"].keys() <= OPEN_WEBUI
    assert {"image", "environment"} <= service.keys()
    assert {each.partition(":")[0] for each in service["volumes"]} == compose["volumes"].keys()
    (dotenv,) = _of_clients("dotenv")
    assert set(re.findall(r"^(\w+)=", dotenv.text, re.MULTILINE)) == LIBRECHAT
    (config,) = [yaml.safe_load(block.text) for block in _of_clients("yaml") if "endpoints:" in block.text]
    assert {"name", "apiKey", "baseURL", "models"} <= config["endpoints"]["custom"][0].keys()


def _of_clients(language: str) -> list[Block]:
    return [
        block for name, block in BLOCKS.items() if name.startswith("docs/clients.md") and block.language == language
    ]


def test_every_page_is_reached_from_the_index() -> None:
    folder, reached, waiting = ROOT / "docs", set[str](), {"README.md"}
    while waiting:
        reached.add(page := waiting.pop())
        links = re.findall(r"\((\w[\w-]*\.md)(?:#[^)]*)?\)", (folder / page).read_text(encoding="utf-8"))
        waiting |= {link for link in links if (folder / link).is_file()} - reached
    assert reached == {path.name for path in folder.glob("*.md")}


@pytest.mark.parametrize("path", DOCUMENTS.values(), ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if link.startswith(("http", "..", "mailto:")):
            continue
        file, _, heading = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {_anchor(each) for each in headings}, link


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _is_running(pid: int) -> bool:
    """A process that was killed stays in the table until its parent looks at it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class TestBlocks:
    TEXT = """# A page

```sh
make up   # the stack
echo one
```
```text
o…e
```

*Not run by the tests: it needs AWS.*
```sh
make deploy
```

*Tried by `tests/unit/test_documented_blocks.py`.*
```json
{"a": 1}
```

```sh
.venv/bin/python -m pytest tests/unit \\
  --no-cov
```
"""

    def test_they_are_told_apart(self) -> None:
        run, output, aws, tried, tests = blocks_of(self.TEXT)
        assert (run.is_run, run.line, run.script.strip(), run.expected) == (True, 4, "echo one", output)
        assert (aws.is_run, aws.reason) == (False, "it needs AWS")
        assert (tried.is_run, tried.tried_by) == (False, "tests/unit/test_documented_blocks.py")
        assert (tests.is_run, tests.is_of_tests) == (False, True)

    def test_what_a_block_leaves_running_ends_with_the_document(self, tmp_path: Path) -> None:
        blocks = [Block(1, "sh", "sleep 600 & echo $! > pid"), Block(2, "sh", "exit 3"), Block(3, "sh", "echo never")]
        ran = list(Example(blocks, tmp_path).run())
        assert [each.status for each in ran] == [0, 3, None]
        pid = int((tmp_path / "pid").read_text())
        ends = time.monotonic() + 30
        while _is_running(pid):
            assert time.monotonic() < ends
            time.sleep(0.01)

    @pytest.mark.parametrize("out", ["one\n", "o e", "ooooe"])
    def test_an_output_is_compared_with_what_is_left_open(self, out: str) -> None:
        assert differences(blocks_of(self.TEXT)[1], out) == []

    @pytest.mark.parametrize("out", ["two", "one two", ""])
    def test_another_output_is_told(self, out: str) -> None:
        assert differences(blocks_of(self.TEXT)[1], out)

    @pytest.mark.parametrize(
        ("expected", "found", "is_same"),
        [
            ('{"a": 1}', '{"a": 1, "b": 2}', True),
            ('{"a": 1}', '{"b": 1}', False),
            ('{"a": true}', '{"a": 1}', False),
            ('{"a": 1}', '{"a": true}', False),
            ('{"a": 1}', '{"a": 1.0}', True),
            ('{"a": "x…"}', '{"a": "xyz"}', True),
            ('{"a": "x…"}', '{"a": "yz"}', False),
            ('{"a": "…"}', '{"a": null}', True),
            ('["…", {"a": 1}]', '[{"a": 2}, {"a": 1}]', True),
            ('["…", {"a": 3}]', '[{"a": 2}, {"a": 1}]', False),
            ("[1, 2]", "[1, 2, 3]", False),
            ('{"a": {"b": 1}}', '{"a": 1}', False),
            ('{"a": 1}', "no JSON", False),
        ],
    )
    def test_json_is_compared_by_what_is_shown(self, expected: str, found: str, is_same: bool) -> None:
        assert (differences(Block(1, "json", expected), found) == []) is is_same


def test_settings_that_documents_give_a_start_exist() -> None:
    for block in SHELL.values():
        for words in re.findall(r"^((?:[A-Z_]+=\S+ )+)make up", block.text, re.MULTILINE):
            names = set(re.findall(r"([A-Z_]+)=", words)) - {"PORT", "MODEL", "ALLOW", "UPSTREAM"}
            assert names <= set(re.findall(r"`([A-Z_]+)`", DOCUMENTS["migration"].read_text()))
