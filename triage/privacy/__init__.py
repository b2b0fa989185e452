"""Personal data in appeals: finding it and putting tokens such as ``[手机号]`` in its place."""

from triage.privacy.masking import MaskedText, find_personal_data, mask
from triage.privacy.spans import MaskSpan

__all__ = ["MaskSpan", "MaskedText", "find_personal_data", "mask"]
