"""Commands: what happened, who is told, and who may ask."""

from workbench.commands.spec import CODE, Kind, Parameter, Role, Spec
from workbench.orchestration.alerts import TOPICS

_TOPIC = Parameter(
    "topic",
    Kind.CHOICE,
    "what it is about, or all",
    choices=(*TOPICS, "all"),
)
_PERSON = Parameter("person", Kind.WORD, "their number, as /people lists it")

RECORDS: tuple[Spec, ...] = (
    Spec(
        ("events",),
        "what happened last",
        "events",
        (Parameter("count", Kind.COUNT, "how many, 20 without it", needed=False),),
        example="/events 50",
    ),
    Spec(
        ("report",),
        "scheduled runs: how each ended, what it said, where its report is",
        "report",
        (Parameter("job", Kind.WORD, "a job of workbench.toml; all without it", needed=False),),
        example="/report",
    ),
    Spec(
        ("audit",),
        "who changed what: commands, halts, limits, runs, and the desk itself",
        "audit",
        (
            Parameter("since", Kind.DATE, "from when on; the newest 50 entries without it", needed=False),
            Parameter(
                "kind",
                Kind.CHOICE,
                "only these",
                needed=False,
                option=True,
                choices=("commands", "halts", "limits", "runs", "desk"),
            ),
        ),
        example="/audit yesterday --kind halts",
    ),
    Spec(("alerts",), "what is told unasked, by topic, and what was lately", "alerts", example="/alerts"),
    Spec(
        ("alerts", "on"),
        "be told of a topic again",
        "alerts_on",
        (_TOPIC,),
        effect=True,
        role=Role.OPERATOR,
        example="/alerts on trades",
    ),
    Spec(
        ("alerts", "off"),
        "be told no more of a topic; what is critical is told all the same",
        "alerts_off",
        (_TOPIC,),
        effect=True,
        role=Role.OPERATOR,
        example="/alerts off trades",
    ),
    Spec(
        ("alerts", "quiet"),
        "hours in which only what is critical is told, or off",
        "alerts_quiet",
        (Parameter("hours", Kind.WORD, "from and to in your zone, as in 22:00-07:00, or off"),),
        effect=True,
        role=Role.OPERATOR,
        example="/alerts quiet 22:00-07:00",
    ),
    Spec(
        ("alerts", "least"),
        "how loud it must be to be told",
        "alerts_least",
        (Parameter("severity", Kind.CHOICE, "the quietest that is told", choices=("info", "warning", "critical")),),
        effect=True,
        role=Role.OPERATOR,
        example="/alerts least warning",
    ),
    Spec(
        ("people",),
        "who may speak to the desk in Telegram, and who asks to",
        "people",
        (),
        False,
        Role.ADMIN,
        "/people",
    ),
    Spec(
        ("people", "approve"),
        "let somebody in who asked, or change their role",
        "people_approve",
        (_PERSON, Parameter("role", Kind.CHOICE, "what they may do", choices=("viewer", "operator", "admin"))),
        effect=True,
        role=Role.ADMIN,
        example="/people approve 123456 viewer",
    ),
    Spec(
        ("people", "refuse"),
        "do not let somebody in",
        "people_refuse",
        (_PERSON,),
        effect=True,
        role=Role.ADMIN,
        example="/people refuse 123456",
    ),
    Spec(
        ("people", "remove"),
        "forget somebody, who may ask again: asked for first, then typed with the code it gave",
        "people_remove",
        (_PERSON, CODE),
        effect=True,
        role=Role.ADMIN,
        example="/people remove 123456",
        destructive=True,
    ),
)
