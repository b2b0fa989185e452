"""Check digits and plausibility of resident identity numbers and bank cards."""

from __future__ import annotations

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_PROVINCES = frozenset(
    str(code)
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83))
    for code in range(first, last + 1)
)
_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def id_checksum_holds(number: str) -> bool:
    """Check the last character of an 18-character number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    return _CHECK[total % 11] == number[17].upper()


def id_is_plausible(number: str) -> bool:
    """Say whether province and birth date of a 15- or 18-character number can exist (birth years 1900-2029)."""
    if number[:2] not in _PROVINCES:
        return False
    if len(number) == 18:
        if not "1900" <= number[6:10] <= "2029":
            return False
        month, day = int(number[10:12]), int(number[12:14])
    else:
        month, day = int(number[8:10]), int(number[10:12])
    return 1 <= month <= 12 and 1 <= day <= _MONTH_DAYS[month - 1]


def luhn_holds(digits: str) -> bool:
    """Check a card number with the Luhn formula (ISO/IEC 7812-1)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
