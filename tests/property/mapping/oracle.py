"""The rules, interpreted: slow and plain, with jsonpath-ng's `find`, from the same data that the YAML holds."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from datetime import time as midnight
from fractions import Fraction
from io import BytesIO
from math import floor
from operator import ge, gt, le, lt
from typing import Any
from zoneinfo import ZoneInfo

from proofport.errors import UsageError
from proofport.mapping.compile.functions import MISSING
from proofport.sources.csv_rows import CsvReader
from proofport.sources.reader import Malformed
from proofport.sources.stream import Stream

from .reference import Refusal, find, many, met_empty_array, one, parse, some, without_nothing


def text(value: Any) -> str:
    if isinstance(value, list | dict):
        raise Refusal
    return value if isinstance(value, str) else json.dumps(value)


def same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return type(left) not in (list, dict) and left == right


def evaluate(rule: Any, record: Any) -> Any:
    """What a rule makes of a record: a value, null, or MISSING. Raises Refusal."""
    if isinstance(rule, str):
        return one(rule, record)
    value = always(rule, record) if "when" not in rule or holds(rule["when"], record) else MISSING
    if rule.get("required") and value is MISSING:
        raise Refusal
    return value


def always(rule: dict[str, Any], record: Any) -> Any:
    value = source(rule, record)
    if value is not MISSING and value is not None:
        value = changed(rule, value)
    if value is None and "if_null" in rule:
        value = rule["if_null"]
    if value is MISSING and "default" in rule:
        value = rule["default"]
    return value


def changed(rule: dict[str, Any], value: Any) -> Any:
    """The steps on text, then the table or conversion, of each item where the text was split."""
    for step in ("trim", "sub", "lower"):
        if step in rule and value is not MISSING:
            value = on_text(step, rule[step], value)
    if value is MISSING:
        return MISSING
    if "split" not in rule:
        return converted(rule, value)
    if not isinstance(value, str):
        raise Refusal
    items = without_nothing([item.strip() for item in value.split(rule["split"]) if item.strip()])
    return [made for made in (converted(rule, item) for item in items) if made is not MISSING] or MISSING


def on_text(step: str, operand: Any, value: Any) -> Any:
    if isinstance(value, list | dict) or (step == "sub" and not isinstance(value, str)):
        raise Refusal
    if not isinstance(value, str):
        return value
    if step != "sub":
        return value.strip() if step == "trim" else value.lower()
    if re.search(operand["pattern"], value):
        return re.sub(operand["pattern"], operand["with"], value)
    if operand["unmatched"] == "reject":
        raise Refusal
    return value if operand["unmatched"] == "keep" else MISSING


def converted(rule: dict[str, Any], value: Any) -> Any:
    if "table" in rule:
        return look_up(list(rule["table"].items()), value, rule)
    if "true" in rule:
        entries = [(each, True) for each in rule["true"]] + [(each, False) for each in rule["false"]]
        return look_up(entries, value, rule)
    if rule.get("as") in ("date", "datetime"):
        return time(rule, value)
    return convert(rule["as"], value) if "as" in rule else value


def source(rule: dict[str, Any], record: Any) -> Any:
    if "value" in rule:
        return rule["value"]
    if "fields" in rule:
        made = {name: evaluate(inner, record) for name, inner in rule["fields"].items()}
        kept = {name: value for name, value in made.items() if value is not MISSING}
        return kept or MISSING
    if "first_of" in rule:
        for inner in rule["first_of"]:
            value = evaluate(inner, record)
            if value is not MISSING and value is not None:
                return value
        return MISSING
    if "template" in rule:
        return template(rule["template"], record)
    if "entries" in rule or "decode" in rule:
        return opened(rule, record)
    if not ({"all", "each", "join"} & set(rule)):
        return one(rule["path"], record)
    return listed(rule, many(rule["path"], record), record)


def listed(rule: dict[str, Any], values: Any, record: Any) -> Any:
    if values is MISSING:
        return MISSING
    if "each" in rule:
        values = [value for value in (evaluate(rule["each"], item) for item in values) if value is not MISSING]
    if "join" in rule:
        return rule["join"].join([text(value) for value in values if value is not None])
    return values


def opened(rule: dict[str, Any], record: Any) -> Any:
    """What a path selects in what it opens: the members of objects as pairs, or what text stands for."""
    decoded = rule.get("decode", [])
    forms = [decoded] if isinstance(decoded, str) else decoded
    steps = [*forms, *(["text"] if forms[-1:] == ["base64"] else []), *(["entries"] if "entries" in rule else [])]
    values, met = without_nothing(find(rule["path"], record)), met_empty_array(parse(rule["path"]), record)
    for step in steps:
        lists = [open_one(step, value) for value in values]
        met = met or any(each == [] for each in lists)
        values = without_nothing([item for each in lists for item in each or []])
    if "then" in rule:
        met = met or any(met_empty_array(parse(rule["then"]), value) for value in values)
        values = without_nothing([item for value in values for item in find(rule["then"], value)])
    if {"all", "each", "join"} & set(rule) or ("then" not in rule and steps[-1] in ("csv", "entries")):
        return listed(rule, values or ([] if met else MISSING), record)
    if len(values) > 1:
        raise Refusal
    return values[0] if values else MISSING


def open_one(step: str, value: Any) -> list[Any] | None:
    """The values that a step makes of one value. None: it has none, and is no empty list either."""
    if value is None:
        return None if step in ("csv", "entries") else [None]
    if step == "entries":
        if not isinstance(value, dict):
            raise Refusal
        return [{"key": key, "value": member} for key, member in value.items()]
    if not isinstance(value, str | bytes):
        raise Refusal
    content = value.encode() if isinstance(value, str) else value
    try:
        match step:
            case "json":
                return [json.loads(content)]
            case "base64":
                return [base64.b64decode(b"".join(content.split()), validate=True)]
            case "text":
                return [content.decode()]
            case _:
                return rows(content.decode())
    except ValueError:
        raise Refusal from None


def rows(text: str) -> list[Any]:
    """As the reader of CSV files gives them."""
    try:
        reader = CsvReader(Stream(BytesIO(text.encode()), "text", owned=True))
        found = [row for _, row in reader]
    except UsageError:
        raise Refusal from None
    if any(isinstance(row, Malformed) for row in found):
        raise Refusal
    return found


def template(parts: list[str], record: Any) -> Any:
    """`parts`: texts and paths in turn, as the generator joined them."""
    values = [one(part, record) if index % 2 else part for index, part in enumerate(parts)]
    if any(value is MISSING or value is None for value in values):
        return MISSING
    return "".join(map(text, values))


def look_up(entries: list[tuple[Any, Any]], value: Any, rule: dict[str, Any]) -> Any:
    unknown = rule["unknown"]
    if isinstance(value, list | dict):
        raise Refusal
    for key, becomes in entries:
        if same(small(key), small(value)) if "fold" in rule else same(key, value):
            return becomes
    if unknown == "reject":
        raise Refusal
    return {"omit": MISSING, "keep": value}[unknown] if isinstance(unknown, str) else unknown["value"]


def small(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def stands(value: Any, condition: dict[str, Any]) -> bool:
    """Of a number, or text of one."""
    try:
        it = number("number", value)
    except Refusal:
        return False
    [(word, bound)] = [(word, condition[word]) for word in COMPARISONS if word in condition]
    return bool(COMPARISONS[word](it, bound))


COMPARISONS = {"above": gt, "below": lt, "at_least": ge, "at_most": le}


def holds(condition: dict[str, Any], record: Any) -> bool:
    if "all" in condition or "any" in condition:
        inner = [holds(each, record) for each in condition.get("all") or condition["any"]]
        return (all(inner) if "all" in condition else any(inner)) is not condition.get("not", False)
    if "present" in condition:
        found = some(condition["path"], record)
    else:
        value = one(condition["path"], record)
        if "null" in condition:
            found = value is None
        elif set(COMPARISONS) & set(condition):
            found = stands(value, condition)
        else:
            wanted = condition["in"] if "in" in condition else [condition["is"]]
            if condition.get("fold"):
                wanted, value = [small(each) for each in wanted], small(value)
            found = value is not MISSING and any(same(each, value) for each in wanted)
    return found is not condition.get("not", False)


def convert(kind: str, value: Any) -> Any:
    if kind == "string":
        return text(value)
    if kind == "bool":
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise Refusal
    return number(kind, value)


def time(rule: dict[str, Any], value: Any) -> str:
    """By the first form of `from:` that a value has; the date as it is written, or the moment in UTC."""
    forms = rule.get("from", ["iso"])
    found = next((each for each in (form_of(form, value) for form in forms) if each is not None), None)
    zone = ZoneInfo(rule["zone"]) if "/" in rule.get("zone", "") else OFFSETS.get(rule.get("zone", ""))
    if found is None:
        raise Refusal
    moment, plain = found
    if rule["as"] == "date":
        return (moment.astimezone(zone) if zone and moment.tzinfo else moment).date().isoformat()
    if plain:
        if "at" not in rule:
            raise Refusal
        moment = moment.replace(tzinfo=zone or UTC) + timedelta(seconds=0 if rule["at"] == "00:00" else 86399)
    elif moment.tzinfo is None:
        if zone is None:
            raise Refusal
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


OFFSETS = {"UTC": UTC, "-05:30": timezone(-timedelta(hours=5, minutes=30))}
FORMATS = {"rfc1123": "%a, %d %b %Y %H:%M:%S %z", "%d/%m/%Y": "%d/%m/%Y", "%Y-%m-%d %H:%M:%S": "%Y-%m-%d %H:%M:%S"}


def form_of(form: str, value: Any) -> tuple[datetime, bool] | None:
    """The moment, and true if it is a plain date. Knows the spellings that `hostile` makes."""
    if form.startswith("epoch"):
        number = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        if not isinstance(number, str) or not re.fullmatch(r"-?[0-9]{1,17}(\.[0-9]*)?", number):
            return None
        return since_1970(Fraction(number) / (1000 if form == "epoch_ms" else 1))
    if not isinstance(value, str):
        return None
    if form == "json_date":
        number = value.removeprefix("/Date(").removesuffix(")/")
        return since_1970(Fraction(number) / 1000) if len(value) == len(number) + 8 and number.isdigit() else None
    try:
        if form != "iso":
            return datetime.strptime(value, FORMATS[form]), form == "%d/%m/%Y"  # noqa: DTZ007
        if value.isdigit() and len(value) != 8:
            return None
        if len(value) <= 10:
            return datetime.combine(date.fromisoformat(value), midnight()), True
        if re.fullmatch(r"[0-9]{14}[Zz]", value):
            return datetime.strptime(value.upper(), "%Y%m%d%H%M%S%z"), False
        return datetime.fromisoformat(value.replace("z", "Z")), False
    except ValueError:
        return None


def since_1970(seconds: Fraction) -> tuple[datetime, bool] | None:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=floor(seconds * 1_000_000)), False
    except OverflowError:
        return None


def number(kind: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Refusal
    if isinstance(value, str):
        if re.fullmatch(r"[-+]?[0-9]+", value):
            return int(value)
        if kind == "int" or not re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", value):
            raise Refusal
        return float(value)
    if kind == "int" and isinstance(value, float):
        if not value.is_integer():
            raise Refusal
        return int(value)
    return value
