"""``@context`` of a document: held against the rules, and turned into the active context that it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentdid.canon.active_context import EMPTY, ActiveContext, process
from agentdid.canon.term_table import compile_context

if TYPE_CHECKING:
    from agentdid.canon.contexts import ContextRules

_MAX_ROOTS: Final = 256


def enter_context(active: ActiveContext, local: object, rules: ContextRules) -> ActiveContext:
    """Return the active context after a document's ``@context``.

    Raises:
        ContextNotAllowed, ContextLoadForbidden, TypeMismatch: The rules do not let it through.
        Uncovered: Tables do not say it.
    """
    contexts: list[Any] = local if isinstance(local, list) else [local]
    key = tuple(contexts) if active is EMPTY else ()
    try:
        found: ActiveContext | None = rules.roots.get(key)
    except TypeError:
        found, key = None, ()  # an inline context
    if found is None:
        rules.check(contexts)
        found = active
        for each in contexts:
            found = process(found, [each] if isinstance(each, str) else compile_context(_document(each)))
        if key and len(rules.roots) < _MAX_ROOTS:
            rules.roots[key] = found
    return found


def _document(inline: dict[str, object]) -> dict[str, object]:
    """Return an inline context as a context file has it; W3C suites write such a file's object inline, whole."""
    return inline if inline.keys() == {"@context"} else {"@context": inline}
