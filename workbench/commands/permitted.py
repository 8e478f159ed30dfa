"""What a role may do, for a surface that offers it or does a command's work by hand. The gate is the dispatcher's."""

from workbench.commands.catalogue import find
from workbench.commands.spec import Role, Spec


def permits(role: Role, line: str) -> bool:
    """Whether the command that `line` begins with is for that role. Of no command the grammar says so."""
    spec = _meant(line)
    return spec is None or role.includes(spec.role)


def refusal(role: Role, line: str, doing: str) -> str:
    """Why that role may not do by hand what `line` does, '' where it may. `doing` is how a person calls it."""
    spec = _meant(line)
    return "" if spec is None else denied(role, spec, doing)


def denied(role: Role, spec: Spec, doing: str) -> str:
    """The same for a command that is known already."""
    return "" if role.includes(spec.role) else f"{doing} is for {spec.role}s; your role is {role}"


def _meant(line: str) -> Spec | None:
    said = tuple(line.casefold().removeprefix("/").split())
    found = [spec for n in range(len(said), 0, -1) for spec in find(said[:n]) if spec.words == said[:n]]
    return found[0] if found else None
