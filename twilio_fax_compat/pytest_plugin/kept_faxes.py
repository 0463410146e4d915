"""How long the faxes of a test stay on the emulator."""

from __future__ import annotations

import re
from typing import Any, Collection, Mapping

import pytest
from attrs import define, field

from twilio_fax_compat._core.translation.ids import fax_id
from twilio_fax_compat.ledger._opening import PROCESS_LEDGER
from twilio_fax_compat.pytest_plugin.backends.base import Backend
from twilio_fax_compat.pytest_plugin.report.records import TestRecord

_SID = re.compile(r"/Faxes/([^/?]+)")
_NODES: Mapping[str, Any] = {
    "class": pytest.Class,
    "module": pytest.Module,
    "session": pytest.Session,
}


@define(eq=False)
class KeptFaxes:
    """
    Deletes the faxes of a test when its *scope* ends: ``test``, ``class``, ``module`` or ``session``.

    Faxes of shared set-ups stay as long as the set-up, and those of an import for the whole run.
    """

    backend: Backend
    scope: str = "test"
    _kept: dict[Any, Collection[str]] = field(factory=dict)
    _forgotten: dict[str, str] = field(factory=dict)

    def keep(self, key: object, ids: Collection[str]) -> None:
        """Keep the faxes with these *ids* until `drop` of the same *key*."""
        self._kept[key] = ids

    def drop(self, key: object) -> None:
        """Stop keeping the faxes of *key*."""
        self._kept.pop(key, None)

    def begin(self) -> None:
        """Keep the faxes that were made before the test, when modules were imported."""
        others = self.backend.fax_ids() - self._all()
        if others:
            self._kept["imports"] = {*self._kept.get("imports", ()), *others}

    def end(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Delete the faxes of *item*, unless *nextitem* belongs to the same scope."""
        node = _NODES.get(self.scope)
        here: Any = None if node is None else item.getparent(node)
        if here is not None and nextitem and nextitem.getparent(type(here)) is here:
            self.keep("scope", self.backend.fax_ids())
        else:
            self.drop("scope")
        self.forget(item.nodeid)

    def forget(self, nodeid: str) -> None:
        """Delete all faxes that are not kept; *nodeid* is the test that made them."""
        kept = self._all()
        self._forgotten.update(dict.fromkeys(self.backend.fax_ids() - kept, nodeid))
        self.backend.reset(kept)
        # An equal create of the next test is a new fax.
        PROCESS_LEDGER.forget_sends()

    def forgotten_by(self, record: TestRecord) -> list[str]:
        """Return a text for each deleted fax that the test of *record* tried to read."""
        texts = []
        for call in record.calls:
            match = _SID.search(call.path)
            nodeid = self._forgotten.get(fax_id(match.group(1)) or "") if match else None
            if match and nodeid and call.status == 404:
                texts.append(
                    "{} was deleted after {}: --fax-keep=class, module or session keeps "
                    "faxes longer".format(match.group(1), nodeid)
                )
        return list(dict.fromkeys(texts))

    def _all(self) -> set[str]:
        return set().union(*self._kept.values())
