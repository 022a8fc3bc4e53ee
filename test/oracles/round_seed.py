"""The recorded randomness of a round: commitments, aggregation seeds and cohort draws, pinned in round_seed.json for the
tests of shared/protocol/round-seed.ts and server/admission/select-cohort.ts, and for verifiers in other languages.

Written from the documents: canonical JSON by json.dumps with sorted keys (RFC 8785; only ASCII and whole numbers occur);
a client's rank is SHA-256 over the 32 bytes of the seed and the 32 bytes of its id. The draw takes the client of lowest
rank among those whose organisation has a place left, again and again, where the coordinator sorts once and passes over.
Run with Python 3.11, no packages:  python3 test/oracles/round_seed.py > test/oracles/round_seed.json
"""
import hashlib
import json


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def commitment(federation, round_number, seed):
    return digest(canonical({"domain": "muster/round-seed/v1", "federation": federation, "round": round_number, "seed": seed}))


def aggregation_seed(seed, updates):
    return digest(canonical({"domain": "muster/aggregation-seed/v1", "seed": seed, "updates": sorted(updates)}))


def rank(seed, client):
    return hashlib.sha256(bytes.fromhex(seed) + bytes.fromhex(client)).digest()


def draw(eligible, size, cap, seed):
    left, cohort = list(eligible), []
    while len(cohort) < size:
        taken = [client["organisation"] for client in cohort]
        open_to = [client for client in left if cap is None or taken.count(client["organisation"]) < cap]
        if not open_to:
            break
        first = min(open_to, key=lambda client: rank(seed, client["id"]))
        left.remove(first)
        cohort.append(first)
    return sorted(client["id"] for client in cohort)


def clients(count, organisations, label):
    return [
        {"id": digest(f"{label}/client/{i}"), "organisation": f"org-{(i * i + i // 3) % organisations}"}
        for i in range(count)
    ]


def cohort_row(case):
    count, organisations, size, cap = case
    label = "/".join(map(str, case))
    eligible, seed = clients(count, organisations, label), digest(f"{label}/seed")
    return {
        "eligible": eligible,
        "size": size,
        "maxPerOrganisation": cap,
        "seed": seed,
        "cohort": draw(eligible, size, cap, seed),
    }


COHORTS = [(12, 4, 5, None), (12, 4, 5, 1), (12, 4, 5, 2), (5, 2, 9, None), (9, 2, 9, 3), (30, 7, 10, 2), (0, 1, 3, 1)]

if __name__ == "__main__":
    commitments, seeds = [], []
    for number, federation in [(1, "demo"), (2, "demo"), (1, "wards"), (100000, "a-b-9")]:
        seed = digest(f"{federation}/{number}")
        updates = [digest(f"{federation}/{number}/update/{i}") for i in range(number % 7)]
        commitments.append({"federation": federation, "round": number, "seed": seed,
                            "commitment": commitment(federation, number, seed)})
        seeds.append({"seed": seed, "updates": updates, "aggregationSeed": aggregation_seed(seed, updates)})
    seeds.append({"seed": "00" * 32, "updates": [], "aggregationSeed": aggregation_seed("00" * 32, [])})
    cohorts = [cohort_row(case) for case in COHORTS]
    print(json.dumps({"commitments": commitments, "aggregationSeeds": seeds, "cohorts": cohorts}, indent=1))
