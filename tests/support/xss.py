"""Sixty hostile texts, each short enough for a name, and where each of them would act if it were put in as markup.

`fire(§)` in one of them reports that the text of that number has acted; OUTSIDE is an address that nothing may ask for.
"""

from html import escape

OUTSIDE = "//192.0.2.1/§"
_BODY = [
    "<script>fire(§)</script>",
    "<ScRiPt>fire(§)</sCrIpT >",
    "<script/x>fire(§)</script>",
    "<script\n>fire(§)</script>",
    "</textarea><script>fire(§)</script>",
    "</title></style><script>fire(§)</script>",
    "--><script>fire(§)</script><!--",
    "]]><script>fire(§)</script>",
    "<<script>fire(§);//<</script>",
    "<script src=data:,fire(§)></script>",
    "<script type=module>fire(§)</script>",
    "<img src=x: onerror=fire(§)>",
    "<img/src='x:'/onerror=fire(§)>",
    "<IMG SRC='x:' ONERROR='fire(§)'>",
    "<img src=x: onerror=&#102;ire(§)>",
    "<img src=x: onerror=\\u0066ire(§)>",
    "<img src=x: onerror=eval('fi'+'re(§)')>",
    "<img src=x: onerror=fire`§`>",
    '"><img src=x: onerror=fire(§)>',
    "'><img src=x: onerror=fire(§)>",
    "<image src=x: onerror=fire(§)>",
    "<svg onload=fire(§)>",
    "<svg\nonload=fire(§)>",
    "<svg><script>fire(§)</script></svg>",
    "<svg><script>&#102;ire(§)</script></svg>",
    "<svg><animate onbegin=fire(§) attributeName=x dur=1s>",
    "<svg><set onbegin=fire(§) attributeName=x to=1>",
    "<math><mtext><script>fire(§)</script></mtext></math>",
    "<body onload=fire(§)>",
    "<body onpageshow=fire(§)>",
    "<iframe srcdoc='<script>fire(§)</script>'></iframe>",
    "<iframe src=javascript:parent.fire(§)></iframe>",
    "<iframe onload=fire(§)></iframe>",
    "<object data=javascript:fire(§) onerror=fire(§)></object>",
    "<embed src=data:text/html,x onload=fire(§)>",
    "<video><source src=x: onerror=fire(§)></video>",
    "<audio src=x: onerror=fire(§)></audio>",
    "<input autofocus onfocus=fire(§)>",
    "<select autofocus onfocus=fire(§)></select>",
    "<details open ontoggle=fire(§)>x</details>",
    "<style onload=fire(§)></style>",
    "<link rel=stylesheet href=data:, onload=fire(§)>",
    "<a href=javascript:fire(§)>click</a>",
    "<a href=JaVaScRiPt&colon;fire(§)>click</a>",
    "<a href='java\tscript:fire(§)'>click</a>",
    "<form action=javascript:fire(§)><button>go</button></form>",
    "<button onclick=fire(§)>click</button>",
    "<p onmouseover=fire(§)>over</p>",
    "<div onpointerover=fire(§)>over</div>",
    f"<img src={OUTSIDE}>",
    f"<link rel=stylesheet href={OUTSIDE}>",
    f"<style>@import'{OUTSIDE}'</style>",
    f"<p style=background:url({OUTSIDE})>x</p>",
    f"<meta http-equiv=refresh content=0;url={OUTSIDE}>",
]
_ELSEWHERE = {
    '<p title="{}">x</p>': ['" onmouseover="fire(§)', '" autofocus tabindex=1 onfocus="fire(§)'],
    "<p title='{}'>x</p>": ["' onmouseover='fire(§)"],
    "<a href='{}'>x</a>": ["javascript:fire(§)"],
    "<script>var x='{}'</script>": ["'-fire(§)-'", "</script><script>fire(§)//"],
}
_FRAMED = [(text, "{}") for text in _BODY] + [(text, frame) for frame, texts in _ELSEWHERE.items() for text in texts]
PAYLOADS = tuple(text.replace("§", str(n)) for n, (text, _) in enumerate(_FRAMED))

WATCH = """
window.fire = n => console.log(`FIRED ${n}`);
"""
PROVOKE = """() => {
  let touched = 0;
  const act = root => {
    for (const node of root.querySelectorAll('*')) {
      for (const {name} of [...node.attributes])
        if (name.startsWith('on')) { touched++; node.dispatchEvent(new Event(name.slice(2))); }
      const leads = node.getAttribute('href') ?? node.getAttribute('action') ?? '';
      if (/^\\s*j\\s*a\\s*v\\s*a/i.test(leads)) { touched++; node.submit ? node.submit() : node.click(); }
      if (node.shadowRoot) act(node.shadowRoot);
      if (node.contentDocument) act(node.contentDocument);
    }
  };
  act(document);
  return touched;
}"""


def control_page():
    """Every payload as markup in a frame of its own: what a careless page would do with it."""
    made = [frame.replace("{}", text) for text, (_, frame) in zip(PAYLOADS, _FRAMED, strict=True)]
    return "<!DOCTYPE html><body>" + "".join(f'<iframe srcdoc="{escape(html)}"></iframe>' for html in made)
