# shellcheck shell=bash
# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
#
# What the scenarios are written with. They run as root in the rig's machine.

passed=0
failed=0
device=rig-1
# The hwmon driver's name of the LM75's temperature.
lm75=hwmon/lm75_1-0048/temp1
cloud=http://127.0.0.1:8080/v1/twins/$device

# claim TEXT COMMAND…: one test.
claim() {
  local text=$1 output
  shift
  if output=$("$@" 2>&1); then
    passed=$((passed + 1))
    printf 'ok: %s\n' "$text"
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\n  %s\n  %s\n' "$text" "$*" "${output//$'\n'/$'\n  '}"
  fi
}
measured() { printf 'measured: %s\n' "$*"; }
refuse() { ! "$@"; }
# shows PART COMMAND…: PART is in its output.
shows() {
  local part=$1 got
  shift
  got=$("$@" 2>&1)
  [[ $got == *"$part"* ]] || {
    printf 'no %q in %q\n' "$part" "$got"
    return 1
  }
}
# until SECONDS COMMAND…: looks again and again; other processes tell nobody when they are done.
until_true() {
  local end=$((SECONDS + $1)) output
  shift
  while ! output=$("$@" 2>&1); do
    if ((SECONDS >= end)); then
      printf '%s\n' "$output"
      return 1
    fi
    read -rt 0.2 <> <(:) || true
  done
}
as() {
  local user=$1
  shift
  runuser -u "$user" -- "$@"
}
# How long the last stop took, as systemd saw it, in milliseconds.
stop_took() {
  local from to
  from=$(systemctl show -P ActiveExitTimestampMonotonic edgetwind)
  to=$(systemctl show -P InactiveEnterTimestampMonotonic edgetwind)
  echo $(((to - from) / 1000))
}
# since TIME: milliseconds that have passed since then, an $EPOCHREALTIME.
since() { echo $(((${EPOCHREALTIME/./} - ${1/./}) / 1000)); }

install_packages() {
  apt-get -q install -y /packages/edgetwin_*.deb /packages/edgetwin-cloud_*.deb
}
active() { systemctl -q is-active edgetwind; }
main_pid() { systemctl show -P MainPID edgetwind; }
restarts() { systemctl show -P NRestarts edgetwind; }
live() { shows '"state":"live"' eval 'edgetwin --json sync status | tr -d " \n"'; }
# How far the agent is: its newest revision.
revision() {
  edgetwin --json status | tr -d ' \n' | grep -o '"revision":[0-9]*' | head -n 1 | cut -d : -f 2
}
moves() {
  local before
  before=$(revision) || return 1
  until_true 30 newer "$before"
}
newer() { (($(revision) > $1)); }
reported() { curl -sf "$cloud/properties/$1" | tr -d ' \n'; }
# cloud_has PATH VALUE: within half a minute.
cloud_has() { until_true 30 shows "\"value\":$2" reported "$1"; }
trouble() { shows "$1" edgetwin --json status; }
no_trouble() { refuse trouble "$1"; }
unit_drop_in() { # unit_drop_in LINE…
  mkdir -p /run/systemd/system/edgetwind.service.d
  {
    echo '[Service]'
    printf '%s\n' "$@"
  } >/run/systemd/system/edgetwind.service.d/rig.conf
  systemctl daemon-reload
}
no_drop_in() {
  rm -rf /run/systemd/system/edgetwind.service.d
  systemctl daemon-reload
}
# A small disk of its own for the store, so that it can be full or read-only and nothing else is.
own_medium() { # own_medium MEGABYTES
  systemctl stop edgetwind
  truncate -s "$1M" /store.ext4
  mke2fs -q -t ext4 /store.ext4
  mount -o loop /store.ext4 /var/lib/edgetwin
  chown edgetwin:edgetwin /var/lib/edgetwin
  chmod 750 /var/lib/edgetwin
  rm -rf /var/lib/edgetwin/lost+found
  systemctl start edgetwind
}
no_own_medium() {
  systemctl stop edgetwind
  umount /var/lib/edgetwin
  rm -f /store.ext4
  systemctl start edgetwind
}
tell() {
  printf '%d passed, %d failed\n' "$passed" "$failed"
  ((failed == 0))
}
