# shellcheck shell=bash
# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
#
# Sensors as the kernel sees them, on a bus that is nothing but memory: an LM75 at 0x48, and a
# BMP280 at 0x76 that holds the example of its datasheet.

stub_bus() {
  local name
  for name in /sys/bus/i2c/devices/i2c-*/name; do
    if grep -q "SMBus stub" "$name"; then
      name=${name%/name}
      echo "${name##*/i2c-}"
      return
    fi
  done
  return 1
}

# lm75_shows CELSIUS: whole degrees. The chip's words come with their bytes swapped.
lm75_shows() { i2cset -y "$(stub_bus)" 0x48 0 "$(printf '0x00%02x' "$1")" w; }

load_sensors() {
  modprobe i2c-dev
  modprobe i2c-stub chip_addr=0x48,0x76
  local bus
  bus=$(stub_bus) || return 1
  lm75_shows 25
  # Highest and hysteresis temperature, as after power-on.
  i2cset -y "$bus" 0x48 2 0x004b w
  i2cset -y "$bus" 0x48 3 0x0050 w
  echo lm75 0x48 >"/sys/bus/i2c/devices/i2c-$bus/new_device"
}

# BST-BMP280-DS001, section 3.12 "Calculating pressure and temperature", the worked example:
# calibration from 0x88 on, then the raw values 519888 and 415148; it gives 25.08 °C and
# 100653.27 Pa.
load_bmp280() {
  local register=0x88 word bus
  bus=$(stub_bus) || return 1
  for word in 27504 26435 -1000 36477 -10685 3024 2855 140 -7 15500 -14600 6000; do
    word=$((word & 0xffff))
    i2cset -y "$bus" 0x76 $((register)) $((word & 0xff)) b
    i2cset -y "$bus" 0x76 $((register + 1)) $((word >> 8)) b
    register=$((register + 2))
  done
  i2cset -y "$bus" 0x76 0xd0 0x58 b
  set_raw 0xf7 415148
  set_raw 0xfa 519888
  modprobe bmp280-i2c
  echo bmp280 0x76 >"/sys/bus/i2c/devices/i2c-$bus/new_device"
}
set_raw() { # 20 bits, the highest first.
  i2cset -y "$bus" 0x76 "$1" $(($2 >> 12)) b
  i2cset -y "$bus" 0x76 $(($1 + 1)) $((($2 >> 4) & 0xff)) b
  i2cset -y "$bus" 0x76 $(($1 + 2)) $((($2 & 0xf) << 4)) b
}
