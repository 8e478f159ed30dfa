"""Notebooks that go wrong in every way a scheduled run can, and one that goes right."""

import nbformat.v4 as v4

CANARY = "canary-7f3a<&>\"'9c-key"
PARAMETERS = "name: str = 'nobody'\ncount: int = 1"

GOOD = (
    "import os\nimport altair as alt\nimport pandas as pd\nfrom workbench.integrations.headline import headline",
    "pd.DataFrame({'bot': ['<img src=x onerror=alert(1)>'], 'key': [os.environ['CANARY_API_KEY']]})",
    "alt.Chart(pd.DataFrame({'a': [1, 2], 'b': [1, 3]})).mark_line().encode(x='a:Q', y='b:Q')",
    "headline(who=name, times=count, key=os.environ['CANARY_API_KEY'])",
)
FAILING = (
    "import os\nprint(dict(os.environ))\nkey = os.environ['CANARY_API_KEY']\nos.system('echo $CANARY_API_KEY >&2')",
    "def read(text):\n    return float(text)\n\nread(\n    key)",
    "print('never')",
)
SLEEPING = ("import time", "before = 1\ntime.sleep(600)")
HUNG = ("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)", "# deaf\nwhile True:\n    pass")
SHOT = ("import os, signal", "os.kill(os.getpid(), signal.SIGKILL)")
PARENT_SHOT = ("import os, signal, time", "os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(600)")


def written(path, cells):
    """A notebook at `path` with a parameters cell and these code cells."""
    made = [v4.new_markdown_cell("# A run\n\n<script>fetch('http://outside')</script>")]
    made.append(v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}))
    made += [v4.new_code_cell(source) for source in cells]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(v4.writes(v4.new_notebook(cells=made, metadata=kernel)))
    return path
