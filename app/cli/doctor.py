"""`synaptic-tui doctor`."""

from __future__ import annotations

import click

from app.cli.options import ClusterOptions, cluster_options
from app.cli.output import emphasised, json_option, print_json
from app.cli.running import run
from app.cli.session import open_cluster
from app.core.checkup import Finding, Verdict, examine

_COLOURS = {Verdict.GOOD: "green", Verdict.NOTE: "yellow", Verdict.FAULT: "red"}


@click.command()
@json_option
@cluster_options
def doctor(options: ClusterOptions, as_json: bool) -> int:
    """Check engine, ports, folders, models, backends and nodes; each fault comes with its remedy.

    Exits 1 where something is at fault.
    """
    return run(_doctor(options, as_json=as_json))


async def _doctor(options: ClusterOptions, *, as_json: bool) -> int:
    findings: list[Finding] = []
    async with open_cluster(options) as cluster:
        async for finding in examine(cluster):
            findings.append(finding)
            if not as_json:
                _print(finding)
    if as_json:
        forms = [
            {"topic": f.topic, "verdict": str(f.verdict), "text": f.text, "remedy": f.remedy or None}
            for f in findings
        ]
        print_json({"findings": forms})
    return int(any(finding.verdict is Verdict.FAULT for finding in findings))


def _print(finding: Finding) -> None:
    emphasised(f"{finding.verdict:<5}  {finding.topic:<11}  {finding.text}", fg=_COLOURS[finding.verdict])
    if finding.remedy:
        click.echo(f"{'':<5}  {'':<11}  {finding.remedy}")
