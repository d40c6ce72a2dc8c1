"""`jurat verify`: check a certificate again, without a solver."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jurat.server.cli.shell import Exit, Refused, complain, console, load_policy, not_empty, policy_argument, working
from jurat.server.cli.streams import write_json

if TYPE_CHECKING:
    from jurat.policies import PolicyGraph
    from jurat.policies.obligations import Claim

MAX_BYTES = 256 * 1024 * 1024

EPILOG = """\b
Examples:
  jurat check policy/ --certificate out.jurat    write a certificate
  jurat verify out.jurat policy/                 check it again

\b
Exit status:
  0  verified: every claim that the policy needs is shown, or refuted and allowed by the author
  1  refused, with the reason; or the certificate is right and shows that the policy has conflicts
  2  the certificate or the policy cannot be read
  3  undecided: some claims were not decided, or only cvc5 could check them again and it is not installed or did not
"""
STATUS = {"verified": Exit.PASSED, "refuted": Exit.FINDINGS, "undecided": Exit.UNDECIDED}


@click.command(short_help="Check a certificate again, without a solver.", epilog=EPILOG)
@click.argument("certificate", type=click.Path(readable=False), callback=not_empty)
@policy_argument
@click.option("--allow-unchecked", is_flag=True, help="Do not mind claims that only a second solver could check again.")
@click.option(
    "--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", help="For people or programs."
)
def verify(certificate: str, path: str, allow_unchecked: bool, form: str) -> int:
    """Check that CERTIFICATE shows the policy at PATH to be free of conflict.

    The checker reads the policy, lists what has to be shown, and follows each derivation itself; it uses neither Z3 nor
    the solver that wrote the certificate. Claims that need arithmetic between facts are put to cvc5, if it is installed.
    """
    from jurat.policies.certificate import CertificateRefused
    from jurat.policies.checker import verify as check_again
    from jurat.server.verification import Verification, as_json, render

    data = _read(certificate)
    graph = load_policy(path)
    try:
        with working(f"checking {certificate}"):
            header, found = check_again(data, graph)
            result = Verification(graph, header, _asked_again(graph, found, allow_unchecked))
    except CertificateRefused as reason:
        if form == "json":
            write_json({"status": "refused", "policy": graph.digest, "reason": str(reason)}, indent=2)
        complain(f"`{certificate}` is refused: {reason}")
        return Exit.FINDINGS
    if form == "json":
        write_json(as_json(result), indent=2)
    else:
        console().print(render(result, certificate), end="")
    return STATUS[result.status]


def _read(path: str) -> bytes:
    file = Path(path)
    if file.is_file() and file.stat().st_size > MAX_BYTES:
        raise Refused(f"`{path}` has more than {MAX_BYTES // 1024**2} MiB, which no certificate has")
    return file.read_bytes()


def _asked_again(graph: PolicyGraph, found: dict[str, list[Claim]], allow: bool) -> dict[str, list[Claim]]:
    """What two solvers said, where cvc5 says it too; the rest is unchecked, unless that is allowed."""
    from jurat.policies.certificate import CertificateRefused
    from jurat.solver.certificates.second import available, second_opinions

    wanted = {claim: kind for kind in ("two-solver", "two-solver-refuted") for claim in found.get(kind, ())}
    answers = dict(second_opinions(graph, wanted)) if wanted and available() else {}
    result = defaultdict(list, {kind: claims for kind, claims in found.items() if kind not in wanted.values()})
    for claim, kind in wanted.items():
        answer, expected = answers.get(claim, "unknown"), "unsat" if kind == "two-solver" else "sat"
        if answer not in ("unknown", expected):
            raise CertificateRefused(f"cvc5 contradicts what it says of `{': '.join(claim)}`")
        unchecked = "allowed-unchecked" if allow and kind == "two-solver" else "unchecked"
        result[kind if answer == expected else unchecked].append(claim)
    return result
