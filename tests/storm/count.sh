#!/bin/sh
# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
#
# count.sh MODE: a program for the exec driver whose answers are numbered from 1. MODE is steady,
# hung (owes each answer for ever), flapping (ends at the fourth) or lying (says a text where it
# promised a number).
mode=$1
n=0
read -r _ # hello
echo '{"define":{"path":"n","type":"int"}}'
echo '{"ready":{}}'
while read -r line; do
  case $line in
    '{"read":'*)
      n=$((n + 1))
      value=$n
      case $mode in
        hung) continue ;;
        flapping) [ "$n" -lt 4 ] || exit 1 ;;
        lying) value='"many"' ;;
      esac
      echo "{\"values\":{\"n\":$value}}"
      echo '{"read_done":{}}'
      ;;
    '{"stop":'*) exit 0 ;;
  esac
done
