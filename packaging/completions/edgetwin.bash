# shellcheck shell=bash
# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
#
# Made by packaging/completions/generate from what edgetwin says of itself.

_edgetwin() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command="" words="" kind="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${command:+$command }${COMP_WORDS[i]}" in
      "status") command="status" ;;
      "ls") command="ls" ;;
      "get") command="get" ;;
      "why") command="why" ;;
      "watch") command="watch" ;;
      "sync") command="sync" ;;
      "events") command="events" ;;
      "alarms") command="alarms" ;;
      "history") command="history" ;;
      "export") command="export" ;;
      "receipt") command="receipt" ;;
      "set") command="set" ;;
      "override") command="override" ;;
      "release") command="release" ;;
      "backup") command="backup" ;;
      "restore") command="restore" ;;
      "factory-reset") command="factory-reset" ;;
      "drivers") command="drivers" ;;
      "doctor") command="doctor" ;;
      "bundle") command="bundle" ;;
      "limits") command="limits" ;;
      "reload") command="reload" ;;
      "config") command="config" ;;
      "version") command="version" ;;
      "sync status") command="sync status" ;;
      "alarms ack") command="alarms ack" ;;
      "history gaps") command="history gaps" ;;
      "history audit") command="history audit" ;;
      "drivers scan") command="drivers scan" ;;
      "drivers probe") command="drivers probe" ;;
      "drivers test") command="drivers test" ;;
      "config check") command="config check" ;;
    esac
  done
  case $command in
    "")
      words="-h --help --version --socket -c --config --store -o --output --json --color status ls get why watch sync events alarms history export receipt set override release backup restore factory-reset drivers doctor bundle limits reload config version"
      case $previous in
        --socket) kind="file" ;;
        -c | --config) kind="file" ;;
        --store) kind="folder" ;;
        -o | --output) kind="one of table json" ;;
        --color) kind="one of auto always never" ;;
      esac
      ;;
    "status")
      words="-h --help"
      ;;
    "ls")
      words="-h --help"
      [[ $current == -* ]] || kind="property"
      ;;
    "get")
      words="-h --help -q --quiet"
      [[ $current == -* ]] || kind="property"
      ;;
    "why")
      words="-h --help"
      [[ $current == -* ]] || kind="property"
      ;;
    "watch")
      words="-h --help --for --count"
      [[ $current == -* ]] || kind="property"
      case $previous in
        --for) kind="text" ;;
        --count) kind="text" ;;
      esac
      ;;
    "sync")
      words="-h --help status"
      ;;
    "sync status")
      words="-h --help"
      ;;
    "events")
      words="-h --help --limit -f --follow --for --count"
      case $previous in
        --limit) kind="text" ;;
        --for) kind="text" ;;
        --count) kind="text" ;;
      esac
      ;;
    "alarms")
      words="-h --help ack"
      ;;
    "alarms ack")
      words="-h --help"
      [[ $current == -* ]] || kind="property"
      ;;
    "history")
      words="-h --help --from --to --points --table --csv gaps audit"
      [[ $current == -* ]] || kind="property"
      [[ $current == -* ]] || words="gaps audit"
      case $previous in
        --from) kind="text" ;;
        --to) kind="text" ;;
        --points) kind="text" ;;
      esac
      ;;
    "history gaps")
      words="-h --help"
      [[ $current == -* ]] || kind="property"
      ;;
    "history audit")
      words="-h --help"
      ;;
    "export")
      words="-h --help --since-last --from --to --path --force"
      [[ $current == -* ]] || kind="file"
      case $previous in
        --from) kind="text" ;;
        --to) kind="text" ;;
        --path) kind="property" ;;
      esac
      ;;
    "receipt")
      words="-h --help"
      [[ $current == -* ]] || kind="file"
      ;;
    "set")
      words="-h --help --for"
      [[ $current == -* ]] || kind="property"
      case $previous in
        --for) kind="text" ;;
      esac
      ;;
    "override")
      words="-h --help --for"
      [[ $current == -* ]] || kind="property"
      case $previous in
        --for) kind="text" ;;
      esac
      ;;
    "release")
      words="-h --help"
      [[ $current == -* ]] || kind="property"
      ;;
    "backup")
      words="-h --help --force"
      [[ $current == -* ]] || kind="file"
      ;;
    "restore")
      words="-h --help -y --yes"
      [[ $current == -* ]] || kind="file"
      ;;
    "factory-reset")
      words="-h --help --purge -y --yes"
      ;;
    "drivers")
      words="-h --help --kinds scan probe test"
      ;;
    "drivers scan")
      words="-h --help --root"
      case $previous in
        --root) kind="text" ;;
      esac
      ;;
    "drivers probe")
      words="-h --help --write --for"
      case $previous in
        --write) kind="text" ;;
        --for) kind="text" ;;
      esac
      ;;
    "drivers test")
      words="-h --help --for"
      [[ $current == -* ]] || kind="file"
      case $previous in
        --for) kind="text" ;;
      esac
      ;;
    "doctor")
      words="-h --help --root"
      case $previous in
        --root) kind="text" ;;
      esac
      ;;
    "bundle")
      words="-h --help --force --without-values"
      [[ $current == -* ]] || kind="file"
      ;;
    "limits")
      words="-h --help"
      ;;
    "reload")
      words="-h --help"
      ;;
    "config")
      words="-h --help check"
      ;;
    "config check")
      words="-h --help"
      [[ $current == -* ]] || kind="file"
      ;;
    "version")
      words="-h --help"
      ;;
  esac
  if [[ -n $command ]]; then
    words+=" -h --help --version --socket -c --config --store -o --output --json --color"
    case $previous in
        --socket) kind="file" ;;
        -c | --config) kind="file" ;;
        --store) kind="folder" ;;
        -o | --output) kind="one of table json" ;;
        --color) kind="one of auto always never" ;;
    esac
  fi
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
complete -o filenames -F _edgetwin edgetwin
