"""The rules of one city together: deadlines and the admission list, shipped or edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from triage.errors import InputError
from triage.rules.deadlines import DeadlineRules
from triage.rules.levels import AdmissionList
from triage.rules.warnings import WarningRules

RULES, PRESET = "TRIAGE_RULES", "TRIAGE_PRESET"
"""Variables: folder of edited files, and which rule set of deadlines.json holds."""

FILES = ("deadlines.json", "holidays.json", "admission.json", "channels.json", "warnings.json")
"""What such a folder may hold; for a file it lacks the shipped one is used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CityRules:
    """What a city decides for itself.

    Attributes:
        deadlines: Until when each step must be done.
        admission: What may go down to street, community and grid.
        warnings: When the level of an event rises.
    """

    deadlines: DeadlineRules
    admission: AdmissionList
    warnings: WarningRules = field(default_factory=WarningRules.load)

    @classmethod
    def load(cls, folder: Path | None = None, *, preset: str = "default") -> CityRules:
        """Read the rules.

        Args:
            folder: Holds any of `FILES`, edited; None: the shipped ones.
            preset: Rule set of deadlines.json.

        Raises:
            InputError: The folder or a file in it cannot be used.
        """
        return cls(
            deadlines=DeadlineRules.load(
                rules_file(folder, "deadlines.json"), preset=preset, holidays=rules_file(folder, "holidays.json")
            ),
            admission=AdmissionList.load(rules_file(folder, "admission.json")),
            warnings=WarningRules.load(rules_file(folder, "warnings.json")),
        )

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> CityRules:
        """Read the rules that the environment names: TRIAGE_RULES (folder) and TRIAGE_PRESET.

        Raises:
            InputError: They cannot be used.
        """
        return cls.load(rules_folder(environment), preset=environment.get(PRESET, "").strip() or "default")


def rules_folder(environment: Mapping[str, str]) -> Path | None:
    """Return the folder of edited rules that the environment names; None where the shipped ones hold.

    Raises:
        InputError: It is none, or holds none of `FILES`: the variable is most likely misspelt.
    """
    named = environment.get(RULES, "").strip()
    return checked_folder(Path(named)) if named else None


def checked_folder(folder: Path) -> Path:
    """Return a folder of edited rules.

    Raises:
        InputError: It holds none of `FILES`.
    """
    if not any((folder / name).is_file() for name in FILES):
        raise InputError(f"{RULES}={folder}：不是规则目录；其中应有 {'、'.join(FILES)} 中至少一个文件")
    return folder


def rules_file(folder: Path | None, name: str) -> Path | None:
    """Return an edited file; None where the folder has none."""
    path = folder / name if folder is not None else None
    return path if path is not None and path.is_file() else None
