"""Values that stand in a device's serial number or MAC address where the device has none, or shares it with others.

Letters and digits alone are compared, and case does not count. Sources:

- G: the black list that GLPI comes with (`src/Blacklist.php`: invalid serial, invalid MAC).
- O: the black lists that OCS Inventory NG comes with (`blacklist_serials`, `blacklist_macaddresses`).
- S: the names of systemd that are rubbish (`hwdb.d/20-dmi-id.hwdb`).
- D: the words of dmidecode and of the SMBIOS of common boards, where a field was never filled in (observed).
"""

from __future__ import annotations

import re

_SERIAL_NUMBERS = """
To be filled by O.E.M. | Default string | O.E.M. | OEM | System Serial Number | SystemSerialNumb | N/A
Serial Number xxxxxx | OEM_Serial | Not Specified | none | empty | Unknow | INVALID | (null string) | EVAL | IATPASS
Tulip Computers | SN-12345 | SN-1234567890 | SN-123456fvgv3i0b8o5n6n7k | SYS-1234567890 | SYS-9876543210 | MB-1234567890
12345 | 123456 | 1234567 | 12345678 | 123456789 | 1234567890 | 0123456789 | 123456789000 | 12345678901234567
Serial Number | Chassis Serial Number | Base Board Serial Number | BSN12345678901234567 | SSN12345678901234567
Not Available | Not Applicable | Not Present | Not Provided | Not Set | Unknown | Undefined | null | nil | To be filled
"""
"""The first four lines: G, O, S. The others: D."""

_MAC_ADDRESSES = """
20:41:53:59:4e:ff | 33:50:6f:45:30:30 | 50:50:54:50:30:30 | 24:b6:20:52:41:53 | 02:00:4e:43:50:49 | 02:80:37:ec:02:00
0a:00:27:00:00:00 | 00:50:56:c0:00:01 | 00:50:56:c0:00:08 | 00:a0:c6:00:00:00
e2:e6:16:20:0a:35 | d2:0a:2d:a0:04:be | d2:6b:25:2f:2c:e7 | 44:45:53:54:00:00 | 44:45:53:54:00:01 | 44:45:53:54:61:6f
"""
"""G, O: dial-up and VPN adapters, then VirtualBox, VMware and a modem, then others that many machines have."""

_NOT_COMPARED = re.compile(r"[\W_]+")


def compared(text: str) -> str:
    """The letters and digits of a value, without case: the form in which two values are compared."""
    return _NOT_COMPARED.sub("", text).casefold()


_KNOWN = frozenset(compared(each) for each in f"{_SERIAL_NUMBERS}|{_MAC_ADDRESSES}".replace("\n", "|").split("|"))


def is_placeholder(text: str) -> bool:
    """True for an empty value, a known placeholder, and one character that is repeated: `000000`, `XXXX`, `FF:FF…`."""
    found = compared(text)
    if found in _KNOWN or found.strip("0") == "" or found.strip("1") == "":
        return True
    return len(found) > 3 and len(set(found)) == 1
