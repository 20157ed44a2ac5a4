#!/bin/sh
# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
#
# A driver in shell: the machine's load, asked for once a period.
#
#   [drivers.load]
#   kind = "exec"
#   program = "/usr/local/lib/edgetwin/load.sh"
#   period = "10s"
#
# The agent writes one line of JSON a message. This driver tells them apart by their name alone.

while read -r line; do
  case $line in
    '{"hello":'*)
      echo '{"define":{"path":"1m","type":"double","decimals":2,"source":"/proc/loadavg"}}'
      echo '{"define":{"path":"processes","type":"int","source":"/proc/loadavg"}}'
      echo '{"ready":{}}'
      ;;
    '{"read":'*)
      if read -r one _ _ running _ </proc/loadavg; then
        echo "{\"values\":{\"1m\":$one,\"processes\":${running#*/}}}"
        echo '{"read_done":{}}'
      else
        echo '{"bad":["1m","processes"]}'
        echo '{"read_done":{"error":"/proc/loadavg cannot be read"}}'
      fi
      ;;
    '{"stop":'*)
      exit 0
      ;;
  esac
done
