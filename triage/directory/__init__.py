"""The directory of units (承办单位名录): who is responsible for what, where and since when."""

from __future__ import annotations

from triage.directory.areas import Area, AreaTree
from triage.directory.directory import Directory
from triage.directory.unit import Unit

__all__ = ["Area", "AreaTree", "Directory", "Unit"]
