# shellcheck shell=bash
# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
#
# Made by packaging/completions/generate from what edgetwin-cloud says of itself.

_edgetwin_cloud() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command="" words="" kind="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${command:+$command }${COMP_WORDS[i]}" in
      "devices") command="devices" ;;
      "events") command="events" ;;
      "commands") command="commands" ;;
      "command") command="command" ;;
      "import") command="import" ;;
      "devices list") command="devices list" ;;
      "devices show") command="devices show" ;;
      "devices why") command="devices why" ;;
      "devices unfence") command="devices unfence" ;;
      "devices adopt") command="devices adopt" ;;
      "devices withdraw") command="devices withdraw" ;;
      "devices decommission") command="devices decommission" ;;
    esac
  done
  case $command in
    "")
      words="-h --help --broker --store --listen --token-file --port-file --runtime-dir --history-bytes-max --history-age-max --ca-file --certificate-file --key-file --username --password-file --debug --version devices events commands command import"
      case $previous in
        --broker) kind="text" ;;
        --store) kind="folder" ;;
        --listen) kind="text" ;;
        --token-file) kind="file" ;;
        --port-file) kind="file" ;;
        --runtime-dir) kind="folder" ;;
        --history-bytes-max) kind="text" ;;
        --history-age-max) kind="text" ;;
        --ca-file) kind="file" ;;
        --certificate-file) kind="file" ;;
        --key-file) kind="file" ;;
        --username) kind="text" ;;
        --password-file) kind="file" ;;
      esac
      ;;
    "devices")
      words="-h --help list show why unfence adopt withdraw decommission"
      ;;
    "devices list")
      words="-h --help --url --token-file --json"
      case $previous in
        --url) kind="text" ;;
        --token-file) kind="file" ;;
      esac
      ;;
    "devices show")
      words="-h --help --url --token-file --json"
      case $previous in
        --url) kind="text" ;;
        --token-file) kind="file" ;;
      esac
      ;;
    "devices why")
      words="-h --help --url --token-file --json"
      case $previous in
        --url) kind="text" ;;
        --token-file) kind="file" ;;
      esac
      ;;
    "devices unfence")
      words="-h --help --url --token-file --json"
      case $previous in
        --url) kind="text" ;;
        --token-file) kind="file" ;;
      esac
      ;;
    "devices adopt")
      words="-h --help --url --token-file --json"
      case $previous in
        --url) kind="text" ;;
        --token-file) kind="file" ;;
      esac
      ;;
    "devices withdraw")
      words="-h --help --url --token-file --json"
      case $previous in
        --url) kind="text" ;;
        --token-file) kind="file" ;;
      esac
      ;;
    "devices decommission")
      words="-h --help --url --token-file --json --yes"
      case $previous in
        --url) kind="text" ;;
        --token-file) kind="file" ;;
      esac
      ;;
    "events")
      words="-h --help --url --token-file --json --limit"
      case $previous in
        --url) kind="text" ;;
        --token-file) kind="file" ;;
        --limit) kind="text" ;;
      esac
      ;;
    "commands")
      words="-h --help --url --token-file --json --limit --open"
      case $previous in
        --url) kind="text" ;;
        --token-file) kind="file" ;;
        --limit) kind="text" ;;
      esac
      ;;
    "command")
      words="-h --help --url --token-file --json --expires-in --wait"
      case $previous in
        --url) kind="text" ;;
        --token-file) kind="file" ;;
        --expires-in) kind="text" ;;
      esac
      ;;
    "import")
      words="-h --help --url --token-file --json --receipt"
      [[ $current == -* ]] || kind="file"
      case $previous in
        --url) kind="text" ;;
        --token-file) kind="file" ;;
        --receipt) kind="file" ;;
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
complete -o filenames -F _edgetwin_cloud edgetwin-cloud
