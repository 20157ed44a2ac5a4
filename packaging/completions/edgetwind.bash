# shellcheck shell=bash
# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
#
# Made by packaging/completions/generate from what edgetwind says of itself.

_edgetwind() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command="" words="" kind=""
  case $command in
    "")
      words="-h --help -c --config --debug --version"
      case $previous in
        -c | --config) kind="file" ;;
      esac
      ;;
  esac
  case $kind in
    file) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    folder) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    property)
      [[ $words != -* ]] || words=""
      words+=" $(edgetwin ls 2>/dev/null | awk 'NR > 1 { print $1 }')"
      mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
      ;;
    "one of "*)
      mapfile -t COMPREPLY < <(compgen -W "${kind#one of }" -- "$current")
      ;;
    text) COMPREPLY=() ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current") ;;
  esac
}
complete -o filenames -F _edgetwind edgetwind
