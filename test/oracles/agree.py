"""Whether two JSON files say the same: numbers within 1e-9 of each other, all else exactly.

Linear algebra libraries choose their kernels by the processor, so that the last bits of an oracle's figures are a machine's own.
    python3 test/oracles/agree.py PINNED FOUND
Prints the first places that differ and exits 1 where there are any.
"""
import json
import math
import sys


def differences(pinned, found, path="$"):
    if isinstance(pinned, dict) and isinstance(found, dict) and pinned.keys() == found.keys():
        for key in pinned:
            yield from differences(pinned[key], found[key], f"{path}.{key}")
    elif isinstance(pinned, list) and isinstance(found, list) and len(pinned) == len(found):
        for i, pair in enumerate(zip(pinned, found)):
            yield from differences(*pair, f"{path}[{i}]")
    elif is_figure(pinned) and is_figure(found):
        if not math.isclose(pinned, found, rel_tol=1e-9, abs_tol=1e-9):
            yield f"{path}: pinned {pinned}, found {found}"
    elif pinned != found:
        yield f"{path}: pinned {str(pinned)[:80]}, found {str(found)[:80]}"


def is_figure(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


if __name__ == "__main__":
    pinned, found = (json.load(open(path)) for path in sys.argv[1:3])
    differing = list(differences(pinned, found))
    print("\n".join(differing[:10]), end="\n" if differing else "")
    sys.exit(1 if differing else 0)
