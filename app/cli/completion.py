"""`synaptic-tui completion`: the script with which a shell completes commands, options and names."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

PROGRAM = "synaptic-tui"
VARIABLE = "_SYNAPTIC_TUI_COMPLETE"


class _Bash(BashComplete):
    """Click's own, but for words with colons in them: addresses, URLs and models.

    Bash splits those, and replaces only what stands behind the last colon.
    """

    source_template = r"""
%(complete_func)s() {
    local -a words; local word cut response completion type value
    IFS=$' \t' read -ra words <<< "${COMP_LINE:0:COMP_POINT}"
    [[ ${COMP_LINE:0:COMP_POINT} == *[[:blank:]] ]] && words+=('')
    word=${words[-1]}
    [[ $word == -*=* ]] && word=${word#*=}
    [[ $COMP_WORDBREAKS == *:* ]] && cut=${word%%"${word##*:}"}

    response=$(env COMP_WORDS="$(printf '%%s\n' "${words[@]}")" COMP_CWORD=$((${#words[@]} - 1)) \
        %(complete_var)s=bash_complete "$1")

    COMPREPLY=()
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$cut"}") ;;
        esac
    done <<< "$response"
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


SHELLS = {"bash": _Bash, "zsh": ZshComplete, "fish": FishComplete}


@click.command()
@click.argument("shell", type=click.Choice(tuple(SHELLS)))
def completion(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash: synaptic-tui completion bash > ~/.local/share/bash-completion/completions/synaptic-tui
    zsh:  synaptic-tui completion zsh > "${fpath[1]}/_synaptic-tui"
    fish: synaptic-tui completion fish > ~/.config/fish/completions/synaptic-tui.fish
    """  # noqa: D301  click wants the character itself
    from app.cli.group import synaptic_tui

    click.echo(SHELLS[shell](synaptic_tui, {}, PROGRAM, VARIABLE).source())
